"""The agent loop (paper section 2): event in, steps until yield.

A step is one model call and its tools. Its messages, memory edits, usage and outbox rows are committed in
one unit of work; no transaction is open across a model call. A killed turn goes on with its next step.
"""

from __future__ import annotations

import re
from asyncio import Lock
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from bot.agent import context
from bot.agent.fifo_queue import Queue
from bot.agent.interrupt import Interrupt
from bot.agent.queue_manager import QueueManager
from bot.agent.tools.desk import Desk
from bot.agent.tools.executor import Executor, ToolResult
from bot.errors import ModelOverflow
from bot.events import HeartbeatDue, clean
from bot.personas.definition import Definition, cast, instructions
from bot.personas.personas import Personas
from bot.ports import ChatModel, Clock, ModelReply, ModelRequest, ToolCall
from memory import records
from memory.archival import Archival
from memory.ports import Session, Store
from memory.recall import Recall
from memory.records import Block, Message, OutboxRow, Role, Wish, public_in

_UNSAID = (
    "Your turn ended, but the person has seen nothing of it. Answer them now with send_message; "
    "what you write beside your calls is not shown to them."
)
_TOO_MANY = "You made too many calls in one step: the first {run} were run, {dropped} were not."
_NAME = 64  # characters of a tool's name or a call's id
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_NUDGES = 2  # times that a model is told to answer before its last step
_NEEDED = ("send_message", "finish_rethinking_memory")  # whatever a persona may use
_NO_ANSWER = "I could not find an answer to that. Please try again, or put it differently."


@dataclass
class Job:
    """A turn at work: who thinks, where, about what. ``lock`` is held while memory is changed."""

    agent: records.Agent
    address: str  # where the turn is held
    persona: str  # its name: the author of what the agent says
    person: str  # who it talks with
    definition: Definition
    turn: records.Turn
    answers: tuple[str, ...]  # keys of the events being answered
    from_person: bool  # someone waits: the turn must end visibly
    zone: ZoneInfo
    lock: Lock
    interrupt: Interrupt
    fallback: str = ""  # what the person hears if the agent says nothing
    mute: str = ""  # why nothing may be said unasked
    most_said: int | None = None
    failures: Counter[str] = field(default_factory=Counter)
    nudges: int = 0
    desk: Desk | None = None  # of a whole turn, so far

    @property
    def whole(self) -> bool:
        """Whether the turn changes memory and speaks all at once, at its end: a reflection that is broken off
        leaves everything as it was."""
        return self.turn.kind == HeartbeatDue.kind


