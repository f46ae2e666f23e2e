"""Small local models: whatever they write, people read plain words, and what they were told is known later."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_forgetting import command
from tests.fakes.clock import FakeClock
from tests.fakes.openai_server import Answer, Fault, OpenAIServer
from tests.fakes.parlour import House, Stage, opened
from tests.fakes.scripted_model import calls
from tests.fakes.small_model import MANNERS, SmallModel, in_object, in_plain_words, text_of

Json = dict[str, Any]
WINDOW = 4_096  # Ollama's own, until it is told otherwise
FORMS: Mapping[str, Json] = {"lean": {"tools": "lean"}, "json": {"protocol": "json"}}
MARKUP = re.compile(r"[{}`]|send_message|remember\b|\bfact\b")


@asynccontextmanager
async def living(tmp_path: Path, server: OpenAIServer, **model: Any) -> AsyncIterator[House]:
    settings = {"kind": "openai", "base_url": server.url, "name": "m", "context_window": WINDOW, **model}
    async with opened(tmp_path, None, model={"retries": 0, **settings}) as house:
        yield house


def assistants(request: Json) -> list[Json]:
    return [message for message in request["messages"] if message["role"] == "assistant"]


async def human(house: House) -> str:
    [(value,)] = house.rows("SELECT value FROM blocks WHERE label = 'human'")
    return str(value)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("manner", MANNERS)
async def test_it_is_told_facts_and_tells_them_back_after_a_restart(
    tmp_path: Path, manner: str, form: str
) -> None:
    async with OpenAIServer(SmallModel(MANNERS[manner]), models=None) as server:
        async with living(tmp_path, server, **FORMS[form]) as house:
            greeted = await house.say("ada", "Hello!")
            told = await house.say("ada", "My dog is called Biscuit. My cat is called Tom.")
            assert await human(house) == "Their dog is called Biscuit.\nTheir cat is called Tom."
        async with living(tmp_path, server, **FORMS[form]) as house:
            asked = await house.say("ada", "What is my dog called?")
            again = await house.say("ada", "What is my cat called, please?")
    replies = [*greeted, *told, *asked, *again]
    assert [reply.text for reply in replies] == [
        "Hello there.",
        "I will not forget that.",
        "Your dog is called Biscuit.",
        "Your cat is called Tom.",
    ]
    assert len(server.transcript) == 4  # one request a turn


@pytest.mark.parametrize("form", FORMS)
async def test_it_is_shown_little_and_what_was_said_as_it_was_said(tmp_path: Path, form: str) -> None:
    async with OpenAIServer(SmallModel(MANNERS["in_fences"]), models=None) as server:
        async with living(tmp_path, server, **FORMS[form]) as house:
            await house.say("ada", "My dog is called Biscuit.")
            count = house.app.memory.counter.count
        async with living(tmp_path, server, **FORMS[form]) as house:
            await house.say("ada", "What is my dog called?")
    first, last = server.transcript[0].request, server.transcript[-1].request
    tools = [tool["function"] for tool in last.get("tools", [])]
    assert len(tools) == (6 if form == "lean" else 0)
    assert all(len(tool["parameters"]["properties"]) <= 2 for tool in tools)
    assert count(first["messages"][0]["content"] + json.dumps(first.get("tools", []))) < 1_000
    assert ("response_format" in last) is (form == "json")
    said = "I will not forget that."
    kept = "Their dog is called Biscuit."
    shown = said if form == "lean" else json.dumps({"remember": [kept], "answer": said})
    assert assistants(last)[-1] == {"role": "assistant", "content": shown}
    assert not any("send_message" in text_of(message) for message in last["messages"][1:])
    assert not any('"type"' in text_of(message) for message in last["messages"])  # no events in JSON
    assert last["messages"][-1]["content"].endswith("\nada: What is my dog called?")


async def test_the_same_beginning_is_sent_again_and_again(tmp_path: Path) -> None:
    async with OpenAIServer(SmallModel(in_plain_words), models=None) as server:
        for n in range(3):  # with restarts between
            async with living(tmp_path, server, tools="lean") as house:
                await house.say("ada", f"Hello {n}")
    before: list[Json] = []
    for exchange in server.transcript:
        assert exchange.request["messages"][1 : len(before)] == before[1:]
        before = exchange.request["messages"]


async def test_what_it_looks_up_it_is_shown(tmp_path: Path) -> None:
    def script(request: Json, headers: Mapping[str, str]) -> Answer:
        if request["messages"][-1]["role"] == "tool":
            return Answer(text=f"I found: {text_of(request['messages'][-1])}")
        if "secret" in text_of(request["messages"][-1]):
            return Answer(text="Let me look.", calls=[("conversation_search", {"query": "the blue door"})])
        return Answer(text="I see.")

    async with OpenAIServer(script, models=None) as server, living(tmp_path, server, tools="lean") as house:
        await house.say("ada", "The key lies behind the blue door.")
        [reply] = await house.say("ada", "What was the secret?")
    assert "ada: The key lies behind the blue door." in reply.text
    assert "{" not in reply.text


async def test_it_forgets_by_one_call_whatever_tells_of_it_and_it_can_be_brought_back(tmp_path: Path) -> None:
    def script(request: Json, headers: Mapping[str, str]) -> Answer:
        newest = request["messages"][-1]
        if newest["role"] == "tool":
            return Answer(text="It is gone." if "Forgotten: " in text_of(newest) else "I found nothing.")
        said = text_of(newest).rpartition("ada: ")[2]
        if said.startswith("Forget "):
            return Answer(text="", calls=[("delete", {"what": said.removeprefix("Forget ").rstrip(".")})])
        if said.startswith("I "):
            return Answer(text="Noted.", calls=[("remember", {"fact": f"Ada {said[2:]}"})])
        return Answer(text="I see.")

    async with OpenAIServer(script, models=None) as server, living(tmp_path, server, tools="lean") as house:
        await house.say("ada", "I collect porcelain elephants.")
        await house.say("ada", "I like tea.")
        [nothing] = await house.say("ada", "Forget the lighthouse keeper.")
        [gone] = await house.say("ada", "Forget that I collect porcelain elephants.")
        assert (nothing.text, gone.text) == ("I found nothing.", "It is gone.")
        assert await human(house) == "Ada like tea."
        told = "SELECT text FROM messages WHERE text LIKE '%elephant%' OR rendered LIKE '%elephant%'"
        assert house.rows(told) == []
        await house.say("ada", "How are you?")
        assert "elephant" not in json.dumps(server.transcript[-1].request)
        assert "porcelain elephants" in (await command(house, "ada", "memory undo")).text
        assert "Ada collect porcelain elephants." in await human(house)


async def test_a_correction_that_does_not_fit_does_not_make_it_speak_twice(tmp_path: Path) -> None:
    replaces = ("core_memory_replace", {"old_content": "nothing like it", "new_content": "x"})
    script = Answer(text="I have noted that.", calls=[replaces])
    async with OpenAIServer(lambda *_: script, models=None) as server:
        async with living(tmp_path, server, tools="lean") as house:
            replies = await house.say("ada", "No, it is Bruno.")
    assert [reply.text for reply in replies] == ["I have noted that."]


async def test_an_answer_that_its_limit_cut_is_said_as_far_as_it_goes(tmp_path: Path) -> None:
    cut = Answer(text='{"remember": [], "answer": "It was a dark and', finish="length")
    async with OpenAIServer(lambda *_: cut, models=None) as server:
        async with living(tmp_path, server, protocol="json") as house:
            [reply] = await house.say("ada", "Tell me a story.")
    assert reply.text == "It was a dark and […]"


async def test_an_object_that_says_nothing_is_asked_again(tmp_path: Path) -> None:
    lines = [in_object([], ""), in_object([], "Hello.")]
    async with OpenAIServer(lambda *_: lines.pop(0), models=None) as server:
        async with living(tmp_path, server, protocol="json") as house:
            [reply] = await house.say("ada", "Hi!")
    assert reply.text == "Hello."
    assert "They have seen no answer yet" in text_of(server.transcript[-1].request["messages"][-1])


@pytest.mark.parametrize("refused", ["json_schema", "response_format"])
async def test_a_server_without_shapes_is_asked_without(tmp_path: Path, refused: str) -> None:
    def script(request: Json, headers: Mapping[str, str]) -> Answer | Fault:
        shape = request.get("response_format", {})
        if shape and refused in json.dumps({"response_format": shape}):
            return Fault(kind="status", status=400, message=f"{refused} is not supported")
        return in_object([], "Hello.")

    async with (
        OpenAIServer(script, models=None) as server,
        living(tmp_path, server, protocol="json") as house,
    ):
        for _ in range(2):
            assert [reply.text for reply in await house.say("ada", "Hi!")] == ["Hello."]
    asked = [exchange.request.get("response_format", {}).get("type") for exchange in server.transcript]
    fewer = (
        ["json_schema", "json_object"] if refused == "json_schema" else ["json_schema", "json_object", None]
    )
    assert asked == [*fewer, fewer[-1]]


async def test_a_small_model_in_reserve_is_asked_in_its_own_form(tmp_path: Path) -> None:
    """The first one is down: what the small one then says and keeps, the first sees as calls of its own."""
    down = True

    def first(request: Json, headers: Mapping[str, str]) -> Answer | Fault:
        return (
            Fault(kind="status", status=503)
            if down
            else Answer(calls=[("send_message", {"message": "Back."})])
        )

    small = SmallModel(MANNERS["in_fences"])
    async with OpenAIServer(first, models=None) as one, OpenAIServer(small, models=None) as other:
        reserve = {"name": "small", "base_url": other.url, "tools": "lean"}
        settings = {"fallbacks": [reserve], "context_window": 16_384}
        async with living(tmp_path, one, **settings) as house:
            [told] = await house.say("ada", "My dog is called Biscuit.")
        down = False
        async with living(tmp_path, one, **settings) as house:
            [back] = await house.say("ada", "Are you there?")
    assert (told.text, back.text) == ("I will not forget that.", "Back.")
    assert len(other.transcript[0].request["tools"]) == 6
    seen = one.transcript[-1].request
    assert len(seen["tools"]) > 10
    names = [made["function"]["name"] for made in assistants(seen)[-1]["tool_calls"]]
    assert names == ["send_message", "remember"]


async def test_a_conversation_goes_on_when_its_model_becomes_a_small_one(tmp_path: Path) -> None:
    stage = Stage(
        lambda request: calls(
            ("core_memory_append", {"label": "human", "content": "Their dog is called Biscuit."}),
            ("send_message", {"message": "Noted."}),
        )
    )
    async with opened(tmp_path, stage) as house:
        await house.say("ada", "My dog is called Biscuit.")
    async with OpenAIServer(SmallModel(in_plain_words), models=None) as server:
        async with living(tmp_path, server, tools="lean") as house:
            [reply] = await house.say("ada", "What is my dog called?")
    assert reply.text == "Your dog is called Biscuit."
    messages = server.transcript[0].request["messages"]
    called, result, said = messages[messages.index(assistants(server.transcript[0].request)[-2]) :][:3]
    assert [made["function"]["name"] for made in called["tool_calls"]] == ["core_memory_append"]
    assert result["tool_call_id"] == called["tool_calls"][0]["id"]
    assert said == {"role": "assistant", "content": "Noted."}


async def test_a_tool_that_is_not_offered_by_that_name_is_known_by_others(tmp_path: Path) -> None:
    def script(request: Json, headers: Mapping[str, str]) -> Answer:
        wish = json.dumps(
            {"name": "set_reminder", "arguments": {"when": "2026-11-21T11:30", "text": "call Bob"}}
        )
        return Answer(text=f"I will remind you.\n{wish}")

    async with OpenAIServer(script, models=None) as server, living(tmp_path, server, tools="lean") as house:
        [reply] = await house.say("ada", "Remind me to call Bob.")
        assert house.rows("SELECT about FROM wishes") == [("call Bob",)]
    assert reply.text == "I will remind you."


@pytest.mark.parametrize("form", FORMS)
async def test_what_it_writes_when_nobody_waits_is_kept_and_not_said(tmp_path: Path, form: str) -> None:
    def script(request: Json, headers: Mapping[str, str]) -> Answer:
        newest = text_of(request["messages"][-1])
        if "nobody is waiting" not in newest:
            return in_object([], "I see.")
        assert "store_memories" not in newest  # only what it is offered is spoken of
        return MANNERS["in_plain_words" if form == "lean" else "in_object"](
            ["Ada is tired."], "They look tired."
        )

    async with OpenAIServer(script, models=None) as server, living(tmp_path, server, **FORMS[form]) as house:
        await house.say("ada", "I am tired.")
        clock = house.clock
        assert isinstance(clock, FakeClock)
        clock.advance(5 * 3_600)
        await house.app.heartbeat.sweep()
        await house.app.inbound.settled()
        assert await human(house) == "Ada is tired."
    assert [reply.text for reply in house.parlour.posted] == ["I see."]


@pytest.mark.parametrize("form", FORMS)
async def test_what_it_was_to_remind_of_is_told_in_its_own_words(tmp_path: Path, form: str) -> None:
    def script(request: Json, headers: Mapping[str, str]) -> Answer:
        due = "call Bob" in text_of(request["messages"][-1]) and "Remind me" not in text_of(
            request["messages"][-1]
        )
        return in_object([], "It is time to call Bob!" if due else "I will.")

    reminds = calls(
        ("schedule_message", {"when": "2026-11-21T11:30", "about": "call Bob"}),
        ("send_message", {"message": "I will."}),
    )
    async with opened(tmp_path, Stage(lambda request: reminds)) as house:
        await house.say("ada", "Remind me to call Bob.")
    async with OpenAIServer(script, models=None) as server, living(tmp_path, server, **FORMS[form]) as house:
        clock = house.clock
        assert isinstance(clock, FakeClock)
        clock.advance(3 * 3_600)
        await house.app.heartbeat.sweep()
        await house.app.inbound.settled()
    assert [reply.text for reply in house.parlour.posted] == ["It is time to call Bob!"]


async def test_a_full_block_does_not_keep_it_from_remembering(tmp_path: Path) -> None:
    async with OpenAIServer(SmallModel(in_plain_words), models=None) as server:
        settings = {"kind": "openai", "base_url": server.url, "name": "m", "retries": 0, "tools": "lean"}
        async with opened(tmp_path, None, model=settings, block_limit=100) as house:
            for name in ("Biscuit", "Bruno", "Bella", "Balou", "Bobby"):
                await house.say("ada", f"My dog is called {name}.")
            kept = [text for (text,) in house.rows("SELECT text FROM passages")]
            assert len(await human(house)) <= 100
    assert "Their dog is called Bobby." in kept


async def test_lean_settings_fit_the_window_that_ollama_begins_with(tmp_path: Path) -> None:
    async with OpenAIServer(SmallModel(in_plain_words), models=None, window=WINDOW) as server:
        async with living(tmp_path, server, tools="lean") as house:
            for n in range(18):
                [reply] = await house.say("ada", f"Hello {n}, " + "and so on " * 60)
                assert not MARKUP.search(reply.text)
    assert all(exchange.outcome == "answered" for exchange in server.transcript)
    assert not any("Your context is" in text_of(m) for e in server.transcript for m in e.request["messages"])
