"""One mailbox per agent: order, bursts, interrupts, supervision.

Events are committed to the inbox by `submit` and thought about by the agent's own mailbox task, one turn
at a time. Everything the runner knows is in SQL: a restart finds unfinished turns and goes on with them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

from bot.agent import Agent, Job
from bot.commands import Commands
from bot.courier import Courier
from bot.errors import Interrupted, ModelError
from bot.events import (
    EVENTS,
    Address,
    Command,
    Event,
    MessageDeleted,
    MessageEdited,
    View,
    clean,
    cleaned,
    platform_of,
    to_json,
)
from bot.fifo_queue import Queue
from bot.identities import Identities, Identity
from bot.interrupt import RESTART, STOP, YIELD, Interrupt
from bot.locks import Locks
from bot.ports import Adapter, Clock
from bot.queue_manager import QueueManager
from memory.errors import StoreError
from memory.indexer import Indexer
from memory.ports import Session, Store
from memory.records import Agent as AgentRecord
from memory.records import InboxRow, Message, OutboxRow, Turn, TurnState

log = logging.getLogger(__name__)

_BURST = 16  # events of one turn
_RETRY_S = 5.0
_RETRY_MAX_S = 300.0
_DOWN = "I can't think right now: {why} I have kept your message and will answer as soon as I can."
_EXPIRED = "I am sorry: I could not answer your message for too long, and have let it go. Please write again."
_BROKEN = "Something went wrong on my side, and I could not answer that. It has been logged."
_STOPPED = "Stopped."


@dataclass
class _Mailbox:
    """What is known in memory of an agent at work."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: bool = False
    resumed: bool = False  # no turn is left from before the start
    more: bool = False  # events are waiting that the present turn left out
    parked: bool = False  # the model is down; the turn waits
    job: Job | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        """Wake whoever waits for this agent to be settled."""
        self.changed.set()
        self.changed = asyncio.Event()

    def park(self, parked: bool) -> None:
        self.parked = parked
        self.tell()


