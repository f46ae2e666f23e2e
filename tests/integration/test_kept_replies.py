"""What is kept of a model's replies, and what later requests show of it: opaque fields, ids, what went wrong."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.agent.context import call_id
from bot.ports import ModelReply, ModelRequest, ToolCall
from memory.records import Usage
from tests.fakes.openai_server import Answer, OpenAIServer, Raw
from tests.fakes.parlour import House, Stage, events_in, opened, parrot, results_in
from tests.fakes.scripted_model import ScriptedModel, call, calls, say

Script = Callable[[dict[str, Any], Mapping[str, str]], Answer | Raw]

SIGNED = {"extra_content": {"google": {"thought_signature": "c2lnbmVk"}}}
THOUGHT = {
    "reasoning_content": "They greet me.",
    "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}],
}


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def signed(name: str, arguments: dict[str, Any]) -> Raw:
    """A call with all that servers put beside it."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    made = {"index": 0, "id": "call_of_the_server", "type": "function", "function": function, **SIGNED}
    return Raw(
        chunks=[chunk(role="assistant", content="", **THOUGHT), chunk(tool_calls=[made]), chunk("tool_calls")]
    )


@asynccontextmanager
async def served(tmp_path: Path, script: Script, **model: Any) -> AsyncIterator[tuple[House, OpenAIServer]]:
    async with OpenAIServer(script, models=None) as server:
        settings = {"kind": "openai", "base_url": server.url, "name": "m", "retries": 0, **model}
        async with opened(tmp_path, None, model=settings) as house:
            yield house, server


def greeting(request: dict[str, Any], headers: Mapping[str, str]) -> Raw:
    return signed("send_message", {"message": "Hello!"})


