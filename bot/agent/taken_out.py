"""Pictures that are taken out of their messages, and put back.

All of it happens inside the caller's unit of work.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from bot.agent import context
from bot.agent.picture import Picture, digest_of, without
from bot.agent.queue_manager import QueueManager
from bot.events import Attachment, MessageReceived, from_json, to_json
from bot.ports import Clock
from memory.ports import Session
from memory.records import Agent, InboxRow, Message


class TakenOut:
    def __init__(self, queues: QueueManager, clock: Clock) -> None:
        self._queues = queues
        self._clock = clock

    async def take(self, session: Session, picture: Picture) -> dict[str, Any] | None:
        """Out of the event, out of what recall storage has of it, out of view: all that is needed to put it back, as
        JSON. None: it is gone already."""
        event = _received(await session.mailbox.event(picture.row))
        at = [n for n, a in enumerate(event.attachments) if _is(a, picture)] if event else []
        if event is None or not at:
            return None
        rest = _with(event, {n: without(event.attachments[n]) for n in at})
        await session.mailbox.replace_event(event.key, to_json(rest))
        await session.captions.drop(event.key, picture.digest)
        message = await session.messages.by_event(event.key)
        if message is not None:
            await self._tell(session, message, rest, at, said=bool(message.text))
        return {
            "row": picture.row,
            "says": picture.says,
            "attachments": {str(n): vars(event.attachments[n]) for n in at},
            "said": message is None or bool(message.text),
        }

    async def put_back(self, session: Session, agent: Agent, kept: Mapping[str, Any]) -> bool:
        """Whether it could be: its author may have deleted the message since."""
        row = await session.mailbox.event(kept["row"])
        rest = _received(row)
        back = {int(n): Attachment(**attached) for n, attached in kept["attachments"].items()}
        if row is None or rest is None or not all(_is_free(rest, n) for n in back):
            return False
        event = _with(rest, back)
        await session.mailbox.replace_event(event.key, to_json(event))
        known = next(iter(back.values()))
        if known.shows or known.tries:
            place, digest, now = row.conversation_id, digest_of(known), self._clock.now()
            await session.captions.put(agent.id, digest, known.shows, place, event.key, now)
        message = await session.messages.by_event(event.key)
        if message is not None:
            await self._tell(session, message, event, list(back), said=kept["said"])
        return True

    async def _tell(
        self, session: Session, message: Message, event: MessageReceived, at: Collection[int], *, said: bool
    ) -> None:
        """Let the message say and show what the event holds at these places now. ``said``: it says something at all,
        for it was not forgotten."""
        text = context.bare(event) if said else ""
        rendered = self._shown(json.loads(message.rendered), event, at) if message.queued else ""
        if text == message.text:
            await self._queues.rerender(session, message, rendered)
        else:
            await self._queues.rewrite(session, message, text, rendered)

    def _shown(self, rendered: dict[str, Any], event: MessageReceived, at: Collection[int]) -> str:
        window, fields = self._queues.window, context.told(rendered)
        now = {n: event.attachments[n] for n in at}
        if isinstance(listed := fields.get("attachments"), list):
            share = window.share // (4 * len(event.attachments))
            fresh = {n: context.attached_fields(a, window.fit, share) for n, a in now.items()}
            fields["attachments"] = [fresh.get(n, shown) for n, shown in enumerate(listed)]
        else:  # it was cut
            fields.pop("attachments", None)
        seen = {*context.images_in(rendered), *(a.image for a in now.values())}
        return context.user_message(fields, [url for url in window.images(event) if url in seen])


def _received(row: InboxRow | None) -> MessageReceived | None:
    event = from_json(row.payload) if row is not None and row.payload else None
    return event if isinstance(event, MessageReceived) else None


def _is(attached: Attachment, picture: Picture) -> bool:
    return bool(attached.image) and digest_of(attached) == picture.digest


def _is_free(event: MessageReceived, number: int) -> bool:
    return number < len(event.attachments) and event.attachments[number].removed


def _with(event: MessageReceived, others: Mapping[int, Attachment]) -> MessageReceived:
    """The event with other attachments at these places."""
    attachments = tuple(others.get(n, attached) for n, attached in enumerate(event.attachments))
    return replace(event, attachments=attachments)
