"""What a person, or a program of theirs, writes into their own memory: every way in asks here before it is kept."""

from __future__ import annotations

from bot.errors import Refused, Unjudged
from bot.safety.masking import Masking, aside
from bot.safety.refusing import Refusing, Verdict, why_not
from memory.records import User


class Writing:
    def __init__(self, masking: Masking, refusing: Refusing) -> None:
        self._masking, self._refusing = masking, refusing

    async def kept(self, user: User, text: str) -> str:
        """The text as it is kept: without secrets, but of who insists. Raises `Refused`; of a text that nobody can
        judge just now, and which may not be kept without, `Unjudged`."""
        text = await aside(len(text), self._masking.text, user, text)
        verdict = await self._refusing.heard(text)
        if verdict is not Verdict.PASSES:
            raise (Unjudged if verdict is Verdict.UNJUDGED else Refused)(why_not(verdict))
        return text
