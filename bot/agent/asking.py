"""Asks the model for a step's reply, and puts the question otherwise where it is refused, too long, or answered with
nothing."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

from bot.agent import lighter, replies
from bot.agent.eviction import Eviction
from bot.agent.fifo_queue import Queue
from bot.agent.forms import Asked, Forms, unsaid
from bot.agent.job import Job
from bot.agent.meter import Meter
from bot.agent.queue_manager import QueueManager
from bot.agent.summarizer import Ask
from bot.errors import ModelOverflow, ModelRefused
from bot.ports import Form, Mind, ModelReply, ModelRequest, Models

log = logging.getLogger(__name__)


class Asking:
    """A reply may have ``room`` tokens."""

    def __init__(
        self,
        models: Models,
        queues: QueueManager,
        eviction: Eviction,
        forms: Forms,
        room: int,
        meter: Meter,
    ) -> None:
        self._models = models
        self._queues = queues
        self._eviction = eviction
        self._window = queues.window
        self._forms = forms
        self._room = room
        self.meter = meter

    def mind(self, job: Job) -> Mind:
        """Who thinks in this turn."""
        if job.whole:
            return self._models.quiet
        own = job.definition.policies.model
        return self._models.named(own) if own else self._models.default

    async def answer(self, job: Job, *, last: bool) -> ModelReply:
        """The model's answer to all that is in view; one in words, if it is the ``last`` that it may give. Raises what
        the model port raises."""
        queue = await self._queues.queue(job.turn.conversation_id)
        at_most = 1.0

        if job.whole:
            return await self._reflection(job, queue)
        while True:
            shown = await self._queues.core_memory(queue, job.agent)
            asked = self._forms.asked(self.mind(job).forms, job, shown)
            fixed = asked.fixed
            if await self._eviction.make_room(
                queue, job.turn, fixed, job.zone, self._summing(job), at_most=at_most
            ):
                continue  # what follows core memory has changed anyway: it is shown anew
            request = self._forms.request(
                asked,
                job,
                queue.summary,
                queue.messages,
                key=job.step_key,
                tool_choice="none" if last and job.from_person else "auto",
                max_tokens=self._room,
                hearer=job.drafting,
            )
            try:
                counted = fixed + (queue.tokens if request.form is Form.FULL else self._counted(request))
                reply = await self._something(job, queue, request, counted)
            except ModelRefused as refusal:
                if isinstance(refusal, ModelOverflow) and at_most == 1.0:
                    # Our count was too low for this model: send much less, once, before leaving things out.
                    at_most = min(0.9, (fixed + 0.6 * queue.tokens) / self._window.room)
                    continue
                reply = await self._with_less(job, queue, asked, request, refusal)
            return replies.cleaned(self._forms.own(reply, request, job, queue), job.step_key)

    def _counted(self, request: ModelRequest) -> int:
        """Tokens of the conversation as a small model is shown it."""
        return sum(self._window.cost(json.dumps(m, ensure_ascii=False)) for m in request.messages[1:])

    async def _reflection(self, job: Job, queue: Queue) -> ModelReply:
        """The answer to a reflection's own messages: it is told what is new, and sees no more of the conversation than
        the last that was said. The conversation's view is as it was when it is over."""
        blocks = await self._queues.blocks(queue, job.agent)
        asked = self._forms.asked(self.mind(job).forms, job, blocks)
        own = await self._eviction.apart(queue, job.turn, asked.fixed)
        request = self._forms.request(
            asked, job, None, own, key=job.step_key, tool_choice="auto", max_tokens=self._room
        )
        counted = asked.fixed + sum(message.tokens for message in own)
        reply = await self._ask(job, request, counted)
        return replies.cleaned(self._forms.own(reply, request, job, queue), job.step_key)

    async def _ask(self, job: Job, request: ModelRequest, counted: int | None = None) -> ModelReply:
        return await job.interrupt.guard(self.meter.ask(job, self.mind(job), request, counted))

    def _summing(self, job: Job) -> Ask:
        """Whom to ask for a summary."""
        model = self._models.summarizer or self.mind(job)

        async def ask(request: ModelRequest) -> ModelReply:
            return await job.interrupt.guard(self.meter.ask(job, model, request, None))

        return ask

    async def _something(self, job: Job, queue: Queue, request: ModelRequest, counted: int) -> ModelReply:
        """The reply; where someone waits, one that is not empty, if asking once more helps. Nothing of the first is
        kept: a model that sees itself say nothing goes on so."""
        reply = await self._ask(job, request, counted)
        if not (is_empty(reply) and job.from_person and request.tool_choice == "auto"):
            return reply
        note = self._queues.note(queue, job.turn, job.zone, unsaid(reply.form or request.form))
        again = self._forms.reminded(replace(request, key=f"{request.key}/again"), note)
        return await self._ask(job, again, counted)

    async def _with_less(
        self, job: Job, queue: Queue, asked: Asked, request: ModelRequest, refusal: ModelRefused
    ) -> ModelReply:
        """The reply to a lighter view, which is the view from then on; the refusal, if every one is refused."""
        for number, view in enumerate(lighter.views(queue, job.turn, content=refusal.content)):
            less = self._forms.request(
                asked,
                job,
                view.summary,
                view.messages,
                key=f"{request.key}/less{number}",
                tool_choice=request.tool_choice,
                max_tokens=request.max_tokens,
                hearer=request.hearer,
            )
            try:
                reply = await self._ask(job, less)
            except ModelRefused:
                continue
            log.warning("agent %s: answered without %s: %s", job.agent.id, view.without, refusal)
            await self._eviction.show(queue, view, job.turn, job.zone, self._summing(job))
            return reply
        raise refusal


def is_empty(reply: ModelReply) -> bool:
    """Whether the model neither said nor did anything."""
    return not (reply.text.strip() or reply.calls or reply.unread)
