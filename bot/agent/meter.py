"""Questions to models, within the day's allowance."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from time import perf_counter

from bot.agent.job import Job
from bot.agent.usage import UsageReports
from bot.agent.window import Window
from bot.events import LOCAL, platform_of
from bot.observer import Observer, Question
from bot.people.allowance import Allowance
from bot.ports import ChatModel, ModelReply, ModelRequest
from memory.ports import Session
from memory.records import Usage

_REPLY = 300  # tokens of a typical reply


class Meter:
    """The one way to ask a model: what it may take is reserved before, and what it took is owed by the turn's next
    step."""

    def __init__(self, allowance: Allowance, window: Window, observer: Observer) -> None:
        self._allowance = allowance
        self._observer = observer
        self._window = window
        self._usage = UsageReports(window)

    async def ask(
        self, job: Job, model: ChatModel, request: ModelRequest, counted: int | None = None
    ) -> ModelReply:
        """The reply; ``counted`` are the request's tokens, if they are known. Raises what the model raises, and
        `AllowanceUsed`. Who sits at the machine is under no limit."""
        if counted is None:
            told = json.dumps(list(request.messages), ensure_ascii=False)
            counted = await asyncio.to_thread(self._window.count, told)
        reply_tokens = min(_REPLY, request.max_tokens or _REPLY)
        user, limited = job.agent.user_id, platform_of(job.address) != LOCAL
        question = Question(
            platform=platform_of(job.address), model=model.name, turn=job.turn.id, request=request
        )
        began = perf_counter()
        try:
            async with self._allowance.reserved(
                user, counted + reply_tokens, home=job.home, limited=limited
            ) as bill:
                with self._observer.during(question):
                    try:
                        reply = await model.complete(request)
                    except asyncio.CancelledError:
                        self._owe(job, Usage(prompt=counted))  # it was asked, all the same
                        bill.took = counted
                        raise
                    usage = self._usage.of(reply, counted, request.max_tokens)
                    self._owe(job, usage)
                    self._allowance.charge(bill, reply.model or model.name, usage)
                    question.reply, question.usage = reply, usage
        finally:
            job.asked_s += perf_counter() - began
        return reply

    async def book(self, session: Session, job: Job, now: datetime) -> None:
        """Record, in the unit of work that ends a turn, what was asked in vain; then `settle`."""
        if job.owed.total:
            model = job.model or "called off"
            await session.mailbox.commit_step(
                job.turn.id, job.turn.steps, model, job.owed, now, agent_id=job.agent.id
            )

    def settle(self, job: Job) -> None:
        """What the turn owed was committed with a step."""
        self._allowance.booked(job.agent.user_id, job.owed.total)
        job.owed = Usage()

    def _owe(self, job: Job, usage: Usage) -> None:
        job.owed += usage
        job.used += usage
