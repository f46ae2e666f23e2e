"""The calls of a step: only tools that are offered, only arguments that they take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from bot.models.offline.transcript import Done
from bot.ports import ModelRequest, ToolCall

MOST = 8  # calls in one step; the rest follows in the next

NEVER_GOES_ON = frozenset({"send_message", "pause_heartbeats", "finish_rethinking_memory"})


@dataclass(frozen=True)
class Call:
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def among(self, done: Sequence[Done]) -> Done | None:
        """The same call, if it was made."""
        mine = dict(self.arguments)
        return next((d for d in done if d.name == self.name and _bare(d.arguments) == mine), None)


@dataclass(frozen=True)
class Step:
    """What the model answers: calls, or a text when there is nobody to call."""

    calls: tuple[Call, ...] = ()
    text: str = ""


class Offered:
    """The tools of a request; none when calling is not allowed."""

    def __init__(self, request: ModelRequest) -> None:
        self._arguments: dict[str, frozenset[str] | None] = {}
        if request.tool_choice == "none":
            return
        for tool in request.tools:
            function = tool.get("function", tool)
            if isinstance(function, Mapping) and isinstance(function.get("name"), str):
                self._arguments[function["name"]] = _properties(function)

    def __contains__(self, name: str) -> bool:
        return name in self._arguments

    def __bool__(self) -> bool:
        return bool(self._arguments)

    def written(self, calls: Sequence[Call], key: str) -> tuple[ToolCall, ...]:
        """The calls as a model writes them; their ids follow from the request's key."""
        stem = blake2b(key.encode(), digest_size=4).hexdigest()
        return tuple(
            ToolCall(id=f"call_{stem}_{n}", name=c.name, arguments=self._written(c))
            for n, c in enumerate(calls, start=1)
        )

    def _written(self, call: Call) -> str:
        arguments = dict(call.arguments)
        if call.name not in NEVER_GOES_ON:
            arguments["request_heartbeat"] = True
        known = self._arguments.get(call.name)
        if known is not None:
            arguments = {k: v for k, v in arguments.items() if k in known}
        return json.dumps(arguments, ensure_ascii=False)


def _properties(function: Mapping[str, Any]) -> frozenset[str] | None:
    parameters = function.get("parameters")
    properties = parameters.get("properties") if isinstance(parameters, Mapping) else None
    return frozenset(properties) if isinstance(properties, Mapping) and properties else None


def _bare(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in arguments.items() if k != "request_heartbeat"}
