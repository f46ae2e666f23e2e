"""What a person corrects in their own memory: by a command, on the page, or by a program of theirs.

All of it waits for the agent's step to end, and keeps no secrets but of who insists, and nothing that is refused
(`Refused`). ``also`` is done in the same unit of work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.agent.forgetting import lines_forgotten
from bot.agent.tools.unwanted import Removal, Unwanted
from bot.errors import NotThere, TooLong
from bot.language import gettext
from bot.ownership.erasure import Erasure, nothing, unchanged
from bot.people.identities import Identity
from bot.runtime import Runtime
from bot.safety.writing import Writing
from memory.archival import store
from memory.ports import Also
from memory.records import Audience, Block, Draft, Passage, readable_from

LONGEST = 3_000
"""Characters that a note may be given by hand."""


class Corrections:
    def __init__(self, runtime: Runtime, erasure: Erasure, writing: Writing) -> None:
        self._writing = writing
        self._store, self._clock, self._locks = runtime.store, runtime.clock, runtime.locks
        self._indexer = runtime.indexer
        self._erasure = erasure

    async def own_blocks(self, who: Identity, audience: Audience) -> dict[str, Block]:
        """By label: those that the person may edit from a place of that audience."""
        async with self._store.read() as session:
            blocks = await session.blocks.visible(who.agent, audience)
        return {block.label: block for block in blocks if is_own(block, who, audience)}

    async def note(self, who: Identity, audience: Audience, uid: str) -> Passage:
        """The note whose id begins so. Raises `NotThere`."""
        audiences = readable_from(audience)
        async with self._store.read() as session:
            found = await session.passages.by_uid(who.agent.archive_id, uid, audiences, originals=True)
        if not uid or found is None:
            raise NotThere(gettext("There is no note {uid!r}.", uid=uid))
        return found

    async def set_block(
        self, who: Identity, audience: Audience, block: Block, text: str, also: Also = nothing
    ) -> Sequence[str]:
        """Let one of the `own_blocks` read so; the lines that are gone of it, which can be brought back for a while.
        Raises `TooLong`, `Refused`, and `Changed` where it does not read ``block.value`` any more."""
        text = bounded(await self._writing.kept(who.user, text), block.label, block.limit)
        gone = lines_forgotten(block.value, text)
        if gone:
            lines = {block.id: Removal(gone, block.value, text)}
            await self._erasure.unwanted(who, audience, Unwanted(lines=lines), also)
            return gone
        async with self._locks.of(who.agent.id), self._store.write() as session:
            await unchanged(session, who, {block.id: block.value})
            await session.blocks.put(block.id, text, None, self._clock.now())
            await also(session)
        return gone

    async def add(self, who: Identity, draft: Draft, also: Also = nothing) -> Passage:
        """Keep a note. Raises `TooLong`, `Refused`."""
        text = bounded(await self._writing.kept(who.user, draft.text), gettext("A note"), LONGEST)
        async with self._locks.of(who.agent.id), self._store.write() as session:
            [kept] = await store(
                session, who.agent.archive_id, [replace(draft, text=text)], self._clock.now()
            )
            await also(session)
        self._indexer.wake()
        return kept

    async def reword(self, who: Identity, note: Passage, text: str, also: Also = nothing) -> None:
        """The note reads so; what it said before is gone. Raises `TooLong`, `Refused`."""
        text = bounded(await self._writing.kept(who.user, text), note.uid[:8], LONGEST)
        await self._erasure.reword(who.agent, note, text, also)

    async def forget(
        self, who: Identity, audience: Audience, unwanted: Unwanted, also: Also = nothing
    ) -> None:
        """It is gone at once, and can be brought back for a while (`bot.agent.forgetting.KEPT`)."""
        await self._erasure.unwanted(who, audience, unwanted, also)

    async def bring_back(self, who: Identity, audience: Audience, also: Also = nothing) -> list[str]:
        """What was forgotten last: what it said. Raises `NotThere`."""
        back = await self._erasure.bring_back(who, audience, also)
        if not back:
            raise NotThere(
                gettext(
                    "Nothing was forgotten here in the last ten minutes. /memory history lists reflections to undo."
                )
            )
        return back


def is_own(block: Block, who: Identity, audience: Audience) -> bool:
    """Whether the person may edit the block from a place of that audience."""
    return block.owner == f"agent:{who.agent.id}" and block.audience == audience


def bounded(text: str, what: str, limit: int) -> str:
    """The text. Raises `TooLong`."""
    if len(text) > limit:
        raise TooLong(
            gettext("That is {n} characters; {what} holds {most}.", n=len(text), what=what, most=limit)
        )
    return text
