"""Calls in the JSON values that models write: under which names they stand there. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

Offered = Mapping[str, Sequence[str]]
"""The names of the tools that were offered, each with those of its parameters, the required ones first."""
Call = tuple[str, str]
"""A tool's name, and its arguments as JSON."""

CALLS = 64  # of one reply
NAMES = (
    "name",
    "tool_name",
    "function_name",
    "function",
    "tool",
    "action",
    "recipient_name",
    "tool_call",
    "command",
)
ARGUMENTS = (
    "arguments", "parameters", "args", "params", "input", "action_input", "tool_input", "kwargs", "tool_parameters",
)  # fmt: skip
LISTS = ("tool_calls", "tool_uses", "calls", "function_calls", "functions", "actions")
BESIDE = ("thought", "thoughts", "thinking", "reasoning", "inner_thoughts", "type", "role", "time")
"""What small models write beside their answer."""
_ITEM = re.compile(r"(?:[-*•]|\d{1,3}[.)])\s+(.*)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def known_name(name: str, offered: Collection[str], meant: Mapping[str, str] | None = None) -> str | None:
    """The offered tool that is meant: models put a namespace before its name, or write it in other letters."""
    for form in (name.strip(), name.strip().rpartition(".")[2], name.strip().rpartition(":")[2]):
        plain = form.casefold().replace("-", "_").replace(" ", "_")
        snake = _HUMP.sub("_", form).casefold()
        for known in (form, plain, snake):
            if known in offered:
                return known
            if meant and known in meant:
                return meant[known]
    return None


class CallValues:
    """``meant`` are further names of the tools. ``silent``: an object was read that says nothing."""

    def __init__(self, offered: Offered, meant: Mapping[str, str]) -> None:
        self._offered, self._meant = offered, meant
        self.silent = False

    def call(self, name: str, arguments: object) -> Call:
        """A call; arguments that are a text and no JSON are the tool's first one."""
        if isinstance(arguments, str):
            if self._offered.get(name) and not arguments.lstrip().startswith(("{", '"', "'", "```")):
                arguments = {self._first(name): arguments}
            else:
                return name, arguments
        return name, json.dumps(arguments if arguments is not None else {}, ensure_ascii=False)

    def placed(self, name: str, values: dict[str, Any]) -> Call:
        """A call whose argument without a name (its key is "") is the first one."""
        if "" in values:
            if isinstance(values[""], dict) and len(values) == 1:
                return self.call(name, values[""])
            values = {self._first(name): values[""]} | {k: v for k, v in values.items() if k}
        return self.call(name, values)

    def calls(self, value: Any, *, strange: bool) -> list[Call]:
        """The calls that a JSON value holds; of tools that were not offered only if ``strange``."""
        if isinstance(value, list):
            return [call for item in value[:CALLS] for call in self.calls(item, strange=strange)]
        if not isinstance(value, dict):
            return []
        for key in LISTS:
            if isinstance(value.get(key), list):
                return self.calls(value[key], strange=strange)
        if self._meant and (calls := self._keyed(value)):
            return calls
        for key in NAMES:
            inner = value.get(key)
            if isinstance(inner, dict):
                return self.calls(inner, strange=strange)
            if isinstance(inner, str) and inner:
                known = known_name(inner, self._offered, self._meant)
                strange = strange or bool(self._meant and any(word in value for word in ARGUMENTS))
                return self._with_arguments(known or inner, value, key) if known or strange else []
        if len(value) == 1:
            [(key, inner)] = value.items()
            known = known_name(str(key), self._offered)
            if known and isinstance(inner, dict | str):
                return [self.call(known, inner)]
        return []

    def alone(self, value: dict[str, Any]) -> list[Call]:
        """The calls that an object may mean which is nothing but a tool's arguments: one for each such tool."""
        keys = set(value) - {"request_heartbeat"}
        fit = [
            name for name, known in self._offered.items() if known and known[0] in keys and keys <= set(known)
        ]
        return [self.call(name, value) for name in fit]

    def _first(self, name: str) -> str:
        return next(iter(self._offered.get(name, ())), "message")

    def _keyed(self, value: dict[str, Any]) -> list[Call]:
        """The calls of an object whose every key is a tool: one for each text or object under it."""
        calls: list[Call] = []
        for key, inner in value.items():
            if key in BESIDE:
                continue
            name = known_name(str(key), self._offered, self._meant)
            if name is None or key in ARGUMENTS:
                return []
            for item in _items(inner):
                if not isinstance(item, str | dict):
                    return []
                calls.append(self.call(name, {self._first(name): item} if isinstance(item, str) else item))
        self.silent |= not calls
        return calls

    def _with_arguments(self, name: str, value: dict[str, Any], key: str) -> list[Call]:
        for word in ARGUMENTS:
            if word in value:
                return [self.call(name, value[word])]
        beside = {k: v for k, v in value.items() if k not in (key, "id", "type", "call_id", "tool_call_id")}
        parameters = self._offered.get(name, ())
        fit = all(k in parameters or k == "request_heartbeat" for k in beside)
        return [self.call(name, beside)] if fit else []


def _items(value: Any) -> list[Any]:
    """What is listed: also as lines with a mark each, and nothing for what is empty."""
    if isinstance(value, str):
        lines = [line.strip() for line in value.splitlines() if line.strip()]
        marked = [found[1] for line in lines if (found := _ITEM.fullmatch(line))]
        value = marked if len(marked) == len(lines) > 1 else [value.strip()]
    return [item for item in (value if isinstance(value, list) else [value]) if item]
