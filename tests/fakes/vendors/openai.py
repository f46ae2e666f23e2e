"""OpenAI: what its chat models take, and what its reasoning models refuse."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from tests.fakes.openai_wire import Json
from tests.fakes.vendors.vendor import No, Past, Vendor, fault, lesson

_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,(.+)", re.DOTALL)


class OpenAI(Vendor):
    name = "openai"
    model = "gpt-4.1"
    parameters = Vendor.parameters | {
        "max_completion_tokens", "presence_penalty", "frequency_penalty", "stop", "top_p", "seed", "user",
        "parallel_tool_calls", "reasoning_effort", "response_format", "metadata", "store",
    }  # fmt: skip
    settings: ClassVar[Json] = {"temperature": 0.7, "extra": {"presence_penalty": 0.2, "top_k": 40}}
    of_message = frozenset(("role", "content", "name", "tool_calls", "tool_call_id", "refusal"))

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        for at, message in enumerate(body["messages"]):
            # Reported of `reasoning_content`; which report is not known any more.
            for name in message.keys() - self.of_message:
                yield lesson(400, f"Unknown parameter: 'messages[{at}].{name}'.", code="unknown_parameter")
            for image in images(message):
                if not is_picture(image):
                    yield fault(400, "You uploaded an unsupported image.", code="invalid_image_format")
        yield from self.of_tools(body.get("tools", []))

    def of_tools(self, tools: list[Json]) -> Iterator[No]:
        if len(tools) > 128:  # API reference: "A maximum of 128 functions are supported."
            yield fault(400, f"Invalid 'tools': array too long. Expected at most 128, got {len(tools)}.")
        for at, tool in enumerate(tools):
            function = tool["function"]
            if len(function.get("description", "")) > 1_024:
                # Reported: rusiaaman/wcgw#51, getsentry/sentry-mcp#106. Lifted later: run-llama/llama_index#18784.
                where = f"'tools[{at}].function.description'"
                text = f"Invalid {where}: string too long. Expected a string with maximum length 1024."
                yield lesson(400, text, code="string_above_max_length")
            for where, schema in schemas(function.get("parameters", {}), ()):
                if schema.get("type") == "array" and "items" not in schema:
                    # Known by its wording alone.
                    why = f"In context={where}, array schema missing items."
                    yield fault(400, f"Invalid schema for function '{function['name']}': {why}")

    def refused(self) -> No | list[Json]:
        text = "Invalid prompt: your prompt was flagged as potentially violating our usage policy."
        return fault(400, text, code="invalid_prompt")  # API guide, reasoning models

    def too_long(self, tokens: int, window: int) -> No:
        text = (
            f"This model's maximum context length is {window} tokens. However, your messages resulted in {tokens} "
            "tokens. Please reduce the length of the messages."
        )
        return fault(400, text, code="context_length_exceeded")


class OpenAIReasoning(OpenAI):
    """The o-series and GPT-5.

    - ``max_tokens`` is refused (API reference: "not compatible with o-series models"); so are ``temperature`` other
      than 1, penalties and ``stop`` (guide "Reasoning models").
    - gpt-5.6 takes function tools at this endpoint only with ``reasoning_effort: none``, also where nothing was said of
      it (BerriAI/litellm#34569, danny-avila/LibreChat#14231).
    """

    name = "openai-reasoning"
    model = "gpt-5.6-terra"
    settings: ClassVar[Json] = {
        "temperature": 0.7,
        "extra": {"presence_penalty": 0.2, "stop": ["Ada:"], "reasoning_effort": "low"},
    }

    def of_parameters(self, body: Json) -> Iterator[No]:
        yield from super().of_parameters(body)
        if "max_tokens" in body:
            text = "Unsupported parameter: 'max_tokens' is not supported with this model. "
            yield lesson(400, text + "Use 'max_completion_tokens' instead.", code="unsupported_parameter")
        if body.get("temperature", 1) != 1:
            text = "Unsupported value: 'temperature' does not support 0.7 with this model. "
            yield lesson(400, text + "Only the default (1) value is supported.", code="unsupported_value")
        for name in ("presence_penalty", "frequency_penalty", "stop", "top_p"):
            if name in body:
                text = f"Unsupported parameter: '{name}' is not supported with this model."
                yield lesson(400, text, code="unsupported_parameter")
        if body.get("tools") and body.get("reasoning_effort") != "none":
            yield lesson(
                400,
                f"Function tools with reasoning_effort are not supported for {self.model} in /v1/chat/completions. "
                "To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
            )

    def too_long(self, tokens: int, window: int) -> No:
        # Known by its wording alone.
        text = f"Input tokens exceed the configured limit of {window} tokens. Your messages resulted in {tokens}."
        return fault(400, text, code="context_length_exceeded")


def images(message: Json) -> Iterator[str]:
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if part.get("type") == "image_url":
            yield part["image_url"]["url"]


def is_picture(url: str) -> bool:
    found = _IMAGE.fullmatch(url)
    if not found:
        return False
    try:
        return bool(base64.b64decode(found[2], validate=True))
    except ValueError:
        return False


def schemas(schema: Any, where: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    """A JSON schema and all within it, with the way there."""
    if not isinstance(schema, dict):
        return
    yield where, schema
    for name, inner in schema.get("properties", {}).items():
        yield from schemas(inner, (*where, "properties", name))
    if "items" in schema:
        yield from schemas(schema["items"], (*where, "items"))
