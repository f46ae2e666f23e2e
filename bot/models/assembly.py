"""A reply put together from the chunks of a stream, or from one plain answer; pure.

Servers that call themselves compatible differ most in how they stream tool calls: with or without
``index`` and ``id``, in pieces or whole, with the name once or in every piece.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from bot.errors import ModelRefused, ModelUnavailable
from bot.models.opaque import grown, is_thought, kept
from bot.models.values import list_of, object_of, text_of
from bot.ports import Hearer, ModelReply, ToolCall
from memory.records import Usage

_ABSURD = 10**8  # tokens of one request
_CUT = ("length", "max_tokens", "max_output_tokens", "model_length")
_FILTERED = re.compile(
    r"content_?filter|safety|prohibited|blocklist|spii|recitation|sensitive|moderation|refusal|guardrail",
    re.IGNORECASE,
)
"""In a ``finish_reason``, which some servers leave as their own API has it (Gemini: ``PROHIBITED_CONTENT``)."""
LIMIT = 4 * 2**20
"""Characters of text and arguments in one reply."""


@dataclass
class _Call:
    id: str
    name: str
    arguments: str
    extra: dict[str, Any] = field(default_factory=dict)

    def is_whole(self) -> bool:
        try:
            return isinstance(json.loads(self.arguments), dict)
        except ValueError:
            return False


def _entry(delta: Any) -> _Call:
    """A tool-call delta without its quirks: null or missing values, arguments as an object."""
    delta = object_of(delta)
    function = object_of(delta.get("function"))
    arguments = function.get("arguments")
    if isinstance(arguments, dict | list):
        arguments = json.dumps(arguments, ensure_ascii=False)
    extra, inner = kept(delta), kept(function)
    return _Call(
        id=text_of(delta.get("id")),
        name=text_of(function.get("name")),
        arguments=text_of(arguments),
        extra=extra | ({"function": inner} if inner else {}),
    )


def _starts_another(call: _Call, entry: _Call) -> bool:
    """Is the entry a new call, though nothing but its content says so?

    A piece of the same call has no name, or repeats it; some servers give every piece a new id, so an
    id alone proves nothing.
    """
    if not entry.name:
        return False
    if entry.id and call.id and entry.id != call.id:
        return True
    if call.arguments and entry.name != call.name:
        return True
    return entry.arguments.startswith("{") and call.is_whole()


class Assembly:
    """Feed it chunks with `add`, `end` when the server said that there are no more; `reply` gives what they amount
    to. ``hearer`` is told of each piece."""

    def __init__(self, hearer: Hearer | None = None) -> None:
        self._hearer = hearer
        self._text: list[str] = []
        self._calls: list[_Call] = []
        self._open: dict[int, _Call] = {}  # index -> the call that it means now
        self._finish = ""
        self._usage = Usage()
        self._extra: dict[str, Any] = {}
        self._size = 0

    def add(self, chunk: dict[str, Any]) -> None:
        """One chunk, or a whole plain answer. Raises `ModelUnavailable` when it grows absurdly large."""
        if isinstance(chunk.get("usage"), dict):
            self._usage = _usage(chunk["usage"])
        for choice in list_of(chunk.get("choices")):
            if not isinstance(choice, dict) or choice.get("index"):
                continue  # we asked for one choice
            delta = object_of(choice.get("delta") or choice.get("message"))
            if isinstance(choice.get("usage"), dict):  # Moonshot's place for it
                self._usage = _usage(choice["usage"])
            for part in (delta.get("content"), delta.get("refusal"), choice.get("text")):
                if part is not None:
                    self._write(part)
            for call in _calls(delta.get("tool_calls")):
                self._call(call)
            if isinstance(delta.get("function_call"), dict):  # the protocol's own first shape
                self._call({"index": 0, "function": delta["function_call"]})
            if more := kept(delta):
                self._size += len(str(more))
                self._extra = grown(self._extra, more)
            self._finish = text_of(choice.get("finish_reason")) or self._finish
        if self._size > LIMIT:
            raise ModelUnavailable(f"The model's answer was cut off at {LIMIT // 2**20} MB.")

    def reply(self) -> ModelReply:
        """The reply. Raises `ModelUnavailable` when no ``finish_reason`` was seen, `ModelRefused` when a filter let
        nothing of it through."""
        if self._finish in ("", "error"):
            raise ModelUnavailable("The model's answer was cut short.")
        text = "".join(self._text)
        filtered = _FILTERED.search(self._finish) is not None
        if filtered and not text.strip() and not self._calls:
            raise ModelRefused(
                f"The model's answer was held back by a filter (finish_reason {self._finish})."
            )
        used: set[str] = set()
        calls = []
        for n, call in enumerate(self._calls):
            call_id = call.id if call.id and call.id not in used else f"call_{n}"
            used.add(call_id)
            calls.append(ToolCall(id=call_id, name=call.name, arguments=call.arguments, extra=call.extra))
        return ModelReply(
            text=text,
            calls=tuple(calls),
            usage=self._usage,
            truncated=filtered or self._finish.lower() in _CUT,
            extra=self._extra,
        )

    def end(self) -> None:
        """The server said that this was all. Then no ``finish_reason`` is needed, if there is anything."""
        if self._calls or self._extra or any(self._text) or self._usage.prompt:
            self.finish("stop")

    def finish(self, reason: str) -> None:
        """What to take as ``finish_reason`` if the server gave none."""
        self._finish = self._finish or reason

    def _write(self, content: Any) -> None:
        for part in content if isinstance(content, list) else [content]:
            if is_thought(part):
                self._size += len(str(part))
                self._extra["content"] = grown(self._extra.get("content"), [part])
                continue
            text = text_of(part.get("text") if isinstance(part, dict) else part)
            self._size += len(text)
            self._text.append(text)
            if text and self._hearer:
                self._hearer.wrote(text)

    def _call(self, delta: Any) -> None:
        entry = _entry(delta)
        index = object_of(delta).get("index")
        if not isinstance(index, int):
            index = max(self._open, default=0)  # no index: it goes on with the last call, if any
        call = self._open.get(index)
        self._size += len(entry.arguments) + len(entry.name) + 64  # a call without arguments costs too
        if call is None or _starts_another(call, entry):
            self._open[index] = entry
            self._calls.append(entry)
            self._tell(entry, entry.arguments)
            return
        call.id = call.id or entry.id
        if entry.name != call.name and not call.arguments:
            call.name += entry.name  # a name in pieces
        call.arguments += entry.arguments
        call.extra = grown(call.extra, entry.extra)
        self._tell(call, entry.arguments)

    def _tell(self, call: _Call, more: str) -> None:
        if more and self._hearer:
            number = next(n for n, known in enumerate(self._calls) if known is call)
            self._hearer.called(number, call.name, more)


def _calls(value: Any) -> list[Any]:
    """Calls in a list, by their numbers, or one alone."""
    if not isinstance(value, dict):
        return list_of(value)
    if "function" in value:
        return [value]
    return [{"index": int(key), **object_of(call)} for key, call in value.items() if str(key).isdecimal()]


def _usage(data: dict[str, Any]) -> Usage:
    details = object_of(data.get("prompt_tokens_details"))
    return Usage(
        prompt=_number(data.get("prompt_tokens")),
        completion=_number(data.get("completion_tokens")),
        cached=_number(details.get("cached_tokens")),
    )


def _number(value: Any) -> int:
    """A count of tokens; 0, as if nothing had been said, for what none can be."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if known and math.isfinite(value) and 0 <= value < _ABSURD else 0
