"""A conversation put otherwise, for servers that take less than the protocol allows. Pure; what is said stays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

_TOLD = """

# Functions

You may call these functions. To call one, write one JSON object in a tag, exactly so, and nothing after it:
<tool_call>{{"name": "...", "arguments": {{...}}}}</tool_call>
Several calls are several tags. Each result is told to you in <tool_response>.

{schemas}"""


def written(messages: Sequence[Json], tools: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Calls, results and the tools themselves as text, in the shape that most open models were taught (Hermes)."""
    result: list[Json] = []
    for message in messages:
        if message["role"] == "assistant" and message.get("tool_calls"):
            made = [_written_call(call["function"]) for call in message["tool_calls"]]
            text = "\n".join([*([message["content"]] if message.get("content") else []), *made])
            kept = {name: value for name, value in message.items() if name != "tool_calls"}
            result.append(kept | {"content": text})
        elif message["role"] == "tool":
            text = f"<tool_response>\n{message['content']}\n</tool_response>"
            result.append({"role": "user", "content": text})
        else:
            result.append(dict(message))
    if tools and result and result[0]["role"] == "system":
        schemas = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools)
        result[0]["content"] += _TOLD.format(schemas=schemas)
    return result


def _written_call(function: Mapping[str, Any]) -> str:
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except ValueError:
        arguments = function["arguments"]
    call = json.dumps({"name": function["name"], "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>{call}</tool_call>"


def put(messages: Sequence[Json], how: Mapping[str, Any]) -> list[Json]:
    """``how``: ``content`` is what stands for none; ``single``: a message has one call; ``apart``: one that calls has
    no text; ``bridged``: an answer follows each result; ``unsystematic``: the system message is the first of the
    user's; ``joined``: no two messages of one role follow each other."""
    result = list(messages)
    if how.get("single"):
        result = _singled(result)
    if how.get("apart"):
        result = [m | {"content": None} if m.get("tool_calls") else m for m in result]
    if "content" in how:
        result = [_filled(message, how) for message in result]
    if how.get("unsystematic") and result and result[0]["role"] == "system":
        result = [{"role": "user", "content": result[0]["content"]}, *result[1:]]
        how = {**how, "joined": True}
    if how.get("joined"):
        result = _joined(result)
    if how.get("bridged"):
        result = _bridged(result)
    return result


def _singled(messages: Sequence[Json]) -> list[Json]:
    """Each call in a message of its own, its result behind it."""
    results = {message["tool_call_id"]: message for message in messages if message["role"] == "tool"}
    put: list[Json] = []
    for message in messages:
        calls = message.get("tool_calls") or []
        if len(calls) < 2:
            put += [message] if message["role"] != "tool" or message["tool_call_id"] in results else []
            continue
        for number, call in enumerate(calls):
            put.append(
                message | {"content": message["content"] if number == 0 else None, "tool_calls": [call]}
            )
            put += [results.pop(call["id"])] if call["id"] in results else []
    return put


def _filled(message: Json, how: Mapping[str, Any]) -> Json:
    if message.get("content"):
        return message
    apart = how.get("apart") and message.get("tool_calls")
    return message | {"content": "" if apart else how["content"]}


def _bridged(messages: Sequence[Json]) -> list[Json]:
    result: list[Json] = []
    for message in messages:
        if result and result[-1]["role"] == "tool" and message["role"] == "user":
            result.append({"role": "assistant", "content": "…"})
        result.append(message)
    return result


def _joined(messages: Sequence[Json]) -> list[Json]:
    result: list[Json] = []
    for message in messages:
        last = result[-1] if result else None
        same = last is not None and last["role"] == message["role"] and message["role"] != "tool"
        if last is not None and same and not last.get("tool_calls") and not message.get("tool_calls"):
            result[-1] = last | {"content": _added(last["content"], message["content"])}
        else:
            result.append(message)
    return result


def _added(first: Any, second: Any) -> Any:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_parts(first), *_parts(second)]


def _parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
