"""What the fake chat-completions server can be told to say, and how that looks on the wire."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model says. ``calls`` are (name, arguments); arguments as text go out as they are."""

    text: str = ""
    calls: Sequence[tuple[str, Mapping[str, Any] | str]] = ()
    finish: str | None = None  # None: "tool_calls" or "stop", as fits
    cached: int = 0  # prompt tokens said to come from the cache
    piece: int = 24  # characters per chunk
    plain: bool = False  # answer with plain JSON even when asked to stream


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Chunks sent as they are, for servers that speak the protocol differently."""

    chunks: Sequence[Json | str]
    done: bool = True  # end with [DONE]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong. ``after`` counts the chunks of the answer ``of`` that are sent before it.

    ``status`` (an error answer) · ``cut`` (the stream ends cleanly, too early) · ``drop`` (the connection
    breaks) · ``corrupt`` (a chunk that is no JSON) · ``error`` (an error object in the stream) · ``hang``
    (no answer until the client leaves) · ``stall`` (the same in mid-stream) · ``not_json`` (a web page) ·
    ``huge`` (text without end) · ``huge_chunk`` (one chunk without end).
    """

    kind: str
    after: int = 2
    of: Answer = Answer(text="word " * 100)
    status: int = 500
    message: str = "The server had an error."
    code: str | int | None = None
    headers: Mapping[str, str] | None = None


Script = Callable[[Json, Mapping[str, str]], Answer | Raw | Fault]


def last_words(request: Json) -> str:
    """What the last user message says: the "message" of the JSON object it holds, or its raw text."""
    content = next((m["content"] for m in reversed(request["messages"]) if m["role"] == "user"), "")
    if isinstance(content, list):
        content = " ".join(part.get("text", "") for part in content)
    try:
        data = json.loads(content)
    except ValueError:
        return str(content)
    return str(data["message"]) if isinstance(data, dict) and "message" in data else str(content)


def echo(request: Json, headers: Mapping[str, str]) -> Answer:
    """The default script: ``You said: …``, by a send_message call where tools may be called."""
    text = f"You said: {last_words(request)}"
    if not request.get("tools") or request.get("tool_choice") == "none":
        return Answer(text=text)
    return Answer(calls=[("send_message", {"message": text})])


def faulty(script: Script, rate: float, seed: int = 0) -> Script:
    """The script, but a seeded share ``rate`` of requests meets a quick fault instead."""
    dice = random.Random(seed)
    faults = (
        Fault(kind="status", status=500),
        Fault(kind="status", status=503),
        Fault(kind="status", status=429, headers={"Retry-After": "0"}),
        *(Fault(kind=kind) for kind in ("cut", "drop", "corrupt", "error", "not_json")),
    )

    def play(request: Json, headers: Mapping[str, str]) -> Answer | Raw | Fault:
        return dice.choice(faults) if dice.random() < rate else script(request, headers)

    return play


def count(value: object) -> int:
    """Tokens, crudely: four characters of JSON are one."""
    return -(-len(json.dumps(value, ensure_ascii=False)) // 4)


def usage(request: Json, answer: Answer) -> Json:
    prompt = count([request["messages"], request.get("tools", [])])
    completion = count([answer.text, [list(call) for call in answer.calls]])
    details = {"cached_tokens": answer.cached}
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": details,
    }


def tool_calls(answer: Answer) -> list[Json]:
    return [
        {
            "id": f"call_{n:04d}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
            },
        }
        for n, (name, arguments) in enumerate(answer.calls)
    ]


def finish_of(answer: Answer) -> str:
    return answer.finish or ("tool_calls" if answer.calls else "stop")


def pieces(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


def envelope(request: Json, kind: str = "chat.completion.chunk") -> Json:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": request["model"]}


def plain(request: Json, answer: Answer) -> Json:
    message: Json = {"role": "assistant", "content": answer.text or None}
    if answer.calls:
        message["tool_calls"] = tool_calls(answer)
    choice = {"index": 0, "message": message, "finish_reason": finish_of(answer)}
    return {**envelope(request, "chat.completion"), "choices": [choice], "usage": usage(request, answer)}


def chunks(request: Json, answer: Answer) -> Iterator[Json]:
    """The answer as the real server streams it: role, text, tool calls, finish_reason, usage."""
    head = envelope(request)

    def chunk(delta: Json, finish: str | None = None) -> Json:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": None if answer.calls else ""})
    for piece in pieces(answer.text, answer.piece):
        yield chunk({"content": piece})
    for index, call in enumerate(tool_calls(answer)):
        function = {**call["function"], "arguments": ""}
        yield chunk({"tool_calls": [{**call, "index": index, "function": function}]})
        for piece in pieces(call["function"]["arguments"], answer.piece):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, finish_of(answer))
    if (request.get("stream_options") or {}).get("include_usage"):
        yield {**head, "choices": [], "usage": usage(request, answer)}


def error_body(message: str, code: str | int | None, kind: str = "invalid_request_error") -> Json:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