def assistants(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [message for message in request["messages"] if message["role"] == "assistant"]


async def test_what_a_server_added_is_given_back_to_the_same_model_alone(tmp_path: Path) -> None:
    async with OpenAIServer(greeting, models=None) as server:
        model = {"kind": "openai", "base_url": server.url, "retries": 0}
        for name in ("one", "one", "two", "one"):  # the second after a restart
            async with opened(tmp_path, None, model={**model, "name": name}) as house:
                await house.say("ada", f"Hello, {name}")
    sent = [assistants(exchange.request) for exchange in server.transcript]
    own = [["reasoning_details" in message for message in messages] for messages in sent]
    assert own == [[], [True], [False, False], [True, True, False]]
    first = sent[1][0]
    assert first["reasoning_details"] == THOUGHT["reasoning_details"]
    assert first["tool_calls"][0]["extra_content"] == SIGNED["extra_content"]
    assert sent[3][0] == first  # to the byte, or the provider's cache of it is lost
    assert "extra_content" not in sent[2][0]["tool_calls"][0]


async def test_calls_have_ids_of_our_own(tmp_path: Path) -> None:
    async with served(tmp_path, greeting) as (house, server):
        for n in range(3):
            await house.say("ada", f"Hello {n}")
    ids = [
        made["id"] for message in assistants(server.transcript[-1].request) for made in message["tool_calls"]
    ]
    assert len(set(ids)) == len(ids) == 2
    assert all(re.fullmatch("[A-Za-z0-9]{9}", one) for one in ids)


def test_an_id_is_the_same_whenever_it_is_made() -> None:
    assert call_id("turn/0/0") == call_id("turn/0/0") != call_id("turn/0/1")
    assert len({call_id(f"turn/{n}") for n in range(20_000)}) == 20_000


async def test_ids_of_servers_that_were_kept_before_are_replaced(tmp_path: Path) -> None:
    async with opened(tmp_path, stage := Stage(parrot)) as house:
        await house.say("ada", "Hello")
        house.execute("UPDATE messages SET rendered = replace(rendered, ?, 'call_old')", shown_id(house))
    async with opened(tmp_path, stage) as house:
        await house.say("ada", "Hello again")
    assistant, tool = stage.requests[-1].messages[3:5]
    assert assistant["tool_calls"][0]["id"] == tool["tool_call_id"] == call_id("call_old")


def shown_id(house: House) -> str:
    [[rendered]] = house.rows("SELECT rendered FROM messages WHERE role = 'tool'")
    return str(json.loads(rendered)["tool_call_id"])


async def test_a_call_that_the_token_limit_cut_is_not_carried_out(tmp_path: Path) -> None:
    cut = '{"label": "human", "content": "Ada may have milk, but never when it is soya or'
    script = [
        ModelReply(
            text="",
            calls=(
                ToolCall(
                    id="a", name="core_memory_append", arguments='{"label": "human", "content": "Ada is 9."}'
                ),
                ToolCall(id="b", name="core_memory_append", arguments=cut, cut=True),
            ),
            truncated=True,
        ),
        say("Noted."),
    ]
    async with opened(tmp_path, model := ScriptedModel(script)) as house:
        assert [r.text for r in await house.say("ada", "I may have milk.")] == ["Noted."]
        [[human]] = house.rows("SELECT value FROM blocks WHERE label = 'human'")
    assert "Ada is 9." in human
    assert "soya" not in human
    assert "token limit" in results_in(model.requests[1])[-1]["message"]


@pytest.mark.parametrize(
    ("arguments", "finish", "cut"),
    [('{"message": "Hel', "length", True), ('{"message": "Hi"}', "length", False), ('{"message": "Hel', "stop", False)],
)  # fmt: skip
async def test_which_call_was_cut(tmp_path: Path, arguments: str, finish: str, cut: bool) -> None:
    def script(request: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        if request["messages"][-1]["role"] == "tool":
            return Answer(calls=[("send_message", {"message": "whole"})])
        return Answer(calls=[("send_message", arguments)], finish=finish)

    async with served(tmp_path, script) as (house, _):
        [reply] = await house.say("ada", "Hello")
    assert (reply.text == "whole") is cut


async def test_an_answer_that_was_cut_is_marked(tmp_path: Path) -> None:
    async with served(tmp_path, lambda request, headers: Answer(text="It is a long", finish="length")) as (
        house,
        _,
    ):
        assert [reply.text for reply in await house.say("ada", "Hello")] == ["It is a long […]"]


async def test_marks_that_cannot_be_read_are_mended_and_never_said(tmp_path: Path) -> None:
    script = [ModelReply(text="I look.", unread=True), say("Here I am.")]
    async with opened(tmp_path, model := ScriptedModel(script)) as house:
        assert [r.text for r in await house.say("ada", "Hello")] == ["Here I am."]
        assert "could not be read" in events_in(model.requests[1])[-1]["message"]


async def test_what_a_model_had_to_mend_does_not_stay_in_view(tmp_path: Path) -> None:
    note = call("core_memory_append", label="human", content="Likes tea.")
    async with opened(tmp_path, model := ScriptedModel([note, say("Noted."), say("Hi.")])) as house:
        await house.say("ada", "I like tea.")
        await house.say("ada", "Hello")
    shown = [[event["type"] for event in events_in(request)] for request in model.requests[1:]]
    assert ["system_alert" in types for types in shown] == [True, False]


async def test_nothing_of_an_empty_reply_is_kept(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        return say("Hello!") if request.key.endswith("/again") else ModelReply(text="")

    async with opened(tmp_path, stage := Stage(play)) as house:
        for _ in range(2):
            assert [r.text for r in await house.say("ada", "Hello")] == ["Hello!"]
    assert [m["role"] for m in stage.requests[-2].messages[1:]] == [
        "user",
        "user",
        "assistant",
        "tool",
        "user",
    ]
    assert not stage.problems


async def test_the_same_call_again_and_again_is_refused(tmp_path: Path) -> None:
    search = call("conversation_search", query="tea", request_heartbeat=True)

    def play(request: ModelRequest) -> ModelReply:
        return search if request.tool_choice == "auto" else ModelReply(text="I do not know.")

    async with opened(tmp_path, stage := Stage(play), max_steps=40) as house:
        assert [r.text for r in await house.say("ada", "What do I drink?")] == ["I do not know."]
    assert len(stage.requests) < 8
    assert "this very call" in results_in(stage.requests[-1])[-1]["message"]


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"prompt_tokens": 10**30, "completion_tokens": 5},
        {"prompt_tokens": -4, "completion_tokens": 1e308},
    ],
)
async def test_what_is_not_reported_is_counted(
    tmp_path: Path, usage: dict[str, Any] | None, caplog: Any
) -> None:
    ends = [{"choices": [], "usage": usage}] if usage else []
    raw = Raw(chunks=[chunk(role="assistant", content="Hello there!"), chunk("stop"), *ends])
    async with served(tmp_path, lambda request, headers: raw) as (house, _):
        await house.say("ada", "Hello")
        await house.say("ada", "Hello")
        [[prompt, completion]] = house.rows(
            "SELECT prompt_tokens, completion_tokens FROM steps ORDER BY rowid LIMIT 1"
        )
    assert 1_500 < prompt < 10_000
    assert 1 < completion < 10
    assert [
        record.getMessage() for record in caplog.records if "own count" in record.getMessage()
    ].__len__() == 1


