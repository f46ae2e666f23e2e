"""One agent's mailbox: what waits for the agent becomes turns, one after the other, people before timers.

A turn whose model is down steps aside: the agent's other conversations go on where they can.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.agent.interrupt import Interrupt
from bot.agent.job import Job
from bot.agent.queue_manager import QueueManager
from bot.delivery.beginning import Beginning
from bot.delivery.turns import Turns
from bot.errors import Interrupted
from bot.events import EVENTS, Address, HeartbeatDue
from bot.ports import Clock
from memory.errors import StaleAgent, StoreError, scarce, where
from memory.ports import Cluster, Store
from memory.records import InboxRow

log = logging.getLogger(__name__)

_BURST = 16  # events of one turn
_STORE_RETRY_S = 5.0
PARKED = "parked"
"""What other processes are told: all that is left of an agent waits, or does so no more."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What all mailboxes of a process work with. As many turns run at once as there are ``slots``, of those for which
    nobody waits as there are ``quiet_slots``; once it is ``draining`` none begins."""

    store: Store
    clock: Clock
    cluster: Cluster
    turns: Turns
    beginning: Beginning
    queues: QueueManager
    platforms: list[str]
    debounce_s: float
    slots: asyncio.Semaphore
    quiet_slots: asyncio.Semaphore
    draining: asyncio.Event


@dataclass
class Waiting:
    """A turn that is gone on with at ``due``, or when it was waited for so long: clocks are set."""

    job: Job
    due: datetime


class Mailbox:
    def __init__(self, agent_id: int, means: Means) -> None:
        self._agent_id = agent_id
        self._means = means
        self._store, self._clock, self._cluster = means.store, means.clock, means.cluster
        self.news = asyncio.Event()
        self.at_work = False
        self.resumed = False  # no turn is left from before the start
        self.more = False  # events are waiting that the present turn left out
        self.parked = False  # all that is left waits: the model is down, or the store
        self.job: Job | None = None
        self.aside: list[Waiting] = []  # turns whose model is down, one a conversation
        self.pause = Interrupt()  # of the wait for them
        self.task: asyncio.Task[None] | None = None
        self.places: set[Address] = set()  # where something may wait
        self.changed = asyncio.Event()

    def tell(self) -> None:
        """Wake whoever waits for this agent to be settled."""
        self.changed.set()
        self.changed = asyncio.Event()

    def park(self, parked: bool) -> None:
        self.parked = parked
        self.tell()
        self._cluster.tell(PARKED, agent_id=self._agent_id, parked=parked)

    @property
    def jobs(self) -> list[Job]:
        """The turn at work, and those that wait for their model."""
        return [*([self.job] if self.job else []), *(waiting.job for waiting in self.aside)]

    def waits_in(self, conversation_id: int) -> Job | None:
        """The turn of this conversation that waits for its model."""
        return next((w.job for w in self.aside if w.job.turn.conversation_id == conversation_id), None)

    def call_off(self, job: Job, reason: str) -> None:
        job.interrupt.request(reason)
        self.news.set()
        self.pause.request(reason)

    async def empty(self) -> None:
        """Turn after turn, until nothing can be done, or the agent is another process's."""
        while True:
            self.news.clear()
            try:
                self.more = False
                if not self._cluster.single:
                    await self._means.beginning.refresh(self._agent_id)
                self.job = await self._next()
                if self.job is not None:
                    await self._run(self.job)
                elif self.aside and not self.news.is_set():
                    await self._pause()
                nothing = not (self.more or self.news.is_set() or self.aside)
                if self._means.draining.is_set() or nothing or not self._cluster.owns(self._agent_id):
                    return
            except StaleAgent as stale:
                log.info("%s Read again.", stale)
                self._means.queues.forget_agent(self._agent_id)
                self.resumed = False
            except Exception as error:
                if not isinstance(error, StoreError) and not scarce(error):
                    # One agent's broken memory must not stop the others: what waits for it is tried again with
                    # its next event, or at the next start.
                    log.error("agent %s: its turn could not begin: %s", self._agent_id, where(error))
                    return
                why = error if isinstance(error, StoreError) else f"lack of memory, {where(error)}"
                log.error("agent %s waits for the store: %s", self._agent_id, why)
                self.resumed = False  # the turn that it broke off is gone on with
                self.park(True)
                await self._clock.sleep(_STORE_RETRY_S)
                self.park(False)
            self.job = None

    async def _run(self, job: Job) -> None:
        async with self._means.quiet_slots if job.whole else contextlib.nullcontext(), self._means.slots:
            waits = await self._means.turns.run(job)
        if waits is not None:
            self.aside.append(Waiting(job, self._clock.now() + timedelta(seconds=waits)))

    async def _pause(self) -> None:
        """Until the first turn that waits is due, something new came, or one was called off."""
        first = min(self.aside, key=lambda waiting: waiting.due)
        seconds = (first.due - self._clock.now()).total_seconds()
        self.pause = Interrupt()
        self.park(True)
        try:
            await self.pause.guard(self._clock.sleep(min(max(0.0, seconds), first.job.delay)))
            first.due = self._clock.now()
        except Interrupted:
            return
        finally:
            self.park(False)

    async def _next(self) -> Job | None:
        """What goes first: a turn that waited for its model and is due, an unfinished one, a new one of the events that
        go first; None when nothing can be done now."""
        if (job := self._due()) is not None:
            self.more = True
            return job
        aside = {waiting.job.turn.id: waiting.job for waiting in self.aside}
        held = {job.turn.conversation_id for job in aside.values()}
        async with self._store.read() as session:
            turn = None
            if not self.resumed:
                turn = await session.mailbox.unfinished(
                    self._agent_id, self._means.platforms, apart_from=aside
                )
            waiting = [] if turn else await session.mailbox.waiting(self._agent_id, self._means.platforms)
            free = [row for row in waiting if row.conversation_id not in held]
            rows = await session.mailbox.events_of(turn.id) if turn else _burst(free)
        if any(job.whole for job in aside.values()) and not any(EVENTS[row.kind].from_person for row in rows):
            return None  # a reflection sees memory as it was, until it is over or a person calls it off
        self.more = turn is not None or len(free) > len(rows)
        if turn is not None and turn.kind == HeartbeatDue.kind and turn.steps:
            # What it had thought is gone with the process, and nothing of it was written: it begins anew.
            await self._means.turns.abandon(turn, self._clock.now())
            return None
        if turn is None:
            self.resumed = True
            rows = await self._debounced(rows, held)
            while await self._means.beginning.read(rows):
                rows = await self._waiting(held)
            if not rows or await self._means.turns.overtaken(self._agent_id, rows):
                return None
        return await self._means.beginning.job(turn, rows if self._cluster.single else _as_said(rows))

    def _due(self) -> Job | None:
        """A turn that waited long enough, or is called off."""
        now = self._clock.now()
        for waiting in self.aside:
            if waiting.due <= now or waiting.job.interrupt.reason is not None:
                self.aside.remove(waiting)
                return waiting.job
        return None

    async def _debounced(self, rows: list[InboxRow], held: Collection[int]) -> list[InboxRow]:
        """The burst, once nothing was added to it for a moment; none of the conversations that are held. Each event is
        waited for once, and for no longer than that moment: the clock may have been set back since it came."""
        waited_for: set[str] = set()
        while rows and self._means.debounce_s > 0 and EVENTS[rows[0].kind].from_person:
            age = (self._clock.now() - rows[-1].received_at).total_seconds()
            if age >= self._means.debounce_s or len(rows) >= _BURST or rows[-1].key in waited_for:
                break
            waited_for.add(rows[-1].key)
            await self._clock.sleep(min(self._means.debounce_s, self._means.debounce_s - age))
            rows = await self._waiting(held)
        return rows

    async def _waiting(self, held: Collection[int]) -> list[InboxRow]:
        async with self._store.read() as session:
            waiting = await session.mailbox.waiting(self._agent_id, self._means.platforms)
        return _burst([row for row in waiting if row.conversation_id not in held])


def _burst(waiting: Collection[InboxRow]) -> list[InboxRow]:
    """The events of the next turn: people before timers, one conversation, one kind of turn, in order."""
    people = [row for row in waiting if EVENTS[row.kind].from_person]
    rows = people or list(waiting)[:1]
    return [row for row in rows if row.conversation_id == rows[0].conversation_id][:_BURST]


def _as_said(rows: list[InboxRow]) -> list[InboxRow]:
    """Events of one turn in the order in which the platform has them: several processes may have heard them, and
    committed the later one first."""
    return sorted(rows, key=lambda row: (_said_at(row), row.id))


def _said_at(row: InboxRow) -> datetime:
    at = row.payload.get("at")
    return datetime.fromisoformat(at) if isinstance(at, str) else row.received_at
