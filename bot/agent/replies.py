"""The model's reply as it is kept: fit to be sent back to any endpoint, and as messages of the conversation."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.agent import context
from bot.agent.fifo_queue import Queue
from bot.agent.job import Job
from bot.agent.queue_manager import QueueManager
from bot.agent.tools import arguments
from bot.agent.tools.desk import Desk
from bot.agent.tools.executor import ToolResult
from bot.events import clean
from bot.ports import ModelReply, ToolCall
from bot.safety.secrets import bare, masked
from memory.records import Message, Role

_NAME = 64  # characters of a tool's name
_LONGEST = 100_000  # characters of what a model says, or of a call's arguments
_READ = {
    "send_message": ("message",),
    "send_file": ("content", "name"),
    "send_image": ("prompt",),
    "schedule_message": ("about",),
    "open_thread": ("title",),
}
"""The arguments that people get to read, by tool."""
_WRITES = frozenset(
    {
        "core_memory_append",
        "core_memory_replace",
        "archival_memory_insert",
        "archival_memory_replace",
        "remember",
        "rethink_memory",
        "rethink_user_memory",
        "store_memories",
        "schedule_message",
    }
)
"""Tools that note something."""
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_BETWEEN = re.compile(r"[\W_]+")  # words of a file's name


def cleaned(reply: ModelReply, step: str) -> ModelReply:
    """The reply as it can be sent back: an endpoint refuses a history with other names or ids, for ever.

    Its calls get ids of our own, the same whenever ``step`` is done again: nine letters and digits, which every
    server takes (Mistral no others).
    """
    calls = tuple(
        replace(
            call,
            id=context.call_id(f"{step}/{number}"),
            name=_UNFIT.sub("_", call.name)[:_NAME] or "unnamed",
            arguments=clean(call.arguments if call.cut else _as_object(call.arguments)),
        )
        for number, call in enumerate(map(_bounded, reply.calls))
    )
    return replace(reply, text=clean(reply.text[:_LONGEST]).strip(), calls=calls)


def discreet(reply: ModelReply) -> ModelReply:
    """The reply as it is kept for who keeps no secrets: those that the model took from a tool are masked, in what it
    notes also what it calls a password. What it says may hold one that it made up itself."""
    calls = tuple(
        replace(call, arguments=_masked(call.arguments, called=call.name in _WRITES)) for call in reply.calls
    )
    return replace(reply, text=masked(reply.text, called=False).text, calls=calls)


def without_secrets(result: ToolResult) -> ToolResult:
    """What a tool gave, as it is kept and shown. What it merely calls a token may be the name of its next page."""
    return replace(result, content=_masked(result.content, called=False))


def _masked(text: str, *, called: bool) -> str:
    """A JSON text without its secrets; the very same if there is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return masked(text, called=called).text
    kept = bare(value, called=called)
    return text if kept is value else context.to_json(kept)


def outgoing(reply: ModelReply) -> list[str]:
    """What people may read of it: what it says, in a thread of what title, sends as a file of what name, and wants to
    be reminded of."""
    if not reply.calls:
        return [reply.text] if reply.text else []
    return [text for call in reply.calls for text in _readable(call).values() if text]


def without(reply: ModelReply, refused: str, told: str) -> ModelReply:
    """The reply that says ``told`` in the place of a text of `outgoing`, and thinks nothing of it aloud."""
    calls = []
    for call in reply.calls:
        gone = {name: told for name, text in _readable(call).items() if text == refused}
        if gone:
            call = replace(call, arguments=context.to_json({**_values(call), **gone}))
        calls.append(call)
    return replace(reply, text="" if reply.calls else told, calls=tuple(calls))


def _readable(call: ToolCall) -> dict[str, str]:
    """What people get to read of it, by argument; a file's name as the words that it is made of."""
    values = {name: _values(call).get(name) for name in _READ.get(call.name, ())}
    return {
        name: " ".join(_BETWEEN.split(text)).strip() if name == "name" else text
        for name, text in values.items()
        if isinstance(text, str)
    }


def _values(call: ToolCall) -> dict[str, Any]:
    return arguments.read(call.arguments) or {}


def _bounded(call: ToolCall) -> ToolCall:
    """A call of endless arguments is one that was cut: no model is allowed so many tokens."""
    if len(call.arguments) <= _LONGEST:
        return call
    return replace(call, arguments=call.arguments[:_LONGEST], cut=True)


def messages(
    queues: QueueManager,
    job: Job,
    queue: Queue,
    desk: Desk,
    before: int,
    sent: int,
    reply: ModelReply,
    results: Sequence[ToolResult],
) -> list[Message]:
    """A step's messages, to be stored: the assistant's, with what it said since ``before`` and sent since ``sent``, and
    each result."""
    window, given = queues.window, _given(reply)
    rendered = context.assistant_message(reply.text, reply.calls, window.fit, window.share, given)
    said = [*desk.said[before:], *(f"(sent the file {file.name})" for file in desk.files[sent:])]
    shown = [(Role.ASSISTANT, job.persona, "\n".join(said), rendered)]
    for result in results:
        rendered = context.tool_message(result.call.id, result.content)
        shown.append((Role.TOOL, result.call.name, "", rendered))
    step = job.turn.steps
    return [queues.message(queue, job.turn, *message, desk.now, step=step) for message in shown]


def _as_object(text: str) -> str:
    """The arguments as the JSON object that they mean, if they mean one."""
    try:
        strict = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        strict = False
    if strict:
        return text
    values = arguments.read(text)
    return text if values is None else context.to_json(values)


def _given(reply: ModelReply) -> dict[str, Any] | None:
    """What the server added, and whose it is; None for nothing."""
    calls = [dict(call.extra) for call in reply.calls]
    if not reply.extra and not any(calls):
        return None
    return {"by": reply.origin, "message": dict(reply.extra), "calls": calls}
