"""vLLM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.textual import written
from tests.fakes.vendors.vendor import Added, No, Vendor, fault, lesson


class VLLM(Vendor):
    """docs.vllm.ai, "Reasoning outputs": the field was ``reasoning_content``, and is ``reasoning`` since; "Tool
    calling". The parser fails for some models, and leaves the call in the text (vllm-project/vllm#27703 of
    reasoning)."""

    name = "vllm"
    model = "Qwen/Qwen3-8B"
    settings: ClassVar[Json] = {
        "temperature": 0.7,
        "extra": {"top_k": 20, "chat_template_kwargs": {"enable_thinking": True}},
    }
    parameters = Vendor.parameters | {"top_k", "chat_template_kwargs", "max_completion_tokens"}
    filters = False

    def too_long(self, tokens: int, window: int) -> No:
        text = (
            f"'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum context length is "
            f"{window} tokens and your request has {tokens} input tokens (512 > {window} - {tokens})."
        )
        return fault(400, text, kind="BadRequestError")

    def added(self, answer: Answer) -> Added:
        return Added(message={"reasoning": self.opaque("reasoning")})

    def chunks(self, body: Json, answer: Answer, added: Added) -> Iterator[Json | str]:
        if answer.calls and self.said % 3 == 0:
            answer = written(answer, "<tool_call>\n{}\n</tool_call>")
        yield from super().chunks(body, answer, added)


class VLLMPlain(VLLM):
    """Started without the flags for tools, and with no parser of reasoning: agentscope-ai/QwenPaw#1449."""

    name = "vllm-plain"

    def of_parameters(self, body: Json) -> Iterator[No]:
        yield from super().of_parameters(body)
        if body.get("tools"):
            text = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
            yield lesson(400, text, kind="BadRequestError", code=400)

    def added(self, answer: Answer) -> Added:
        return Added()

    def chunks(self, body: Json, answer: Answer, added: Added) -> Iterator[Json | str]:
        yield from super().chunks(
            body, written(answer, "<tool_call>{}</tool_call>", thought=self.opaque("think")), added
        )
