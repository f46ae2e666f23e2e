"""The model's reply as it is kept: fit to be sent back to any endpoint, and as messages of the conversation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from bot.agent import context
from bot.agent.fifo_queue import Queue
from bot.agent.job import Job
from bot.agent.queue_manager import QueueManager
from bot.agent.tools.desk import Desk
from bot.agent.tools.executor import ToolResult
from bot.events import clean
from bot.ports import ModelReply, ToolCall
from memory.records import Message, Role

_NAME = 64  # characters of a tool's name or a call's id
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")


def cleaned(reply: ModelReply) -> ModelReply:
    """The reply as it can be sent back: an endpoint refuses a history with other names or ids, for ever."""
    calls: dict[str, ToolCall] = {}
    for number, call in enumerate(reply.calls):
        call_id = clean(call.id)[:_NAME]
        if not call_id or call_id in calls:
            call_id = next(free for n in count(number) if (free := f"call_{number}_{n}") not in calls)
        name = _UNFIT.sub("_", call.name)[:_NAME] or "unnamed"
        calls[call_id] = ToolCall(id=call_id, name=name, arguments=clean(call.arguments))
    return replace(reply, text=clean(reply.text).strip(), calls=tuple(calls.values()))


def messages(
    queues: QueueManager,
    job: Job,
    queue: Queue,
    desk: Desk,
    before: int,
    reply: ModelReply,
    results: Sequence[ToolResult],
) -> list[Message]:
    """A step's messages, to be stored: the assistant's, with what it said since ``before``, and each result."""
    rendered = context.assistant_message(reply.text, reply.calls, queues.window.fit, queues.window.share)
    shown = [(Role.ASSISTANT, job.persona, "\n".join(desk.said[before:]), rendered)]
    for result in results:
        rendered = context.tool_message(result.call.id, result.content)
        shown.append((Role.TOOL, result.call.name, "", rendered))
    step = job.turn.steps
    return [queues.message(queue, job.turn, *message, desk.now, step=step) for message in shown]
