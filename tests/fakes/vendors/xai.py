"""xAI: Grok's reasoning models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.vendor import Added, No, Past, Vendor, fault, lesson


class XAI(Vendor):
    """docs.x.ai, "Reasoning": ``presencePenalty``, ``frequencyPenalty``, ``stop`` and, for most models,
    ``reasoning_effort`` are errors. Errors are a code and a text (yym68686/uni-api#105, BerriAI/litellm#16265)."""

    name = "xai"
    model = "grok-4"
    settings: ClassVar[Json] = {
        "extra": {"presence_penalty": 0.2, "stop": ["Ada:"], "reasoning_effort": "low"}
    }

    def of_parameters(self, body: Json) -> Iterator[No]:
        for name in body:
            if name in ("presence_penalty", "frequency_penalty", "stop", "reasoning_effort"):
                camel = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
                words = "Model grok-4 does not support parameter {}." if "effort" in name else ""
                yield lesson(400, (words or "Argument not supported on this model: {}").format(camel))

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        for message in body["messages"]:
            if not message.get("content") and not message.get("tool_calls"):
                # Known by its wording alone.
                yield fault(400, "Each message must have at least one content element.")

    def refused(self) -> No | list[Json]:
        # Known by its wording alone.
        return fault(403, "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO")

    def too_long(self, tokens: int, window: int) -> No:
        text = f"This model's maximum prompt length is {window} but the request contains {tokens} tokens."
        return fault(400, text)

    def error(self, no: No) -> Any:
        return {"code": "Client specified an invalid argument", "error": no.message}

    def added(self, answer: Answer) -> Added:
        return Added(message={"reasoning_content": self.opaque("reasoning")})
