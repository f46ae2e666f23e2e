"""Anthropic by its endpoint for OpenAI's SDK."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from tests.fakes.openai_wire import Json
from tests.fakes.vendors.openai import images, is_picture
from tests.fakes.vendors.vendor import No, Past, Vendor, fault, lesson

_ID = re.compile(r"[a-zA-Z0-9_-]+")


class Anthropic(Vendor):
    """platform.claude.com/docs, "OpenAI SDK compatibility": ``n`` must be 1, most unknown fields are ignored, system
    messages are hoisted to the start, thinking is not returned. What the Messages API itself checks is refused in its
    words ("Errors", and public reports of them)."""

    name = "anthropic"
    model = "claude-opus-5-5"
    settings: ClassVar[Json] = {"temperature": 0.7, "extra": {"top_p": 0.9, "seed": 3, "logit_bias": {}}}

    def of_parameters(self, body: Json) -> Iterator[No]:
        if "temperature" in body and "top_p" in body:
            # Reported: n8n-io/n8n#20240, gptme/gptme#1110.
            yield lesson(400, "`temperature` and `top_p` cannot both be specified for this model.")
        if body.get("n", 1) != 1:
            yield fault(400, "n: must be 1")

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        for at, message in enumerate(body["messages"]):
            content = message.get("content")
            texts = content if isinstance(content, list) else [{"type": "text", "text": content}]
            silent = message["role"] == "assistant" and message.get("tool_calls") and not content
            if not silent and not all(part.get("text", "-") for part in texts):
                yield fault(400, f"messages.{at}: text content blocks must be non-empty")
            for call in message.get("tool_calls") or ():
                if not _ID.fullmatch(call["id"]):
                    yield fault(400, f"messages.{at}.content.0.tool_use.id: String should match pattern")
            for image in images(message):
                if not is_picture(image):
                    yield fault(400, "Could not process image")
        if body["messages"][-1]["role"] == "assistant":
            # Docs, "Prefill": newer models take none.
            yield fault(400, "This model does not support assistant message prefill.")

    def refused(self) -> No | list[Json]:
        return fault(400, "Output blocked by content filtering policy")  # known by its wording alone

    def too_long(self, tokens: int, window: int) -> No:
        return fault(400, f"prompt is too long: {tokens} tokens > {window} maximum")

    def error(self, no: No) -> Any:
        return {"error": {"code": no.kind, "message": no.message, "type": no.kind, "param": None}}
