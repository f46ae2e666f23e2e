"""Asks the model for a step's reply, and puts the question otherwise where it is refused, too long, or answered with
nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.agent import context, lighter, replies
from bot.agent.fifo_queue import Queue
from bot.agent.job import Job
from bot.agent.meter import Meter
from bot.agent.queue_manager import QueueManager
from bot.agent.summarizer import Ask
from bot.agent.system_text import SystemText
from bot.errors import ModelOverflow, ModelRefused
from bot.ports import ChatModel, ModelReply, ModelRequest, Models, Rendered

log = logging.getLogger(__name__)

UNSAID = (
    "Your turn ended, but the person has seen nothing of it. Answer them now with send_message; "
    "what you write beside your calls is not shown to them."
)


class Asking:
    """``tools`` are the schemas that are offered; a reply may have ``room`` tokens."""

    def __init__(
        self,
        models: Models,
        queues: QueueManager,
        system: SystemText,
        tools: Sequence[dict[str, Any]],
        room: int,
        meter: Meter,
    ) -> None:
        self._models = models
        self._queues = queues
        self._window = queues.window
        self._system = system
        self._tools = tools
        self._room = room
        self.meter = meter

    def mind(self, job: Job) -> ChatModel:
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

        while True:
            shown = await self._queues.core_memory(queue, job.agent)
            system, fixed = self._system.of(job, shown)
            if await self._queues.make_room(
                queue, job.turn, fixed, job.zone, self._summing(job), at_most=at_most
            ):
                continue  # what follows core memory has changed anyway: it is shown anew
            main = context.MainContext(system, queue.summary, queue.messages)
            request = ModelRequest(
                key=job.step_key,
                messages=main.messages(),
                tools=self._tools,
                tool_choice="none" if last and job.from_person else "auto",
                max_tokens=self._room,
            )
            try:
                reply = await self._something(job, queue, request, fixed + queue.tokens)
            except ModelOverflow:
                # Our count was too low for this model: send much less, once, before giving up.
                if at_most < 1.0:
                    raise
                at_most = min(0.9, (fixed + 0.6 * queue.tokens) / self._window.room)
                continue
            except ModelRefused as refusal:
                reply = await self._with_less(job, queue, request, refusal)
            return replies.cleaned(reply, job.step_key)

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
        reminder = Rendered(self._queues.note(queue, job.turn, job.zone, UNSAID).rendered)
        request = replace(request, key=f"{request.key}/again", messages=[*request.messages, reminder])
        return await self._ask(job, request, counted)

    async def _with_less(
        self, job: Job, queue: Queue, request: ModelRequest, refusal: ModelRefused
    ) -> ModelReply:
        """The reply to a lighter view, which is the view from then on; the refusal, if every one is refused."""
        for number, view in enumerate(lighter.views(queue, job.turn, content=refusal.content)):
            main = context.MainContext(request.messages[0]["content"], view.summary, view.messages)
            try:
                reply = await self._ask(
                    job, replace(request, key=f"{request.key}/less{number}", messages=main.messages())
                )
            except ModelRefused:
                continue
            log.warning("agent %s: answered without %s: %s", job.agent.id, view.without, refusal)
            if view.summarized:
                await self._queues.flush(queue, job.turn, view.gone(queue), job.zone, self._summing(job))
            else:
                await self._queues.show(queue, view)
            return reply
        raise refusal


def is_empty(reply: ModelReply) -> bool:
    """Whether the model neither said nor did anything."""
    return not (reply.text.strip() or reply.calls or reply.unread)
