"""A message that its author edited or deleted where it was written: memory follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.agent.context import bare, voiced
from bot.agent.document import file_of
from bot.agent.queue_manager import QueueManager
from bot.delivery.mailboxes import Mailboxes
from bot.events import DocumentUploaded, MessageDeleted, MessageEdited, MessageReceived, emptied, from_json
from bot.ownership.erasure import Erasure
from bot.people.room_memory import own_words
from bot.runtime import Runtime
from bot.safety.masking import Masking, aside
from bot.safety.secrets import masked
from memory.records import ROOM, InboxRow, scope_of

_ALONE: dict[str, Any] = {"context": [], "reply_to": None}
"""Nobody's words stand beside a message that its author deleted."""


class Amendments:
    """Keeps what was stored of a message as its author left it."""

    def __init__(
        self,
        runtime: Runtime,
        queues: QueueManager,
        mailboxes: Mailboxes,
        erasure: Erasure,
        masking: Masking,
    ) -> None:
        self._masking = masking
        self._store, self._locks, self._indexer = runtime.store, runtime.locks, runtime.indexer
        self._queues = queues
        self._mailboxes = mailboxes
        self._erasure = erasure

    async def follow(self, event: MessageEdited | MessageDeleted) -> None:
        """A message was edited or deleted where it was written: memory follows."""
        async with self._store.read() as session:
            rows = await session.mailbox.events_from(event.target)
        await self._in_room(event)
        if not rows:
            await self._erasure.quoted(event.target)
        for row in rows:
            if isinstance(event, MessageDeleted):
                await self._reword(row, "")
            elif row.key == event.target:
                await self._reword(row, await self._kept(event, row))

    async def _in_room(self, event: MessageEdited | MessageDeleted) -> None:
        """The line goes, or reads as its author left it: what was edited is not kept."""
        async with self._store.read() as session:
            line = await session.messages.by_event(f"{ROOM}{event.target}")
        if line is None:
            return
        text = own_words(event.text) if isinstance(event, MessageEdited) else ""
        if text != line.text:
            await self._erasure.reline(line, (await aside(len(text), masked, text)).text)

    async def _kept(self, event: MessageEdited, row: InboxRow) -> str:
        """What it says now, as it is kept."""
        async with self._store.read() as session:
            agent = await session.agents.agent(row.agent_id)
            user = await session.agents.user(agent.user_id) if agent else None
        return await aside(len(event.text), self._masking.text, user, event.text) if user else event.text

    async def _reword(self, row: InboxRow, text: str) -> None:
        if text and row.payload.get("text") in (text, _voiced(row, text)):
            return  # a link's preview was added, or the event came twice
        if text and row.kind == MessageReceived.kind and row.payload == emptied(row.payload):
            await self._erasure.edited(row, text)
            return
        pieces, shown = list[int](), ""
        async with self._locks.of(row.agent_id), self._store.write() as session:
            if text:
                payload = {**row.payload, "text": text}
                event = from_json(payload)
                if isinstance(event, MessageReceived):
                    text = voiced(text, event.attachments)  # the platform knows of no words of ours
                    shown = bare(replace(event, text=text))
                await session.mailbox.replace_event(row.key, {**payload, "text": text})
            else:  # whatever came with it goes too
                left = {name: _ALONE.get(name, value) for name, value in emptied(row.payload).items()}
                await session.mailbox.replace_event(row.key, left)
                await session.mailbox.drop_event(row.key)
                await session.captions.drop(row.key)
                agent = await session.agents.agent(row.agent_id)
                if agent is not None and row.kind == DocumentUploaded.kind:
                    pieces = await session.passages.drop_file(agent.archive_id, file_of(row.key))
            message = await session.messages.by_event(row.key)
            if message is not None:
                await self._queues.amend(session, message, text, shown)
                row = replace(row, agent_id=scope_of(message.key))
            await self._erasure.message(session, message, row.key, row.agent_id)
        await self._indexer.removed([], pieces)
        self._mailboxes.restart(row.agent_id, row.key)


def _voiced(row: InboxRow, text: str) -> str:
    """The text as the event has it: with the words of its voice message."""
    event = from_json(row.payload) if row.kind == MessageReceived.kind and row.payload else None
    return voiced(text, event.attachments) if isinstance(event, MessageReceived) else text
