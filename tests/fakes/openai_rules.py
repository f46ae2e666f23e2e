"""What the real chat-completions server refuses, for the fake one to refuse too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

ROLES = {"system", "developer", "user", "assistant", "tool"}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Refusal(NamedTuple):
    status: int
    message: str
    code: str | None = None


def refusal(body: dict[str, Any]) -> Refusal | None:
    """The first thing wrong with a request, as a 400; None when it is well formed."""
    problem = next(problems(body), None)
    return None if problem is None else Refusal(400, problem)


def problems(body: dict[str, Any]) -> Iterator[str]:
    if not isinstance(body.get("model"), str) or not body["model"]:
        yield "you must provide a model parameter"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "[] is too short - 'messages'"
        return
    for at, message in enumerate(messages):
        yield from message_problems(at, message)
    yield from pairing_problems(messages)
    if "tools" in body:
        yield from tool_problems(body["tools"])
    elif "tool_choice" in body:
        yield "'tool_choice' is only allowed when 'tools' are specified."
    if body.get("tool_choice", "auto") not in ("auto", "none", "required"):
        yield f"Invalid value for 'tool_choice': {body['tool_choice']!r}"
    limit = body.get("max_tokens", body.get("max_completion_tokens"))
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        yield f"Invalid value for 'max_tokens': {limit!r}"
    if "stream_options" in body and not body.get("stream"):
        yield "The 'stream_options' parameter is only allowed when 'stream' is enabled."


def message_problems(at: int, message: Any) -> Iterator[str]:
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        yield f"Invalid value: 'messages[{at}].role'"
        return
    content, calls = message.get("content"), message.get("tool_calls")
    if not isinstance(content, str | list) and not (message["role"] == "assistant" and calls):
        yield f"Invalid value for 'content': expected a string, got {content!r} ('messages[{at}].content')"
    if calls is not None:
        if message["role"] != "assistant" or not isinstance(calls, list) or not calls:
            yield f"Invalid 'messages[{at}].tool_calls'"
            return
        for call in calls:
            function = call.get("function", {})
            well = isinstance(call.get("id"), str) and call.get("type") == "function"
            if not well or not NAME.fullmatch(function.get("name", "")):
                yield f"Invalid 'messages[{at}].tool_calls': {call!r}"
            elif not isinstance(function.get("arguments"), str):
                yield f"Invalid type for 'messages[{at}].tool_calls.function.arguments'"


def pairing_problems(messages: list[Any]) -> Iterator[str]:
    """Every call is answered by a tool message right after it, and every tool message answers one."""
    waiting: list[str] = []
    for message in [*messages, {"role": "end"}]:
        role = message.get("role")
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                yield (
                    "Invalid parameter: messages with role 'tool' must be a response to a preceding "
                    "message with 'tool_calls'."
                )
                return
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            yield (
                "An assistant message with 'tool_calls' must be followed by tool messages responding to "
                "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
                + ", ".join(waiting)
            )
            return
        waiting = [call.get("id") for call in message.get("tool_calls") or ()]


def tool_problems(tools: Any) -> Iterator[str]:
    if not isinstance(tools, list) or not tools:
        yield "[] is too short - 'tools'"
        return
    names = set()
    for at, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type") != "function":
            yield f"Missing required parameter: 'tools[{at}].function'"
            return
        name, schema = function.get("name"), function.get("parameters", {"type": "object"})
        if not isinstance(name, str) or not NAME.fullmatch(name) or name in names:
            yield f"Invalid 'tools[{at}].function.name': {name!r}"
        if not isinstance(schema, dict) or schema.get("type") != "object":
            yield f"Invalid schema for function {name!r}: schema must be of 'type: \"object\"'."
        names.add(name)
