"""The queue manager (paper section 2.2): admits messages to the FIFO queue and recall storage, and warns of memory
pressure. What leaves the queue when the window is full: `bot.agent.eviction`."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from bot import prompts
from bot.agent import context
from bot.agent.fifo_queue import CORE, PRESSURE, REMINDER, Queue, is_alert, kept
from bot.agent.window import Window, shared
from bot.events import Event, HeartbeatDue, MessageReceived, from_json
from bot.ports import Clock
from memory.associative import NOTHING, Associative, Cue, Reading
from memory.ports import Session, Store
from memory.records import Agent, Block, Conversation, InboxRow, Message, Role, Turn

log = logging.getLogger(__name__)

_WARNING = 0.70
_WHOLE = 0.45  # of the conversation's room that what people say in one turn may take at least, before it is clipped
_NOTES = 0.25  # of the queue's tokens that such notes may take
_LONG = 20_000  # characters that are not counted on the event loop
_KEPT_MESSAGES = 20_000  # messages of all the queues kept in memory
_KEPT_QUEUES = 256


class QueueManager:
    """A request never exceeds the window: every part of a turn is bounded by its share. Without ``associative``
    nothing is brought to mind. ``steady``: core memory is shown after a restart as it was before, for servers whose
    cache outlives us and which take long to read all anew."""

    def __init__(
        self,
        store: Store,
        window: Window,
        clock: Clock,
        associative: Associative | None = None,
        *,
        alerts: bool = True,
        steady: bool = False,
    ) -> None:
        self._store = store
        self.window = window
        self._clock = clock
        self._associative = associative
        self._alerts = alerts
        self._steady = steady
        self._queues: OrderedDict[int, Queue] = OrderedDict()

    async def queue(self, conversation_id: int) -> Queue:
        """The conversation's queue; from memory while it is warm."""
        if conversation_id not in self._queues:
            async with self._store.read() as session:
                conversation = await session.agents.conversation(conversation_id)
                await session.agents.seen(conversation.agent_id)
                self._queues[conversation_id] = Queue(
                    conversation,
                    await session.messages.summary(conversation_id),
                    await session.messages.queue(conversation_id),
                    await _shown(session, conversation) if self._steady else None,
                )
            self._cool()
        self._queues.move_to_end(conversation_id)
        return self._queues[conversation_id]

    def forget(self, conversation_id: int) -> None:
        """The queue was changed from elsewhere, or a commit failed: read it again next time."""
        self._queues.pop(conversation_id, None)

    def forget_agent(self, agent_id: int) -> None:
        """Another process changed the agent, or has it now."""
        for place in [p for p, queue in self._queues.items() if queue.conversation.agent_id == agent_id]:
            del self._queues[place]

    def drop(self, conversation_id: int, turn: Turn) -> None:
        """A turn's messages were deleted, or left the view: all else is as it was."""
        if (queue := self._queues.get(conversation_id)) is not None:
            queue.remove(queue.of(turn))

    def expect(self, text: str) -> None:
        """A person has said this: `recollect` will be asked in a moment."""
        if self._associative is not None:
            self._associative.expect(text)

    async def recollect(
        self, queue: Queue, agent: Agent, rows: Sequence[InboxRow], zone: ZoneInfo
    ) -> Reading:
        """What a turn's newest message brings to mind of what is not in the context.

        Before `admit`, outside a unit of work: embedding takes its time. What is about to leave the context to make
        room for the turn is not in it any more.
        """
        said = [event for row in rows if isinstance(event := from_json(row.payload), MessageReceived)]
        if self._associative is None or not said:
            return NOTHING
        staying = self._staying(queue, [event.text for event in said])
        async with self._store.read() as session:
            blocks = await session.blocks.visible(agent, queue.conversation.audience)
        known = [line for block in blocks for line in block.value.splitlines()]
        known += [event.text for event in said]  # a room may remember it already
        for message in staying:
            known += [message.text, *context.recalled(message)]
        cue = Cue(
            agent=agent,
            text=said[-1].text,
            audience=queue.conversation.audience,
            asker=said[-1].name,
            now=said[-1].at.astimezone(zone),
            leave_out={message.key for message in staying},
            known=known,
        )
        return await self._associative.chosen(cue, self.window.share // 4)

    def _staying(self, queue: Queue, texts: Sequence[str]) -> list[Message]:
        """What of the queue stays in view when these texts have come into it (see `bot.agent.eviction`)."""
        added = min(self._whole(queue), sum(map(self.window.sampled, texts)))
        room = self._room(queue)
        if queue.tokens + added <= room:
            return queue.messages
        leaving = {message.key for message in queue.turns_before(None, kept(room))}
        return [message for message in queue.messages if message.key not in leaving]

    async def admit(
        self,
        session: Session,
        queue: Queue,
        agent: Agent,
        turn: Turn,
        rows: Sequence[InboxRow],
        zone: ZoneInfo,
        recalled: Sequence[str] = (),
        book: Sequence[str] = (),
    ) -> list[Message]:
        """Store a turn's events as messages, rendered once, the newest with what it recalled (`recollect`) and
        with what the persona's book says of it.

        Call `extend` when the commit has succeeded.
        """
        share = self.window.share // max(1, len(rows))
        events = [from_json(row.payload) for row in rows]
        messages = []
        newest = next((event for event in reversed(events) if isinstance(event, MessageReceived)), None)
        lengths = [self.window.sampled(context.bare(event)) if len(events) > 1 else 0 for event in events]
        rooms = shared(self._whole(queue), lengths)
        for event, room in zip(events, rooms, strict=True):
            fields = await self._fields(event, zone, share, max(share // 2, room))
            if recalled and event is newest:
                fields["brings_to_mind"] = list(recalled)
            if book and event is newest:
                fields["book"] = list(book)
            text = context.bare(event)
            rendered = context.user_message(fields, self.window.images(event))
            messages.append(self._event(queue, turn, event, rendered, text))
        notes = []
        if (
            turn.kind != HeartbeatDue.kind
        ):  # a reflection is shown core memory anew, and nothing of the conversation
            blocks = await session.blocks.visible(agent, queue.conversation.audience)
            notes = self._news(queue, turn, blocks, zone)
            notes += self._alert(queue, turn, sum(message.tokens for message in messages), zone)
        return await session.messages.append(agent.id, [*notes, *messages], fenced=True)

    async def _fields(self, event: Event, zone: ZoneInfo, tokens: int, whole: int) -> dict[str, Any]:
        """What the model is told of an event; a long one is clipped beside the event loop."""
        told = partial(context.event_fields, event, zone, self.window.fit, tokens, whole)
        return await asyncio.to_thread(told) if context.length(event) > _LONG else told()

    async def told(self, event: Event, zone: ZoneInfo) -> str:
        """An event alone, rendered."""
        share = self.window.share
        return context.user_message(
            await self._fields(event, zone, share, share // 2), self.window.images(event)
        )

    async def amend(self, session: Session, message: Message, text: str, shown: str = "") -> None:
        """The author edited an admitted message, or (with an empty text) deleted it. ``shown``: what recall storage
        keeps of it where that is more than the text (`context.bare`)."""
        if not message.queued:
            await self.rewrite(session, message, shown or text, "")
            return
        rendered = json.loads(message.rendered)
        fields = context.told(rendered)
        if text:
            told = context.clipped(text, self.window.fit, self.window.share // 2)
            fields |= {"message": told, "edited": True}
            images = context.images_in(rendered) if shown else []  # what is forgotten in part may be in them
        else:  # whatever came with it goes too
            images = []
            fields = {name: fields[name] for name in ("type", "name", "time") if name in fields}
            fields |= {"message": "", "deleted": True}
        await self.rewrite(session, message, shown or text, context.user_message(fields, images))

    async def rewrite(self, session: Session, message: Message, text: str, rendered: str) -> None:
        """Store another text and rendering of a message."""
        tokens = self.window.cost(rendered) if rendered else 0
        await session.messages.rewrite(message.key, text, rendered, tokens)
        self.forget(message.conversation_id)

    async def rerender(self, session: Session, message: Message, rendered: str) -> None:
        """Show a message differently; its text stays."""
        await session.messages.rerender(message.key, rendered, self.window.cost(rendered))
        self.forget(message.conversation_id)

    def extend(self, queue: Queue, messages: Sequence[Message]) -> None:
        """Add committed messages to the queue in memory."""
        queue.add(messages)
        if any(map(is_alert, messages)):
            queue.conversation = replace(queue.conversation, warned=True)

    async def note_warned(self, session: Session, queue: Queue, messages: Sequence[Message]) -> None:
        """Record, in the same unit of work as the alert, that it was given: once per fill."""
        if any(map(is_alert, messages)):
            await session.agents.warn(queue.conversation.id, True)

    def _news(self, queue: Queue, turn: Turn, blocks: Sequence[Block], zone: ZoneInfo) -> list[Message]:
        """A note of the blocks that read otherwise than the request shows them, to stand before an event."""
        if queue.shown is None or _frames(queue.shown) != _frames(blocks):
            queue.shown = None
            return []
        told = {block.label: block.value for block in queue.shown}
        notes = queue.notes()
        for note in notes:
            told |= context.told_blocks(note.rendered)
        changed = [block for block in blocks if told.get(block.label) != block.value]
        if not changed:
            return []
        fields = context.blocks_fields(changed, self._clock.now(), zone)
        news = self._note(queue, turn, fields, CORE, step=-1)
        if sum(note.tokens for note in [*notes, news]) > queue.tokens * _NOTES:
            queue.shown = None
            return []
        return [news]

    async def blocks(self, queue: Queue, agent: Agent) -> list[Block]:
        """Core memory as it is now."""
        async with self._store.read() as session:
            return await session.blocks.visible(agent, queue.conversation.audience)

    async def core_memory(self, queue: Queue, agent: Agent) -> list[Block]:
        """The blocks as the system text is to show them.

        They stay as they were while the queue grows, so that a provider's cache of all that follows them
        stays good; what has changed since is told before the next event. When that costs too much, and when
        the queue is flushed, the system text is made anew, and the notes leave the queue.
        """
        if queue.shown is None:
            notes = queue.notes()
            async with self._store.read() as session:
                blocks = await session.blocks.visible(agent, queue.conversation.audience)
                edit = await session.blocks.newest_edit()
            if notes or (self._steady and edit != queue.conversation.shown_edit):
                async with self._store.write() as session:
                    await session.agents.fence(agent.id)
                    await session.messages.evict(queue.conversation.id, [note.key for note in notes])
                    await session.agents.show(queue.conversation.id, edit)
            queue.remove(notes)
            queue.conversation = replace(queue.conversation, shown_edit=edit)
            queue.shown = blocks
        return queue.shown

    def _alert(self, queue: Queue, turn: Turn, added: int, zone: ZoneInfo) -> list[Message]:
        """The memory-pressure alert, before an event that fills the view past the warning level. It is seen to along
        with the event, in no step of its own."""
        full = queue.tokens + added >= _WARNING * self._room(queue)
        if not self._alerts or not full or queue.conversation.warned:
            return []
        fields = self._alert_fields(self.pressure_text(queue, added), zone)
        return [self._note(queue, turn, fields, PRESSURE, step=-1)]

    def pressure_text(self, queue: Queue, added: int = 0) -> str:
        """The memory-pressure alert, with how full the conversation's room is."""
        room, used = self._room(queue), queue.tokens + added
        left = max(0, room - used) // 100 * 100
        return prompts.read("pressure").format(percent=min(99, 100 * used // room), left=left)

    def _room(self, queue: Queue) -> int:
        """Tokens that the conversation has, beside system text and tools."""
        return max(1, self.window.room - (queue.taken or self.window.taken))

    def _whole(self, queue: Queue) -> int:
        """Tokens that what people say in one turn may take before it is clipped: all that is left beside what stays
        in view with it (the summary, the exchange that is being talked of) and a step with its results."""
        room = self._room(queue)
        summary = queue.summary.tokens if queue.summary else 0
        exchange = sum(message.tokens for message in queue.newest())
        return max(int(room * _WHOLE), room - summary - exchange - self.window.share)

    def note(self, queue: Queue, turn: Turn, zone: ZoneInfo, text: str, *, step: int = -1) -> Message:
        """A SystemAlert as a message: something the model is told and the person is not."""
        return self._note(queue, turn, self._alert_fields(text, zone), REMINDER, step=step)

    def _alert_fields(self, text: str, zone: ZoneInfo) -> dict[str, Any]:
        return {"type": "system_alert", "time": context.local_time(self._clock.now(), zone), "message": text}

    def _note(self, queue: Queue, turn: Turn, fields: dict[str, Any], author: str, *, step: int) -> Message:
        rendered = context.user_message(fields)
        return self.message(queue, turn, Role.USER, author, "", rendered, self._clock.now(), step=step)

    def _event(self, queue: Queue, turn: Turn, event: Event, rendered: str, text: str) -> Message:
        message = self.message(queue, turn, Role.USER, event.name, text, rendered, event.at)
        return replace(message, event_key=event.key)

    def message(
        self,
        queue: Queue,
        turn: Turn,
        role: Role,
        author: str,
        text: str,
        rendered: str,
        at: datetime,
        *,
        step: int = -1,
    ) -> Message:
        """A message of this conversation, not stored yet."""
        return Message(
            key=0,
            conversation_id=queue.conversation.id,
            audience=queue.conversation.audience,
            role=role,
            author=author,
            text=text,
            rendered=rendered,
            tokens=self.window.cost(rendered),
            created_at=at,
            turn_id=turn.id,
            step=step,
        )

    def _cool(self) -> None:
        held = sum(len(queue.messages) for queue in self._queues.values()) if len(self._queues) > 64 else 0
        while len(self._queues) > 1 and (held > _KEPT_MESSAGES or len(self._queues) > _KEPT_QUEUES):
            held -= len(self._queues.popitem(last=False)[1].messages)


async def _shown(session: Session, conversation: Conversation) -> list[Block] | None:
    """Core memory as the conversation's system text showed it last, so that it is shown so again."""
    agent = await session.agents.agent(conversation.agent_id)
    if agent is None or conversation.shown_edit is None:
        return None
    blocks = await session.blocks.visible(agent, conversation.audience)
    return await session.blocks.as_after(blocks, conversation.shown_edit)


def _frames(blocks: Sequence[Block]) -> list[tuple[object, ...]]:
    """All that the system text shows of the blocks besides their values."""
    return [(block.label, block.limit, block.read_only, block.description) for block in blocks]