class Agent:
    """``split(address, text)`` cuts a reply into the parts that its platform takes; ``committed`` is
    called after each step, so that its replies are delivered at once; ``named_model(name)`` is another model at the
    same endpoint."""

    def __init__(
        self,
        store: Store,
        model: ChatModel,
        queues: QueueManager,
        executor: Executor,
        recall: Recall,
        archival: Archival,
        clock: Clock,
        split: Callable[[str, str], list[str]],
        committed: Callable[[], None],
        *,
        instructions: str,
        max_steps: int,
        quiet_model: ChatModel,
        quiet_steps: int,
        reply_reserve: int,
        page_size: int,
        personas: Personas,
        named_model: Callable[[str], ChatModel],
    ) -> None:
        self._store = store
        self._model = model
        self._personas = personas
        self._named = named_model
        self._queues = queues
        self._executor = executor
        self._recall = recall
        self._archival = archival
        self._clock = clock
        self._split = split
        self._committed = committed
        self._instructions = instructions
        self._max_steps = max_steps
        self._quiet = quiet_model
        self._quiet_steps = quiet_steps
        self._reserve = reply_reserve
        self._page_size = page_size
        self._tools = executor.registry.schemas
        self._tools_text = executor.registry.text

    async def turn(self, job: Job) -> None:
        """Think about the turn's events until the agent yields. Raises what the model port raises."""
        while await self.step(job):
            pass

    async def step(self, job: Job) -> bool:
        """One model call, its tools, one commit. True when the turn goes on."""
        most = self._quiet_steps if job.whole else self._max_steps
        last = job.turn.steps >= most - 1 or job.nudges >= _NUDGES
        reply, counted = await self._ask(job, last)
        async with job.lock:
            queue = await self._queues.queue(job.turn.conversation_id)
            desk = self._desk(job, queue)
            before = len(desk.said)
            results = await self._executor.run(reply.calls, desk, job.failures, self._queues.share)
            dropped = len(reply.calls) - len(results)
            reply = replace(reply, calls=reply.calls[: len(results)])
            unsaid = not job.turn.outbox and not desk.said
            if job.from_person and unsaid and reply.text and not reply.calls:
                desk.say(reply.text)  # an answer in plain text is an answer
            elif job.from_person and unsaid and last:
                desk.say(_NO_ANSWER)
            elif job.fallback and unsaid and (last or not _wants_on(desk, results)):
                desk.say(job.fallback)
            messages = self._messages(job, queue, desk, desk.said[before:], reply, results)
            notes = [] if last else self._notes(job, queue, desk, results, messages, dropped)
            # Failures first, then what the model asked for, then what we have to tell it.
            goes_on = not last and bool(notes or _wants_on(desk, results))
            await self._commit(job, queue, desk, messages + notes, reply, ended=not goes_on)
        self._queues.learn(counted, reply.usage.prompt)
        said = 0 if job.whole and goes_on else len(desk.said)
        job.turn = replace(job.turn, steps=job.turn.steps + 1, outbox=job.turn.outbox + said)
        job.zone = desk.zone
        return goes_on

    def _notes(
        self,
        job: Job,
        queue: Queue,
        desk: Desk,
        results: list[ToolResult],
        messages: list[Message],
        dropped: int,
    ) -> list[Message]:
        """What the model must be told before its turn may end: that nobody heard it, that memory fills up."""
        texts = []
        if dropped:
            texts.append(_TOO_MANY.format(dropped=dropped, run=len(results)))
        if job.from_person and not job.turn.outbox and not desk.said and not _wants_on(desk, results):
            job.nudges += 1
            texts.append(_UNSAID)
        notes = [self._queues.note(queue, job.turn, job.zone, text, step=job.turn.steps) for text in texts]
        added = sum(message.tokens for message in messages)
        return notes + self._queues.pressure(queue, job.turn, job.turn.steps, added, job.zone)

    async def _ask(self, job: Job, last: bool) -> tuple[ModelReply, int]:
        """The model's reply, and how many tokens we had counted for the request."""
        queue = await self._queues.queue(job.turn.conversation_id)

        async def ask(request: ModelRequest) -> ModelReply:
            return await job.interrupt.guard(self._mind(job).complete(request))

        at_most = 1.0
        while True:
            shown = await self._queues.core_memory(queue, job.agent)
            system, fixed = self._system(job, shown)
            if await self._queues.make_room(queue, job.turn, fixed, job.zone, ask, at_most=at_most):
                continue  # what follows core memory has changed anyway: it is shown anew
            main = context.MainContext(system, queue.summary, queue.messages)
            request = ModelRequest(
                key=f"{job.turn.id}/{job.turn.steps}",
                messages=main.messages(),
                tools=self._tools,
                tool_choice="none" if last and job.from_person else "auto",
                max_tokens=self._reserve,
            )
            try:
                reply = await ask(request)
            except ModelOverflow:
                # Our count was too low for this model: send much less, once, before giving up.
                if at_most < 1.0:
                    raise
                at_most = min(0.9, (fixed + 0.6 * queue.tokens) / self._queues.room)
                continue
            return _cleaned(reply), fixed + queue.tokens

    def _mind(self, job: Job) -> ChatModel:
        if job.whole:
            return self._quiet
        own = job.definition.policies.model
        return self._named(own) if own else self._model

    def _system(self, job: Job, blocks: Sequence[Block]) -> tuple[str, int]:
        """The system text, and the tokens that it takes with the tools."""
        memory = context.core_memory(blocks)
        text = self._instructed(job)
        fixed = self._queues.fixed(text, memory, self._tools_text)
        if fixed > self._queues.most_fixed:
            # Core memory may hold few characters of many tokens each: the conversation keeps its room.
            over = fixed - self._queues.most_fixed
            values = sum(self._queues.count(block.value) for block in blocks)
            clipped = context.clipped_blocks(blocks, self._queues.fit, values - over - 100 * len(blocks))
            memory = context.core_memory(clipped)
            fixed = self._queues.fixed(text, memory, self._tools_text)
        return f"{text}\n\n{memory}", fixed

    def _instructed(self, job: Job) -> str:
        """The system instructions, with the persona's own in at most half of what ours and the tools leave."""
        left = (self._queues.most_fixed - self._queues.fixed(self._instructions, self._tools_text)) // 2

        def fit(own: str) -> str:
            nonlocal left
            shown = self._queues.fit(own, max(0, left))
            left -= self._queues.fixed(shown)
            return shown

        who = cast(job.definition, job.persona, job.person)
        return instructions(job.definition, self._instructions, who, fit, self._queues.fixed)

    def _desk(self, job: Job, queue: Queue) -> Desk:
        """A step's desk; the same one for all steps of a whole turn."""
        if job.desk is None:
            desk = self._new_desk(job, queue)
            job.desk = desk if job.whole else None
            return desk
        job.desk.key, job.desk.now = f"{job.turn.id}/{job.turn.steps}", self._clock.now()
        job.desk.own_messages = frozenset(m.key for m in queue.messages if m.turn_id == job.turn.id)
        return job.desk

    def _new_desk(self, job: Job, queue: Queue) -> Desk:
        async def scheduled() -> list[Wish]:
            async with self._store.read() as session:
                return await session.schedule.wishes(job.agent.id)

        async def look() -> list[Block]:
            async with self._store.read() as session:
                return await session.blocks.visible(job.agent, queue.conversation.audience)

        async def amend(session: Session, before: Block, value: str) -> None:
            community = public_in(queue.conversation.audience)
            assert community is not None
            await self._personas.propose(session, job.agent, community, job.turn.id, before, value)

        tools = job.definition.policies.tools
        return Desk(
            agent=job.agent,
            audience=queue.conversation.audience,
            turn_id=job.turn.id,
            key=f"{job.turn.id}/{job.turn.steps}",
            now=self._clock.now(),
            zone=job.zone,
            page_size=self._page_size,
            look=look,
            recall=self._recall,
            archive=self._archival,
            fit=self._queues.fit,
            results_room=self._queues.share,
            conversation_id=queue.conversation.id,
            scheduled=scheduled,
            amend=amend,
            allowed=None if tools is None else frozenset({*tools, *_NEEDED}),
            quiet=job.whole,
            mute=job.mute,
            most_said=job.most_said,
            own_messages=frozenset(m.key for m in queue.messages if m.turn_id == job.turn.id),
            person=_person(queue, job),
        )

    def _messages(
        self,
        job: Job,
        queue: Queue,
        desk: Desk,
        said: list[str],
        reply: ModelReply,
        results: list[ToolResult],
    ) -> list[Message]:
        """The step's messages, to be stored."""
        step, now = job.turn.steps, desk.now
        rendered = context.assistant_message(reply.text, reply.calls, self._queues.fit, self._queues.share)
        make = self._queues.message
        return [
            make(queue, job.turn, Role.ASSISTANT, job.persona, "\n".join(said), rendered, now, step=step),
            *(
                make(
                    queue,
                    job.turn,
                    Role.TOOL,
                    result.call.name,
                    "",
                    context.tool_message(result.call.id, result.content),
                    now,
                    step=step,
                )
                for result in results
            ),
        ]

    async def _commit(
        self, job: Job, queue: Queue, desk: Desk, messages: list[Message], reply: ModelReply, *, ended: bool
    ) -> None:
        turn = job.turn
        try:
            async with self._store.write() as session:
                stored = await session.messages.append(job.agent.id, messages)
                await self._queues.note_warned(session, queue, messages)
                if ended or not job.whole:
                    await desk.commit(session)
                    await session.mailbox.post(self._outbox(job, queue, desk))
                await session.mailbox.commit_step(
                    turn.id, turn.steps, self._mind(job).name, reply.usage, desk.now, agent_id=job.agent.id
                )
                if ended:
                    await session.mailbox.finish(turn.id, desk.now)
                if ended and job.whole and not desk.said:
                    # What it thought by itself need not stay in view, and be paid for with every message.
                    thought = [m.key for m in (*queue.messages, *stored) if m.turn_id == turn.id]
                    await session.messages.evict(turn.conversation_id, thought)
        except BaseException:
            self._queues.forget(turn.conversation_id)
            raise
        if ended and job.whole:
            self._queues.forget(turn.conversation_id)
        else:
            self._queues.extend(queue, stored)
        self._committed()

    def _outbox(self, job: Job, queue: Queue, desk: Desk) -> list[OutboxRow]:
        """One row for each part that will be posted; its id is the same however often it is sent."""
        address = queue.conversation.address
        parts = [part for said in desk.said for part in self._split(address, said)]
        return [
            OutboxRow(
                id=f"{desk.key}/{number}",
                agent_id=job.agent.id,
                conversation_id=queue.conversation.id,
                address=address,
                turn_id=job.turn.id,
                kind="reply",
                text=part,
                in_reply_to=job.answers,
                created_at=desk.now,
            )
            for number, part in enumerate(parts)
        ]


def _person(queue: Queue, job: Job) -> str:
    """Who wrote what the turn answers; "" when no person did."""
    events = (m for m in queue.messages if m.turn_id == job.turn.id and m.event_key in job.answers)
    return next((message.author for message in events if job.from_person), "")


def _cleaned(reply: ModelReply) -> ModelReply:
    """The reply as it can be sent back: an endpoint refuses a history with other names or ids, for ever."""
    calls: dict[str, ToolCall] = {}
    for number, call in enumerate(reply.calls):
        call_id = clean(call.id)[:_NAME]
        if not call_id or call_id in calls:
            call_id = f"call_{number}_{len(calls)}"
        name = _UNFIT.sub("_", call.name)[:_NAME] or "unnamed"
        calls[call_id] = ToolCall(id=call_id, name=name, arguments=clean(call.arguments))
    return replace(reply, text=clean(reply.text).strip(), calls=tuple(calls.values()))


def _wants_on(desk: Desk, results: list[ToolResult]) -> bool:
    """Whether the model has something to mend, or asked to see a result."""
    return not desk.finished and any(result.failed or result.heartbeat for result in results)
