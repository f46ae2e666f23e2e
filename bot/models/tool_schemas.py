"""Tools put more simply, for servers that take less of JSON Schema than others. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_OF_TOOLS = re.compile(r"tools\[|tools\.\d|function_?declarations?|schema|\bparameters\b", re.IGNORECASE)
_NO_PROPERTIES = re.compile(
    r"non-?empty for object|properties.{0,40}(must|should) (not be|be non-?) ?empty", re.IGNORECASE
)
_LONG = re.compile(
    r"description\W.{0,80}?(?:too long|max\w* length|at most)\D{0,60}(\d{2,5})", re.IGNORECASE | re.DOTALL
)
_NEEDED = frozenset(
    ("type", "properties", "items", "required", "description", "name", "parameters", "function")
)


@dataclass
class ToolSchemas:
    """What a server does not take in them. `learn` says what a refusal taught; `put` gives them without it."""

    keywords: set[str] = field(default_factory=set)  # of JSON Schema
    longest: int | None = None  # characters of a description
    empty: bool = True  # whether a tool without parameters may say so

    def learn(self, said: str, tools: Sequence[Mapping[str, Any]]) -> str | None:
        if (long := _LONG.search(said)) and (self.longest is None or int(long[1]) < self.longest):
            self.longest = int(long[1])
            return f"takes descriptions of {self.longest} characters"
        if self.empty and _NO_PROPERTIES.search(said):
            self.empty = False
            return "takes no empty parameters"
        if not _OF_TOOLS.search(said):
            return None
        known = set().union(*(_keywords(tool["function"].get("parameters")) for tool in tools)) - _NEEDED
        named = {
            name for name in known - self.keywords if re.search(rf"""["'`]{re.escape(name)}["'`]""", said)
        }
        if not named:
            return None
        self.keywords |= named
        return f"takes no {', '.join(sorted(named))} in schemas"

    def put(self, tools: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        if not self.keywords and self.longest is None and self.empty:
            return list(tools)
        return [dict(tool) | {"function": self._function(tool["function"])} for tool in tools]

    def _function(self, function: Mapping[str, Any]) -> dict[str, Any]:
        made = dict(function)
        parameters = made.get("parameters") or {}
        if not self.empty and not parameters.get("properties"):
            made.pop("parameters", None)
        elif self.keywords:
            made["parameters"] = self._without(parameters)
        if self.longest is not None and len(made.get("description", "")) > self.longest:
            made["description"] = made["description"][: self.longest - 1] + "…"
        return made

    def _without(self, schema: Any) -> Any:
        """A schema without the keywords; the names of properties are no keywords."""
        if isinstance(schema, list):
            return [self._without(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        return {
            name: {key: self._without(each) for key, each in inner.items()}
            if name == "properties" and isinstance(inner, dict)
            else self._without(inner)
            for name, inner in schema.items()
            if name not in self.keywords
        }


def _keywords(schema: Any) -> set[str]:
    """The keywords of a schema and of all within it."""
    if isinstance(schema, list):
        return set().union(*map(_keywords, schema))
    if not isinstance(schema, dict):
        return set()
    names = set(schema)
    for name, inner in schema.items():
        below = inner.values() if name == "properties" and isinstance(inner, dict) else [inner]
        names = names.union(*map(_keywords, below))
    return names
