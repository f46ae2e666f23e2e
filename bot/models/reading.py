"""A reply as people and the loop should have it: without reasoning, with the calls that were written as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.models.call_values import Offered, known_name
from bot.models.opaque import given_back, thought_in
from bot.models.thoughts import spoken
from bot.models.written_calls import read
from bot.ports import ModelReply, ModelRequest, ToolCall

_CLOSED = ("}", "]", ")", ">", "```")
"""How a call that is written as text ends when it is whole."""


def tidied(reply: ModelReply, request: ModelRequest) -> ModelReply:
    """The reply to this request. Calls are read from the text only where it holds all that there is."""
    offered = _offered(request.tools)
    reply = replace(reply, extra=given_back(reply.extra))
    said = spoken(reply.text)
    text = reply.text if said == reply.text.strip() else said
    if reply.calls:
        calls = [
            replace(call, name=known_name(call.name, offered, request.meant) or call.name)
            for call in reply.calls
        ]
        if reply.truncated:
            calls[-1] = replace(calls[-1], cut=not _is_object(calls[-1].arguments))
        return replace(reply, text=read(text, {}).text, calls=tuple(calls))
    written = read(text, offered, request.meant)
    made = [
        ToolCall(id=f"call_{n}", name=name, arguments=arguments)
        for n, (name, arguments) in enumerate(written.calls)
    ]
    if made and reply.truncated:
        made[-1] = replace(made[-1], cut=not said.endswith(_CLOSED))
    return replace(reply, text=written.text, calls=tuple(made), unread=written.unread, written=bool(made))


def is_all_thought(raw: ModelReply, reply: ModelReply) -> bool:
    """Whether the limit came before the model had said anything: ``raw`` is the reply as it came."""
    nothing = not reply.text and not reply.calls
    return (
        nothing
        and raw.truncated
        and (bool(raw.text.strip()) or thought_in(raw.extra) or bool(raw.usage.completion))
    )


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        return False


def _offered(tools: Sequence[Mapping[str, Any]]) -> Offered:
    """Each tool's parameters, the required ones first."""
    offered: dict[str, list[str]] = {}
    for tool in tools:
        function = tool["function"]
        schema = function.get("parameters") or {}
        required = list(schema.get("required", ()))
        offered[function["name"]] = required + [
            name for name in schema.get("properties", {}) if name not in required
        ]
    return offered
