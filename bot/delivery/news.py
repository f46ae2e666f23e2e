"""What a beat is told: what was said since the last one, and which own notes may say otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.agent.tools.ids import id_of
from bot.agent.window import Window
from bot.people.identities import Identity
from memory.archival import Archival
from memory.ports import Store
from memory.records import Beat, Lines, Message, Passage, Role, readable_from
from memory.search.sureness import SURE
from memory.search.terms import query_terms

_LINES = 400  # that are looked at
_TOKENS = 900  # of them that one beat is told; the rest is for the next
_LONGEST = 450  # tokens of one line; a longer one is cut
_RELATED_TOKENS = 50  # of one line
_ABOUT = 8  # messages, the newest, that notes are held against
_EACH = 3  # notes that are looked at for one message
_RELATED = 8


class News:
    def __init__(self, store: Store, archival: Archival, window: Window) -> None:
        self._store = store
        self._archival = archival
        self._window = window

    async def said(self, identity: Identity, beat: Beat) -> tuple[list[Message], Message | None]:
        """What was said since the last beat, wherever this place may know of it, in order and as much as one beat is
        told; and the first that it is not told."""
        agent, audiences = identity.agent.id, readable_from(identity.conversation.audience)
        async with self._store.read() as session:
            said = await session.messages.said(
                agent, audiences, Lines(since=beat.last_at, here=True), limit=_LINES
            )
        room = _TOKENS
        for number, message in enumerate(said):
            room -= self._window.count(self.line(message, identity))
            if room < 0 and number:
                return list(said[:number]), message
        return list(said), None

    def line(self, message: Message, identity: Identity) -> str:
        """A message as it is told."""
        text = self._window.fit(message.text, _LONGEST)
        more = f" … [{len(text)} of {len(message.text)} characters]" if len(text) < len(message.text) else ""
        return f"{message.created_at.astimezone(identity.zone):%Y-%m-%d %H:%M} {message.author}: {text}{more}"

    async def related(self, identity: Identity, said: Sequence[Message], now: datetime) -> list[str]:
        """Own notes that speak of the same as what is new, by meaning or by a word, and so may say otherwise: the
        newest message's first."""
        found: dict[int, Passage] = {}
        theirs = [message for message in said if message.role is Role.USER]
        for message in reversed(theirs[-_ABOUT:]):
            about = set(query_terms(message.text)) - set(query_terms(message.author))
            if not about:
                continue
            page = await self._archival.own(
                identity.agent, message.text[:1_000], identity.conversation.audience, _EACH, now
            )
            for hit in page.hits:
                note = hit.row
                if not isinstance(note, Passage) or note.turn_id == message.turn_id:
                    continue  # what was noted of it says the same
                if page.certainty >= SURE or about & set(query_terms(note.text)):
                    found.setdefault(note.key, note)
        return [
            f"{id_of(note, identity.agent)} {note.created_at.astimezone(identity.zone):%Y-%m-%d} "
            f"{self._window.fit(note.text, _RELATED_TOKENS)}"
            for note in list(found.values())[:_RELATED]
        ]
