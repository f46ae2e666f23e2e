"""One mailbox per agent: what comes for them, who is called off, who is held, and who is waited for.

Events are committed to the inbox by `Mailboxes.receive` and thought about by the agent's own mailbox task, one turn
at a time. Everything they know is in SQL: a restart finds unfinished turns and goes on with them. Where several
processes share the database, each works for the agents that are its own, and what is heard for others is told to whose
they are (`bot.delivery.others`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any

from bot.agent.interrupt import NEWS, RESTART, STOP, YIELD
from bot.agent.queue_manager import QueueManager
from bot.delivery.arrivals import Arrivals
from bot.delivery.beginning import Beginning
from bot.delivery.courier import Courier
from bot.delivery.mailbox import Mailbox, Means
from bot.delivery.others import HEARD, TAKEN_S, Others
from bot.delivery.turns import Turns
from bot.events import Address, Event, MessageReceived, quotes_of, to_json
from bot.people.identities import Identity
from bot.runtime import Runtime
from bot.safety.notices import post_once
from bot.settings import AgentSettings
from memory.errors import StoreUnavailable
from memory.ports import Also
from memory.records import OutboxRow

_RESTARTS = 2  # of a turn, by edits of what it answers: each asks the model anew
# What processes tell each other, beside `HEARD`.
_RESTART, _INTERRUPT, _STOP, _HASTEN = "restart", "interrupt", "stop", "hasten"


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
        self._store, self._clock, self._cluster = runtime.store, runtime.clock, runtime.cluster
        self._turns = turns
        self._arrivals = arrivals
        self._queues = queues
        self._courier = courier
        self._draining = asyncio.Event()
        self._means = Means(
            store=runtime.store,
            clock=runtime.clock,
            cluster=runtime.cluster,
            turns=turns,
            beginning=beginning,
            queues=queues,
            platforms=list(platforms),
            debounce_s=settings.debounce_s,
            slots=asyncio.Semaphore(settings.concurrent_turns),
            quiet_slots=asyncio.Semaphore(max(1, settings.concurrent_turns // 8)),
            draining=self._draining,
        )
        self._mailboxes: dict[int, Mailbox] = {}
        self._places: dict[Address, set[int]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._held: set[int] = set()
        self._others = Others(runtime, platforms)
        self._others.hear(HEARD, self._told)
        self._others.hear(_RESTART, self._restart)
        self._others.hear(_INTERRUPT, self._interrupt)
        self._others.hear(_STOP, self._stop)
        self._others.hear(_HASTEN, self._hasten)
        self._others.hear("still", self._kept_still)
        self._others.hear("free", self._freed)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Work while the block runs; at its end turns under way are left to the next start."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self._look()
            following = group.create_task(self._others.follow(self._look, self._break_off))
            try:
                yield
            finally:
                self._group = None
                following.cancel()
                self._break_off()

    async def receive(
        self, event: Event, identity: Identity, notices: Sequence[OutboxRow] = (), admit: Also | None = None
    ) -> bool:
        """Commit an event for its agent, and see that it is thought about; the ``notices`` are posted with it, each
        once. False: its key was known, and nothing is changed. ``admit`` raises, first in the unit of work, when it is
        not to be received any more."""
        if self._draining.is_set():
            raise StoreUnavailable("everbot is shutting down.")
        agent = identity.agent
        if isinstance(event, MessageReceived):
            self._queues.expect(event.text)  # it is embedded while the disk is waited for
        async with self._store.write() as session:
            if admit is not None:
                await admit(session)
            rows = [*await self._arrivals.before(session, event, identity), event]
            for row in rows:
                new = await session.mailbox.receive(
                    row.key, identity.conversation, row.kind, to_json(row), self._clock.now()
                )
            if new and (quotes := quotes_of(event)):
                await session.erasing.quote(event.key, {q.key: q.account for q in quotes})
            told = [await post_once(session, row) for row in notices if new]
        if any(told):
            self._courier.wake()
        if new and self._cluster.owns(agent.id):
            await self._heard(agent.id, identity.conversation.id, event.address, event.key, event.from_person)
        elif new:
            self._others.hand_on(event, identity)
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
        self._others.everywhere(_RESTART, agent_id=agent_id, event_key=event_key)

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
        self._draining.set()
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
        self._others.everywhere(_INTERRUPT, address=address, agents=named)

    def _interrupt(self, address: Address, agents: Collection[int] | None) -> None:
        for agent_id in self._places.get(address, set()) if agents is None else agents:
            mailbox = self._mailboxes.get(agent_id)
            for job in list(mailbox.jobs) if mailbox else ():
                waits = agents is not None and job is not (mailbox and mailbox.job)
                if mailbox and (job.address == address or waits):
                    mailbox.call_off(job, STOP)

    def stop(self, turn_id: str) -> None:
        """Call off one turn, at work or waiting for its model."""
        self._others.everywhere(_STOP, turn_id=turn_id)

    def _stop(self, turn_id: str) -> None:
        for mailbox in self._mailboxes.values():
            for job in mailbox.jobs:
                if job.turn.id == turn_id:
                    mailbox.call_off(job, STOP)

    def hasten(self, turn_id: str) -> None:
        """A turn that waits for its model goes on now."""
        self._others.everywhere(_HASTEN, turn_id=turn_id)

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
        if self._others.has(address):
            answered &= await self._others.settled(address)
            self._courier.wake()  # there may be posts of theirs that it has not seen
        await self._courier.delivered()
        return answered

    async def _look(self) -> None:
        """Begin with what waits for agents that are ours."""
        for agent_id, places in (await self._others.waiting(apart_from=self._at_work)).items():
            for address in places:
                self._expect(agent_id, address)
            self._wake(agent_id)

    def _break_off(self) -> None:
        """Nothing is worked on here any more; what waits is begun with when it is looked for."""
        for task in list(self._running):
            task.cancel()

    def _at_work(self, agent_id: int) -> bool:
        mailbox = self._mailboxes.get(agent_id)
        return mailbox is not None and mailbox.at_work

    def _told(self, agent_id: int, **what: Any) -> None:
        """Another process has received an event for an agent that it took for ours."""
        if self._group is not None and self._cluster.owns(agent_id) and not self._draining.is_set():
            self._group.create_task(self._heard(agent_id, **what))

    def _kept_still(self, agent: int) -> None:
        """Another process changes the agent: whoever works for it begins anew when that is over."""
        mailbox = self._mailboxes.get(agent)
        if mailbox is not None and mailbox.task is not None:
            mailbox.task.cancel()

    def _freed(self, agent: int) -> None:
        self._wake(agent)

    def _mailbox(self, agent_id: int) -> Mailbox:
        return self._mailboxes.setdefault(agent_id, Mailbox(agent_id, self._means))

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
        if self._draining.is_set() or agent_id in self._held:
            return
        if not mailbox.at_work and self._group is not None:
            mailbox.at_work = True
            # Models are spoken to in English, whatever whoever wakes the mailbox reads.
            work = self._work(agent_id, mailbox)
            task = mailbox.task = self._group.create_task(work, context=Context())
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _work(self, agent_id: int, mailbox: Mailbox) -> None:
        """Turn after turn, until the mailbox is empty, or the agent another's."""
        try:
            while self._cluster.owns(agent_id):
                async with self._cluster.at_work(agent_id) as alone:
                    if alone:
                        await mailbox.empty()
                        return
                await self._clock.sleep(TAKEN_S)
        finally:
            mailbox.at_work = False
            mailbox.task = mailbox.job = None
            if self._mailboxes.get(agent_id) is mailbox:
                self._let_go(agent_id)
            mailbox.tell()
