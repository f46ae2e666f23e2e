"""Documents that people send are kept: in pieces, in the agent's own archive, from the moment the turn begins that
answers them.

They are other people's words: a piece is told with its file's name wherever it is shown, and causes no writes
(`bot.agent.tools.provenance`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from bot.agent.document import pieces
from bot.events import DocumentUploaded, from_json
from memory.archival import store
from memory.ports import Session
from memory.records import Agent, Draft, InboxRow, KeptDocument

PIECES = 20_000  # of one agent's documents: about 25 million characters
_FULL = (
    "This document is shown here, and is not kept: so many are kept already that there is no room. "
    "/memory documents lists them, to delete what is not needed."
)

Cut = Mapping[str, Sequence[Draft]]
"""Documents in pieces, by the key of the event that each came as."""


class Keeping:
    """``most`` documents of one agent are kept; ``count`` counts tokens."""

    def __init__(self, most: int, count: Callable[[str], int]) -> None:
        self._most = most
        self._count = count

    async def cut(self, rows: Sequence[InboxRow], audience: str) -> Cut:
        """The documents among these events, in pieces: before a unit of work is begun, for it takes its time."""
        if not self._most:
            return {}
        events = [from_json(row.payload) for row in rows if row.kind == DocumentUploaded.kind]
        read = [event for event in events if isinstance(event, DocumentUploaded) and event.text]
        return {event.key: await asyncio.to_thread(pieces, event, audience, self._count) for event in read}

    async def keep(
        self, session: Session, agent: Agent, turn_id: str, rows: Sequence[InboxRow], cut: Cut
    ) -> tuple[list[InboxRow], list[int]]:
        """Store them, in the caller's unit of work: the events as they are to be told, where one could not be kept, and
        the keys of what is gone, for it was sent before."""
        told, gone = list[InboxRow](), list[int]()
        for row in rows:
            drafts = cut.get(row.key, ())
            if drafts:
                gone += await self._make_room(session, agent, drafts)
                if not await self._has_room(session, agent, drafts):
                    told.append(replace(row, payload={**row.payload, "problem": _FULL}))
                    continue
                marked = [replace(draft, turn_id=turn_id) for draft in drafts]
                await store(session, agent.archive_id, marked, marked[0].created_at or row.received_at)
            told.append(row)
        return told, gone

    async def _has_room(self, session: Session, agent: Agent, drafts: Sequence[Draft]) -> bool:
        held = await session.passages.documents(agent.archive_id, None)
        return len(held) < self._most and sum(each.pieces for each in held) + len(drafts) <= PIECES

    async def _make_room(self, session: Session, agent: Agent, drafts: Sequence[Draft]) -> list[int]:
        """The same document, sent before to the same audience, goes for this one: it is found once, and forgotten with
        the newer message."""
        audience, digests = drafts[0].audience, {draft.digest for draft in drafts}
        known = await session.passages.with_digest(agent.archive_id, audience, digests)
        files = {known[digest].file if digest in known else None for digest in digests}
        same = _same(await session.passages.documents(agent.archive_id, {audience}), files, drafts)
        return await session.passages.drop_file(agent.archive_id, same.file) if same else []


def _same(
    held: Sequence[KeptDocument], files: Collection[str | None], drafts: Sequence[Draft]
) -> KeptDocument | None:
    """The document of which are all the pieces."""
    same = (each for each in held if files == {each.file} and each.pieces == len(drafts))
    return next((each for each in same if each.name == drafts[0].source), None)
