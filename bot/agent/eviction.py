"""What leaves the FIFO queue when the window is full (paper section 2.2), and how what is left is shown.

Rarely, and in one go, since all that follows a change is new to a provider's cache. What was used leaves first (`used`,
alerts, notes), whole turns next, into the summary; the exchange that is being talked of only where nothing else is
left, and results that are not read yet never.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from bot.agent import context
from bot.agent.fifo_queue import Queue, is_alert, is_reminder, kept
from bot.agent.lighter import View
from bot.agent.summarizer import Ask, Summarizer
from bot.agent.used import found, spent
from bot.agent.window import Window
from bot.observer import Evicted, Observer
from bot.ports import Clock
from memory.ports import Store
from memory.records import Message, Role, Summary, Turn

log = logging.getLogger(__name__)

_SMALL = 250  # tokens of a message that is never cut down further
_GLIMPSE = 300  # tokens of a message that is shown in passing


class Eviction:
    """Every change is committed before the queue in memory has it."""

    def __init__(self, store: Store, window: Window, clock: Clock, observer: Observer) -> None:
        self._observer = observer
        self._store = store
        self._window = window
        self._clock = clock
        self._summarizer = Summarizer(window)

    async def make_room(
        self, queue: Queue, turn: Turn, fixed: int, zone: ZoneInfo, ask: Ask, *, at_most: float = 1.0
    ) -> bool:
        """Flush when system text and tools (``fixed`` tokens) and the queue are more than ``at_most`` of the room.

        ``ask`` puts the summarizing question to a model; it may raise `ModelError`. True when anything in view has
        changed.
        """
        self._window.taken = queue.taken = fixed
        room = int(self._window.room * at_most) - fixed
        if queue.tokens <= room:
            return False
        changed = await self._cut_summary(queue, self._window.share)
        changed = await self._leave(queue, turn, kept(room), zone, ask) or changed
        while queue.tokens > room:
            read = [m for m in queue.messages if found(m) and not queue.unread(m, turn)]
            if not (
                await self._flush(queue, turn, zone, ask, [], self._spent(read))
                or await self._flush(queue, turn, zone, ask, queue.oldest(turn))
                or await self._shrink(queue, queue.messages)
                or await self._flush(queue, turn, zone, ask, queue.oldest(None))
                or await self._cut_summary(queue, queue.summary.tokens // 2 if queue.summary else 0)
            ):
                break
            changed = True
        if changed:
            queue.shown = None  # what follows core memory is new anyway
        return changed

    async def _leave(self, queue: Queue, turn: Turn, tokens: int, zone: ZoneInfo, ask: Ask) -> bool:
        """What was used leaves and, in one go with it, the oldest turns, until ``tokens`` are left."""
        notes = [m for m in queue.messages if is_alert(m) or (is_reminder(m) and m.turn_id != turn.id)]
        used = self._spent(message for message in queue.messages if message.turn_id != turn.id)
        left = {m.key: m for m in (*queue.messages, *used)}
        for note in notes:
            del left[note.key]
        after = Queue(queue.conversation, queue.summary, list(left.values()))
        turns = {message.key for message in after.turns_before(turn, tokens)}
        if not turns:
            return False
        gone = [m for m in queue.messages if m.key in turns or m.key not in left]
        return await self._flush(queue, turn, zone, ask, gone, used)

    async def _flush(
        self,
        queue: Queue,
        turn: Turn,
        zone: ZoneInfo,
        ask: Ask,
        gone: Sequence[Message],
        used: Sequence[Message] = (),
    ) -> bool:
        """Take messages out of view, and show others as ``used``: what leaves goes into the running summary."""
        if not (gone or used):
            return False
        left, shown = {m.key for m in gone}, {m.key for m in used}
        leaving = [m for m in queue.messages if m.key in left or (m.key in shown and found(m))]
        if not any(m.text or found(m) for m in leaving):
            await self._change(queue, gone, used, queue.summary)
            return True
        now = self._clock.now()
        count = len(gone) + (queue.summary.messages if queue.summary else 0)
        text = await self._summarizer.summary(queue, turn, leaving, count, zone, ask)
        rendered = context.summary_message(text, count, now, zone)
        summary = Summary(
            conversation_id=queue.conversation.id,
            text=text,
            rendered=rendered,
            tokens=self._window.cost(rendered),
            messages=count,
            since=queue.summary.since if queue.summary else leaving[0].created_at,
            created_at=now,
        )
        await self._change(queue, gone, used, summary)
        return True

    async def show(self, queue: Queue, view: View, turn: Turn, zone: ZoneInfo, ask: Ask) -> None:
        """Let the view be what is shown from now on. What it leaves out stays in recall storage."""
        gone = view.gone(queue)
        if view.summarized:
            await self._flush(queue, turn, zone, ask, gone)
        else:
            changed = [replace(m, tokens=self._window.cost(m.rendered)) for m in view.changed(queue)]
            await self._change(queue, gone, changed, view.summary)
        queue.shown = None

    async def _change(
        self, queue: Queue, gone: Sequence[Message], changed: Sequence[Message], summary: Summary | None
    ) -> None:
        """Take some messages out of view, and show others otherwise, after that summary."""
        left_out = {message.key for message in gone}
        changed = [message for message in changed if message.key not in left_out]
        place = queue.conversation.id
        async with self._store.write() as session:
            await session.agents.fence(queue.conversation.agent_id)
            for message in changed:
                await session.messages.rerender(message.key, message.rendered, message.tokens)
            await session.messages.evict(place, list(left_out))
            if summary is None:
                await session.messages.drop_summary(place)
            elif summary is not queue.summary:
                await session.messages.put_summary(summary)
            if gone:
                await session.agents.warn(place, False)
        log.info("conversation %s: %d messages evicted, %d cut", place, len(gone), len(changed))
        if gone:
            self._observer.noted(Evicted(messages=len(gone)))
        queue.remove(gone)
        known = {message.key: message for message in queue.messages}
        for message in changed:
            queue.replace(known[message.key], message)
        queue.summary = summary
        if gone:
            queue.conversation = replace(queue.conversation, warned=False)

    async def apart(self, queue: Queue, turn: Turn, fixed: int) -> list[Message]:
        """The turn's own messages, after the last that anybody said and what it was answered with, which is done: cut
        until they fit the room beside ``fixed`` tokens."""
        said = [m for m in queue.messages if m.text and m.turn_id != turn.id]
        asked = [m for m in said if m.event_key is not None][-1:]
        answers = [m for m in said if asked and m.turn_id == asked[0].turn_id and m.role is Role.ASSISTANT]
        last = [*map(self._glimpse, asked), *map(self._words, answers[-1:])]
        while True:
            own = queue.of(turn)
            taken = sum(message.tokens for message in (*last, *own))
            if fixed + taken <= self._window.room or not await self._shrink(queue, own):
                return [*last, *own]

    def _glimpse(self, message: Message) -> Message:
        """A message as it is shown in passing."""
        shown = replace(message, rendered=spent(message))
        if self._window.cost(shown.rendered) > _GLIMPSE:
            shown = replace(shown, rendered=context.shrunk(shown.rendered, self._window.fit, _GLIMPSE - 100))
        return replace(shown, tokens=self._window.cost(shown.rendered))

    def _words(self, message: Message) -> Message:
        """An answer as its words alone."""
        shown = context.assistant_message(message.text, (), self._window.fit, _GLIMPSE)
        return replace(message, rendered=shown, tokens=self._window.cost(shown))

    async def _shrink(self, queue: Queue, among: Sequence[Message]) -> bool:
        """Cut the largest message that can be cut down to half; False when all are small. For when nothing can be
        evicted."""
        for message in sorted(among, key=lambda message: message.tokens, reverse=True):
            if message.tokens < _SMALL:
                return False
            rendered = context.shrunk(message.rendered, self._window.fit, message.tokens // 2 - 60)
            smaller = replace(message, rendered=rendered, tokens=self._window.cost(rendered))
            if smaller.tokens < message.tokens:  # names and ids of calls are not cut
                await self._change(queue, [], [smaller], queue.summary)
                return True
        return False

    async def _cut_summary(self, queue: Queue, most: int) -> bool:
        """Show less of a summary that takes more than its share: it was made for a larger window, or elsewhere."""
        summary = queue.summary
        if summary is None or summary.tokens <= most:
            return False
        before = summary.tokens + 1
        while most < summary.tokens < before:  # the longest of its fields, then the next
            before = summary.tokens
            rendered = context.shrunk(summary.rendered, self._window.fit, most - _SMALL)
            summary = replace(summary, rendered=rendered, tokens=self._window.cost(rendered))
        if queue.summary is None or summary.tokens >= queue.summary.tokens:
            return False
        await self._change(queue, [], [], summary)
        return True

    def _spent(self, messages: Iterable[Message]) -> list[Message]:
        """Those that change once they were used, as they are shown then."""
        shown = [(message, spent(message)) for message in messages]
        return [
            replace(message, rendered=now, tokens=self._window.cost(now))
            for message, now in shown
            if now != message.rendered
        ]