class Runner:
    """`bot.ports.Inbound`. Use `run` inside the application's TaskGroup."""

    def __init__(
        self,
        store: Store,
        agent: Agent,
        queues: QueueManager,
        identities: Identities,
        courier: Courier,
        indexer: Indexer,
        clock: Clock,
        adapters: Mapping[str, Adapter],
        locks: Locks,
        commands: Commands,
        *,
        debounce_s: float,
        expire_hours: float,
        concurrent_turns: int,
    ) -> None:
        self._store = store
        self._agent = agent
        self._queues = queues
        self._identities = identities
        self._courier = courier
        self._indexer = indexer
        self._clock = clock
        self._adapters = adapters
        self._locks = locks
        self._commands = commands
        self._debounce_s = debounce_s
        self._expire = timedelta(hours=expire_hours)
        self._mailboxes: dict[int, _Mailbox] = {}
        self._places: dict[Address, set[int]] = {}
        self._slots = asyncio.Semaphore(concurrent_turns)
        self._group: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Work while the block runs; at its end turns under way are left to the next start."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            async with self._store.read() as session:
                busy = await session.mailbox.busy_agents(list(self._adapters))
                for agent_id in busy:
                    for conversation in await session.agents.conversations(agent_id):
                        self._places.setdefault(conversation.address, set()).add(agent_id)
            for agent_id in busy:
                self._wake(agent_id)
            try:
                yield
            finally:
                self._group = None
                for task in list(self._running):
                    task.cancel()

    # Inbound

    async def submit(self, event: Event) -> None:
        event = cleaned(event)
        identity = await self._identities.of(event)
        if isinstance(event, MessageEdited | MessageDeleted):
            await self._amend(event, identity)
        else:
            await self._receive(event, identity)

    async def submit_to(self, agent: AgentRecord, event: Event) -> None:
        """`submit` for an agent that is known already, in a conversation that exists."""
        async with self._store.read() as session:
            conversation = await session.agents.conversation_at(agent.id, event.address)
        assert conversation is not None
        identity = await self._identities.at(conversation)
        assert identity is not None
        await self._receive(event, identity)

    async def _receive(self, event: Event, identity: Identity) -> None:
        async with self._store.write() as session:
            new = await session.mailbox.receive(
                event.key,
                identity.agent.id,
                identity.conversation.id,
                event.kind,
                to_json(event),
                self._clock.now(),
            )
        if new:
            self._places.setdefault(event.address, set()).add(identity.agent.id)
            job = self.mailbox(identity.agent.id).job
            if job is not None and event.from_person and not job.from_person and not job.turn.outbox:
                job.interrupt.request(YIELD)  # people go first
            self._wake(identity.agent.id)

    async def invoke(self, command: Command) -> View:
        cleaned = {name: clean(value) for name, value in asdict(command).items()}
        command = replace(command, **cleaned)
        identity = await self._identities.of(command)
        return await self._commands.run(command, identity, self)

    async def delete(self, agent: AgentRecord) -> None:
        """Call off what the agent is at, and delete it with all that it remembers."""
        mailbox = self.mailbox(agent.id)
        while mailbox.at_work:
            if mailbox.job is not None:
                mailbox.job.interrupt.request(STOP)
            await mailbox.changed.wait()
        async with self._locks.of(agent.id):
            async with self._store.read() as session:
                places = await session.agents.conversations(agent.id)
            async with self._store.write() as session:
                await session.agents.delete_agent(agent.id)
            for place in places:
                self._queues.forget(place.id)
            self._identities.forget(agent.id)
            await self._indexer.forget(agent)

    async def interrupt(self, address: Address) -> None:
        for agent_id in self._places.get(address, ()):
            job = self.mailbox(agent_id).job
            if job is not None:
                job.interrupt.request(STOP)

    async def settled(self, address: Address | None = None) -> bool:
        places = self._places.values() if address is None else [self._places.get(address, set())]
        answered = True
        for agent_id in set().union(*places):
            mailbox = self.mailbox(agent_id)
            while mailbox.at_work and not mailbox.parked:
                await mailbox.changed.wait()
            answered &= not mailbox.parked
        await self._courier.delivered()
        return answered

    def mailbox(self, agent_id: int) -> _Mailbox:
        return self._mailboxes.setdefault(agent_id, _Mailbox())

    # Mailboxes

    def _wake(self, agent_id: int) -> None:
        mailbox = self.mailbox(agent_id)
        mailbox.news.set()
        if not mailbox.at_work and self._group is not None:
            mailbox.at_work = True
            task = self._group.create_task(self._work(agent_id, mailbox))
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
                        async with self._slots:
                            await self._turn(job, mailbox)
                    if not (mailbox.more or mailbox.news.is_set()):
                        return
                except StoreError as error:
                    log.error("agent %s waits for the store: %s", agent_id, error)
                    mailbox.park(True)
                    await self._clock.sleep(_RETRY_S)
                    mailbox.park(False)
                mailbox.job = None
        finally:
            mailbox.at_work = False
            mailbox.tell()

    async def _next(self, agent_id: int) -> Job | None:
        """The unfinished turn, or a new one of the events that go first; None when nothing waits."""
        platforms = list(self._adapters)
        mailbox = self.mailbox(agent_id)
        async with self._store.read() as session:
            turn = None if mailbox.resumed else await session.mailbox.unfinished(agent_id, platforms)
            waiting = [] if turn else await session.mailbox.waiting(agent_id, platforms)
            rows = await session.mailbox.events_of(turn.id) if turn else _burst(waiting)
        mailbox.more = turn is not None or len(waiting) > len(rows)
        if turn is None:
            mailbox.resumed = True
            rows = await self._debounced(agent_id, rows)
            if not rows:
                return None
        conversation_id = turn.conversation_id if turn else rows[0].conversation_id
        queue = await self._queues.queue(conversation_id)
        identity = await self._identities.at(queue.conversation)
        if identity is None:
            return None  # the agent was deleted meanwhile
        if turn is None:
            recalled = await self._queues.recollect(queue, identity.agent, rows, identity.zone)
            async with self._store.write() as session:
                turn, admitted = await self._begin(session, identity, queue, rows, recalled)
            self._queues.extend(queue, admitted)
        return Job(
            agent=identity.agent,
            persona=identity.persona.name,
            turn=turn,
            answers=tuple(row.key for row in rows),
            from_person=any(EVENTS[row.kind].from_person for row in rows),
            zone=identity.zone,
            lock=self._locks.of(agent_id),
            interrupt=Interrupt(),
        )

    async def _debounced(self, agent_id: int, rows: list[InboxRow]) -> list[InboxRow]:
        """The burst, once nothing was added to it for a moment."""
        while rows and self._debounce_s > 0 and EVENTS[rows[0].kind].from_person:
            quiet = rows[-1].received_at + timedelta(seconds=self._debounce_s) - self._clock.now()
            if quiet <= timedelta(0) or len(rows) >= _BURST:
                break
            await self._clock.sleep(quiet.total_seconds())
            async with self._store.read() as session:
                rows = _burst(await session.mailbox.waiting(agent_id, list(self._adapters)))
        return rows

    async def _begin(
        self,
        session: Session,
        identity: Identity,
        queue: Queue,
        rows: Sequence[InboxRow],
        recalled: Sequence[str],
    ) -> tuple[Turn, list[Message]]:
        """Claim the events and admit them as messages, in the caller's unit of work."""
        turn = Turn(
            id=uuid4().hex,
            agent_id=identity.agent.id,
            conversation_id=identity.conversation.id,
            kind=rows[0].kind,
            state=TurnState.RUNNING,
            steps=0,
            started_at=self._clock.now(),
        )
        await session.mailbox.begin(turn, [row.id for row in rows])
        messages = await self._queues.admit(
            session, queue, identity.agent, turn, rows, identity.zone, recalled
        )
        await self._queues.note_warned(session, queue, messages)
        return turn, messages

    # Turns

    async def _turn(self, job: Job, mailbox: _Mailbox) -> None:
        """One turn to its end, whatever happens: trouble with the model is waited out."""
        address = (await self._queues.queue(job.turn.conversation_id)).conversation.address
        adapter = self._adapters[platform_of(address)]
        delay = 0.0
        try:
            while True:
                try:
                    await self._park(job, mailbox, delay)
                    async with adapter.thinking(address):
                        await self._agent.turn(job)
                    return
                except Interrupted as interrupted:
                    if await self._interrupted(job, interrupted.reason):
                        return
                except ModelError as error:
                    log.warning("agent %s, turn %s: %s", job.agent.id, job.turn.id, error)
                    if await self._expired(job):
                        return
                    await self._say_down(job, address, str(error))
                    delay = min(_RETRY_MAX_S, max(_RETRY_S, delay * 2))
        except StoreError:
            raise
        except Exception:
            # A fault of ours must not brick the agent: the turn ends, visibly, and is logged.
            log.exception("agent %s, turn %s failed", job.agent.id, job.turn.id)
            self._queues.forget(job.turn.conversation_id)
            await self._end(job, "error", _BROKEN if job.from_person else None)
        finally:
            self._courier.wake()
            self._indexer.wake()

    async def _park(self, job: Job, mailbox: _Mailbox, delay: float) -> None:
        """Wait before asking a model again that was down."""
        if not delay:
            return
        self._courier.wake()
        mailbox.park(True)
        try:
            await job.interrupt.guard(self._clock.sleep(delay))
        finally:
            mailbox.park(False)

    async def _interrupted(self, job: Job, reason: str) -> bool:
        """True when the turn is over."""
        job.interrupt = Interrupt()
        if reason == RESTART:
            self._queues.forget(job.turn.conversation_id)
            return False
        if reason == YIELD:
            await self._end(job, "notice", None)
            return True
        await self._end(job, "notice", None if job.turn.outbox else _STOPPED)
        return True

    async def _expired(self, job: Job) -> bool:
        if self._clock.now() - job.turn.started_at < self._expire:
            return False
        await self._end(job, "error", _EXPIRED if job.from_person else None)
        return True

    async def _say_down(self, job: Job, address: Address, why: str) -> None:
        """The person hears of it once, in one sentence."""
        if job.turn.notified or not job.from_person:
            return
        async with self._store.write() as session:
            turn = await session.mailbox.turn(job.turn.id)
            if turn is None or turn.notified:
                return
            await session.mailbox.notify(job.turn.id)
            await session.mailbox.post([self._notice(job, address, "notice", _DOWN.format(why=why))])

    async def _end(self, job: Job, kind: str, text: str | None) -> None:
        """End the turn without the model."""
        async with self._store.write() as session:
            if text is not None:
                address = (await session.agents.conversation(job.turn.conversation_id)).address
                await session.mailbox.post([self._notice(job, address, kind, text)])
            await session.mailbox.finish(job.turn.id, self._clock.now())

    def _notice(self, job: Job, address: Address, kind: str, text: str) -> OutboxRow:
        return OutboxRow(
            id=f"{job.turn.id}/{uuid4().hex[:8]}",
            agent_id=job.agent.id,
            conversation_id=job.turn.conversation_id,
            address=address,
            turn_id=job.turn.id,
            kind=kind,
            text=text,
            in_reply_to=job.answers,
            created_at=self._clock.now(),
        )

    async def _amend(self, event: MessageEdited | MessageDeleted, identity: Identity) -> None:
        """A message was edited or deleted where it was written: memory follows."""
        text = event.text if isinstance(event, MessageEdited) else ""
        agent_id = identity.agent.id
        async with self._locks.of(agent_id), self._store.write() as session:
            waiting = await session.mailbox.waiting_event(event.target)
            if waiting is not None:
                payload = {**waiting.payload, "text": text} if text else None
                await session.mailbox.replace_event(event.target, payload)
                return
            message = await session.messages.by_event(event.target)
            if message is None:
                return
            await self._queues.amend(session, message, text)
        job = self.mailbox(agent_id).job
        if job is not None and event.target in job.answers and not job.turn.outbox:
            job.interrupt.request(RESTART)


def _burst(waiting: Collection[InboxRow]) -> list[InboxRow]:
    """The events of the next turn: people before timers, one conversation, one kind of turn, in order."""
    people = [row for row in waiting if EVENTS[row.kind].from_person]
    rows = people or list(waiting)[:1]
    return [row for row in rows if row.conversation_id == rows[0].conversation_id][:_BURST]
