"""Commits a step: its messages, memory edits, usage and outbox rows in one unit of work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from bot.agent import asks
from bot.agent.context import SEND
from bot.agent.fifo_queue import Queue, is_reminder
from bot.agent.forgetting import Forgetting, Gone
from bot.agent.job import Job
from bot.agent.queue_manager import QueueManager
from bot.agent.tools.desk import Desk
from bot.agent.used import spoken
from bot.events import FILE, REACTION, THREAD, VOICE
from memory.ports import Session, Store
from memory.records import Message, OutboxRow, Usage

HandingOver = Callable[[Sequence[OutboxRow]], AbstractAsyncContextManager[Sequence[OutboxRow]]]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one model call and its tools came to. ``ended``: the turn ends with it."""

    queue: Queue
    desk: Desk
    messages: Sequence[Message]
    model: str
    usage: Usage
    ended: bool


class Commit:
    """``handing_over`` gives a step's replies as they are stored, and delivers them when it is committed
    (`bot.delivery.courier.Courier`)."""

    def __init__(
        self,
        store: Store,
        queues: QueueManager,
        handing_over: HandingOver,
        forgetting: Forgetting,
    ) -> None:
        self._forgetting = forgetting
        self._store = store
        self._queues = queues
        self._handing_over = handing_over

    async def step(self, job: Job, step: Step) -> None:
        """All of the step or, when this raises, nothing of it."""
        turn, queue, desk = job.turn, step.queue, step.desk
        gone = Gone()
        replies = _outbox(job, step) if step.ended or not job.whole else []
        try:
            async with self._handing_over(replies) as rows, self._store.write() as session:
                stored = await session.messages.append(job.agent.id, step.messages, fenced=True)
                if step.ended or not job.whole:
                    await desk.commit(session)
                    await session.mailbox.post(rows)
                    for number, file in enumerate(desk.files):
                        await session.mailbox.put_file(f"{desk.key}/f{number}", file.name, file.data)
                await session.mailbox.commit_step(
                    turn.id, turn.steps, step.model, step.usage, desk.now, agent_id=job.agent.id
                )
                gone = await self._forget(session, job, step)
                if step.ended:
                    await session.mailbox.finish(turn.id, desk.now)
                    await self._queues.window.keep(session)
                said = await self._spoken(session, job, queue, stored) if step.ended and job.whole else []
                reminded = _reminders(job, queue, stored) if step.ended and not job.whole else []
                if reminded:
                    # What the model was told to mend in this turn would only teach it to do wrong again.
                    await session.messages.evict(turn.conversation_id, [m.key for m in reminded])
        except BaseException:
            self._queues.forget(turn.conversation_id)
            raise
        if job.forgot:
            self._queues.forget(turn.conversation_id)
        elif step.ended and job.whole:
            self._queues.drop(turn.conversation_id, turn)
            self._queues.extend(queue, said)
        else:
            self._queues.extend(queue, stored)
            queue.remove(reminded)
        await self._forgetting.settle(gone)

    async def _forget(self, session: Session, job: Job, step: Step) -> Gone:
        """What the person asked to be forgotten goes out of what this step and others show."""
        desk, gone = step.desk, Gone()
        if desk.unwanted:
            audience = step.queue.conversation.audience
            gone = await self._forgetting.forget(session, job.agent, audience, desk.unwanted, job.turn.id)
            job.forgot = True
        if step.ended and job.forgot:
            more = await self._forgetting.end(session, job.turn.id)
            gone = Gone([*gone.messages, *more.messages], gone.passages)
        return gone

    async def _spoken(
        self, session: Session, job: Job, queue: Queue, stored: Sequence[Message]
    ) -> list[Message]:
        """What an agent thought by itself leaves the view, where it would be paid for with every message: all but what
        it said of it."""
        own = [message for message in (*queue.messages, *stored) if message.turn_id == job.turn.id]
        kept = [
            replace(message, tokens=self._queues.window.cost(message.rendered))
            for message in spoken(own, SEND)
        ]
        for message in kept:
            await session.messages.rerender(message.key, message.rendered, message.tokens)
        left = {message.key for message in own} - {message.key for message in kept}
        await session.messages.evict(job.turn.conversation_id, sorted(left))
        return kept


def _outbox(job: Job, step: Step) -> list[OutboxRow]:
    """One row for each part that will be posted, and for a reaction; its id is the same however often it is sent."""
    conversation, desk = step.queue.conversation, step.desk
    said = VOICE if job.spoken else "reply"
    place = conversation.address
    if job.thread is not None and (job.in_thread or desk.thread):
        place = job.thread
    posts = [("thread", THREAD, desk.thread)] if desk.thread and not job.in_thread else []
    posts += [(str(number), said, part) for number, part in enumerate(desk.posts)]
    posts += [(f"f{number}", FILE, f"({file.name})") for number, file in enumerate(desk.files)]
    if desk.reaction:
        posts.append(("reaction", REACTION, desk.reaction))
    return [
        OutboxRow(
            id=f"{desk.key}/{name}",
            agent_id=job.agent.id,
            conversation_id=conversation.id,
            address=conversation.address if kind == REACTION else place,
            turn_id=job.turn.id,
            kind=kind,
            text=text,
            in_reply_to=job.answers,
            created_at=desk.now,
        )
        for name, kind, text in posts
    ] + asks.questions(job, desk, conversation)


def _reminders(job: Job, queue: Queue, stored: Sequence[Message]) -> list[Message]:
    """The turn's notes of what the model had to mend."""
    return [m for m in (*queue.messages, *stored) if m.turn_id == job.turn.id and is_reminder(m)]
