"""What is refused, in what people write and in what the agent says: by a list of words, and by a server that judges.

Nothing of a text that is refused is kept. A server that does not answer is not asked again for a while; whether
texts pass meanwhile is a setting.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import Enum

from bot.errors import ModelError
from bot.language import gettext, marked
from bot.ports import Clock, Moderator

log = logging.getLogger(__name__)

_REST = timedelta(seconds=60)  # that a server is left alone which did not answer
_WORDLESS = re.compile(r"[\u3041-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")  # scripts without spaces between words
HEARD = marked("I may not talk about that here. I have let your message go: it is kept nowhere.")
SAID = marked("I had an answer to that, but I may not give it here.")
UNJUDGED = marked(
    "I cannot check messages at the moment, and may not answer without. Please try again later."
)


class Verdict(Enum):
    PASSES = "passes"
    REFUSED = "refused"
    UNJUDGED = "unjudged"  # nobody could say, and that is not enough


def why_not(verdict: Verdict) -> str:
    """What is told to whoever wrote a text that does not pass."""
    return gettext(HEARD if verdict is Verdict.REFUSED else UNJUDGED)


class Refusing:
    """``when_down`` tells what becomes of texts while the moderator does not answer: True, they pass."""

    def __init__(
        self,
        words: Collection[str],
        moderator: Moderator | None,
        clock: Clock,
        *,
        timeout_s: float = 5.0,
        when_down: bool = True,
        heard: bool = True,
        said: bool = True,
    ) -> None:
        self._words = _pattern(words)
        self._moderator = moderator
        self._clock = clock
        self._timeout_s = timeout_s
        self._when_down = when_down
        active = self._words is not None or moderator is not None
        self.hears, self.says = heard and active, said and active
        self._rests_until: datetime | None = None

    def forbids(self, text: str) -> bool:
        """Whether one of the words is in it."""
        return self._words is not None and self._words.search(_plain(text)) is not None

    async def heard(self, *texts: str) -> Verdict:
        """Whether what a person wrote may be answered, and kept."""
        return await self._of("\n".join(filter(None, texts))) if self.hears else Verdict.PASSES

    async def said(self, *texts: str) -> Verdict:
        """Whether what the agent says may be sent."""
        return await self._of("\n".join(filter(None, texts))) if self.says else Verdict.PASSES

    async def _of(self, text: str) -> Verdict:
        if not text.strip():
            return Verdict.PASSES
        if self.forbids(text):
            return Verdict.REFUSED
        if self._moderator is None:
            return Verdict.PASSES
        down = Verdict.PASSES if self._when_down else Verdict.UNJUDGED
        if self._rests_until is not None and self._clock.now() < self._rests_until:
            return down
        try:
            async with self._clock.timeout(self._timeout_s):
                flagged = await self._moderator.flagged(text)
        except (ModelError, TimeoutError) as error:
            self._rests_until = self._clock.now() + _REST
            told = "pass unjudged" if self._when_down else "are refused"
            log.warning(
                "[safety.moderation] does not answer; for a minute texts %s: %s", told, error or "too slow"
            )
            return down
        self._rests_until = None
        return Verdict.REFUSED if flagged else Verdict.PASSES


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _pattern(words: Collection[str]) -> re.Pattern[str] | None:
    """What finds any of them, as a word of its own where words are parted from each other."""
    found = []
    for word in sorted(
        filter(None, (" ".join(_plain(word).split()) for word in words)), key=len, reverse=True
    ):
        written = r"\s+".join(map(re.escape, word.split(" ")))
        found.append(written if _WORDLESS.search(word) else rf"(?<!\w){written}(?!\w)")
    return re.compile("|".join(found)) if found else None
