from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.agent.tools import memory as memory_tools
from bot.agent.tools import messaging
from bot.agent.tools.custom import custom_tools
from bot.agent.tools.desk import Desk
from bot.agent.tools.registry import HEARTBEAT, Registry, Tool, tool
from bot.errors import SettingsError

OURS = [*messaging.TOOLS, *memory_tools.TOOLS]


async def roll(
    desk: Desk,
    sides: int,
    weight: float,
    label: str | None = None,
    loaded: bool = False,
    names: list[str] | None = None,
) -> str:
    """Roll dice
    for the person.

    Each roll is fair: nobody cheats.

    sides: how many sides: each die
    names: of the players
    """
    return ""


async def bare(desk: Desk, x: str) -> str:
    return x


TOOLS = [roll]


def function(made: Tool) -> dict[str, Any]:
    schema: dict[str, Any] = made.schema["function"]
    return schema


def test_signature_and_docstring_are_the_schema() -> None:
    made = tool(roll)

    assert made.schema["type"] == "function"
    assert function(made)["name"] == made.name == "roll"
    assert function(made)["description"] == "Roll dice for the person. Each roll is fair: nobody cheats."
    heartbeat = made.parameters["properties"].pop(HEARTBEAT)
    assert made.parameters == {
        "type": "object",
        "properties": {
            "sides": {"type": "integer", "description": "how many sides: each die"},
            "weight": {"type": "number"},
            "label": {"type": "string"},
            "loaded": {"type": "boolean"},
            "names": {"type": "array", "items": {"type": "string"}, "description": "of the players"},
        },
        "required": ["sides", "weight"],
    }
    assert heartbeat["type"] == "boolean"
    assert heartbeat["description"]


def test_a_final_tool_takes_no_heartbeat() -> None:
    assert tool(bare, final=True).parameters["properties"] == {"x": {"type": "string"}}


def test_a_function_without_a_docstring_has_an_empty_description() -> None:
    assert function(tool(bare))["description"] == ""


def test_types_without_a_schema_are_refused() -> None:
    async def untyped(desk, it):  # type: ignore[no-untyped-def]
        return ""

    async def mapping(desk: Desk, it: dict[str, str]) -> str:
        return ""

    async def numbers(desk: Desk, it: list[int]) -> str:
        return ""

    wrong: list[Callable[..., Awaitable[object]]] = [untyped, mapping, numbers]
    for one in wrong:
        with pytest.raises(SettingsError, match=rf"{one.__name__}: its argument 'it' needs a type hint"):
            tool(one)


def test_schemas_are_independent() -> None:
    one, other = tool(bare), tool(bare)
    one.parameters["properties"]["x"]["type"] = "changed"
    assert other.parameters["properties"]["x"]["type"] == "string"


def test_a_registry_keeps_the_order() -> None:
    registry = Registry([tool(roll), tool(bare)])

    assert registry.names == ["roll", "bare"]
    assert [schema["function"]["name"] for schema in registry.schemas] == registry.names
    assert json.loads(registry.text) == registry.schemas
    found = registry.get("bare")
    assert found is not None
    assert found.call is bare
    assert registry.get("none") is None


def test_the_tools_are_memgpts() -> None:
    assert set(Registry(OURS).names) >= {
        "send_message",
        "core_memory_append",
        "core_memory_replace",
        "conversation_search",
        "conversation_search_date",
        "archival_memory_insert",
        "archival_memory_search",
        "pause_heartbeats",
        "rethink_memory",
        "rethink_user_memory",
        "store_memories",
        "finish_rethinking_memory",
    }
    final = {"send_message", "pause_heartbeats", "finish_rethinking_memory"}
    assert {t.name for t in OURS if HEARTBEAT not in t.parameters["properties"]} == final


@pytest.mark.parametrize("made", OURS, ids=lambda made: made.name)
def test_every_tool_and_argument_is_explained(made: Tool) -> None:
    assert len(function(made)["description"].split()) > 4
    for name, schema in made.parameters["properties"].items():
        assert schema.get("description"), name
        assert f"{name}:" not in function(made)["description"]
    assert set(made.parameters["required"]) <= set(made.parameters["properties"])


def test_custom_tools_come_from_modules() -> None:
    (made,) = custom_tools([__name__])
    assert (made.name, made.custom) == ("roll", True)
    assert not any(one.custom for one in OURS)


@pytest.mark.parametrize("module", ["no_such_module_of_mine", "tests", "bot.errors", ".relative", ""])
def test_a_module_that_cannot_be_used_is_named(module: str) -> None:
    with pytest.raises(SettingsError, match=r"^agent\.tools: .*TOOLS\.$") as refused:
        custom_tools([module])
    assert repr(module) in str(refused.value)
