"""Moonshot: Kimi with thinking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.vendor import Added, No, Past, Vendor, fault, lesson


class Moonshot(Vendor):
    """platform.moonshot.ai docs, "Use kimi-k2 thinking models", and reports.

    - ``reasoning_content`` is kept with calls: continuedev/continue#11600.
    - ``temperature`` other than 1, and ``thinking`` beside ``reasoning_effort``, are refused: HKUDS/nanobot#3939.
    - Usage stands in the last choice ("Chat completion", response of a stream).
    """

    name = "moonshot"
    model = "kimi-k2.6"
    settings: ClassVar[Json] = {
        "temperature": 0.6,
        "extra": {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
    }
    parameters = Vendor.parameters | {"thinking", "reasoning_effort"}

    def of_parameters(self, body: Json) -> Iterator[No]:
        yield from super().of_parameters(body)
        if body.get("temperature", 1) != 1:
            yield lesson(400, "invalid temperature: only 1 is allowed for this model")
        if "thinking" in body and "reasoning_effort" in body:
            yield lesson(400, "cannot specify both 'thinking' and 'reasoning_effort'")
        if body.get("tool_choice") == "required":
            yield lesson(400, "tool_choice 'required' is incompatible with thinking enabled")

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        for at, message in enumerate(body["messages"]):
            if not message.get("content") and not message.get("tool_calls"):
                role = message["role"]
                text = f"Invalid request: the message at position {at} with role '{role}' must not be empty"
                yield fault(400, text)
            if message.get("tool_calls") and "reasoning_content" not in message:
                text = "thinking is enabled but reasoning_content is missing in assistant tool call message at index"
                text = f"{text} {at}"
                yield fault(400, text) if past.of(message) else lesson(400, text)

    def refused(self) -> No | list[Json]:
        text = "The request was rejected because it was considered high risk"
        return fault(400, text, kind="content_filter")

    def too_long(self, tokens: int, window: int) -> No:
        text = f"Invalid request: Your request exceeded model token limit: {window} (requested: {tokens})"
        return fault(400, text)

    def added(self, answer: Answer) -> Added:
        return Added(message={"reasoning_content": self.opaque("reasoning")})

    def chunks(self, body: Json, answer: Answer, added: Added) -> Iterator[Any]:
        usage: Json = {}
        chunks = list(super().chunks(body, answer, added))
        for chunk in chunks:
            if isinstance(chunk, dict) and not chunk["choices"]:
                usage = chunk["usage"]
        for chunk in chunks:
            if isinstance(chunk, dict) and chunk["choices"]:
                if chunk["choices"][0]["finish_reason"]:
                    chunk["choices"][0]["usage"] = usage
                yield chunk
