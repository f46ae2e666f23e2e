"""One mailbox per agent: order, bursts, interrupts, supervision.

Events are committed to the inbox by `Mailboxes.receive` and thought about by the agent's own mailbox task, one turn
at a time. Everything they know is in SQL: a restart finds unfinished turns and goes on with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.agent.interrupt import RESTART, STOP, YIELD
from bot.agent.job import Job
from bot.agent.queue_manager import QueueManager
from bot.delivery.arrivals import Arrivals
from bot.delivery.courier import Courier
from bot.delivery.documents import Documents
from bot.delivery.turns import Turns
from bot.events import EVENTS, Address, Event, HeartbeatDue, MessageReceived, quotes_of, to_json
from bot.people.identities import Identity
from bot.runtime import Runtime
from bot.settings import AgentSettings
from memory.errors import StoreError, StoreUnavailable
from memory.records import InboxRow

log = logging.getLogger(__name__)

_BURST = 16  # events of one turn
_STORE_RETRY_S = 5.0


@dataclass
class _Mailbox:
    """What is known in memory of an agent at work."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: bool = False
    resumed: bool = False  # no turn is left from before the start
    more: bool = False  # events are waiting that the present turn left out
    parked: bool = False  # the model is down; the turn waits
    job: Job | None = None
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


