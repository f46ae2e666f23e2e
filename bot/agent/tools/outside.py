"""Tools from outside: what the loop wants of whoever has them (`bot.mcp`), turn by turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.agent.tools.registry import Tool
from memory.records import Agent


@dataclass(frozen=True, kw_only=True)
class Asker:
    """For whom a turn is held, and where. ``waits``: a person is there, or asked to be told now."""

    agent: Agent
    persona: str
    address: str
    audience: str
    waits: bool


@dataclass(frozen=True)
class Toolset:
    """``shown`` are the tools that the model is told of, ``known`` all that it may call, by name."""

    shown: tuple[Tool, ...] = ()
    known: Mapping[str, Tool] = field(default_factory=dict)


NONE = Toolset()


class Outside(Protocol):
    async def tools(self, asker: Asker) -> Toolset:
        """What may be used in this turn; the same object as long as it is the same. Never raises for a server's sake:
        one that is down has the tools that it had."""
        ...


def made(name: str, description: str, parameters: Mapping[str, object], call: object) -> Tool:
    """A tool of that JSON schema of arguments, whatever is missing in it."""
    schema = {
        "type": "object",
        **parameters,
        "properties": parameters.get("properties") or {},
        "required": parameters.get("required") or [],
    }
    function = {"name": name, "description": description, "parameters": schema}
    return Tool(name, call, {"type": "function", "function": function}, outside=True)  # type: ignore[arg-type]


def names(tools: Sequence[Tool]) -> str:
    return ", ".join(tool.name for tool in tools)
