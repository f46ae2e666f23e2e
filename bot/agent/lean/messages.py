"""A conversation as small models are shown it: short texts instead of events in JSON, and what was said as plain
answers instead of calls. Pure, and the same for the same messages, so that a server's cache stays good."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from bot import prompts
from bot.agent import context
from bot.agent.lean.tools import REMEMBER, SPEAK
from bot.events import HeartbeatDue
from bot.ports import GIVEN, Form, Rendered

_NAMED = re.compile(r"^(?:[mn]\d+|l\d+-\d+) ")  # ids in results, which small models have no use for
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)\S*(?: \((\w+)\))?")
_TITLES = {
    "brings_to_mind": "You remember",
    "related": "You remember",
    "news": "Said elsewhere",
    "book": "You know",
    "context": "Others wrote here",
    "reply_to": "They answer to this",
    "problem": "Problem",
    "images": "Images",
    "note": "Note",
    "reason": "",
    "greeting": "You greet like this",
}
_WHO = {"system_alert": "Note to you", "summary": "What was said before"}
_QUIET = ("type", "time", "name", "message", "place", "stored")  # shown elsewhere, or not at all
_NOTES = frozenset({REMEMBER, "core_memory_append", "archival_memory_insert"})


def shown(messages: Sequence[Mapping[str, Any]], form: Form) -> list[Mapping[str, Any]]:
    """The messages after the system text, in this form."""
    result: list[Mapping[str, Any]] = []
    for unit in _units(messages):
        first = unit[0]
        if first["role"] == "assistant":
            texts = tuple(_text(message) for message in unit)
            result += _replied(texts) if form is Form.LEAN else _objects(texts)
        else:
            result.append(_told(_text(first)))
    return result


def _units(messages: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Each message, with the results of its calls."""
    unit: list[Mapping[str, Any]] = []
    for message in messages:
        if message["role"] != "tool" and unit:
            yield unit
            unit = []
        unit.append(message)
    if unit:
        yield unit


def _text(message: Mapping[str, Any]) -> str:
    """The message as JSON, with what its server added."""
    if not isinstance(message, Rendered):
        return context.to_json(message)
    return message.text if message.given is None else context.to_json({**message, GIVEN: message.given})


# The model's own messages


@lru_cache(maxsize=4_096)
def _replied(texts: tuple[str, ...]) -> list[Rendered]:
    """Calls with their results, then what was said."""
    message, *results = map(json.loads, texts)
    calls = message.get("tool_calls") or []
    said = _said(message)
    other = [call for call in calls if call["function"]["name"] != SPEAK]
    ids = {call["id"] for call in other}
    given = message.get(GIVEN)
    made: list[dict[str, Any]] = []
    if other:
        made.append({"role": "assistant", "content": None, "tool_calls": other})
        made += [_result(result) for result in results if result["tool_call_id"] in ids]
    if said:
        made.append({"role": "assistant", "content": said})
    if given and made:
        made[0][GIVEN] = _of(given, [calls.index(call) for call in other])
    return [Rendered(context.to_json(one)) for one in made]


@lru_cache(maxsize=4_096)
def _objects(texts: tuple[str, ...]) -> list[Rendered]:
    """The object that it would have answered with."""
    message = json.loads(texts[0])
    said = _said(message)
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    notes = [note for call in calls if call["name"] in _NOTES and (note := _only(call["arguments"]))]
    if not (said or notes):
        return []
    content = context.to_json({"remember": notes, "answer": said})
    return [Rendered(context.to_json({"role": "assistant", "content": content}))]


def _said(message: Mapping[str, Any]) -> str:
    """What the person saw of it."""
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    if not calls:
        return str(message.get("content") or "")
    texts = [_only(call["arguments"]) for call in calls if call["name"] == SPEAK]
    return "\n".join(dict.fromkeys(text for text in texts if text))


def _only(arguments: str) -> str:
    """The text of a call that has one."""
    values = json.loads(arguments)
    for name in ("message", "fact", "content", "clipped"):
        if isinstance(values.get(name), str):
            return str(values[name])
    return ""


def _of(given: Mapping[str, Any], places: Sequence[int]) -> dict[str, Any]:
    """What the server added, for the calls that are left."""
    calls = list(given.get("calls", ()))
    return {**given, "calls": [calls[place] for place in places if place < len(calls)]}


def _result(message: Mapping[str, Any]) -> dict[str, Any]:
    """A result in few words."""
    return {**message, "content": _outcome(message["content"])}


def _outcome(content: str) -> str:
    try:
        result = json.loads(content)
        status, told = result["status"], result["message"]
    except (ValueError, TypeError, KeyError):
        return content
    if isinstance(told, dict) and isinstance(told.get("results"), list):
        found = [f"- {_NAMED.sub('', line)}" for line in told["results"] if isinstance(line, str)]
        told = "\n".join(found) or "Nothing found."
    text = told if isinstance(told, str) else context.to_json(told)
    return text if status == "OK" else f"Failed: {text}"


# Events


@lru_cache(maxsize=4_096)
def _told(text: str) -> Rendered:
    message = json.loads(text)
    content = message["content"]
    try:
        fields = json.loads(content if isinstance(content, str) else content[0]["text"])
    except (ValueError, TypeError, LookupError):
        return Rendered(text)
    if not isinstance(fields, dict):
        return Rendered(text)
    plain = _event(fields)
    if not isinstance(content, str):
        return Rendered(
            context.to_json({**message, "content": [{"type": "text", "text": plain}, *content[1:]]})
        )
    return Rendered(context.to_json({**message, "content": plain}))


def _event(fields: Mapping[str, Any]) -> str:
    kind, place = str(fields.get("type", "")), fields.get("place")
    head = f"[{_when(str(fields.get('time', '')))}{f', {place}' if place else ''}]"
    lines = [head]
    if kind == HeartbeatDue.kind:
        fields = {**fields, "reason": prompts.read("lean_reflection")}
    if kind == context.CORE_MEMORY and isinstance(fields.get("blocks"), dict):
        blocks = fields["blocks"].items()
        return "\n".join([head, *(f"What you know now ({label}):\n{b['value']}" for label, b in blocks)])
    for name, value in fields.items():
        if name not in _QUIET and value not in (None, "", [], {}):
            lines.append(_listed(_TITLES.get(name, name.replace("_", " ")), value))
    if said := fields.get("message", ""):
        lines.append(f"{_WHO.get(kind) or fields.get('name') or 'Person'}: {said}")
    return "\n".join(lines)


def _listed(title: str, value: Any) -> str:
    if isinstance(value, list):
        items = [item if isinstance(item, str) else _attached(item) for item in value]
        return "\n".join([f"{title}:", *(f"- {item}" for item in items)])
    text = value if isinstance(value, str) else context.to_json(value)
    return f"{title}: {text}" if title else text


def _attached(item: Any) -> str:
    if isinstance(item, dict) and "name" in item:
        return f"{item['name']}: {item['text']}" if item.get("text") else str(item["name"])
    return context.to_json(item)


def _when(time: str) -> str:
    found = _TIME.match(time)
    return f"{found[3] + ' ' if found[3] else ''}{found[1]} {found[2]}" if found else time
