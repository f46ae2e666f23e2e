"""Pictures that could not be described when they came (the model was down) are looked at again when a person writes
next, so that they, too, are found by what they show."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from bot.agent import context
from bot.agent.picture import digest_of
from bot.agent.queue_manager import QueueManager
from bot.delivery.senses import MOST, TRIES, Senses
from bot.events import Attachment, MessageReceived, from_json, to_json
from bot.runtime import Runtime
from memory.ports import Session
from memory.records import InboxRow

_PAUSE = timedelta(hours=1)  # after the second time; what fails twice may be down for longer


class SecondLook:
    def __init__(self, runtime: Runtime, queues: QueueManager, senses: Senses) -> None:
        self._store, self._clock, self._locks = runtime.store, runtime.clock, runtime.locks
        self._queues, self._indexer = queues, runtime.indexer
        self._senses = senses

    async def take(self, agent_id: int, apart_from: set[str]) -> None:
        """Describe what is still to be described, each by one call; the first that fails ends it for now. Not of the
        events ``apart_from``, which have just come."""
        if not self._senses.sees:
            return
        async with self._store.read() as session:
            keys = [key for key in await session.captions.open(agent_id) if key not in apart_from]
            rows = [row for key in keys for row in await session.mailbox.events_from(key) if row.key == key]
        left = MOST
        for row in rows:
            event = from_json(row.payload) if row.payload else None
            for attached in event.attachments if isinstance(event, MessageReceived) else ():
                if left and self._is_due(attached):
                    left -= 1
                    seen = await self._senses.seen_again(row, attached)
                    await self._keep(row, attached, seen)
                    if seen.tries > attached.tries:
                        return

    def _is_due(self, attached: Attachment) -> bool:
        if not (attached.image and attached.tries and not attached.shows):
            return False
        return attached.tries < TRIES and self._clock.now().timestamp() >= attached.again_at

    async def _keep(self, row: InboxRow, old: Attachment, seen: Attachment) -> None:
        if seen.tries > old.tries:
            seen = replace(seen, again_at=(self._clock.now() + _PAUSE).timestamp())
        async with self._locks.of(row.agent_id), self._store.write() as session:
            for now in await session.mailbox.events_from(row.key):
                event = from_json(now.payload) if now.key == row.key and now.payload else None
                if not isinstance(event, MessageReceived) or old not in event.attachments:
                    continue  # its author deleted it meanwhile
                number = event.attachments.index(old)
                told = [*event.attachments[:number], seen, *event.attachments[number + 1 :]]
                event = replace(event, attachments=tuple(told))
                await session.mailbox.replace_event(row.key, to_json(event))
                if seen.shows or not seen.image or seen.tries >= TRIES:
                    await session.captions.close(row.agent_id, digest_of(old))
                if seen.shows:
                    await session.captions.put(
                        row.agent_id,
                        digest_of(old),
                        seen.shows,
                        now.conversation_id,
                        row.key,
                        row.received_at,
                    )
                    await self._tell(session, event, number, seen.shows)
        self._indexer.wake()

    async def _tell(self, session: Session, event: MessageReceived, number: int, shows: str) -> None:
        """The admitted message says it, too."""
        message = await session.messages.by_event(event.key)
        if message is None:
            return
        if not message.queued:
            await self._queues.rewrite(session, message, context.bare(event), "")
            return
        rendered = json.loads(message.rendered)
        fields = context.told(rendered)
        listed = fields.get("attachments")
        if isinstance(listed, list) and number < len(listed):
            window = self._queues.window
            listed[number]["shows"] = context.clipped(shows, window.fit, window.share // 4)
        shown = context.user_message(fields, context.images_in(rendered))
        await self._queues.rewrite(session, message, context.bare(event), shown)
