"""OpenRouter: other providers' models behind one address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.vendor import Added, No, Past, Vendor, fault, lesson


class OpenRouter(Vendor):
    """openrouter.ai/docs: "Errors and debugging", "Streaming", "Reasoning tokens".

    - ``: OPENROUTER PROCESSING`` comes while the provider thinks; an error after that is part of a body or stream that
      is a 200; what a provider said lies in ``metadata.raw``.
    - ``reasoning_details`` must come back as they were, in their order; they come in pieces, by ``index``.
    """

    name = "openrouter"
    model = "anthropic/claude-sonnet-4.6"
    settings: ClassVar[Json] = {"extra": {"reasoning": {"effort": "low"}, "logit_bias": {}}}
    parameters = Vendor.parameters | {"reasoning", "top_p", "stop"}

    def of_parameters(self, body: Json) -> Iterator[No]:
        for name in body.keys() - self.parameters:
            yield self._of_provider(400, f"Extra inputs are not permitted: {name}")

    def _of_provider(self, status: int, text: str) -> No:
        raw = json.dumps({"error": {"message": text, "type": "invalid_request_error"}})
        more = {"metadata": {"raw": raw, "provider_name": "Anthropic"}}
        return lesson(status, "Provider returned error", more=more)

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        for at, message in enumerate(body["messages"]):
            own = past.of(message) if message["role"] == "assistant" else None
            if own and message.get("reasoning_details") != own.message["reasoning_details"]:
                yield fault(400, f"messages.{at}.content.0: thinking blocks cannot be modified.")
            if not message.get("content") and not message.get("tool_calls"):
                yield fault(400, f"messages.{at}: text content blocks must be non-empty")

    def refused(self) -> No | list[Json]:
        details = {"reasons": ["violence"], "flagged_input": "…", "provider_name": "OpenAI"}
        text = "Your chosen model requires moderation and your input was flagged"
        return fault(403, text, code=403, more={"metadata": details})

    def too_long(self, tokens: int, window: int) -> No:
        text = (
            f"This endpoint's maximum context length is {window} tokens. However, you requested about {tokens} tokens. "
            "Please reduce the length of either one, or use context compression."
        )
        return fault(400, text, code=400)

    def error(self, no: No) -> Any:
        return {"error": {"code": no.status, "message": no.message, **no.more}, "user_id": "user_1"}

    def added(self, answer: Answer) -> Added:
        thought = {
            "type": "reasoning.text",
            "format": "anthropic-claude-v1",
            "index": 0,
            "text": self.opaque("text"),
        }
        sealed = {"type": "reasoning.encrypted", "id": "r1", "format": "anthropic-claude-v1", "index": 1}
        details = [
            thought | {"signature": self.opaque("signature")},
            sealed | {"data": self.opaque("data")},
        ]
        return Added(message={"reasoning_details": details})

    def thinking(self, chunk: Json, added: Added) -> Iterator[Json]:
        text, sealed = added.message["reasoning_details"]
        shape = {name: text[name] for name in ("type", "format", "index")}
        for piece in (
            {"reasoning": text["text"][:6], "reasoning_details": [shape | {"text": text["text"][:6]}]},
            {"reasoning": text["text"][6:], "reasoning_details": [shape | {"text": text["text"][6:]}]},
            {"reasoning_details": [shape | {"signature": text["signature"]}]},
            {"reasoning_details": [sealed]},
        ):
            delta = {"role": "assistant", "content": "", **piece}
            yield chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}

    def chunks(self, body: Json, answer: Answer, added: Added) -> Iterator[Json | str]:
        yield ": OPENROUTER PROCESSING"
        yield from super().chunks(body, answer, added)


class OpenRouterLate(OpenRouter):
    """The same where the provider was asked already: what is refused is told in the stream."""

    name = "openrouter-late"
    late = True
