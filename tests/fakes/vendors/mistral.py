"""Mistral."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, ClassVar

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.vendor import Added, No, Past, Vendor, fault, lesson, roles

_ID = re.compile(r"[a-zA-Z0-9]{9}")
_OF_MESSAGE = frozenset(("role", "content", "tool_calls", "prefix", "tool_call_id", "name"))


class Mistral(Vendor):
    """mistralai/mistral-common ``protocol/instruct/validator.py`` (ids, pairing, last role), docs.mistral.ai.

    - ``user`` after ``tool`` was refused by the service (avante-corp/avante.nvim#2562, and many others).
    - Unknown fields of body and messages are refused as pydantic does (422, ``extra_forbidden``).
    - Reasoning is a list in ``content``, to be replayed whole ("Reasoning", "Multi-turn conversations").
    """

    name = "mistral"
    model = "mistral-medium-3-5"
    settings: ClassVar[Json] = {"temperature": 0.7, "extra": {"reasoning_effort": "high", "top_k": 40}}
    parameters = Vendor.parameters - {"stream_options"} | {
        "reasoning_effort",
        "top_p",
        "stop",
        "presence_penalty",
    }
    filters = False

    def of_parameters(self, body: Json) -> Iterator[No]:
        for name in body:
            if name not in self.parameters:
                yield self._extra(name)

    def _extra(self, *where: str | int) -> No:
        detail = {"type": "extra_forbidden", "loc": ["body", *where], "msg": "Extra inputs are not permitted"}
        return lesson(422, "", more={"detail": [detail]})

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        messages = body["messages"]
        order = roles(body)
        for at, (before, role) in enumerate(pairwise(order)):
            if (before, role) == ("tool", "user"):
                yield lesson(
                    400,
                    "Unexpected role 'user' after role 'tool'",
                    kind="invalid_request_message_order",
                    code="3230",
                )
            if before == "user" and role == "tool":
                yield fault(400, f"Unexpected role 'tool' after role 'user' ({at})", code="3230")
        if order[-1] not in ("user", "tool"):
            text = f"Expected last role User or Tool (or Assistant with prefix True) for serving but got {order[-1]}"
            yield fault(400, text, kind="invalid_request_message_order", code="3230")
        for at, message in enumerate(messages):
            for name in message.keys() - _OF_MESSAGE:
                yield self._extra("messages", at, message["role"], name)
            ids = [call["id"] for call in message.get("tool_calls") or ()]
            ids += [message["tool_call_id"]] if message["role"] == "tool" else []
            for one in ids:
                if not _ID.fullmatch(one):
                    text = f"Tool call id was {one} but must be a-z, A-Z, 0-9, with a length of 9."
                    yield fault(400, text, kind="invalid_function_call", code="3280")
            if (
                message["role"] == "assistant"
                and not message.get("content")
                and not message.get("tool_calls")
            ):
                text = "Assistant message must have either content or tool_calls, but not none."
                yield fault(400, text, kind="invalid_request_assistant_message", code="3240")

    def error(self, no: No) -> Any:
        if "detail" in no.more:
            return {
                "object": "error",
                "message": dict(no.more),
                "type": "invalid_request_error",
                "code": None,
            }
        return {"object": "error", "message": no.message, "type": no.kind, "param": None, "code": no.code}

    def too_long(self, tokens: int, window: int) -> No:
        text = (
            f"Prompt contains {tokens} tokens and 0 draft tokens, too large for model with {window} maximum context "
            "length"
        )
        return fault(400, text, kind="invalid_request_prompt", code="3051")

    def added(self, answer: Answer) -> Added:
        thought = {"type": "text", "text": self.opaque("thought")}
        return Added(parts=[{"type": "thinking", "thinking": [thought], "closed": True}])

    def thinking(self, chunk: Json, added: Added) -> Iterator[Json]:
        """As in BerriAI/litellm#16272: the text in pieces."""
        text = added.parts[0]["thinking"][0]["text"]
        for piece in (text[:5], text[5:]):
            part = {"type": "thinking", "thinking": [{"type": "text", "text": piece}]}
            part |= {"closed": True} if piece == text[5:] else {}
            delta = {"role": "assistant", "content": [part]}
            yield chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


class MistralV3(Mistral):
    """An older model (tokenizer v3): text or calls, not both, in a message of the model's; no reasoning."""

    name = "mistral-v3"
    model = "open-mistral-nemo"
    settings: ClassVar[Json] = {"temperature": 0.7}

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        yield from super().of_messages(body, past)
        for message in body["messages"]:
            if message["role"] == "assistant" and message.get("content") and message.get("tool_calls"):
                text = "Assistant message must have either content or tool_calls, but not both."
                yield lesson(400, text, kind="invalid_request_assistant_message", code="3240")

    def added(self, answer: Answer) -> Added:
        return Added()

    def thinking(self, chunk: Json, added: Added) -> Iterator[Json]:
        yield from ()
