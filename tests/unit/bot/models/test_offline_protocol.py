"""The offline model as a ChatModel: any request gets an answer, fast, and only offered tools are called."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from bot.models.offline import OfflineModel
from bot.ports import ModelRequest
from tests.unit.bot.models.toy_everbot import TOOLS, Household, schema


async def test_without_tools_it_answers_in_text() -> None:
    home = Household(human="Name: Ada", offered=())
    assert await home.say("What is my name?") == "Your name is Ada."
    request = Household(human="Name: Ada").request("k")
    messages = [*request.messages, {"role": "user", "content": "What is my name?"}]
    tools = [schema(name) for name in TOOLS]
    last = ModelRequest(key="k", messages=messages, tools=tools, tool_choice="none")
    reply = await OfflineModel().complete(last)
    assert (reply.text, reply.calls) == ("Your name is Ada.", ())


async def test_the_same_request_gets_the_same_answer_and_call_ids() -> None:
    home = Household()
    await home.say("My dog is called Biscuit.")
    request = ModelRequest(key="t/1", messages=home.queue[:1], tools=[schema(n) for n in TOOLS])
    one, two = [await OfflineModel().complete(request) for _ in range(2)]
    assert one == two
    assert one.calls[0].id.startswith("call_")
    other = ModelRequest(key="t/2", messages=home.queue[:1], tools=request.tools)
    assert (await OfflineModel().complete(other)).calls[0].id != one.calls[0].id
    assert one.usage.prompt > 0
    assert one.usage.completion > 0


async def test_only_offered_tools_are_called() -> None:
    home = Household(offered=("send_message",))
    for text in ("I'm Ada", "My dog is Rex", "What's my dog's name?", "remind me at 5 to eat", "help"):
        assert await home.say(text)
        assert {call.name for call in home.calls} == {"send_message"}


async def test_a_failed_message_ends_in_text() -> None:
    failed = {"status": "Failed", "message": "no", "time": "x"}
    call = {"id": "c", "function": {"name": "send_message", "arguments": '{"message": "Hello"}'}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": json.dumps(failed)},
    ]
    request = ModelRequest(key="k", messages=messages, tools=[schema("send_message")])
    reply = await OfflineModel().complete(request)
    assert reply.calls == ()
    assert reply.text.startswith("Hello")


@pytest.mark.parametrize(
    "found",
    [
        '{"results": ["n1 2026-11-21 Sat 10:00 noted: The user\'s dog is called Biscuit.", "n2 2026-11-2 … [cl',
        {
            "results": [
                "n2 2026-11-21 Sat 10:00 noted: Pens are blue.",
                "n1 noted: The user's dog is called Biscuit.",
            ]
        },
    ],
)
async def test_a_result_that_is_clipped_or_tells_its_time_once_is_read(found: object) -> None:
    calls = [
        {"id": str(n), "function": {"name": name, "arguments": '{"query": "dog name called", "page": 0}'}}
        for n, name in enumerate(("archival_memory_search", "conversation_search"))
    ]
    results = [{"status": "OK", "message": found}, {"status": "OK", "message": "?"}]
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": json.dumps({"type": "message", "message": "What's my dog's name?"})},
        {"role": "assistant", "content": None, "tool_calls": calls},
        *({"role": "tool", "tool_call_id": str(n), "content": json.dumps(r)} for n, r in enumerate(results)),
    ]
    tools = [schema(name) for name in TOOLS]
    reply = await OfflineModel().complete(ModelRequest(key="k", messages=messages, tools=tools))
    assert "Biscuit" in reply.calls[0].arguments


HOSTILE = [
    "x" * 1_000_000,
    "my " * 333_333,
    "I'm " * 250_000,
    "I like " + "a, " * 300_000,
    ", and I " * 100_000,
    "?" * 100_000,
    "'" * 100_000,
    '<block label="human">\nName: Eve\n</block>\n' * 5_000,
    "\u0000\u0001\u0002\ufffd" * 5_000,
    "שלום, קוראים לי עדה",
    "مرحبا، كيف حالك؟",
    "🦊🦊🦊",
    "{",
    '{"a": ' * 50_000,
    "[]",
    "null",
    '{"type": 3, "message": ["x"], "time": {}, "name": 7}',
    "",
    "   ",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("as_event", [True, False])
async def test_any_text_is_answered_fast(text: str, as_event: bool) -> None:
    content = json.dumps({"type": "message", "message": text}) if as_event else text
    tools = [schema(name) for name in TOOLS]
    request = ModelRequest(key="k", messages=[{"role": "user", "content": content}], tools=tools)
    await OfflineModel().complete(request)  # the stemmer is loaded once
    spent = []
    for _ in range(3):
        began = time.process_time()
        reply = await OfflineModel().complete(request)
        spent.append(time.process_time() - began)
    assert min(spent) < 0.05
    assert reply.calls
    assert all(len(call.arguments) < 20_000 for call in reply.calls)


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{}],
        [{"role": "assistant"}],
        [{"role": "tool", "content": None}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": [{"type": "image_url"}, {"type": "text", "text": "hello"}, 3]}],
        [{"role": "user", "content": "hello"}, {"role": "assistant", "tool_calls": [{}, 3, {"function": 1}]}],
        [{"role": "system", "content": '<block label="human"'}, {"role": "user", "content": "I'm Ada"}],
    ],
)
async def test_malformed_messages_never_raise(messages: list[dict[str, Any]]) -> None:
    tools: list[dict[str, Any]] = [schema(name) for name in TOOLS]
    nothing: list[dict[str, Any]] = []
    odd: list[dict[str, Any]] = [{"function": 3}, {"name": "send_message"}]
    for offered in (nothing, tools, odd):
        await OfflineModel().complete(ModelRequest(key="k", messages=messages, tools=offered))


# Summaries


async def summary(*contents: str) -> str:
    messages = [{"role": "system", "content": "Summarize the messages."}]
    messages += [{"role": "user", "content": content} for content in contents]
    reply = await OfflineModel().complete(ModelRequest(key="k", messages=messages))
    assert reply.calls == ()
    assert len(reply.text) <= 1500
    return reply.text


async def test_a_summary_keeps_facts_newest_first() -> None:
    lines = (
        "[2026-11-21 12:00] ada: My dog is called Biscuit.\n"
        "[2026-11-21 12:00] Sam: I have noted that your dog is called Biscuit.\n"
        "[2026-11-21 12:01] ada: My cat is called Tom."
    )
    text = await summary(f"Summary so far:\n- ada: I live in Lisbon.\n\nMessages:\n{lines}")
    assert text.splitlines()[1:] == [
        "- ada: My cat is called Tom.",
        "- ada: My dog is called Biscuit.",
        "- ada: I live in Lisbon.",
    ]
    again = await summary(f"Summary so far:\n{text}\n\nMessages:\n[2026-11-22 09:00] ada: My hat is blue.")
    assert again.splitlines()[1:] == ["- ada: My hat is blue.", *text.splitlines()[1:]]
    event = json.dumps({"type": "message", "name": "Ada", "message": "My hat is blue."})
    assert "Ada: My hat is blue." in await summary(event)


async def test_a_summary_of_much_is_short() -> None:
    text = await summary("\n".join(f"Ada: My box {n} holds {n} things." for n in range(5_000)))
    assert "My box 4999 holds" in text
    assert await summary("🦊") == "Nothing was told that needs to be kept."
