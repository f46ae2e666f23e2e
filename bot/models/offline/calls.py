"""The calls of a step: only tools that are offered, only arguments that they take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from bot.models.transcript import Done
from bot.models.values import object_of
from bot.ports import ModelRequest, ToolCall

MOST = 8  # calls in one step; the rest follows in the next
NEVER_GOES_ON = frozenset({"send_message", "pause_heartbeats", "finish_rethinking_memory"})
_GOES_ON = {"request_heartbeat": True}


@dataclass(frozen=True)
class Call:
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def among(self, done: Sequence[Done]) -> Done | None:
        """The same call, if it was made."""
        mine = {**self.arguments, **_GOES_ON}
        return next((d for d in done if d.name == self.name and {**d.arguments, **_GOES_ON} == mine), None)


@dataclass(frozen=True)
class Step:
    """What the model answers: calls, or a text when there is nobody to call."""

    calls: tuple[Call, ...] = ()
    text: str = ""


class Offered(dict[str, frozenset[str]]):
    """The tools of a request, each with what it takes (nothing where it does not say); none when calling is not
    allowed."""

    def __init__(self, request: ModelRequest) -> None:
        super().__init__()
        for tool in request.tools if request.tool_choice != "none" else ():
            function = object_of(tool.get("function", tool))
            if isinstance(function.get("name"), str):
                properties = object_of(object_of(function.get("parameters")).get("properties"))
                self[function["name"]] = frozenset(properties)

    def written(self, calls: Sequence[Call], key: str) -> tuple[ToolCall, ...]:
        """The calls as a model writes them; their ids follow from the request's key."""
        stem = blake2b(key.encode(), digest_size=4).hexdigest()
        return tuple(
            ToolCall(id=f"call_{stem}_{n}", name=c.name, arguments=self._written(c))
            for n, c in enumerate(calls, start=1)
        )

    def _written(self, call: Call) -> str:
        arguments = dict(call.arguments) | ({} if call.name in NEVER_GOES_ON else _GOES_ON)
        known = self.get(call.name) or arguments.keys()
        return json.dumps({k: v for k, v in arguments.items() if k in known}, ensure_ascii=False)
