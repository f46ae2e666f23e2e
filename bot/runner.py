"""One mailbox per agent: order, bursts, interrupts, supervision.

Events are committed to the inbox by `submit` and thought about by the agent's own mailbox task, one turn
at a time. Everything the runner knows is in SQL: a restart finds unfinished turns and goes on with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from bot.agent import Agent, Job
from bot.beats import IDLE, Beats
from bot.cards.macros import rendered
from bot.courier import Courier
from bot.definition import Definition, cast, from_book, parsed
from bot.errors import Interrupted, ModelError
from bot.events import (
    EVENTS,
    LOCAL,
    Address,
    DocumentUploaded,
    Event,
    HeartbeatDue,
    MessageReceived,
    ScheduledDue,
    UserJoined,
    UserReturned,
    origin_of,
    platform_of,
    quotes_of,
    to_json,
)
from bot.fifo_queue import Queue
from bot.identities import Identities, Identity
from bot.interrupt import RESTART, STOP, YIELD, Interrupt
from bot.locks import Locks
from bot.ports import Adapter, Clock
from bot.queue_manager import QueueManager
from bot.settings import EventSettings
from memory.errors import StoreError, StoreUnavailable
from memory.indexer import Indexer
from memory.ports import Session, Store
from memory.records import PRIVATE, InboxRow, Message, OutboxRow, Turn, TurnState

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
    task: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        """Wake whoever waits for this agent to be settled."""
        self.changed.set()
        self.changed = asyncio.Event()

    def park(self, parked: bool) -> None:
        self.parked = parked
        self.tell()


class Runner:
    """The mailboxes. Use `run` inside the application's TaskGroup."""

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
        beats: Beats,
        events: EventSettings,
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
        self._beats = beats
        self._events = events
        self._debounce_s = debounce_s
        self._expire = timedelta(hours=expire_hours)
        self._mailboxes: dict[int, _Mailbox] = {}
        self._places: dict[Address, set[int]] = {}
        self._slots = asyncio.Semaphore(concurrent_turns)
        self._quiet_slots = asyncio.Semaphore(max(1, concurrent_turns // 8))  # of them, for beats at most
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

    async def receive(self, event: Event, identity: Identity) -> None:
        """Commit an event for its agent, and see that it is thought about."""
        if self._draining:
            raise StoreUnavailable("everbot is shutting down.")
        agent = identity.agent
        if isinstance(event, MessageReceived):
            self._queues.expect(event.text)
        async with self._store.write() as session:
            rows = [*await self._before(session, event, identity), event]
            for row in rows:
                new = await session.mailbox.receive(
                    row.key, agent.id, identity.conversation.id, row.kind, to_json(row), self._clock.now()
                )
            if new and (quotes := quotes_of(event)):
                await session.erasing.quote(event.key, {q.key: q.account for q in quotes})
        if new:
            self._places.setdefault(event.address, set()).add(agent.id)
            job = self.mailbox(agent.id).job
            if job is not None and event.from_person and job.whole:
                job.interrupt.request(YIELD)  # people go first
            self._wake(agent.id)

    async def _before(self, session: Session, event: Event, identity: Identity) -> list[Event]:
        """What the agent is told before it: that it meets a person, or meets them again after long."""
        if not event.from_person:
            return []
        now, told = self._clock.now(), self._events
        away = await self._beats.heard(session, identity, now)
        if not isinstance(event, MessageReceived | DocumentUploaded) or platform_of(event.account) == LOCAL:
            return []
        facts = origin_of(event)
        if told.first_contact and away is None and not await session.messages.extent(identity.agent.id):
            # Its key is the agent's: this comes once, however many messages come before the first turn.
            greeting = await self._greeting(session, identity)
            key = f"joined:{identity.agent.id}"
            return [UserJoined(**facts, key=key, at=event.at, greeting=greeting)]
        if away is not None and told.return_after_days and away >= timedelta(days=told.return_after_days):
            return [UserReturned(**facts, key=f"{event.key}/returned", at=event.at, days=away.days)]
        return []

    async def _greeting(self, session: Session, identity: Identity) -> str:
        definition = parsed(await session.personas.definition(identity.persona.id))
        private = identity.conversation.audience == PRIVATE
        text = definition.greeting(identity.agent.id, private=private)
        return rendered(text, cast(definition, identity.persona.name, identity.user.name))

    def restart(self, agent_id: int, event_key: str) -> None:
        """An event has changed: its turn begins anew, unless it has said something already."""
        job = self.mailbox(agent_id).job
        if job is not None and event_key in job.answers and not job.turn.outbox:
            job.interrupt.request(RESTART)

    @asynccontextmanager
    async def still(self, *agents: int) -> AsyncIterator[None]:
        """No turn of these agents runs while the block does; one under way goes on after it."""
        self._held.update(agents)
        try:
            for agent_id in agents:
                mailbox = self.mailbox(agent_id)
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
                self._mailboxes.pop(agent_id, None)
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
            job = self.mailbox(agent_id).job
            if job is not None and job.address == address:
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
                            await self._turn(job, mailbox)
                    if self._draining or not (mailbox.more or mailbox.news.is_set()):
                        return
                except StoreError as error:
                    log.error("agent %s waits for the store: %s", agent_id, error)
                    mailbox.park(True)
                    await self._clock.sleep(_RETRY_S)
                    mailbox.park(False)
                mailbox.job = None
        finally:
            mailbox.at_work = False
            mailbox.task = mailbox.job = None
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
        if turn is not None and turn.kind == HeartbeatDue.kind and turn.steps:
            # What it had thought is gone with the process, and nothing of it was written: it begins anew.
            await self._abandon(turn, self._clock.now())
            return None
        if turn is None:
            mailbox.resumed = True
            rows = await self._debounced(agent_id, rows)
            if not rows or await self._overtaken(agent_id, rows):
                return None
        conversation_id = turn.conversation_id if turn else rows[0].conversation_id
        queue = await self._queues.queue(conversation_id)
        identity = await self._identities.at(queue.conversation)
        if identity is None:
            return None  # the agent was deleted meanwhile
        mute, most_said = "", None
        async with self._store.read() as session:
            definition = parsed(await session.personas.definition(identity.persona.id))
            if (turn.kind if turn else rows[0].kind) == HeartbeatDue.kind:
                mute, most_said = await self._beats.silence(session, identity, self._clock.now())
        if turn is None:
            recalled = await self._recalled(queue, identity, rows)
            book = await self._from_book(definition, identity, queue, rows)
            async with self._store.write() as session:
                turn, admitted = await self._begin(session, identity, queue, rows, recalled, book)
            self._queues.extend(queue, admitted)
        return Job(
            agent=identity.agent,
            address=queue.conversation.address,
            persona=identity.persona.name,
            person=identity.user.name,
            definition=definition,
            turn=turn,
            answers=tuple(row.key for row in rows),
            from_person=any(EVENTS[row.kind].from_person for row in rows),
            zone=identity.zone,
            lock=self._locks.of(agent_id),
            interrupt=Interrupt(),
            fallback=str(rows[0].payload.get("fallback", "")) if turn.kind == ScheduledDue.kind else "",
            mute=mute,
            most_said=most_said,
        )

    async def _recalled(self, queue: Queue, identity: Identity, rows: Sequence[InboxRow]) -> list[str]:
        """What the newest message brings to mind. A fault there must not keep the turn from being held."""
        try:
            return await self._queues.recollect(queue, identity.agent, rows, identity.zone)
        except StoreError:
            raise
        except Exception:
            log.exception("agent %s: nothing is brought to mind", identity.agent.id)
            return []

    async def _overtaken(self, agent_id: int, rows: Sequence[InboxRow]) -> bool:
        """Whether the person was heard since a beat fell due: then it waits until they are idle."""
        if rows[0].kind != HeartbeatDue.kind:
            return False
        async with self._store.write() as session:
            beat = await session.schedule.beat(agent_id)
            if beat.heard_at is None or beat.heard_at <= rows[0].received_at:
                return False
            await session.mailbox.drop_event(rows[0].key)
            await self._beats.change(session, agent_id, next_at=beat.heard_at + IDLE, last_at=_since(rows[0]))
        return True

    async def _abandon(self, turn: Turn, again: datetime) -> None:
        """A beat that was broken off leaves nothing behind, and comes again."""
        async with self._store.write() as session:
            events = await session.mailbox.events_of(turn.id)
            rows = await session.messages.of_turn(turn.id)
            await session.messages.delete([row.key for row in rows])
            await session.mailbox.finish(turn.id, self._clock.now())
            await self._beats.change(session, turn.agent_id, next_at=again, last_at=_since(events[0]))
        self._queues.forget(turn.conversation_id)

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

    async def _from_book(
        self, definition: Definition, identity: Identity, queue: Queue, rows: Sequence[InboxRow]
    ) -> list[str]:
        """What the persona's book says of what is being talked of, and is not in view already."""
        said = [str(row.payload["text"]) for row in rows if row.kind == MessageReceived.kind]
        if not definition.book or not said:
            return []
        who = cast(definition, identity.persona.name, identity.user.name)
        texts = [message.text for message in queue.messages if message.text] + said
        # In a thread: a book of other people's patterns may take its time.
        found = await asyncio.to_thread(
            from_book, definition, who, texts, self._queues.count, self._queues.share // 4
        )
        return [text for text in found if not queue.shows(text)]

    async def _begin(
        self,
        session: Session,
        identity: Identity,
        queue: Queue,
        rows: Sequence[InboxRow],
        recalled: Sequence[str],
        book: Sequence[str],
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
            session, queue, identity.agent, turn, rows, identity.zone, recalled, book
        )
        await self._queues.note_warned(session, queue, messages)
        return turn, messages

    # Turns

    async def _turn(self, job: Job, mailbox: _Mailbox) -> None:
        """One turn to its end, whatever happens: trouble with the model is waited out."""
        adapter = self._adapters[platform_of(job.address)]
        delay, zone = 0.0, job.zone
        try:
            while True:
                try:
                    await self._park(job, mailbox, delay)
                    async with adapter.thinking(job.address):
                        await self._agent.turn(job)
                    return
                except Interrupted as interrupted:
                    if await self._interrupted(job, interrupted.reason):
                        return
                except ModelError as error:
                    log.warning("agent %s, turn %s: %s", job.agent.id, job.turn.id, error)
                    if job.fallback and not job.turn.outbox:
                        await self._end(job, "notice", job.fallback)  # a reminder does not wait for a mind
                        return
                    if await self._expired(job):
                        return
                    await self._say_down(job, str(error))
                    delay = min(_RETRY_MAX_S, max(_RETRY_S, delay * 2))
        except StoreError:
            raise
        except Exception:
            # A fault of ours must not brick the agent: the turn ends, visibly, and is logged.
            log.exception("agent %s, turn %s failed", job.agent.id, job.turn.id)
            self._queues.forget(job.turn.conversation_id)
            await self._end(job, "error", _BROKEN if job.from_person else job.fallback or None)
        finally:
            if job.zone != zone:
                self._identities.forget(job.agent.id)  # the person told where they live
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
        if job.whole:
            await self._abandon(job.turn, self._clock.now() + IDLE)
            return True
        await self._end(job, "notice", None if job.turn.outbox or not job.from_person else _STOPPED)
        return True

    async def _expired(self, job: Job) -> bool:
        if self._clock.now() - job.turn.started_at < self._expire:
            return False
        await self._end(job, "error", _EXPIRED if job.from_person else None)
        return True

    async def _say_down(self, job: Job, why: str) -> None:
        """The person hears of it once, in one sentence."""
        if job.turn.notified or not job.from_person:
            return
        async with self._store.write() as session:
            turn = await session.mailbox.turn(job.turn.id)
            if turn is None or turn.notified:
                return
            await session.mailbox.notify(job.turn.id)
            await session.mailbox.post([self._notice(job, "notice", _DOWN.format(why=why))])

    async def _end(self, job: Job, kind: str, text: str | None) -> None:
        """End the turn without the model."""
        async with self._store.write() as session:
            if text is not None:
                await session.mailbox.post([self._notice(job, kind, text)])
            await session.mailbox.finish(job.turn.id, self._clock.now())

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


def _since(beat: InboxRow) -> datetime | None:
    """When the beat before it was: what was new to it is still new."""
    since = beat.payload.get("since")
    return datetime.fromisoformat(since) if since else None


def _burst(waiting: Collection[InboxRow]) -> list[InboxRow]:
    """The events of the next turn: people before timers, one conversation, one kind of turn, in order."""
    people = [row for row in waiting if EVENTS[row.kind].from_person]
    rows = people or list(waiting)[:1]
    return [row for row in rows if row.conversation_id == rows[0].conversation_id][:_BURST]
