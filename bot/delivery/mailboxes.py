"""One mailbox per agent: order, bursts, interrupts, supervision.

Events are committed to the inbox by `Mailboxes.receive` and thought about by the agent's own mailbox task, one turn
at a time. A turn whose model is down steps aside: the agent's other conversations go on where they can. Everything
they know is in SQL: a restart finds unfinished turns and goes on with them. Where several processes share the database,
each works for the agents that are its own, and what is heard for others is told to whose they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.agent.interrupt import NEWS, RESTART, STOP, YIELD, Interrupt
from bot.agent.job import Job
from bot.agent.queue_manager import QueueManager
from bot.delivery.arrivals import Arrivals
from bot.delivery.beginning import Beginning
from bot.delivery.courier import Courier
from bot.delivery.others import Others
from bot.delivery.turns import Turns
from bot.errors import Interrupted
from bot.events import EVENTS, Address, Event, HeartbeatDue, MessageReceived, quotes_of, to_json
from bot.people.identities import Identity
from bot.runtime import Runtime
from bot.safety.notices import post_once
from bot.settings import AgentSettings
from memory.errors import StaleAgent, StoreError, StoreUnavailable, scarce, where
from memory.records import InboxRow, OutboxRow

log = logging.getLogger(__name__)

_BURST = 16  # events of one turn
_RESTARTS = 2  # of a turn, by edits of what it answers: each asks the model anew
_STORE_RETRY_S = 5.0
_LOOK_S = 1.0  # between two looks for what waits, where word of it may be lost
_TAKEN_S = 0.1  # between two looks whether another process has let go of an agent


# What processes tell each other.
_HEARD, _RESTART, _INTERRUPT, _STOP, _HASTEN = "heard", "restart", "interrupt", "stop", "hasten"


@dataclass
class Waiting:
    """A turn that is gone on with at ``due``, or when it was waited for so long: clocks are set."""

    job: Job
    due: datetime


@dataclass
class _Mailbox:
    """What is known in memory of an agent at work."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: bool = False
    resumed: bool = False  # no turn is left from before the start
    more: bool = False  # events are waiting that the present turn left out
    parked: bool = False  # all that is left waits: the model is down, or the store
    job: Job | None = None
    aside: list[Waiting] = field(default_factory=list)  # turns whose model is down, one a conversation
    pause: Interrupt = field(default_factory=Interrupt)  # of the wait for them
    task: asyncio.Task[None] | None = None
    places: set[Address] = field(default_factory=set)  # where something may wait
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        """Wake whoever waits for this agent to be settled."""
        self.changed.set()
        self.changed = asyncio.Event()

    def park(self, parked: bool) -> None:
        self.parked = parked
        self.tell()

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


