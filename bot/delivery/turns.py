"""One turn that has begun, to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from bot.agent.drafting import Drafting
from bot.agent.interrupt import RESTART, Interrupt
from bot.agent.job import Job
from bot.agent.loop import AgentLoop
from bot.agent.queue_manager import QueueManager
from bot.agent.withdrawal import Withdrawal
from bot.delivery.courier import Courier
from bot.errors import AllowanceUsed, DeliveryError, Interrupted, ModelError, ModelOverflow, ModelRefused
from bot.events import HeartbeatDue, platform_of
from bot.language import marked
from bot.logs import FIELDS
from bot.observer import Fault, Turning, kind_of
from bot.people import schedules
from bot.people.access import Access
from bot.people.beats import IDLE, Beats
from bot.people.identities import Identities
from bot.people.pace import Turned
from bot.runtime import Runtime
from memory.errors import StoreError, scarce, where
from memory.records import InboxRow, OutboxRow, Turn

log = logging.getLogger(__name__)

_RETRY_S = 5.0
_RETRY_MAX_S = 300.0
_DOWN = marked("I can't think right now. I have kept your message and will answer as soon as I can.")
_WAITS = marked(
    "I still can't think, and have kept this message too: I answer them in order. /stop lets the first one go."
)
_REFUSED = marked(
    "I can't answer that: what I think with has declined it. Please put it differently, or ask something else."
)
_TOO_LONG = marked("That is more than I can take in at once. Please try it in smaller parts.")
_EXPIRED = marked(
    "I am sorry: I could not answer your message for too long, and have let it go. Please write again."
)
_BROKEN = marked("Something went wrong on my side, and I could not answer that. It has been logged.")
_STOPPED = marked("Stopped.")
_SCARCE = "the process lacks memory, threads, open files or room on the disk; give it more"


class Turns:
    """``expire`` is for how long a turn waits for a model that is down."""

    def __init__(
        self,
        runtime: Runtime,
        loop: AgentLoop,
        queues: QueueManager,
        identities: Identities,
        courier: Courier,
        access: Access,
        beats: Beats,
        expire: timedelta,
    ) -> None:
        self._store, self._indexer = runtime.store, runtime.indexer
        self._clock = runtime.clock
        self._observer = runtime.observer
        self._loop = loop
        self._withdrawal = Withdrawal(runtime, queues)
        self._queues = queues
        self._identities = identities
        self._courier = courier
        self._access = access
        self._beats = beats
        self._expire = expire

    async def run(self, job: Job) -> float | None:
        """The turn to its end, whatever happens; or, when the model is down, the seconds after which it is to be gone
        on with."""
        adapter, zone = self._courier.adapter(job.address), job.zone
        began = _time()
        waits: float | None = None
        watched = _watched(job)
        with self._observer.during(watched):
            steps, asked_s = job.turn.steps, job.asked_s
            try:
                async with adapter.thinking(job.address) as draft:
                    job.drafting = Drafting(draft) if draft and job.from_person else None
                    waits = await self._thought(job)
            except StoreError:
                raise
            except Exception as error:
                waits = await self._failed(job, error)
            finally:
                if job.zone != zone:
                    self._identities.forget(job.agent.id)  # the person told where they live
                if waits is None:
                    _tell(job, _time() - began)
                self._courier.wake()
                self._indexer.wake()
                watched.own_s = job.began_s + _time() - began - (job.asked_s - asked_s)
                watched.steps, watched.model = job.turn.steps - steps, job.model
                watched.ended = waits is None
        return waits

    async def _thought(self, job: Job) -> float | None:
        while True:
            try:
                if job.from_person or await self._may_go_on(job):
                    await self._loop.turn(job)
                return None
            except Interrupted as interrupted:
                if await self._interrupted(job, interrupted.reason):
                    return None
            except AllowanceUsed as used:
                await self._used_up(job, str(used))
                return None
            except ModelRefused as refusal:
                await self._refused(job, refusal)
                return None
            except ModelError as error:
                log.warning("agent %s, turn %s: %s", job.agent.id, job.turn.id, error)
                if job.fallback and not job.turn.outbox:
                    await self._end(job, "notice", job.fallback)  # a reminder does not wait for a mind
                    return None
                if await self._expired(job):
                    return None
                await self._say_down(job)
                return _delayed(job)
            except DeliveryError as error:  # nobody can say if whom it is about is still there
                log.info("agent %s, turn %s waits: %s", job.agent.id, job.turn.id, error)
                return None if await self._expired(job) else _delayed(job)

    async def _failed(self, job: Job, error: Exception) -> float | None:
        """A fault of ours must not brick the agent: the turn ends, visibly. What only lacks room is tried again, for
        some minutes: it may be the turn itself that takes it."""
        self._queues.forget(job.turn.conversation_id)
        self._observer.noted(Fault(kind=kind_of(error), platform=platform_of(job.address)))
        if scarce(error) and job.delay < _RETRY_MAX_S:
            log.error("agent %s, turn %s waits: %s (%s)", job.agent.id, job.turn.id, _SCARCE, where(error))
            await self._say_down(job)
            return _delayed(job)
        log.error("agent %s, turn %s failed: %s", job.agent.id, job.turn.id, where(error))
        await self._end(job, "error", job.own(_BROKEN) if job.from_person else job.fallback or None)
        return None

    async def _refused(self, job: Job, refusal: ModelRefused) -> None:
        """The model never answers this: the turn ends, and what it was about leaves the view."""
        log.error("agent %s, turn %s was refused: %s", job.agent.id, job.turn.id, refusal)
        await self._withdrawal.of(job)
        text = job.own(_TOO_LONG if isinstance(refusal, ModelOverflow) else _REFUSED)
        unsaid = not job.turn.outbox
        await self._end(job, "error", (text if job.from_person else job.fallback or None) if unsaid else None)

    async def _may_go_on(self, job: Job) -> bool:
        """Whether whom a turn that nobody waits for is about may talk with us still; else it is over. Raises
        `DeliveryError` when that cannot be known now."""
        async with self._store.read() as session:
            place = await session.agents.conversation(job.turn.conversation_id)
        try:
            await self._access.still(place)
        except Turned as turned:
            log.info("agent %s, turn %s ends: %s", job.agent.id, job.turn.id, turned)
            if job.whole:
                await self.abandon(job.turn, schedules.tomorrow(self._clock.now(), job.agent.id), job)
            else:
                await self._end(job, "notice", None)
            return False
        return True

    async def _used_up(self, job: Job, why: str) -> None:
        """The day's allowance is used up. Nothing of the turn is lost: a beat comes again tomorrow, a reminder needs no
        mind, and what a person wrote stays in memory."""
        log.info("agent %s, turn %s ends: %s", job.agent.id, job.turn.id, why)
        if job.whole:
            await self.abandon(job.turn, schedules.tomorrow(self._clock.now(), job.agent.id), job)
        elif job.from_person:
            await self._end(job, "notice", job.own(why))
        else:
            await self._end(job, "notice", job.fallback or None if not job.turn.outbox else None)

    async def _interrupted(self, job: Job, reason: str) -> bool:
        """True when the turn is over."""
        job.interrupt = Interrupt()
        if reason == RESTART:
            self._queues.forget(job.turn.conversation_id)
            return False
        if job.whole:
            await self.abandon(job.turn, self._clock.now() + IDLE, job)
            return True
        waits = job.from_person and not job.turn.outbox
        await self._end(job, "notice", job.own(_STOPPED) if waits else None)
        return True

    async def _expired(self, job: Job) -> bool:
        if self._clock.now() - job.turn.started_at < self._expire:
            return False
        await self._end(job, "error", job.own(_EXPIRED) if job.from_person else None)
        return True

    async def _say_down(self, job: Job) -> None:
        """The person hears of it once, in one sentence; what it is, is for the operator."""
        if job.turn.notified or not job.from_person:
            return
        async with self._store.write() as session:
            await session.agents.fence(job.agent.id)
            turn = await session.mailbox.turn(job.turn.id)
            if turn is None or turn.notified:
                return
            await session.mailbox.notify(job.turn.id)
            job.turn = replace(job.turn, notified=True)
            await session.mailbox.post([self._notice(job, "notice", job.own(_DOWN))])

    async def say_waiting(self, job: Job, key: str) -> None:
        """What came after a message that waits for the model waits too: the person hears of it once."""
        if job.told or not job.turn.notified:
            return
        job.told = True
        async with self._store.write() as session:
            notice = self._notice(job, "notice", job.own(_WAITS))
            await session.mailbox.post([replace(notice, in_reply_to=(key,))])
        self._courier.wake()

    async def _end(self, job: Job, kind: str, text: str | None) -> None:
        """End the turn without the model."""
        async with self._store.write() as session:
            await session.agents.fence(job.agent.id)
            if text is not None:
                await session.mailbox.post([self._notice(job, kind, text)])
            await self._loop.meter.book(session, job, self._clock.now())
            await session.mailbox.finish(job.turn.id, self._clock.now())
        self._loop.meter.settle(job)

    def _notice(self, job: Job, kind: str, text: str) -> OutboxRow:
        return OutboxRow(
            id=f"{job.turn.id}/{uuid4().hex[:8]}",
            agent_id=job.agent.id,
            conversation_id=job.turn.conversation_id,
            address=job.address,
            turn_id=job.turn.id,
            kind=kind,
            text=text,
            in_reply_to=job.answers,
            created_at=self._clock.now(),
        )

    async def overtaken(self, agent_id: int, rows: Sequence[InboxRow]) -> bool:
        """Whether the person was heard since a beat fell due: then it waits until they are idle."""
        if rows[0].kind != HeartbeatDue.kind:
            return False
        async with self._store.write() as session:
            beat = await session.schedule.beat(agent_id)
            if beat.heard_at is None or not rows[0].received_at < beat.heard_at <= self._clock.now():
                return False
            await session.mailbox.drop_event(rows[0].key)
            await self._beats.change(session, agent_id, next_at=beat.heard_at + IDLE, last_at=_since(rows[0]))
        return True

    async def abandon(self, turn: Turn, again: datetime, job: Job | None = None) -> None:
        """A beat that was broken off leaves nothing behind, and comes again. ``job``: of this process."""
        async with self._store.write() as session:
            await session.agents.touch(turn.agent_id)
            events = await session.mailbox.events_of(turn.id)
            rows = await session.messages.of_turn(turn.id)
            await session.messages.delete([row.key for row in rows])
            if job is not None:
                await self._loop.meter.book(session, job, self._clock.now())
            await session.mailbox.finish(turn.id, self._clock.now())
            await self._beats.change(session, turn.agent_id, next_at=again, last_at=_since(events[0]))
        if job is not None:
            self._loop.meter.settle(job)
        self._queues.drop(turn.conversation_id, turn)


def _time() -> float:
    return asyncio.get_running_loop().time()


def _watched(job: Job) -> Turning:
    """A turn at work, for whoever watches."""
    return Turning(
        id=job.turn.id,
        platform=platform_of(job.address),
        kind=job.turn.kind,
        agent_id=job.agent.id,
        conversation_id=job.turn.conversation_id,
        persona=job.persona,
        events=job.answers,
    )


def _delayed(job: Job) -> float:
    """The seconds after which the turn is gone on with: more each time."""
    job.delay = min(_RETRY_MAX_S, max(_RETRY_S, job.delay * 2))
    return job.delay


def _tell(job: Job, seconds: float) -> None:
    """A line about the turn, for whoever runs the bot."""
    told = {
        "agent": job.agent.id,
        "place": job.address,
        "kind": job.turn.kind,
        "steps": job.turn.steps,
        "tokens_in": job.used.prompt,
        "tokens_out": job.used.completion,
        "cached": job.used.cached,
        "ms": round(1_000 * seconds),
        "model": job.model or "no model",
    }
    line = (
        "agent %(agent)s in %(place)s: %(kind)s, %(steps)s steps, %(tokens_in)s tokens in (%(cached)s cached), "
        "%(tokens_out)s out, %(ms)s ms, %(model)s"
    )
    log.info(line, told, extra={FIELDS: told})


def _since(beat: InboxRow) -> datetime | None:
    """When the beat before it was: what was new to it is still new."""
    since = beat.payload.get("since")
    return datetime.fromisoformat(since) if since else None
