"""What every `ChatModel` promises. A model joins the suite by a factory in ``MODELS``."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from bot.models.offline.model import OfflineModel
from bot.models.openai import OpenAIModel
from bot.ports import ChatModel, ModelReply, ModelRequest
from tests.fakes.clock import FakeClock
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.scripted_model import ScriptedModel, say

TOOL = {
    "type": "function",
    "function": {
        "name": "send_message",
        "description": "Send a message to the user.",
        "parameters": {
            "type": "object",
            "properties": {"message": {"type": "string"}},
            "required": ["message"],
        },
    },
}


@asynccontextmanager
async def openai_model() -> AsyncIterator[ChatModel]:
    async with OpenAIServer() as server:
        model = OpenAIModel(name="test-model", base_url=server.url, clock=FakeClock())
        yield model
        await model.aclose()


@asynccontextmanager
async def scripted_model() -> AsyncIterator[ChatModel]:
    def answer(request: ModelRequest) -> ModelReply:
        may_call = request.tools and request.tool_choice != "none"
        return say("Hello.") if may_call else ModelReply(text="Hello.")

    yield ScriptedModel(answer)


@asynccontextmanager
async def offline_model() -> AsyncIterator[ChatModel]:
    yield OfflineModel()


MODELS: dict[str, Callable[[], AbstractAsyncContextManager[ChatModel]]] = {
    "openai": openai_model,
    "offline": offline_model,
    "scripted": scripted_model,
}


@pytest.fixture(params=MODELS)
async def model(request: pytest.FixtureRequest) -> AsyncIterator[ChatModel]:
    async with MODELS[request.param]() as opened:
        yield opened


def user(text: str) -> dict[str, Any]:
    event = {"type": "user_message", "message": text, "time": "2026-11-21 09:00 AM UTC", "name": "Ada"}
    return {"role": "user", "content": json.dumps(event, ensure_ascii=False)}


def ask(text: str, **options: Any) -> ModelRequest:
    messages = [{"role": "system", "content": "You are a helpful bot."}, user(text)]
    return ModelRequest(**{"key": "turn-1/0", "messages": messages, "tools": [TOOL], **options})


async def test_it_has_a_name(model: ChatModel) -> None:
    assert model.name.strip()


async def test_it_answers_with_offered_tools(model: ChatModel) -> None:
    reply = await model.complete(ask("Hello!"))
    assert reply.text or reply.calls
    assert {call.name for call in reply.calls} <= {"send_message"}
    assert all(isinstance(json.loads(call.arguments), dict) for call in reply.calls)
    assert not reply.truncated


async def test_calls_have_ids_of_their_own(model: ChatModel) -> None:
    reply = await model.complete(ask("Hello!"))
    ids = [call.id for call in reply.calls]
    assert all(ids)
    assert len(set(ids)) == len(ids)


async def test_tool_choice_none_gives_text_and_no_calls(model: ChatModel) -> None:
    reply = await model.complete(ask("Hello!", tool_choice="none"))
    assert reply.text
    assert reply.calls == ()


async def test_without_tools_it_gives_text(model: ChatModel) -> None:
    reply = await model.complete(ask("Hello!", tools=()))
    assert reply.text
    assert reply.calls == ()


async def test_it_goes_on_after_its_own_calls_were_answered(model: ChatModel) -> None:
    request = ask("Hello!")
    first = await model.complete(request)
    calls = [
        {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
        for c in first.calls
    ]
    results = [
        {"role": "tool", "tool_call_id": c.id, "content": '{"status": "OK", "message": "None"}'}
        for c in first.calls
    ]
    assistant: dict[str, Any] = {"role": "assistant", "content": first.text}
    if calls:
        assistant["tool_calls"] = calls
    messages = [*request.messages, assistant, *results, user("And what is my name?")]
    second = await model.complete(
        ModelRequest(key="turn-2/0", messages=messages, tools=[TOOL], tool_choice="none")
    )
    assert second.text


async def test_usage_is_never_negative(model: ChatModel) -> None:
    usage = (await model.complete(ask("Hello!"))).usage
    assert usage.prompt >= usage.cached >= 0
    assert usage.completion >= 0


async def test_the_request_is_left_as_it_was(model: ChatModel) -> None:
    request = ask("Hello!")
    before = copy.deepcopy((request.messages, request.tools))
    await model.complete(request)
    assert (request.messages, request.tools) == before


@pytest.mark.parametrize("text", ["", "\ud800 half a pair", "\ud83d\ude00", "a\x00b", "x" * 50_000, "{]"])
async def test_any_text_can_be_sent(model: ChatModel, text: str) -> None:
    messages = [{"role": "user", "content": text}]
    reply = await model.complete(ModelRequest(key="turn-1/0", messages=messages))
    reply.text.encode()  # nothing comes back that cannot be stored


async def test_requests_at_the_same_time_do_not_mix(model: ChatModel) -> None:
    requests = [ask(f"This is number {n}.", key=f"turn-{n}/0") for n in range(8)]
    replies = await asyncio.gather(*(model.complete(request) for request in requests))
    alone = [await model.complete(request) for request in requests]
    assert [[c.arguments for c in r.calls] for r in replies] == [
        [c.arguments for c in r.calls] for r in alone
    ]


async def test_a_cancelled_request_leaves_the_model_usable(model: ChatModel) -> None:
    task = asyncio.create_task(model.complete(ask("Hello!")))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    reply = await model.complete(ask("Hello again!"))
    assert reply.text or reply.calls
