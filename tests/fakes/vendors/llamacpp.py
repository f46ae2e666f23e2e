"""llama.cpp's own server: its source was read (ggml-org/llama.cpp ``tools/server/server-common.cpp``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.openai import images
from tests.fakes.vendors.textual import written
from tests.fakes.vendors.vendor import Added, No, Past, Vendor, fault, lesson, roles


class LlamaCpp(Vendor):
    """``oaicompat_chat_params_parse``, with ``--jinja`` and a template of Mistral's (v7, as Devstral's GGUF has it):
    the system message is the first, users and answers alternate, and a call with its results counts as nothing.

    Too long a request: ggml-org/llama.cpp#15780. Images need a projector.
    """

    name = "llama.cpp"
    model = "devstral-small"
    settings: ClassVar[Json] = {"temperature": 0.7, "extra": {"min_p": 0.05, "cache_prompt": True}}
    filters = False

    def of_parameters(self, body: Json) -> Iterator[No]:
        yield from ()

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        order = roles(body)
        if "system" in order[1:]:
            yield fault(500, "Value error: System message must be at the beginning.", kind="server_error")
        for message in body["messages"]:
            if next(images(message), None):
                text = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
                yield lesson(500, text, kind="server_error")
        yield from self.of_turns(body)

    def of_turns(self, body: Json) -> Iterator[No]:
        turns = [m["role"] for m in body["messages"][1:] if m["role"] != "tool" and not m.get("tool_calls")]
        if any(role != ("user", "assistant")[at % 2] for at, role in enumerate(turns)):
            yield lesson(
                500,
                "After the optional system message, conversation roles must alternate user/assistant/user/assistant/"
                "... at row 14, column 9",
                kind="server_error",
            )

    def too_long(self, tokens: int, window: int) -> No:
        text = f"the request exceeds the available context size ({window} tokens), try increasing it"
        more = {"n_prompt_tokens": tokens, "n_ctx": window}
        return fault(400, text, kind="exceed_context_size_error", code=400, more=more)

    def error(self, no: No) -> Any:
        return {"error": {"code": no.status, "message": no.message, "type": no.kind, **no.more}}

    def added(self, answer: Answer) -> Added:
        return Added(message={"reasoning_content": self.opaque("reasoning")})


class LlamaCppPlain(LlamaCpp):
    """Without ``--jinja``, and with Gemma's template, which has neither tools nor a system message."""

    name = "llama.cpp-plain"
    model = "gemma-3-4b"

    def of_parameters(self, body: Json) -> Iterator[No]:
        if body.get("tools"):
            yield lesson(500, "tools param requires --jinja flag", kind="server_error")
        if body.get("tool_choice", "auto") != "auto":
            yield lesson(500, "tool_choice param requires --jinja flag", kind="server_error")

    def of_turns(self, body: Json) -> Iterator[No]:
        order = roles(body)
        if "system" in order:
            yield lesson(500, "System role not supported", kind="server_error")
        elif any(role != ("user", "assistant")[at % 2] for at, role in enumerate(order)):
            text = "Conversation roles must alternate user/assistant/user/assistant/..."
            yield lesson(500, text, kind="server_error")

    def added(self, answer: Answer) -> Added:
        return Added()

    def chunks(self, body: Json, answer: Answer, added: Added) -> Iterator[Json | str]:
        """A small model's way: JSON in a fence (seen of Qwen2.5-Coder 1.5B)."""
        yield from super().chunks(body, written(answer, "```json\n{}\n```"), added)
