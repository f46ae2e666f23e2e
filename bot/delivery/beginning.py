"""How a turn begins: what came with its events is read, what they bring to mind is looked for, and they are admitted.

Whatever takes its time is done before the unit of work in which the turn claims its events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from bot.agent.asks import answers, ask_of
from bot.agent.context import is_unheard
from bot.agent.fifo_queue import Queue
from bot.agent.interrupt import Interrupt
from bot.agent.job import Job
from bot.agent.queue_manager import QueueManager
from bot.delivery.courier import Courier
from bot.delivery.documents import Documents, is_unread
from bot.delivery.keeping import Cut, Keeping
from bot.delivery.second_look import SecondLook
from bot.delivery.senses import Senses, is_spoken, spent
from bot.events import EVENTS, Address, HeartbeatDue, MessageReceived, ScheduledDue, from_json
from bot.language import gettext, marked, spoken
from bot.people.beats import Beats
from bot.people.identities import Identities, Identity
from bot.people.restrictions import home_of
from bot.personas.definition import Definition, cast, from_book, parsed
from bot.runtime import Runtime
from memory.associative import NOTHING, Reading
from memory.errors import StoreError, where
from memory.ports import Session
from memory.records import PRIVATE, Agent, InboxRow, Message, OutboxRow, Turn, TurnState, Usage

log = logging.getLogger(__name__)

_DEAF = marked("I can't listen to voice messages here. Please type what you said.")


@dataclass(frozen=True)
class _Prepared:
    """What was made ready for the turn: what the newest message brings to mind, what the persona's book says of what
    is talked of, and the documents in pieces."""

    recalled: Reading
    book: Sequence[str]
    cut: Cut


class Beginning:
    def __init__(
        self,
        runtime: Runtime,
        queues: QueueManager,
        identities: Identities,
        beats: Beats,
        courier: Courier,
        documents: Documents,
        keeping: Keeping,
        senses: Senses,
    ) -> None:
        self._store, self._indexer = runtime.store, runtime.indexer
        self._clock, self._locks = runtime.clock, runtime.locks
        self._queues = queues
        self._identities = identities
        self._beats = beats
        self._adapter, self._wake = courier.adapter, courier.wake
        self._documents = documents
        self._keeping = keeping
        self._senses, self._masking = senses, senses.masking
        self._second_look = SecondLook(runtime, queues, senses)

    async def refresh(self, agent_id: int) -> None:
        """Of an agent that another process has changed nothing is kept: all of it is read anew."""
        async with self._store.read() as session:
            if await session.agents.is_fresh(agent_id):
                return
            agent = await session.agents.agent(agent_id)
        self._queues.forget_agent(agent_id)
        self._identities.drop(agent_id)
        if agent is not None:
            self._indexer.reread(agent)

    async def read(self, rows: Sequence[InboxRow]) -> bool:
        """Read what came with these events, while the place sees that something is done. Whether there was any: the
        inbox holds other payloads then."""
        places: list[Address] = [
            row.payload["address"] for row in rows if is_unread(row) or self._senses.wants(row)
        ]
        if not places:
            return False
        async with self._adapter(places[0]).thinking(places[0]):
            await self._documents.read(rows)
            for row in rows:
                if self._senses.wants(row):
                    await self._senses.perceive(row)
        self._wake()  # the person may be told what was not kept
        return True

    async def job(self, turn: Turn | None, rows: Sequence[InboxRow]) -> Job | None:
        """The turn of these events, begun if it is None; no job when their agent was deleted meanwhile."""
        began = asyncio.get_running_loop().time()
        conversation_id = turn.conversation_id if turn else rows[0].conversation_id
        if turn is None and any(EVENTS[row.kind].from_person for row in rows):
            await self._second_look.take(rows[0].agent_id, {row.key for row in rows})
        queue = await self._queues.queue(conversation_id)
        identity = await self._identities.at(queue.conversation)
        if identity is None:
            return None
        mute, most_said = "", None
        async with self._store.read() as session:
            definition = parsed(await session.personas.definition(identity.persona.id))
            if (turn.kind if turn else rows[0].kind) == HeartbeatDue.kind:
                mute, most_said = await self._beats.silence(session, identity, self._clock.now())
        if turn is None:
            turn = await self._begun(definition, identity, queue, rows)
            if turn is None:
                return None
        owed = Usage() if turn.steps else spent(rows)
        from_person = any(EVENTS[row.kind].from_person for row in rows)
        thread, in_thread = await self._thread(turn, queue, rows) if from_person else (None, False)
        return Job(
            agent=identity.agent,
            address=queue.conversation.address,
            persona=identity.persona.name,
            person=identity.user.name,
            definition=definition,
            turn=turn,
            answers=tuple(row.key for row in rows),
            from_person=from_person,
            room=queue.conversation.audience != PRIVATE,
            thread=thread,
            in_thread=in_thread,
            granted=tuple(map(ask_of, answers(rows, allowed=True))),
            declined=tuple(map(ask_of, answers(rows, allowed=False))),
            zone=identity.zone,
            masks=self._masking.of(identity.user),
            language=identity.language,
            lock=self._locks.of(identity.agent.id),
            interrupt=Interrupt(),
            home=home_of(queue.conversation),
            fallback=str(rows[0].payload.get("fallback", "")) if turn.kind == ScheduledDue.kind else "",
            mute=mute,
            most_said=most_said,
            used=owed,
            owed=owed,
            spoken=self._senses.speaks and any(map(is_spoken, rows)),
            began_s=asyncio.get_running_loop().time() - began,
        )

    async def _thread(
        self, turn: Turn, queue: Queue, rows: Sequence[InboxRow]
    ) -> tuple[Address | None, bool]:
        """Where a thread of the newest message would be, and whether the turn has made it."""
        if queue.conversation.audience == PRIVATE:
            return None, False
        address = queue.conversation.address
        said = [row.key for row in rows if row.kind == MessageReceived.kind]
        place = self._adapter(address).thread_from(address, said[-1]) if said else None
        if place is None or not turn.steps:
            return place, False
        async with self._store.read() as session:
            return place, bool(await session.mailbox.posts_at(turn.agent_id, place))

    async def _is_deaf(self, identity: Identity, rows: Sequence[InboxRow]) -> bool:
        """Whether the person is to be told that voice messages are not heard here. They are told once."""
        if self._senses.hear or not any(is_unheard(from_json(row.payload)) for row in rows):
            return False
        async with self._store.read() as session:
            return not await session.mailbox.has_post(_deaf(identity.agent))

    async def _tell_deaf(
        self, session: Session, turn: Turn, identity: Identity, rows: Sequence[InboxRow]
    ) -> None:
        """The turn is over with that one sentence, if nothing else was said in it."""
        with spoken(identity.language):
            text = gettext(_DEAF)
        notice = OutboxRow(
            id=_deaf(identity.agent),
            agent_id=identity.agent.id,
            conversation_id=turn.conversation_id,
            address=identity.conversation.address,
            turn_id=turn.id,
            kind="notice",
            text=text,
            in_reply_to=tuple(row.key for row in rows),
            created_at=self._clock.now(),
        )
        await session.mailbox.post([notice])
        if _only_unheard(rows):
            await session.mailbox.finish(turn.id, self._clock.now())

    async def _begun(
        self, definition: Definition, identity: Identity, queue: Queue, rows: Sequence[InboxRow]
    ) -> Turn | None:
        """None: it is over already."""
        deaf = await self._is_deaf(identity, rows)
        prepared = _Prepared(
            recalled=await self._recalled(queue, identity, rows),
            book=await self._from_book(definition, identity, queue, rows),
            cut=await self._keeping.cut(rows, queue.conversation.audience),
        )
        async with self._store.write() as session:
            turn, admitted, gone = await self._begin(session, identity, queue, rows, prepared)
            if deaf:
                await self._tell_deaf(session, turn, identity, rows)
        self._queues.extend(queue, admitted)
        await self._indexer.removed([], gone)
        if deaf:
            self._wake()
        return None if deaf and _only_unheard(rows) else turn

    async def _recalled(self, queue: Queue, identity: Identity, rows: Sequence[InboxRow]) -> Reading:
        """What the newest message brings to mind. A fault there must not keep the turn from being held."""
        try:
            return await self._queues.recollect(queue, identity.agent, rows, identity.zone)
        except StoreError:
            raise
        except Exception as error:
            log.error("agent %s: nothing is brought to mind: %s", identity.agent.id, where(error))
            return NOTHING

    async def _from_book(
        self, definition: Definition, identity: Identity, queue: Queue, rows: Sequence[InboxRow]
    ) -> list[str]:
        """What the persona's book says of what is being talked of, and is not in view already."""
        said = [str(row.payload["text"]) for row in rows if row.kind == MessageReceived.kind]
        if not definition.book or not said:
            return []
        who = cast(definition, identity.persona.name, identity.user.name)
        texts = [message.text for message in queue.messages if message.text] + said
        window = self._queues.window
        # In a thread: a book of other people's patterns may take its time.
        found = await asyncio.to_thread(from_book, definition, who, texts, window.count, window.share // 4)
        return [text for text in found if not queue.shows(text)]

    async def _begin(
        self,
        session: Session,
        identity: Identity,
        queue: Queue,
        rows: Sequence[InboxRow],
        prepared: _Prepared,
    ) -> tuple[Turn, list[Message], list[int]]:
        """Claim the events and admit them as messages, in the caller's unit of work; keys of passages that are gone."""
        turn = Turn(
            id=uuid4().hex,
            agent_id=identity.agent.id,
            conversation_id=identity.conversation.id,
            kind=rows[0].kind,
            state=TurnState.RUNNING,
            steps=0,
            started_at=self._clock.now(),
        )
        await session.mailbox.begin(turn, [row.id for row in rows], prepared.recalled.surfaced)
        rows = [await _as_it_is(session, row) if row.payload.get("attachments") else row for row in rows]
        told, gone = await self._keeping.keep(session, identity.agent, turn.id, rows, prepared.cut)
        messages = await self._queues.admit(
            session,
            queue,
            identity.agent,
            turn,
            told,
            identity.zone,
            [line.text for line in prepared.recalled.lines],
            prepared.book,
        )
        await self._queues.note_warned(session, queue, messages)
        return turn, messages, gone


async def _as_it_is(session: Session, row: InboxRow) -> InboxRow:
    """The event as it is now: a picture may have been deleted since it was read."""
    return await session.mailbox.event(row.id) or row


def _only_unheard(rows: Sequence[InboxRow]) -> bool:
    return all(is_unheard(from_json(row.payload)) for row in rows)


def _deaf(agent: Agent) -> str:
    """The id of the one post that tells so."""
    return f"deaf/{agent.id}"
