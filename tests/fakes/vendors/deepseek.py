"""DeepSeek, of two generations: one wants its reasoning back, the other refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.vendor import Added, No, Past, Vendor, fault, lesson, roles


class DeepSeek(Vendor):
    """V4 in thinking mode. api-docs.deepseek.com/guides/thinking_mode: with tools, ``reasoning_content`` must be passed
    back in all later requests. The service refuses every message of the model's that lacks it, also those that called
    nothing (release notes of Hmbown/Codewhale v0.5.0)."""

    name = "deepseek"
    model = "deepseek-v4-pro"
    settings: ClassVar[Json] = {"temperature": 0.7}

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        text = "The `reasoning_content` in the thinking mode must be passed back to the API."
        for message in body["messages"]:
            if message["role"] == "assistant" and not message.get("reasoning_content"):
                yield fault(400, text) if past.of(message) else lesson(400, text)

    def refused(self) -> No | list[Json]:
        return fault(400, "Content Exists Risk")  # reported of the service in many places

    def too_long(self, tokens: int, window: int) -> No:
        text = (
            f"This model's maximum context length is {window} tokens. However, you requested {tokens} tokens ({tokens} "
            "in the messages, 0 in the completion). Please reduce the length of the messages or completion."
        )
        return fault(400, text)

    def added(self, answer: Answer) -> Added:
        return Added(message={"reasoning_content": self.opaque("reasoning")})


class DeepSeekR1(DeepSeek):
    """R1 as it was: no tools, no messages of one role after another, and its own reasoning is refused
    (api-docs.deepseek.com/guides/reasoning_model: "the API will return a 400 error"; its words are not documented)."""

    name = "deepseek-r1"
    model = "deepseek-reasoner"
    wants_back = False

    def of_parameters(self, body: Json) -> Iterator[No]:
        yield from super().of_parameters(body)
        if body.get("tools"):
            yield lesson(400, "deepseek-reasoner does not support Function Calling")

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        order = roles(body)
        for at, (before, role) in enumerate(pairwise(order)):
            if before == role != "tool":
                yield lesson(
                    400,
                    "deepseek-reasoner does not support successive user or assistant messages "
                    f"(messages[{at}] and messages[{at + 1}] in your input). You should interleave the user/assistant "
                    "messages in the message sequence.",
                )
        if order[1:2] == ["assistant"]:  # ChatGPTNextWeb/NextChat#6343
            text = "The first message (except the system message) of deepseek-reasoner must be a user message"
            yield fault(400, f"{text}, but an assistant message detected.")
        if any("reasoning_content" in message for message in body["messages"]):
            yield lesson(400, "Bad request.")
