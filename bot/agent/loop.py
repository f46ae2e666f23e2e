"""The agent loop (paper section 2): event in, steps until yield.

A step is one model call and its tools. What it came to is committed in one unit of work; no transaction is
open across a model call. A killed turn goes on with its next step.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from bot.agent import asks, replies
from bot.agent.asking import Asking, is_empty
from bot.agent.commit import Commit, Step
from bot.agent.desks import Desks
from bot.agent.fifo_queue import Queue
from bot.agent.forms import unread, unsaid
from bot.agent.job import Job
from bot.agent.queue_manager import QueueManager
from bot.agent.tools.desk import Desk
from bot.agent.tools.executor import Executor, ToolResult
from bot.agent.tools.outside import Asker, Outside, Toolset
from bot.language import marked
from bot.ports import Form, ModelReply
from bot.safety.refusing import SAID, Refusing, Verdict
from memory.records import Message

_TOO_MANY = "You made too many calls in one step: the first {run} were run, {dropped} were not."
_TELLING = 12  # characters of a text that tells something
_NUDGES = 2  # times that a model is told to answer before its last step
_NO_ANSWER = marked("I could not find an answer to that. Please try again, or put it differently.")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Steps of one turn: when a person waits, and of a reflection."""

    steps: int
    quiet_steps: int


class AgentLoop:
    """Thinks about one turn at a time of each agent; of many agents at once."""

    def __init__(
        self,
        asking: Asking,
        queues: QueueManager,
        executor: Executor,
        desks: Desks,
        commit: Commit,
        limits: Limits,
        outside: Outside,
        refusing: Refusing,
    ) -> None:
        self._refusing = refusing
        self._asking, self.meter = asking, asking.meter
        self._queues = queues
        self._window = queues.window
        self._executor = executor
        self._desks = desks
        self._commit = commit
        self._limits = limits
        self._outside = outside

    async def turn(self, job: Job) -> None:
        """Think about the turn's events until the agent yields. Raises what the model port raises."""
        job.outside = await self._tools(job)
        goes_on = True
        while goes_on:
            with job.drafting.step() if job.drafting else nullcontext():
                goes_on = await self.step(job)

    async def _tools(self, job: Job) -> Toolset:
        """The tools of servers that may be used in this turn; none where nobody waits for what comes of them."""
        queue = await self._queues.queue(job.turn.conversation_id)
        return await self._outside.tools(
            Asker(
                agent=job.agent,
                persona=job.persona,
                address=job.address,
                audience=queue.conversation.audience,
                waits=not job.whole,
            )
        )

    async def step(self, job: Job) -> bool:
        """One model call, its tools, one commit. True when the turn goes on."""
        most = self._limits.quiet_steps if job.whole else self._limits.steps
        last = job.turn.steps >= most - 1 or job.nudges >= _NUDGES
        reply = asks.answered(job) or await self._asking.answer(job, last=last)
        reply = replies.discreet(reply) if job.masks else reply
        reply = await self._sendable(job, reply)
        async with job.lock:
            queue = await self._queues.queue(job.turn.conversation_id)
            desk = self._desks.of(job, queue)
            before, sent = len(desk.said), len(desk.files)
            hold = not last and job.from_person and reply.form in (None, Form.FULL)
            results = await self._executor.run(reply.calls, desk, job.tries, self._window.share, hold=hold)
            results = list(map(replies.without_secrets, results)) if job.masks else results
            dropped = len(reply.calls) - len(results)
            reply = replace(reply, calls=reply.calls[: len(results)])
            _speak_up(job, desk, reply, results, last=last)
            messages = replies.messages(self._queues, job, queue, desk, before, sent, reply, results)
            last = last or desk.silenced  # it has nothing left to say it with
            notes = [] if last or desk.asks else self._notes(job, queue, desk, reply, results, dropped)
            # Failures first, then what the model asked for, then what we have to tell it.
            goes_on = not last and not desk.asks and bool(notes or _wants_on(desk, reply, results))
            step = Step(
                queue=queue,
                desk=desk,
                messages=[*messages, *notes],
                model=reply.model or self._asking.mind(job).name,
                usage=job.owed,
                ended=not goes_on,
            )
            await self._commit.step(job, step)
            if job.drafting and desk.posts:
                job.drafting.keep()
            self.meter.settle(job)
        made = len(desk.posts) + len(desk.files) + len(desk.asks) + bool(desk.reaction)
        posted = 0 if job.whole and goes_on else made
        job.passed = job.passed or desk.passed
        job.in_thread = job.in_thread or bool(desk.thread)
        job.turn = replace(job.turn, steps=job.turn.steps + 1, outbox=job.turn.outbox + posted)
        job.zone = desk.zone
        job.model = step.model
        return goes_on

    async def _sendable(self, job: Job, reply: ModelReply) -> ModelReply:
        """The reply, in which what may not be sent is said to be so. It is done before anything of it is kept."""
        texts = replies.outgoing(reply)
        if not texts or await self._refusing.said(*texts) is Verdict.PASSES:
            return reply
        for text in texts:
            verdict = Verdict.REFUSED if len(texts) == 1 else await self._refusing.said(text)
            if verdict is not Verdict.PASSES:
                reply = replies.without(reply, text, job.own(SAID))
        return reply

    def _notes(
        self,
        job: Job,
        queue: Queue,
        desk: Desk,
        reply: ModelReply,
        results: Sequence[ToolResult],
        dropped: int,
    ) -> list[Message]:
        """What the model must be told before its turn may end: that nobody heard it."""
        texts = []
        if dropped:
            texts.append(_TOO_MANY.format(dropped=dropped, run=len(results)))
        if results and all(result.refused for result in results):
            job.nudges += 1
        if reply.unread:
            job.nudges += 1
            texts.append(unread(reply.form))
        elif (
            job.from_person
            and not (job.turn.outbox or job.passed or desk.answered)
            and not _wants_on(desk, reply, results)
        ):
            job.nudges = _NUDGES if is_empty(reply) else job.nudges + 1
            texts.append(unsaid(reply.form))
        return [self._queues.note(queue, job.turn, job.zone, text, step=job.turn.steps) for text in texts]


def _speak_up(job: Job, desk: Desk, reply: ModelReply, results: Sequence[ToolResult], *, last: bool) -> None:
    """Say what must be heard, if the model has said nothing in its turn."""
    if job.turn.outbox or job.passed or desk.answered:
        return
    if job.from_person and reply.text and not reply.calls and (last or not reply.unread):
        # An answer in plain text is an answer; one that the token limit cut is marked.
        desk.say(f"{reply.text} […]" if reply.truncated else reply.text)
    elif job.fallback and not reply.calls and len(reply.text) > _TELLING:
        desk.say(reply.text)  # a reminder may be told in plain text, too; not a mere "hm"
    elif job.from_person and last:
        desk.say(job.own(_NO_ANSWER))
    elif job.fallback and (last or not _wants_on(desk, reply, results)):
        desk.say(job.fallback)


def _wants_on(desk: Desk, reply: ModelReply, results: Sequence[ToolResult]) -> bool:
    """Whether the model has something to mend, or asked to see a result. A small one that has answered would only
    answer once more."""
    mends = reply.form in (None, Form.FULL) or not desk.said
    return not desk.finished and any(result.heartbeat or (mends and result.failed) for result in results)
