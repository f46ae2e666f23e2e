"""How something is known: the messages that a line of core memory, a note or a reply came from.

What was written in a turn came from the messages that the turn answered. What a reflection wrote did not come from one
turn: there the nearest messages are looked for, and said to be no more than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memory.archival import Archival
from memory.ports import Session, Store
from memory.recall import Recall
from memory.records import (
    SEQ_BITS,
    Agent,
    Audience,
    Audiences,
    BlockEdit,
    Message,
    Passage,
    Role,
    readable_from,
)
from memory.search.telltale import Telltale

_NEAREST = 3  # messages that are shown where nothing tells for sure
_EDITS = 500  # of core memory that are looked through


@dataclass(frozen=True, kw_only=True)
class Source:
    """``what`` is known, and the messages that it came from, oldest first; not ``sure``: they are only the nearest.
    ``origin`` is who or what said it, where it was not the person."""

    kind: str  # "core memory", "note", "reply" or "memory"
    what: str
    messages: Sequence[Message]
    sure: bool
    origin: str = ""


class Sources:
    def __init__(self, store: Store, recall: Recall, archival: Archival) -> None:
        self._store = store
        self._recall = recall
        self._archival = archival

    async def of(self, agent: Agent, text: str, audience: Audience) -> list[Source]:
        """Where what ``text`` says (or the row of that id) is from, as far as it may be seen in ``audience``: lines of
        core memory, then notes, then replies."""
        audiences = readable_from(audience)
        found = await self._of_core_memory(agent, text, audience)
        found += await self.of_notes(agent, await self._notes(agent, text, audience), audience)
        found += await self._of_replies(agent, text, audiences)
        if not found:
            nearest = await self._nearest(agent, text, audience)
            found = [Source(kind="memory", what=text, messages=nearest, sure=False)] if nearest else []
        return found

    async def lines(self, agent: Agent, block: str, audience: Audience) -> list[Source]:
        """Where each line of a block of core memory is from."""
        return await self._of_core_memory(agent, "", audience, label=block)

    async def _of_core_memory(
        self, agent: Agent, text: str, audience: Audience, label: str = ""
    ) -> list[Source]:
        says = Telltale([text])
        owner, audiences = f"agent:{agent.id}", readable_from(audience)
        found = []
        async with self._store.read() as session:
            edits = await session.blocks.history(owner, audiences, _EDITS)
            for block in await session.blocks.of(owner, audiences):
                if label and (block.label != label or block.audience != audience):
                    continue
                for line in block.value.splitlines():
                    if line.strip() and (label or _same(text, line) or says.says(line)):
                        edit = _when_it_came(edits, block.id, line)
                        told = await _heard_in(session, agent, edit.turn_id if edit else None, audiences)
                        found.append((line, told))
        return [await self._source("core memory", line, told, agent, audience) for line, told in found]

    async def of_notes(self, agent: Agent, notes: Sequence[Passage], audience: Audience) -> list[Source]:
        """Where each of these notes is from."""
        async with self._store.read() as session:
            found = [
                (note, await _heard_in(session, agent, note.turn_id, readable_from(audience)))
                for note in notes
            ]
        return [
            await self._source("note", note.text, told, agent, audience, note.origin) for note, told in found
        ]

    async def _notes(self, agent: Agent, text: str, audience: Audience) -> list[Passage]:
        """The note of that id, or those that say the same."""
        key = _key(text, "n", agent.archive_id)
        if key is not None:
            note = await self._archival.note(agent, key, audience)
            return [note] if note else []
        says = Telltale([text])
        page = await self._archival.search(agent, text, audience)
        notes = [hit.row for hit in page.hits if isinstance(hit.row, Passage)]
        return [
            note for note in notes if not note.source and (_same(text, note.text) or says.says(note.text))
        ]

    async def _of_replies(self, agent: Agent, text: str, audiences: Audiences) -> list[Source]:
        key = _key(text, "m", agent.id)
        if key is None:
            return []
        async with self._store.read() as session:
            rows = await session.messages.get(agent.id, [key], audiences)
            told = [
                (row, await _heard_in(session, agent, row.turn_id, audiences))
                for row in rows
                if row.text and row.role is Role.ASSISTANT
            ]
        return [Source(kind="reply", what=row.text, messages=messages, sure=True) for row, messages in told]

    async def _source(
        self,
        kind: str,
        what: str,
        told: Sequence[Message],
        agent: Agent,
        audience: Audience,
        origin: str = "",
    ) -> Source:
        if told:
            return Source(kind=kind, what=what, messages=told, sure=True, origin=origin)
        nearest = await self._nearest(agent, what, audience)
        return Source(kind=kind, what=what, messages=nearest, sure=False, origin=origin)

    async def _nearest(self, agent: Agent, text: str, audience: Audience) -> list[Message]:
        page = await self._recall.search(agent.id, text, audience, page_size=_NEAREST)
        rows = [hit.row for hit in page.hits if isinstance(hit.row, Message) and hit.row.role is Role.USER]
        return sorted(rows, key=lambda row: row.key)


def _same(text: str, line: str) -> bool:
    wanted = " ".join(text.split()).casefold()
    return bool(wanted) and wanted in " ".join(line.split()).casefold()


def _key(name: str, kind: str, scope: int) -> int | None:
    """The key of the row of that id, as the model is shown it: n12, m12."""
    number = name.strip().removeprefix(kind)
    if not name.strip().startswith(kind) or not number.isdecimal() or int(number) >> SEQ_BITS:
        return None
    return scope << SEQ_BITS | int(number)


def _when_it_came(edits: Sequence[BlockEdit], block_id: int, line: str) -> BlockEdit | None:
    """The oldest edit since which the block holds the line. ``edits`` are newest first."""
    for edit in (edit for edit in edits if edit.block_id == block_id):
        if line not in edit.before.splitlines():
            return edit if line in edit.after.splitlines() else None
    return None


async def _heard_in(
    session: Session, agent: Agent, turn_id: str | None, audiences: Audiences
) -> list[Message]:
    """What people said in a turn, of what may be seen in ``audiences``."""
    if turn_id is None:
        return []
    keys = [
        row.key
        for row in await session.messages.of_turn(turn_id)
        if row.role is Role.USER and row.event_key and row.text
    ]
    return await session.messages.get(agent.id, keys, audiences)