class Mailboxes:
    """The mailboxes. Use `run` inside the application's TaskGroup."""

    def __init__(
        self,
        runtime: Runtime,
        turns: Turns,
        arrivals: Arrivals,
        documents: Documents,
        queues: QueueManager,
        courier: Courier,
        platforms: Collection[str],
        settings: AgentSettings,
    ) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._turns = turns
        self._arrivals = arrivals
        self._documents = documents
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

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Work while the block runs; at its end turns under way are left to the next start."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            async with self._store.read() as session:
                busy = await session.mailbox.busy_agents(self._platforms)
                for agent_id in busy:
                    for conversation in await session.agents.conversations(agent_id):
                        self._expect(agent_id, conversation.address)
            for agent_id in busy:
                self._wake(agent_id)
            try:
                yield
            finally:
                self._group = None
                for task in list(self._running):
                    task.cancel()

    async def receive(self, event: Event, identity: Identity) -> None:
        """Commit an event for its agent, and see that it is thought about."""
        if self._draining:
            raise StoreUnavailable("everbot is shutting down.")
        agent = identity.agent
        async with self._store.write() as session:
            rows = [*await self._arrivals.before(session, event, identity), event]
            for row in rows:
                new = await session.mailbox.receive(
                    row.key, agent.id, identity.conversation.id, row.kind, to_json(row), self._clock.now()
                )
            if new and (quotes := quotes_of(event)):
                await session.erasing.quote(event.key, {q.key: q.account for q in quotes})
        if new:
            if isinstance(event, MessageReceived):
                self._queues.expect(event.text)
            self._expect(agent.id, event.address)
            job = self._job(agent.id)
            if job is not None and event.from_person and job.whole:
                job.interrupt.request(YIELD)  # people go first
            self._wake(agent.id)

    def restart(self, agent_id: int, event_key: str) -> None:
        """An event has changed: its turn begins anew, unless it has said something already."""
        job = self._job(agent_id)
        if job is not None and event_key in job.answers and not job.turn.outbox:
            job.interrupt.request(RESTART)

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
                async with self._store.read() as session:
                    places = await session.agents.conversations(agent_id)
                for place in places:
                    self._queues.forget(place.id)
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
        """Call off the turns that run for this place (of these agents only)."""
        for agent_id in self._places.get(address, set()) if agents is None else agents:
            job = self._job(agent_id)
            if job is not None and job.address == address:
                job.interrupt.request(STOP)

    async def settled(self, address: Address | None = None) -> bool:
        places = self._places.values() if address is None else [self._places.get(address, set())]
        answered = True
        for agent_id in set().union(*places):
            while (mailbox := self._mailboxes.get(agent_id)) and mailbox.at_work and not mailbox.parked:
                await mailbox.changed.wait()
            answered &= mailbox is None or not mailbox.parked
        await self._courier.delivered()
        return answered

    def _job(self, agent_id: int) -> Job | None:
        mailbox = self._mailboxes.get(agent_id)
        return mailbox.job if mailbox else None

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
        mailbox = self._mailbox(agent_id)
        mailbox.news.set()
        if self._draining or agent_id in self._held:
            return
        if not mailbox.at_work and self._group is not None:
            mailbox.at_work = True
            task = mailbox.task = self._group.create_task(self._work(agent_id, mailbox))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _work(self, agent_id: int, mailbox: _Mailbox) -> None:
        """Turn after turn, until the mailbox is empty."""
        try:
            while True:
                mailbox.news.clear()
                try:
                    mailbox.more = False
                    job = await self._next(agent_id)
                    if job is not None:
                        mailbox.job = job
                        async with self._quiet_slots if job.whole else contextlib.nullcontext(), self._slots:
                            await self._turns.run(job, mailbox.park)
                    if self._draining or not (mailbox.more or mailbox.news.is_set()):
                        return
                except StoreError as error:
                    log.error("agent %s waits for the store: %s", agent_id, error)
                    mailbox.park(True)
                    await self._clock.sleep(_STORE_RETRY_S)
                    mailbox.park(False)
                mailbox.job = None
        finally:
            mailbox.at_work = False
            mailbox.task = mailbox.job = None
            if self._mailboxes.get(agent_id) is mailbox:
                self._let_go(agent_id)
            mailbox.tell()

    async def _next(self, agent_id: int) -> Job | None:
        """The unfinished turn, or a new one of the events that go first; None when nothing waits."""
        mailbox = self._mailbox(agent_id)
        async with self._store.read() as session:
            turn = None if mailbox.resumed else await session.mailbox.unfinished(agent_id, self._platforms)
            waiting = [] if turn else await session.mailbox.waiting(agent_id, self._platforms)
            rows = await session.mailbox.events_of(turn.id) if turn else _burst(waiting)
        mailbox.more = turn is not None or len(waiting) > len(rows)
        if turn is not None and turn.kind == HeartbeatDue.kind and turn.steps:
            # What it had thought is gone with the process, and nothing of it was written: it begins anew.
            await self._turns.abandon(turn, self._clock.now())
            return None
        if turn is None:
            mailbox.resumed = True
            rows = await self._debounced(agent_id, rows)
            while await self._documents.read(rows):
                async with self._store.read() as session:
                    rows = _burst(await session.mailbox.waiting(agent_id, self._platforms))
            if not rows or await self._turns.overtaken(agent_id, rows):
                return None
        return await self._turns.job(turn, rows)

    async def _debounced(self, agent_id: int, rows: list[InboxRow]) -> list[InboxRow]:
        """The burst, once nothing was added to it for a moment. Each event is waited for once, and for no longer than
        that moment: the clock may have been set back since it came."""
        waited_for: set[str] = set()
        while rows and self._debounce_s > 0 and EVENTS[rows[0].kind].from_person:
            age = (self._clock.now() - rows[-1].received_at).total_seconds()
            if age >= self._debounce_s or len(rows) >= _BURST or rows[-1].key in waited_for:
                break
            waited_for.add(rows[-1].key)
            await self._clock.sleep(min(self._debounce_s, self._debounce_s - age))
            async with self._store.read() as session:
                rows = _burst(await session.mailbox.waiting(agent_id, self._platforms))
        return rows


def _burst(waiting: Collection[InboxRow]) -> list[InboxRow]:
    """The events of the next turn: people before timers, one conversation, one kind of turn, in order."""
    people = [row for row in waiting if EVENTS[row.kind].from_person]
    rows = people or list(waiting)[:1]
    return [row for row in rows if row.conversation_id == rows[0].conversation_id][:_BURST]
