"""The arguments of a call: read for what they mean, then checked against the tool's schema."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from bot.agent.tools.registry import HEARTBEAT, Tool
from bot.errors import ToolError
from bot.events import clean

_MENDED = 20_000  # characters of what is nearly JSON: reading it takes 30 microseconds each
_TIMES = 4  # that a text was made JSON
_WRAPPERS = ("arguments", "parameters", "args", "params", "input", "properties", "kwargs")
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}
_SCALARS = ("string", "integer", "number", "boolean")
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0", "")
_WORDS = re.compile(r"[^\W\d_]")
"""How a text begins that is no JSON, nor meant to be any."""
_ITEM = re.compile(r"\s*(?:[-*•]|\d{1,3}[.)])\s+(.*)")


def parse(tool: Tool, arguments: str) -> dict[str, Any]:
    """The call's arguments. Raises `ToolError`, saying what is wrong."""
    values = read(arguments)
    if values is None:
        text = arguments.strip()
        if _WORDS.match(text) and len(tool.parameters["required"]) == 1:
            return parse(tool, json.dumps({tool.parameters["required"][0]: text}))
        raise ToolError(f"{tool.name}: the arguments must be a JSON object, got {text[:80]!r}")
    properties = tool.parameters["properties"]
    values = _named(_unwrapped(tool.name, values, properties), tool)
    for name in tool.parameters["required"]:
        if values.get(name) is None:
            raise ToolError(f"{tool.name}: {name!r} is missing. Arguments: {', '.join(properties)}.")
    unknown = [name for name in values if name not in properties and name != HEARTBEAT]
    if unknown and not (tool.outside and tool.parameters.get("additionalProperties", True)):
        names = ", ".join(properties) or "none"
        raise ToolError(f"{tool.name}: there is no argument {unknown[0]!r}. Arguments: {names}.")
    checked = {}
    for name, value in values.items():
        if value is None:
            continue  # the default
        schema = properties.get(name, {} if tool.outside else {"type": "boolean"})
        check = _loosely if tool.outside else _checked
        checked[name] = cleaned(check(tool.name, name, schema, value))
    if tool.final:
        checked.pop(HEARTBEAT, None)
    return checked


def read(arguments: str) -> dict[str, Any] | None:
    """The object that a text of arguments is, also where it was made JSON more than once or has small faults; None
    when it is none."""
    value: Any = arguments
    for _ in range(_TIMES):
        if not isinstance(value, str):
            break
        value = _json_of(value.strip() or "{}")
    return value if isinstance(value, dict) else None


def _json_of(text: str) -> Any:
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text, strict=False)
    value = _mended(text)
    return value if isinstance(value, dict) else None


def _mended(text: str) -> Any:
    """What was meant to be JSON: models drop a brace or a quote now and then. None for what cannot be read."""
    if len(text) > _MENDED:
        return None
    import json_repair

    with contextlib.suppress(ValueError, RecursionError):
        return json_repair.loads(text)
    return None


def _unwrapped(tool: str, values: dict[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Without an object around them that some models add."""
    if len(values) == 1:
        [(name, inner)] = values.items()
        if name not in properties and name in (*_WRAPPERS, tool):
            inner = read(inner) if isinstance(inner, str) else inner
            return inner if isinstance(inner, dict) else values
    return values


def _named(values: dict[str, Any], tool: Tool) -> dict[str, Any]:
    """With the name of the only argument that is needed, where a text came under another one."""
    strange = [name for name in values if name not in tool.parameters["properties"] and name != HEARTBEAT]
    needed = tool.parameters["required"]
    if (
        len(needed) != 1
        or needed[0] in values
        or len(strange) != 1
        or not isinstance(values[strange[0]], str)
    ):
        return values
    return {needed[0] if name == strange[0] else name: value for name, value in values.items()}


def _checked(tool: str, name: str, schema: dict[str, Any], value: Any) -> Any:
    wanted = schema["type"]
    meant = _MEANT[wanted](value)
    fits = isinstance(meant, _TYPES[wanted]) and (wanted == "boolean" or not isinstance(meant, bool))
    if not fits or (wanted == "array" and not all(isinstance(item, str) for item in meant)):
        kind = {"integer": "an integer ≥ 0" if name == "page" else "an integer", "array": "a list of strings"}
        article = kind.get(wanted, f"a {wanted}")
        shown = json.dumps(value, ensure_ascii=False, default=str)[:80]
        raise ToolError(f"{tool}: {name!r} must be {article}, got {shown}".replace('"', "'"))
    if wanted == "integer" and abs(meant) > 2**31:
        raise ToolError(f"{tool}: {name!r} is out of range.")
    return meant


def _loosely(tool: str, name: str, schema: dict[str, Any], value: Any) -> Any:
    """By another's schema, which may say anything: what is plainly of a wrong type is read for what it means, the rest
    is for its server to judge."""
    wanted = schema.get("type")
    if wanted in _SCALARS:
        return _checked(tool, name, {"type": wanted}, value) if wanted != "string" else _text_of(value)
    if wanted in ("array", "object") and isinstance(value, str):
        kind = list if wanted == "array" else dict
        with contextlib.suppress(ValueError, RecursionError):
            read = json.loads(value, strict=False)
            value = read if isinstance(read, kind) else value
        if not isinstance(value, kind):
            shown = json.dumps(value, ensure_ascii=False)[:80].replace('"', "'")
            raise ToolError(f"{tool}: {name!r} must be a JSON {wanted}, got {shown}")
    return value


def _text_of(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def cleaned(value: Any) -> Any:
    """A JSON value with all its texts as `bot.events.clean` leaves them."""
    if isinstance(value, dict):
        return {clean(key): cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [cleaned(inner) for inner in value]
    return clean(value) if isinstance(value, str) else value


def _text(value: Any) -> Any:
    """A text that came as a list of texts, or as an object around one."""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    if isinstance(value, dict) and len(value) == 1:
        [inner] = value.values()
        return inner
    return value


def _integer(value: Any) -> Any:
    number = _number(value)
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _number(value: Any) -> Any:
    if isinstance(value, str):
        for kind in (int, float):
            with contextlib.suppress(ValueError):
                return kind(value)
    return value


def _boolean(value: Any) -> Any:
    word = str(value).strip().casefold()
    if isinstance(value, str | int) and word in (*_YES, *_NO):
        return word in _YES
    return value


def _list(value: Any) -> Any:
    """A list that came as its text, as lines with a mark each, or as one text alone."""
    if isinstance(value, str):
        value = _listed(value)
    if isinstance(value, list):
        return [clean(item) if isinstance(item, str) else _text(item) for item in value]
    return value


def _listed(text: str) -> list[Any]:
    if text.lstrip().startswith("["):
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(text, strict=False)
            return value if isinstance(value, list) else [text]
        value = _mended(text) if text.rstrip().endswith("]") else None
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return value
    lines = [line for line in text.splitlines() if line.strip()]
    items = [found[1].strip() for line in lines if (found := _ITEM.match(line))]
    return items if len(items) == len(lines) > 1 else [text]


_MEANT = {"string": _text, "integer": _integer, "number": _number, "boolean": _boolean, "array": _list}


def moment(text: str, name: str, zone: tzinfo) -> datetime:
    """The day that an argument names, in the person's zone where it tells none. Raises `ToolError`."""
    try:
        day = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ToolError(f"{name} must be a day as YYYY-MM-DD, got {text!r}") from None
    return day.replace(tzinfo=zone) if day.tzinfo is None else day
