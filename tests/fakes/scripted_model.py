"""A language model that says what a test tells it to."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from bot.ports import ModelReply, ModelRequest, ToolCall
from memory.records import Usage

USAGE = Usage(prompt=100, completion=10)

Answering = Callable[[ModelRequest], ModelReply | Awaitable[ModelReply]]
Line = ModelReply | Exception | Answering


def call(tool: str, **arguments: Any) -> ModelReply:
    """A reply that calls one tool."""
    return calls((tool, arguments))


def calls(*wanted: tuple[str, dict[str, Any] | str]) -> ModelReply:
    """A reply of several (tool, arguments); arguments given as text go out as they are."""
    made = tuple(
        ToolCall(id=f"call_{n}", name=tool, arguments=given if isinstance(given, str) else json.dumps(given))
        for n, (tool, given) in enumerate(wanted)
    )
    return ModelReply(text="", calls=made, usage=USAGE)


def say(text: str) -> ModelReply:
    """A reply that sends the user a message."""
    return call("send_message", message=text)


class ScriptedModel:
    """A `bot.ports.ChatModel`. ``script`` is a list, consumed in order, or one callable used forever.

    A line of the list is a reply, an exception to raise, or a callable (which may be a coroutine
    function) of the request. ``requests`` holds every request. Call ids are made unique per request, as
    real servers do. A request beyond the end of the list is an AssertionError.
    """

    name = "scripted"

    def __init__(self, script: Sequence[Line] | Answering) -> None:
        self.requests: list[ModelRequest] = []
        self._forever = script if callable(script) else None
        self._lines = [] if callable(script) else list(script)

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        number = len(self.requests)
        line: Line | None = self._forever
        if line is None:
            assert self._lines, f"the script has no line for request {number} ({request.key})"
            line = self._lines.pop(0)
        if isinstance(line, Exception):
            raise line
        made = line if isinstance(line, ModelReply) else line(request)
        reply = await made if inspect.isawaitable(made) else made
        named = tuple(replace(c, id=f"call_{number}_{n}") for n, c in enumerate(reply.calls))
        return replace(reply, calls=named)

    @property
    def exhausted(self) -> bool:
        """Has every line of the list been said?"""
        return self._forever is None and not self._lines
