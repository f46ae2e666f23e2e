"""The function executor: parses, validates and runs a step's tool calls, and turns every failure into a
text from which the model can learn (paper section 2.3)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.agent.tools import apart
from bot.agent.tools.desk import Desk
from bot.agent.tools.registry import HEARTBEAT, Registry, Tool
from bot.errors import ToolError
from bot.events import clean
from bot.ports import ToolCall
from memory.errors import MemoryError_, StoreError, where

log = logging.getLogger(__name__)

_SAME_FAILURES = 3
_LEAST = 120  # tokens of a result
_NOTE = 80  # tokens of what stands around a clipped message
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}


@dataclass(frozen=True)
class ToolResult:
    """``content`` is the JSON that the model sees."""

    call: ToolCall
    content: str
    failed: bool
    heartbeat: bool  # the model asked to go on


class Executor:
    """``count(text)`` gives tokens, ``fit(text, tokens)`` clips a text; ``max_calls`` bounds a step's calls."""

    def __init__(
        self,
        registry: Registry,
        count: Callable[[str], int],
        fit: Callable[[str, int], str],
        max_calls: int,
        timeout_s: float,
    ) -> None:
        self.registry = registry
        self._count = count
        self._fit = fit
        self._max_calls = max_calls
        self._timeout_s = timeout_s

    async def run(
        self, calls: Sequence[ToolCall], desk: Desk, failures: Counter[str], budget: int
    ) -> list[ToolResult]:
        """Run the calls in order, up to the limit; one result for each that was run.

        Results share ``budget`` tokens. ``failures`` counts the turn's failed calls, and is added to.
        """
        run = calls[: max(1, min(self._max_calls, budget // _LEAST))]
        results = []
        for number, call in enumerate(run):
            status, message, heartbeat = await self._one(call, desk, failures)
            content = self._content(desk, status, message, max(_LEAST, budget // (len(run) - number)))
            results.append(ToolResult(call, content, status != "OK", heartbeat))
            budget -= self._count(content)
        return results

    async def _one(self, call: ToolCall, desk: Desk, failures: Counter[str]) -> tuple[str, object, bool]:
        signature = f"{call.name}({call.arguments})"
        if failures[signature] >= _SAME_FAILURES:
            return (
                "Failed",
                f"Refused: this very call failed {_SAME_FAILURES} times. Do something else.",
                False,
            )
        heartbeat = False
        try:
            tool = self.registry.get(call.name)
            if tool is None:
                names = ", ".join(self.registry.names)
                raise ToolError(f"No function named {call.name[:80]!r}. Functions: {names}.")
            if desk.allowed is not None and tool.name not in desk.allowed:
                allowed = ", ".join(name for name in self.registry.names if name in desk.allowed)
                raise ToolError(f"{tool.name} is not allowed to this persona. Allowed: {allowed}.")
            arguments = parse(tool, call.arguments)
            heartbeat = bool(arguments.pop(HEARTBEAT, False))
            if tool.custom:
                return "OK", await apart.call(tool, desk, arguments, self._timeout_s), heartbeat
            return "OK", await tool.call(desk, **arguments), heartbeat
        except StoreError:
            raise  # no fault of the model's: the step is tried again when the store is back
        except (ToolError, MemoryError_) as error:
            failures[signature] += 1
            return "Failed", str(error), heartbeat
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the turn is called off
            # A tool is somebody's code: whatever it raises must not end the turn.
            log.error(
                "agent %s, step %s: the tool %s failed: %s", desk.agent.id, desk.key, call.name, where(error)
            )
            failures[signature] += 1
            return "Failed", f"{call.name} failed inside ({type(error).__name__}).", heartbeat

    def _content(self, desk: Desk, status: str, message: object, cap: int) -> str:
        time = desk.now.astimezone(desk.zone).isoformat(timespec="seconds")
        content = _json({"status": status, "message": message, "time": time})
        fitted = self._fit(content, cap)
        if fitted == content:
            return content
        text = message if isinstance(message, str) else _json(message)
        note = f"[clipped: {len(text)} characters were too many; ask for less or for other pages]"
        return _json({"status": status, "message": f"{self._fit(text, cap - _NOTE)} {note}", "time": time})


def parse(tool: Tool, arguments: str) -> dict[str, Any]:
    """The call's arguments, checked against the tool's schema. Raises `ToolError`, saying what is wrong."""
    values = _object(tool.name, arguments)
    properties = tool.parameters["properties"]
    for name in tool.parameters["required"]:
        if values.get(name) is None:
            raise ToolError(f"{tool.name}: {name!r} is missing. Arguments: {', '.join(properties)}.")
    unknown = [name for name in values if name not in properties and name != HEARTBEAT]
    if unknown:
        names = ", ".join(properties) or "none"
        raise ToolError(f"{tool.name}: there is no argument {unknown[0]!r}. Arguments: {names}.")
    checked = {}
    for name, value in values.items():
        if value is None:
            continue  # the default
        schema = properties.get(name, {"type": "boolean"})
        value = _checked(tool.name, name, schema, value)
        checked[name] = clean(value) if isinstance(value, str) else value
    if tool.final:
        checked.pop(HEARTBEAT, None)
    return checked


def _object(name: str, arguments: str) -> dict[str, Any]:
    text = arguments.strip() or "{}"
    try:
        values = json.loads(text)
    except ValueError:
        # Models drop a brace or a quote now and then; what can be read is used.
        import json_repair

        values = json_repair.loads(text[:200_000])
    if not isinstance(values, dict):
        raise ToolError(f"{name}: the arguments must be a JSON object, got {text[:80]!r}")
    return values


def _checked(tool: str, name: str, schema: dict[str, Any], value: Any) -> Any:
    wanted = schema["type"]
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if wanted in ("integer", "number") and isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = int(value) if wanted == "integer" else float(value)
    if wanted == "boolean" and value in ("true", "false", "True", "False"):
        value = value in ("true", "True")
    if wanted == "array" and isinstance(value, str):
        value = [value]
    fits = isinstance(value, _TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
    if fits and wanted == "array":
        fits = all(isinstance(item, str) for item in value)
        value = [clean(item) for item in value] if fits else value
    if not fits:
        kind = {"integer": "an integer ≥ 0" if name == "page" else "an integer", "array": "a list of strings"}
        article = kind.get(wanted, f"a {wanted}")
        raise ToolError(f"{tool}: {name!r} must be {article}, got {_json(value)[:80]}".replace('"', "'"))
    if wanted == "integer" and abs(value) > 2**31:
        raise ToolError(f"{tool}: {name!r} is out of range.")
    return value


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
