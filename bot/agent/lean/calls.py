"""A small model's reply as everbot's own calls: what it wrote is what it says, and what it looks up it is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.agent.context import to_json
from bot.agent.lean.tools import FILLED, REMEMBER, SPEAK
from bot.agent.tools.arguments import read
from bot.agent.tools.provenance import SEARCHES
from bot.agent.tools.registry import HEARTBEAT, Registry
from bot.ports import ModelReply, ToolCall

_CUT = " […]"
_TEXTS = (
    "message",
    "text",
    "content",
    "answer",
    "reply",
    "response",
    "value",
    "fact",
    "query",
    "input",
    "msg",
    "body",
)
_AS_TEXT = frozenset({"text", "content", "message", "say", "answer", "reply", "response", "msg"})


def made(reply: ModelReply, registry: Registry, said: Sequence[str], *, awaited: bool) -> ModelReply:
    """The calls that the reply means. ``awaited``: a person waits, and is shown what is written; they have been shown
    ``said`` in this turn, and are not told the same twice."""
    speech: list[ToolCall] = []
    others: list[ToolCall] = []
    for call in reply.calls:
        meant = _meant(call, registry)
        (speech if meant.name == SPEAK else others).append(meant)
    asks = any(_asks(call, registry) for call in others)
    if awaited and reply.text.strip() and not speech and not asks and not reply.unread:
        speech = [_spoken(reply.text.strip() + (_CUT if reply.truncated else ""))]
    told = {" ".join(text.split()) for text in said}
    kept = []
    for call in speech:
        text = " ".join(str((read(call.arguments) or {}).get("message", "")).split())
        if text not in told:
            told.add(text)
            kept.append(call)
    once = {
        (call.name, call.arguments): call for call in reversed(others)
    }  # the first of those that are the same
    others = [_shown(call) if _asks(call, registry) else call for call in reversed(once.values())]
    if others and awaited and not (kept or said):
        others[-1] = _shown(others[-1])  # it has not answered yet
    text = "" if speech else reply.text
    return replace(reply, text=text, calls=(*kept, *others))  # the answer first: not all calls may be run


def _meant(call: ToolCall, registry: Registry) -> ToolCall:
    """The call with the arguments by their names, and with those that small models are not asked for."""
    values = read(call.arguments)
    if values is None and call.arguments.strip():
        values = {"message": call.arguments.strip()}  # a text where an object was due
    if values is None or call.name == SPEAK:
        return _said(call, values or {})
    tool = registry.get(call.name)
    if tool is None:
        texts = [value for name, value in values.items() if name in _AS_TEXT and isinstance(value, str)]
        # A name of nobody's, around something to say.
        return _spoken(texts[0]) if len(texts) == len(values) == 1 else call
    known = tool.parameters["properties"]
    filled = FILLED.get(call.name, {})
    values = {**{name: value for name, value in filled.items() if not values.get(name)}, **values}
    missing = [name for name in tool.parameters["required"] if name not in values]
    strange = [name for name, value in values.items() if name not in known and isinstance(value, str)]
    if len(missing) == 1 and (strange := [n for n in strange if n in _TEXTS] or strange[:1]):
        values[missing[0]] = values.pop(strange[0])
    if call.name in FILLED or call.name == REMEMBER or call.name in SEARCHES:
        values = {name: value for name, value in values.items() if name in known}
    return replace(call, arguments=to_json(values))


def _said(call: ToolCall, values: dict[str, Any]) -> ToolCall:
    """What a call says; what the reply's limit cut is said as far as it goes."""
    text = next((values[name] for name in _TEXTS if isinstance(values.get(name), str)), None)
    if text is None:
        rest = [value for value in values.values() if isinstance(value, str)]
        text = rest[0] if len(rest) == 1 else None
    if text is None:
        return call
    return replace(
        call, name=SPEAK, cut=False, arguments=to_json({"message": text + (_CUT if call.cut else "")})
    )


def _spoken(text: str) -> ToolCall:
    return ToolCall(id="said", name=SPEAK, arguments=to_json({"message": text}))


def _asks(call: ToolCall, registry: Registry) -> bool:
    """Whether a call is made for what it gives back."""
    tool = registry.get(call.name)
    return (
        call.name in SEARCHES or call.name == "list_scheduled" or tool is None or tool.custom or tool.outside
    )


def _shown(call: ToolCall) -> ToolCall:
    """The call, with its result shown to the model in a further step."""
    values = read(call.arguments)
    return (
        call
        if values is None
        else replace(call, arguments=json.dumps({**values, HEARTBEAT: True}, ensure_ascii=False))
    )
