"""LM Studio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.textual import written
from tests.fakes.vendors.vendor import Added, No, Past, Vendor, fault, lesson


class LMStudio(Vendor):
    """lmstudio.ai/docs, "Tool use": models without a format of their own are taught ``[TOOL_REQUEST]``, and what is
    not written exactly so stays in the text.

    - Errors are a text: lmstudio-ai/lmstudio-bug-tracker#237 (too long).
    - gpt-oss' template takes no text beside reasoning in a message that calls: lmstudio-bug-tracker#842.
    """

    name = "lmstudio"
    model = "openai/gpt-oss-20b"
    settings: ClassVar[Json] = {"temperature": 0.7, "extra": {"top_k": 40, "repeat_penalty": 1.1}}
    filters = False
    wants_back = False

    def of_parameters(self, body: Json) -> Iterator[No]:
        if not isinstance(body.get("tool_choice", "auto"), str):
            yield fault(
                400, "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
            )

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        for message in body["messages"]:
            thought = message.get("reasoning") or message.get("reasoning_content")
            if message.get("tool_calls") and message.get("content") and thought:
                yield lesson(
                    400,
                    'Error rendering prompt with jinja template: "Cannot pass both content and thinking in an '
                    'assistant message with tool calls! Put the analysis message in one or the other, but not both.".'
                    "This is usually an issue with the model's prompt template.",
                )

    def too_long(self, tokens: int, window: int) -> No:
        text = (
            f"Trying to keep the first {tokens} tokens when context the overflows. However, the model is loaded with "
            f"context length of only {window} tokens, which is not enough. Try to load the model with a larger context "
            "length, or provide a shorter input"
        )
        return fault(400, text)

    def error(self, no: No) -> Any:
        return {"error": no.message}

    def added(self, answer: Answer) -> Added:
        return Added(message={"reasoning": self.opaque("reasoning")})

    def chunks(self, body: Json, answer: Answer, added: Added) -> Iterator[Json | str]:
        if answer.calls and self.said % 3 == 0:
            answer = written(answer, "[TOOL_REQUEST]{}[END_TOOL_REQUEST]")
        yield from super().chunks(body, answer, added)
