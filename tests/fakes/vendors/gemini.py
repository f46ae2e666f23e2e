"""Google's Gemini by its endpoint for OpenAI's SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.openai import images, is_picture, schemas
from tests.fakes.vendors.vendor import Added, No, Past, Vendor, fault, lesson

SKIP = "skip_thought_signature_validator"
_KEYWORDS = frozenset((
    "type", "format", "title", "description", "nullable", "enum", "items", "maxItems", "minItems", "properties",
    "required", "anyOf", "propertyOrdering", "default", "minimum", "maximum", "minLength", "maxLength", "pattern",
))  # fmt: skip
"""ai.google.dev/api/caching#Schema"""


class Gemini(Vendor):
    """ai.google.dev, "OpenAI compatibility", "Thought signatures" and the API reference.

    - Errors are a list of one object (Gitlawb/openclaude#583); unknown parameters cannot be found.
    - The first call of each of the model's messages carries a signature, which must come back, or be the validator's
      own word for calls of another model; in the turn that is going on one that is missing is refused, everywhere one
      that is not the server's.
    - A call follows what the user said or a result; results are as many as calls; nothing is empty.
    - Schemas: no other keywords than the reference has; an object has properties (agno-agi/agno#2112).
    - What is filtered ends with the API's own reason, in capitals (HKUDS/Vibe-Trading#308).
    """

    name = "gemini"
    model = "gemini-3-pro"
    path = "/v1beta/openai/chat/completions"
    settings: ClassVar[Json] = {"temperature": 1.0, "extra": {"presence_penalty": 0.2, "repeat_penalty": 1.1}}
    parameters = Vendor.parameters | {
        "max_completion_tokens",
        "reasoning_effort",
        "top_p",
        "stop",
        "extra_body",
    }
    unknown = 'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        messages = body["messages"]
        turn = max((at for at, m in enumerate(messages) if m["role"] == "user"), default=0)
        before = ""
        for at, message in enumerate(messages):
            role, calls = message["role"], message.get("tool_calls") or []
            if not calls and not message.get("content"):
                yield fault(
                    400, f"* GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty."
                )
            if calls and before not in ("user", "tool"):
                yield fault(400, "Please ensure that function call turn comes immediately after a user turn or after "
                                 "a function response turn.")  # fmt: skip
            for image in images(message):
                if not is_picture(image):
                    yield fault(400, "Unable to process input image. Please retry or report.")
            if calls:
                yield from self._of_signatures(calls, past.of(message), going_on=at > turn)
            before = role
        for at, tool in enumerate(body.get("tools", [])):
            yield from self._of_schema(at, tool["function"].get("parameters", {}))

    def _of_signatures(self, calls: list[Json], own: Added | None, *, going_on: bool) -> Iterator[No]:
        given = [call.get("extra_content", {}).get("google", {}).get("thought_signature") for call in calls]
        if own is None and going_on and not given[0]:
            name = calls[0]["function"]["name"]
            yield lesson(400, "Function call is missing a thought_signature in functionCall parts. This is required "
                         f"for tools to work correctly. Additional data, function call `default_api:{name}`, "
                         "position 2.")  # fmt: skip
        if own is not None and going_on and not given[0]:
            yield fault(400, "Function call is missing a thought_signature in functionCall parts.")
        if any(one and one != SKIP and not one.startswith("opaque:gemini:") for one in given):
            yield fault(400, "Corrupted thought signature.")

    def _of_schema(self, at: int, parameters: Json) -> Iterator[No]:
        where = f"tools[0].function_declarations[{at}].parameters"
        for way, schema in schemas(parameters, ()):
            for name in schema.keys() - _KEYWORDS:
                inside = ".".join([where, *way])
                yield lesson(
                    400,
                    f"Invalid JSON payload received. Unknown name \"{name}\" at '{inside}': Cannot find field.",
                )
            if schema.get("type") == "object" and not schema.get("properties"):
                inside = f"GenerateContentRequest.{where}.properties"
                yield lesson(400, f"* {inside}: should be non-empty for OBJECT type\n")

    def refused(self) -> No | list[Json]:
        choice = {"index": 0, "delta": {"role": "assistant"}, "finish_reason": "PROHIBITED_CONTENT"}
        return [{"object": "chat.completion.chunk", "model": self.model, "choices": [choice]}]

    def too_long(self, tokens: int, window: int) -> No:
        text = f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({window})."
        return fault(400, text)

    def error(self, no: No) -> Any:
        return [{"error": {"code": no.status, "message": no.message, "status": "INVALID_ARGUMENT"}}]

    def added(self, answer: Answer) -> Added:
        signed = {"extra_content": {"google": {"thought_signature": self.opaque("signature")}}}
        if answer.calls:
            return Added(calls=[signed, *({} for _ in answer.calls[1:])])
        return Added(message=signed)  # on text it is not needed, and yet to be given back

    def thinking(self, chunk: Json, added: Added) -> Iterator[Json]:
        """A signature comes whole."""
        if added.message:
            delta = {"role": "assistant", **added.message}
            yield chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