class Mailboxes:
    """The mailboxes. Use `run` inside the application's TaskGroup."""

    def __init__(
        self,
        runtime: Runtime,
        turns: Turns,
        arrivals: Arrivals,
        beginning: Beginning,
        queues: QueueManager,
        courier: Courier,
        platforms: Collection[str],
        settings: AgentSettings,
    ) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._turns = turns
        self._arrivals = arrivals
        self._beginning = beginning
        self._queues = queues
        self._courier = courier
        self._platforms = list(platforms)
        self._debounce_s = settings.debounce_s
        self._mailboxes: dict[int, _Mailbox] = {}
        self._places: dict[Address, set[int]] = {}
        self._slots = asyncio.Semaphore(settings.concurrent_turns)
        self._quiet_slots = asyncio.Semaphore(max(1, settings.concurrent_turns // 8))  # for beats
        self._group: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._held: set[int] = set()
        self._draining = False
        self._others = Others()
        self._cluster = runtime.cluster
        self._cluster.hear(_HEARD, self._told)
        self._cluster.hear(_RESTART, self._restart)
        self._cluster.hear(_INTERRUPT, self._interrupt)
        self._cluster.hear(_STOP, self._stop)
        self._cluster.hear(_HASTEN, self._hasten)
        self._cluster.hear("still", self._kept_still)
        self._cluster.hear("free", self._freed)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Work while the block runs; at its end turns under way are left to the next start."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self._look()
            following = None if self._cluster.single else group.create_task(self._follow())
            try:
                yield
            finally:
                self._group = None
                if following is not None:
                    following.cancel()
                for task in list(self._running):
                    task.cancel()

    async def receive(self, event: Event, identity: Identity, notices: Sequence[OutboxRow] = ()) -> bool:
        """Commit an event for its agent, and see that it is thought about; the ``notices`` are posted with it, each
        once. False: its key was known, and nothing is changed."""
        if self._draining:
            raise StoreUnavailable("everbot is shutting down.")
        agent = identity.agent
        if isinstance(event, MessageReceived):
            self._queues.expect(event.text)  # it is embedded while the disk is waited for
        async with self._store.write() as session:
            rows = [*await self._arrivals.before(session, event, identity), event]
            for row in rows:
                new = await session.mailbox.receive(
                    row.key, agent.id, identity.conversation.id, row.kind, to_json(row), self._clock.now()
                )
            if new and (quotes := quotes_of(event)):
                await session.erasing.quote(event.key, {q.key: q.account for q in quotes})
            told = [await post_once(session, row) for row in notices if new]
        if any(told):
            self._courier.wake()
        if new and self._cluster.owns(agent.id):
            await self._heard(agent.id, identity.conversation.id, event.address, event.key, event.from_person)
        elif new:
            self._others.tell(event.address, agent.id)
            self._cluster.tell(
                _HEARD,
                agent_id=agent.id,
                conversation_id=identity.conversation.id,
                address=event.address,
                key=event.key,
                from_person=event.from_person,
            )
        return new

    async def _heard(
        self, agent_id: int, conversation_id: int, address: Address, key: str, from_person: bool
    ) -> None:
        """An event of that key was committed for an agent of ours."""
        self._expect(agent_id, address)
        mailbox = self._mailbox(agent_id)
        for job in mailbox.jobs if from_person else ():
            if job.whole:
                mailbox.call_off(job, YIELD)  # people go first
        waits = mailbox.waits_in(conversation_id) if from_person else None
        self._wake(agent_id)
        if waits is not None:
            await self._turns.say_waiting(waits, key)

    def restart(self, agent_id: int, event_key: str) -> None:
        """An event has changed: its turn begins anew, unless it has said something already, or has begun anew often
        enough. What the event says now is read with the turn's next step."""
        self._cluster.tell(_RESTART, agent_id=agent_id, event_key=event_key)
        self._restart(agent_id, event_key)

    def _restart(self, agent_id: int, event_key: str) -> None:
        mailbox = self._mailboxes.get(agent_id)
        for job in mailbox.jobs if mailbox else ():
            unsaid = event_key in job.answers and not job.turn.outbox
            if mailbox and unsaid and job.restarts < _RESTARTS:
                job.restarts += 1
                mailbox.call_off(job, RESTART)

    @asynccontextmanager
    async def still(self, *agents: int) -> AsyncIterator[None]:
        """No turn of these agents runs while the block does; one under way goes on after it."""
        self._held.update(agents)
        waiting: dict[int, set[Address]] = {}
        try:
            for agent_id in agents:
                mailbox = self._mailbox(agent_id)
                waiting[agent_id] = set(mailbox.places)
                if mailbox.task is not None:
                    mailbox.task.cancel()
                    await asyncio.wait([mailbox.task])
                self._queues.forget_agent(agent_id)
            async with self._cluster.still(agents):
                yield
        finally:
            self._held.difference_update(agents)
            for agent_id in agents:
                self._let_go(agent_id)
                for address in waiting.get(agent_id, ()):
                    self._expect(agent_id, address)
                self._wake(agent_id)

    async def drain(self, seconds: float) -> None:
        """Take nothing new, and let what runs come to its end for so long; the rest waits for the next start."""
        self._draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for mailbox in list(self._mailboxes.values()):
                    while mailbox.at_work and not mailbox.parked:
                        await mailbox.changed.wait()
                await self._courier.delivered()

    async def interrupt(self, address: Address, agents: Collection[int] | None = None) -> None:
        """Call off the turns that run for this place; of these agents only, and then those too that wait for a model
        which is down, wherever they are held."""
        named = None if agents is None else list(agents)
        self._cluster.tell(_INTERRUPT, address=address, agents=named)
        self._interrupt(address, named)

    def _interrupt(self, address: Address, agents: Collection[int] | None) -> None:
        for agent_id in self._places.get(address, set()) if agents is None else agents:
            mailbox = self._mailboxes.get(agent_id)
            for job in list(mailbox.jobs) if mailbox else ():
                waits = agents is not None and job is not (mailbox and mailbox.job)
                if mailbox and (job.address == address or waits):
                    mailbox.call_off(job, STOP)

    def stop(self, turn_id: str) -> None:
        """Call off one turn, at work or waiting for its model."""
        self._cluster.tell(_STOP, turn_id=turn_id)
        self._stop(turn_id)

    def _stop(self, turn_id: str) -> None:
        for mailbox in self._mailboxes.values():
            for job in mailbox.jobs:
                if job.turn.id == turn_id:
                    mailbox.call_off(job, STOP)

    def hasten(self, turn_id: str) -> None:
        """A turn that waits for its model goes on now."""
        self._cluster.tell(_HASTEN, turn_id=turn_id)
        self._hasten(turn_id)

    def _hasten(self, turn_id: str) -> None:
        for mailbox in self._mailboxes.values():
            for waiting in mailbox.aside:
                if waiting.job.turn.id == turn_id:
                    waiting.due = self._clock.now()
                    mailbox.pause.request(NEWS)

    async def settled(self, address: Address | None = None) -> bool:
        places = self._places.values() if address is None else [self._places.get(address, set())]
        answered = True
        for agent_id in set().union(*places):
            while (mailbox := self._mailboxes.get(agent_id)) and mailbox.at_work and not mailbox.parked:
                await mailbox.changed.wait()
            answered &= mailbox is None or not mailbox.parked
        await self._settled_elsewhere(address)
        await self._courier.delivered()
        return answered

    async def _settled_elsewhere(self, address: Address | None) -> None:
        """Returns when other processes have done what we told them of: no sooner than that, for a turn of theirs may
        wait for its model, which only they know."""
        while self._others.at(address):
            told = self._others.told()
            async with self._store.read() as session:
                self._others.settle(told, await session.mailbox.busy_agents(self._platforms))
            if self._others.at(address):
                await self._clock.sleep(_TAKEN_S)

    async def _follow(self) -> None:
        """Work for the agents that are ours now, and see to what waits for them without our having heard of it."""
        while True:
            kept = await self._cluster.news(_LOOK_S)
            if not kept:
                for task in list(self._running):
                    task.cancel()  # others may be at the same
            try:
                await self._look()
            except StoreError as error:
                log.error("What waits is looked for later: %s", error)

    async def _look(self) -> None:
        """Begin with what waits for agents that are ours."""
        told = self._others.told()
        async with self._store.read() as session:
            busy = await session.mailbox.busy_agents(self._platforms)
            self._others.settle(told, busy)
            ours = [one for one in busy if self._cluster.owns(one) and not self._at_work(one)]
            for agent_id in ours:
                for conversation in await session.agents.conversations(agent_id):
                    self._expect(agent_id, conversation.address)
        for agent_id in ours:
            self._wake(agent_id)

    def _at_work(self, agent_id: int) -> bool:
        mailbox = self._mailboxes.get(agent_id)
        return mailbox is not None and mailbox.at_work

    def _told(self, agent_id: int, **what: Any) -> None:
        """Another process has received an event for an agent that it took for ours."""
        if self._group is not None and self._cluster.owns(agent_id) and not self._draining:
            self._group.create_task(self._heard(agent_id, **what))

    def _kept_still(self, agent: int) -> None:
        """Another process changes the agent: whoever works for it begins anew when that is over."""
        mailbox = self._mailboxes.get(agent)
        if mailbox is not None and mailbox.task is not None:
            mailbox.task.cancel()

    def _freed(self, agent: int) -> None:
        self._wake(agent)

    def _mailbox(self, agent_id: int) -> _Mailbox:
        return self._mailboxes.setdefault(agent_id, _Mailbox())

    # Mailboxes

    def _expect(self, agent_id: int, address: Address) -> None:
        """Something of this agent's may wait for that place."""
        self._mailbox(agent_id).places.add(address)
        self._places.setdefault(address, set()).add(agent_id)

    def _let_go(self, agent_id: int) -> None:
        """Nothing waits for this agent: what is kept must not grow with everybody who ever wrote."""
        mailbox = self._mailboxes.pop(agent_id, None)
        for address in mailbox.places if mailbox else ():
            agents = self._places.get(address, set())
            agents.discard(agent_id)
            if not agents:
                self._places.pop(address, None)

    def _wake(self, agent_id: int) -> None:
        if not self._cluster.owns(agent_id):
            return
        mailbox = self._mailbox(agent_id)
        mailbox.news.set()
        mailbox.pause.request(NEWS)
        if self._draining or agent_id in self._held:
            return
        if not mailbox.at_work and self._group is not None:
            mailbox.at_work = True
            # Models are spoken to in English, whatever whoever wakes the mailbox reads.
            work = self._work(agent_id, mailbox)
            task = mailbox.task = self._group.create_task(work, context=Context())
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _work(self, agent_id: int, mailbox: _Mailbox) -> None:
        """Turn after turn, until the mailbox is empty, or the agent another's."""
        try:
            while self._cluster.owns(agent_id):
                async with self._cluster.at_work(agent_id) as alone:
                    if alone:
                        await self._empty(agent_id, mailbox)
                        return
                await self._clock.sleep(_TAKEN_S)
        finally:
            mailbox.at_work = False
            mailbox.task = mailbox.job = None
            if self._mailboxes.get(agent_id) is mailbox:
                self._let_go(agent_id)
            mailbox.tell()

    async def _empty(self, agent_id: int, mailbox: _Mailbox) -> None:
        while True:
            mailbox.news.clear()
            try:
                mailbox.more = False
                if not self._cluster.single:
                    await self._beginning.refresh(agent_id)
                mailbox.job = await self._next(agent_id)
                if mailbox.job is not None:
                    await self._run(mailbox, mailbox.job)
                elif mailbox.aside and not mailbox.news.is_set():
                    await self._pause(mailbox)
                nothing = not (mailbox.more or mailbox.news.is_set() or mailbox.aside)
                if self._draining or nothing or not self._cluster.owns(agent_id):
                    return
            except StaleAgent as stale:
                log.info("%s Read again.", stale)
                self._queues.forget_agent(agent_id)
                mailbox.resumed = False
            except Exception as error:
                if not isinstance(error, StoreError) and not scarce(error):
                    # One agent's broken memory must not stop the others: what waits for it is tried again with
                    # its next event, or at the next start.
                    log.error("agent %s: its turn could not begin: %s", agent_id, where(error))
                    return
                why = error if isinstance(error, StoreError) else f"lack of memory, {where(error)}"
                log.error("agent %s waits for the store: %s", agent_id, why)
                mailbox.resumed = False  # the turn that it broke off is gone on with
                mailbox.park(True)
                await self._clock.sleep(_STORE_RETRY_S)
                mailbox.park(False)
            mailbox.job = None

    async def _run(self, mailbox: _Mailbox, job: Job) -> None:
        async with self._quiet_slots if job.whole else contextlib.nullcontext(), self._slots:
            waits = await self._turns.run(job)
        if waits is not None:
            mailbox.aside.append(Waiting(job, self._clock.now() + timedelta(seconds=waits)))

    async def _pause(self, mailbox: _Mailbox) -> None:
        """Until the first turn that waits is due, something new came, or one was called off."""
        first = min(mailbox.aside, key=lambda waiting: waiting.due)
        seconds = (first.due - self._clock.now()).total_seconds()
        mailbox.pause = Interrupt()
        mailbox.park(True)
        try:
            await mailbox.pause.guard(self._clock.sleep(min(max(0.0, seconds), first.job.delay)))
            first.due = self._clock.now()
        except Interrupted:
            return
        finally:
            mailbox.park(False)

    async def _next(self, agent_id: int) -> Job | None:
        """What goes first: a turn that waited for its model and is due, an unfinished one, a new one of the events that
        go first; None when nothing can be done now."""
        mailbox = self._mailbox(agent_id)
        if (job := self._due(mailbox)) is not None:
            mailbox.more = True
            return job
        aside = {waiting.job.turn.id: waiting.job for waiting in mailbox.aside}
        held = {job.turn.conversation_id for job in aside.values()}
        async with self._store.read() as session:
            turn = None
            if not mailbox.resumed:
                turn = await session.mailbox.unfinished(agent_id, self._platforms, apart_from=aside)
            waiting = [] if turn else await session.mailbox.waiting(agent_id, self._platforms)
            free = [row for row in waiting if row.conversation_id not in held]
            rows = await session.mailbox.events_of(turn.id) if turn else _burst(free)
        if any(job.whole for job in aside.values()) and not any(EVENTS[row.kind].from_person for row in rows):
            return None  # a reflection sees memory as it was, until it is over or a person calls it off
        mailbox.more = turn is not None or len(free) > len(rows)
        if turn is not None and turn.kind == HeartbeatDue.kind and turn.steps:
            # What it had thought is gone with the process, and nothing of it was written: it begins anew.
            await self._turns.abandon(turn, self._clock.now())
            return None
        if turn is None:
            mailbox.resumed = True
            rows = await self._debounced(agent_id, rows, held)
            while await self._beginning.read(rows):
                rows = await self._waiting(agent_id, held)
            if not rows or await self._turns.overtaken(agent_id, rows):
                return None
        return await self._beginning.job(turn, rows)

    def _due(self, mailbox: _Mailbox) -> Job | None:
        """A turn that waited long enough, or is called off."""
        now = self._clock.now()
        for waiting in mailbox.aside:
            if waiting.due <= now or waiting.job.interrupt.reason is not None:
                mailbox.aside.remove(waiting)
                return waiting.job
        return None

    async def _debounced(self, agent_id: int, rows: list[InboxRow], held: Collection[int]) -> list[InboxRow]:
        """The burst, once nothing was added to it for a moment; none of the conversations that are held. Each event is
        waited for once, and for no longer than that moment: the clock may have been set back since it came."""
        waited_for: set[str] = set()
        while rows and self._debounce_s > 0 and EVENTS[rows[0].kind].from_person:
            age = (self._clock.now() - rows[-1].received_at).total_seconds()
            if age >= self._debounce_s or len(rows) >= _BURST or rows[-1].key in waited_for:
                break
            waited_for.add(rows[-1].key)
            await self._clock.sleep(min(self._debounce_s, self._debounce_s - age))
            rows = await self._waiting(agent_id, held)
        return rows

    async def _waiting(self, agent_id: int, held: Collection[int]) -> list[InboxRow]:
        async with self._store.read() as session:
            waiting = await session.mailbox.waiting(agent_id, self._platforms)
        return _burst([row for row in waiting if row.conversation_id not in held])


def _burst(waiting: Collection[InboxRow]) -> list[InboxRow]:
    """The events of the next turn: people before timers, one conversation, one kind of turn, in order."""
    people = [row for row in waiting if EVENTS[row.kind].from_person]
    rows = people or list(waiting)[:1]
    return [row for row in rows if row.conversation_id == rows[0].conversation_id][:_BURST]
