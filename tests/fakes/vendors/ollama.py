"""Ollama: its own source was read (ollama/ollama ``openai/openai.go``, ``middleware/openai.go``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import ClassVar

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.openai import images, is_picture
from tests.fakes.vendors.vendor import Added, No, Past, Vendor, fault, lesson


class Ollama(Vendor):
    """``FromChatRequest``: images as base64 data only, content may be missing beside calls alone, arguments must be
    JSON; unknown parameters, and ``tool_choice``, are of no effect. ``server/prompt.go``: what is longer than the
    window is cut off without a word. The message's field for reasoning is ``reasoning``."""

    name = "ollama"
    model = "qwen3:8b"
    settings: ClassVar[Json] = {"temperature": 0.7, "extra": {"presence_penalty": 0.2, "num_ctx": 8_192}}
    filters = False

    def __init__(self) -> None:
        super().__init__()
        self.cut_to: int | None = None  # tokens that the model is shown

    def of_parameters(self, body: Json) -> Iterator[No]:
        yield from ()

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        for message in body["messages"]:
            calls = message.get("tool_calls")
            if not isinstance(message.get("content"), str | list) and calls is None:
                yield fault(400, "invalid message content type: <nil>")
            for call in calls or ():
                try:
                    sound = isinstance(json.loads(call["function"]["arguments"]), dict)
                except ValueError:
                    sound = False
                if not sound:
                    yield fault(400, "invalid tool call arguments")
            for image in images(message):
                if not is_picture(image):
                    yield fault(400, "invalid image input")

    def added(self, answer: Answer) -> Added:
        return Added(message={"reasoning": self.opaque("reasoning")})

    def too_long(self, tokens: int, window: int) -> No | None:
        self.cut_to = window
        return None

    def chunks(self, body: Json, answer: Answer, added: Added) -> Iterator[Json | str]:
        """Each call comes whole, in one chunk."""
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "system_fingerprint": "fp_ollama"}

        def chunk(delta: Json, finish: str | None = None) -> Json:
            return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

        yield from self.thinking(chunk({}), added)
        if answer.text:
            yield chunk({"role": "assistant", "content": answer.text})
        for index, (name, arguments) in enumerate(answer.calls):
            function = {"name": name, "arguments": json.dumps(arguments)}
            call = {
                "id": f"call_{self.said}{index}",
                "index": index,
                "type": "function",
                "function": function,
            }
            yield chunk({"role": "assistant", "content": "", "tool_calls": [call]})
        yield chunk({"role": "assistant", "content": ""}, "tool_calls" if answer.calls else "stop")
        if body.get("stream_options", {}).get("include_usage"):
            shown = min(self.tokens(body), self.cut_to or 10**9)
            tokens = {"prompt_tokens": shown, "completion_tokens": 20}
            yield head | {"choices": [], "usage": tokens}


class OllamaWithoutTools(Ollama):
    """A model whose template knows no tools (server/routes.go, ``does not support tools``)."""

    name = "ollama-gemma"
    model = "gemma3:4b"

    def of_parameters(self, body: Json) -> Iterator[No]:
        if body.get("tools"):
            yield lesson(400, "registry.ollama.ai/library/gemma3:4b does not support tools")

    def added(self, answer: Answer) -> Added:
        return Added()
