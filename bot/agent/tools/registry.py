"""A typed function and its docstring become a tool schema.

A tool is ``async def name(desk: Desk, argument: type, ...) -> object``: the docstring's first paragraph is
the tool's description, lines of the form ``argument: explanation`` describe the arguments. Argument types are
``str``, ``int``, ``float``, ``bool``, ``list[str]``, each possibly ``| None``; a default makes one optional.
Every tool but the few marked ``final`` also takes ``request_heartbeat``.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from bot.errors import SettingsError
from bot.ports import Rendered

_JSON: dict[object, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    list[str]: {"type": "array", "items": {"type": "string"}},
}
HEARTBEAT = "request_heartbeat"
OUTSIDE = "__"
"""In the names of a server's tools, between the server's name and the tool's own."""
FIND, USE = "find_tools", "use_tool"
"""By which the many tools of servers are found and called."""
_HEARTBEAT_SCHEMA = {"type": "boolean", "description": "go on"}  # short: it is told for every tool


class Offered(Enum):
    """When the model is shown a tool. It is carried out whenever the model calls it."""

    ALWAYS = "always"
    TALKING = "talking"  # where somebody waits
    ROOM = "room"  # ... and others read
    THREAD = "thread"  # ... and a thread can be made of what was written
    REFLECTING = "reflecting"  # in a beat
    LEAN = "lean"  # to small models only, which are not told of it by name elsewhere


@dataclass(frozen=True)
class Tool:
    """``schema`` is the entry of the request's ``tools``; ``parameters`` its JSON schema of arguments."""

    name: str
    call: Callable[..., Any]  # a coroutine function, unless it is custom
    schema: dict[str, Any]
    final: bool = False  # takes no request_heartbeat
    custom: bool = False  # from a configured module: it runs apart, under a time-out
    offered: Offered = Offered.ALWAYS
    outside: bool = (
        False  # of a server of tools (`bot.mcp`): its result is always shown, and is never the person's word
    )

    @property
    def parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = self.schema["function"]["parameters"]
        return parameters

    @cached_property
    def shown(self) -> Rendered:
        """``schema`` as it stands in requests."""
        return Rendered(_compact(self.schema))


def tool(
    function: Callable[..., Any],
    *,
    final: bool = False,
    custom: bool = False,
    offered: Offered = Offered.ALWAYS,
) -> Tool:
    """The tool that a function describes. Raises `SettingsError` for a type that has no schema."""
    description, explained = _docstring(function)
    hints = typing.get_type_hints(function)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        properties[name] = _schema(function.__name__, name, hints.get(name)) | (
            {"description": explained[name]} if name in explained else {}
        )
        if parameter.default is parameter.empty:
            required.append(name)
    if not final:
        properties[HEARTBEAT] = _HEARTBEAT_SCHEMA
    parameters = {"type": "object", "properties": properties, "required": required}
    schema = {
        "type": "function",
        "function": {"name": function.__name__, "description": description, "parameters": parameters},
    }
    return Tool(function.__name__, function, schema, final, custom, offered)


class Registry:
    """The tools of an installation, in the order in which the model is shown them. Raises `SettingsError` for a second
    tool of one name: what the model knows by it must not silently be another."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            if (known := self._tools.setdefault(tool.name, tool)) is not tool:
                whose = "another module's" if known.custom else "a built-in tool's"
                raise SettingsError(f"agent.tools: {tool.name} is {whose} name; give yours another.")
        self.schemas = [tool.shown for tool in self._tools.values() if tool.offered is not Offered.LEAN]
        self.text = _compact(self.schemas)

    def offered(self, *when: Offered) -> list[Rendered]:
        """The schemas that the model is shown then, besides those that it is always shown."""
        shown = (Offered.ALWAYS, *when)
        return [tool.shown for tool in self._tools.values() if tool.offered in shown]

    def joined(self, others: Iterable[Tool]) -> Registry:
        """These tools, with others after them."""
        return Registry([*self._tools.values(), *others])

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name)

    @property
    def names(self) -> list[str]:
        return [tool.name for tool in self._tools.values() if tool.offered is not Offered.LEAN]

    @property
    def custom(self) -> list[Tool]:
        """The operator's own."""
        return [tool for tool in self._tools.values() if tool.custom]

    @property
    def outside(self) -> list[Tool]:
        """Those of servers."""
        return [tool for tool in self._tools.values() if tool.outside]


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _schema(function: str, name: str, hint: object) -> dict[str, Any]:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
    if hint not in _JSON:
        raise SettingsError(
            f"The tool {function}: its argument {name!r} needs a type hint: str, int, float, bool or list[str]."
        )
    return dict(_JSON[hint])


def _docstring(function: Callable[..., object]) -> tuple[str, dict[str, str]]:
    text = inspect.getdoc(function) or ""
    names = set(inspect.signature(function).parameters)
    explained: dict[str, str] = {}
    description: list[str] = []
    for line in text.splitlines():
        name, colon, explanation = line.partition(":")
        if colon and name in names:
            explained[name] = explanation.strip()
        else:
            description.append(line)
    return " ".join(" ".join(description).split()), explained
