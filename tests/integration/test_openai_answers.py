"""What the OpenAI model sends, and how it reads answers that differ from server to server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bot.errors import ModelDenied, ModelRefused
from bot.ports import ToolCall
from tests.fakes.openai_server import Answer, Fault, Raw
from tests.integration.openai_bench import START, ask, lines, opened


async def test_a_whole_answer_is_read() -> None:
    text = "Grüße aus Łódź 🦊 " * 20
    calls = [("archival_memory_search", {"query": "Łódź"}), ("send_message", {"message": text})]
    script = lines(Answer(text=text, calls=calls, cached=5, piece=7))
    async with opened(script) as (model, server, _):
        reply = await model.complete(ask(tool_choice="required", max_tokens=500))
    assert reply.text == text
    assert [(c.name, json.loads(c.arguments)) for c in reply.calls] == calls
    assert [c.id for c in reply.calls] == ["call_0000", "call_0001"]
    assert reply.usage.prompt > reply.usage.cached == 5
    assert reply.usage.completion > 0
    sent = server.transcript[0].request
    assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True})
    assert (sent["tool_choice"], sent["max_tokens"], sent["model"]) == ("required", 500, "test-model")


async def test_settings_go_out() -> None:
    async with opened(extra={"temperature": 0.2, "top_k": 4}) as (model, server, _):
        await model.complete(ask())
    assert (server.transcript[0].request["temperature"], server.transcript[0].request["top_k"]) == (0.2, 4)


async def test_connections_are_used_again() -> None:
    async with opened() as (model, server, _):
        for n in range(5):
            await model.complete(ask(key=f"t/{n}"))
    assert len(server.connections) == 1


@pytest.mark.parametrize(("finish", "truncated"), [("length", True), ("stop", False), ("tool_calls", False)])
@pytest.mark.parametrize("plain", [True, False])
async def test_an_empty_answer_is_an_answer(finish: str, truncated: bool, plain: bool) -> None:
    async with opened(lines(Answer(finish=finish, plain=plain))) as (model, _, _):
        reply = await model.complete(ask())
    assert (reply.text, reply.calls, reply.truncated) == ("", (), truncated)


async def test_plain_json_is_understood() -> None:
    answer = Answer(text="Thinking.", calls=[("send_message", {"message": "Hi"})], cached=3, plain=True)
    async with opened(lines(answer)) as (model, _, _):
        reply = await model.complete(ask())
    assert reply.text == "Thinking."
    assert reply.calls == (ToolCall(id="call_0000", name="send_message", arguments='{"message": "Hi"}'),)
    assert reply.usage.cached == 3


async def test_a_server_without_stream_options_is_asked_without() -> None:
    async with opened(server={"refuses": ["stream_options"]}) as (model, server, clock):
        for _ in range(2):
            assert (await model.complete(ask())).calls
    assert [e.outcome for e in server.transcript] == ["refused:400", "answered", "answered"]
    assert set(server.keys) == {"turn-1/0"}
    assert clock.now() == START


async def test_a_server_that_wants_max_completion_tokens_gets_it() -> None:
    wants = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."

    def script(request: dict[str, Any], headers: Mapping[str, str]) -> Answer | Fault:
        refused = "max_tokens" in request
        return Fault(kind="status", status=400, message=wants) if refused else Answer(text="Hi")

    async with opened(script) as (model, server, _):
        await model.complete(ask(max_tokens=9))
        await model.complete(ask(max_tokens=9))
    assert [e.outcome for e in server.transcript] == ["fault:status", "answered", "answered"]
    assert server.transcript[-1].request["max_completion_tokens"] == 9


async def test_lone_surrogates_are_replaced_and_pairs_joined() -> None:
    async with opened() as (model, server, _):
        await model.complete(ask("half \ud800, whole \ud83d\ude00"))
    assert server.transcript[0].request["messages"][0]["content"] == "half \ufffd, whole 😀"


async def test_check() -> None:
    async with opened() as (model, server, _):
        assert "is offered" in await model.check()
    assert server.transcript == []
    async with opened(server={"models": None}) as (model, server, _):
        assert "answers" in await model.check()
    assert len(server.transcript) == 1
    async with opened(name="another") as (model, _, _):
        with pytest.raises(ModelDenied, match="another"):
            await model.check()
    async with opened(server={"api_key": "sk-right"}) as (model, _, _):
        with pytest.raises(ModelDenied, match="API key"):
            await model.check()


async def test_a_stream_may_end_without_done_once_it_gave_its_reason() -> None:
    choice = {"index": 0, "delta": {"content": "Hi", "reasoning": "Hm."}, "finish_reason": "stop"}
    raw = Raw(chunks=[{"choices": [choice]}], done=False)
    async with opened(lines(raw)) as (model, _, _):
        assert (await model.complete(ask())).text == "Hi"


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "tool", "tool_call_id": "call_1", "content": "OK"}],
        [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
            },
            {"role": "user", "content": "Hello?"},
        ],
    ],
)
async def test_calls_without_results_are_refused_as_by_the_real_server(messages: list[Any]) -> None:
    async with opened() as (model, server, _):
        with pytest.raises(ModelRefused, match="tool_call"):
            await model.complete(ask(messages=messages))
    assert [e.outcome for e in server.transcript] == ["refused:400"]


async def test_malformed_tools_are_refused() -> None:
    async with opened() as (model, _, _):
        with pytest.raises(ModelRefused, match="name"):
            await model.complete(ask(tools=[{"type": "function", "function": {"name": "not a name"}}]))
