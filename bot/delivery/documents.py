"""Documents that came with messages, read before the turn that answers them.

Not before they are acknowledged, because a platform waits for that, and reading may take long; and each once: what
was read is kept with the event, instead of the file.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from bot.events import DocumentUploaded, from_json, to_json
from bot.people.identities import language_of
from bot.ports import Clock
from bot.safety.masking import Masking, told
from bot.safety.notices import Place, post_once
from bot.safety.refusing import Refusing, Verdict
from memory.documents.reader import Bounds, Reader
from memory.errors import DocumentError, ReaderMissing
from memory.ports import Store
from memory.records import Agent, InboxRow, OutboxRow, User

log = logging.getLogger(__name__)

BOUNDS = Bounds(memory=1 << 30, characters=10_000_000)
_LONGEST = 1_000_000  # characters of a document that are kept


def is_unread(row: InboxRow) -> bool:
    """Whether it is a document that is still to be read."""
    return row.kind == DocumentUploaded.kind and bool(row.payload.get("data"))


class Documents:
    """``told_apart`` says of a file (its name, what it holds) that is no document what it is, and what can be done with
    it; empty of a document."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        reader: Reader,
        told_apart: Callable[[str, bytes], str],
        masking: Masking,
        refusing: Refusing,
    ) -> None:
        self._refusing = refusing
        self._store, self._clock = store, clock
        self._masking = masking
        self._reader = reader
        self._told_apart = told_apart

    async def read(self, rows: Sequence[InboxRow]) -> bool:
        """Read the documents among these events. Whether there were any: the inbox holds other payloads then."""
        unread = [row for row in rows if is_unread(row)]
        for row in unread:
            event = from_json(row.payload)
            assert isinstance(event, DocumentUploaded)
            read = await self._told(event)
            agent, user = await self._owner(row) if read.text else (None, None)
            kept = await asyncio.to_thread(self._masking.event, read, user) if read.text else read
            was_masked = kept is not read
            if await self._refusing.heard(kept.text) is not Verdict.PASSES:
                problem = f"What {event.document} says may not be read here."
                kept, was_masked = replace(event, data="", problem=problem), False
            async with self._store.write() as session:
                now = [found for found in await session.mailbox.events_from(row.key) if found.key == row.key]
                if any(map(is_unread, now)):  # else its author deleted it meanwhile
                    await session.mailbox.replace_event(row.key, to_json(kept))
                    if agent and user and was_masked:
                        await post_once(session, masked_in(row, agent, user, self._clock.now()))
        return bool(unread)

    async def _owner(self, row: InboxRow) -> tuple[Agent | None, User | None]:
        async with self._store.read() as session:
            agent = await session.agents.agent(row.agent_id)
            return agent, await session.agents.user(agent.user_id) if agent else None

    async def _told(self, event: DocumentUploaded) -> DocumentUploaded:
        data = base64.b64decode(event.data)
        if problem := await asyncio.to_thread(self._told_apart, event.document, data):
            return replace(event, data="", problem=problem)
        try:
            text = await self._reader.read(event.document, data)
        except ReaderMissing as error:
            log.warning("%s files that people send are not read: %s.", error.kind, error.remedy)
            return replace(
                event, data="", problem=f"{event.document} is of a kind that is not read here ({error.kind})."
            )
        except DocumentError as error:
            return replace(event, data="", problem=str(error))
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}\n[The first {_LONGEST:,} of {len(text):,} characters; the rest was left out.]"
        return replace(event, data="", text=text)


def masked_in(row: InboxRow, agent: Agent, user: User, now: datetime) -> OutboxRow:
    """What the person is told when there was a secret in what came with the event."""
    place = Place(
        agent=agent,
        conversation_id=row.conversation_id,
        address=str(row.payload["address"]),
        language=language_of(user),
        key=row.key,
    )
    return told(place, now)