async def test_a_server_that_cuts_off_what_it_is_sent_is_told_to_the_operator(
    tmp_path: Path, caplog: Any
) -> None:
    def script(request: dict[str, Any], headers: Mapping[str, str]) -> Raw:
        usage = {"choices": [], "usage": {"prompt_tokens": 400, "completion_tokens": 5}}
        return Raw(chunks=[chunk(role="assistant", content="Hello!"), chunk("stop"), usage])

    async with served(tmp_path, script) as (house, _):
        await house.say("ada", "Hello " * 500)
    assert "OLLAMA_CONTEXT_LENGTH" in caplog.text


async def test_arguments_are_kept_as_json_that_every_server_takes(tmp_path: Path) -> None:
    twice = json.dumps(json.dumps({"message": "Hello!"}))
    script = [calls(("send_message", twice), ("send_message", "]]")), say("Hi."), say("Ho.")]
    async with opened(tmp_path, model := ScriptedModel(script)) as house:
        assert [r.text for r in await house.say("ada", "Hello")] == ["Hello!", "Hi."]
        await house.say("ada", "Hello")
    for message in model.requests[-1].messages:
        for made in message.get("tool_calls", ()):
            assert isinstance(json.loads(made["function"]["arguments"]), dict)


@pytest.mark.parametrize("arguments", [{"text": "Hello!"}, '{"content": "Hello!"}', "Hello!"], ids=str)
async def test_the_only_argument_needs_no_name(tmp_path: Path, arguments: Any) -> None:
    async with opened(tmp_path, ScriptedModel([calls(("send_message", arguments))])) as house:
        assert [r.text for r in await house.say("ada", "Hello")] == ["Hello!"]


@pytest.mark.parametrize(
    ("arguments", "stored"),
    [
        ({"chunks": '["Ada likes tea.", "Ada has a dog."]'}, ["Ada has a dog.", "Ada likes tea."]),
        ({"chunks": "['Ada likes tea.', 'Ada has a dog.']"}, ["Ada has a dog.", "Ada likes tea."]),
        ({"chunks": "- Ada likes tea.\n- Ada has a dog."}, ["Ada has a dog.", "Ada likes tea."]),
        ({"chunks": "Ada likes [green] tea, and has a dog."}, ["Ada likes [green] tea, and has a dog."]),
        ({"arguments": {"chunks": ["Ada likes tea."]}}, ["Ada likes tea."]),
        ({"parameters": '{"chunks": ["Ada likes tea."]}'}, ["Ada likes tea."]),
    ],
)
async def test_lists_are_read_for_what_they_mean(
    tmp_path: Path, arguments: dict[str, Any], stored: list[str]
) -> None:
    script = [calls(("store_memories", arguments), ("send_message", {"message": ["Stored.", "All of it."]}))]
    async with opened(tmp_path, ScriptedModel(script)) as house:
        assert [r.text for r in await house.say("ada", "Remember that.")] == ["Stored.\nAll of it."]
        assert sorted(text for [text] in house.rows("SELECT text FROM passages")) == stored


def test_usages_add_up() -> None:
    assert Usage(prompt=1, completion=2, cached=1) + Usage(prompt=3) == Usage(
        prompt=4, completion=2, cached=1
    )
