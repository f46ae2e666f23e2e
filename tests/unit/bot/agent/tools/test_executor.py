from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.agent.context import fitter, in_json
from bot.agent.tools import memory as memory_tools
from bot.agent.tools import messaging
from bot.agent.tools.arguments import parse
from bot.agent.tools.desk import Desk
from bot.agent.tools.executor import Executor, ToolResult, Tries
from bot.agent.tools.registry import Registry, Tool, tool
from bot.errors import ToolError
from bot.observer import Unobserved
from bot.ports import ToolCall
from memory.archival import Archival
from memory.errors import StoreUnavailable
from memory.ports import Session
from memory.recall import Recall
from memory.records import PRIVATE, Agent, Block, Wish

OURS = {made.name: made for made in (*messaging.TOOLS, *memory_tools.TOOLS)}
SECRET = "the password is 4711"


async def measure(
    desk: Desk, size: float, exact: bool = False, names: list[str] | None = None, number: int = 0
) -> object:
    """A tool of every type."""
    return {"size": size, "exact": exact, "names": names, "number": number}


async def long_winded(desk: Desk, length: int) -> str:
    """Says much."""
    return "word " * (length // 5)


async def long_list(desk: Desk, length: int) -> object:
    """Says much, as a list."""
    return [f"item {n}" for n in range(length)]


async def quoting(desk: Desk, length: int) -> str:
    """Says what JSON must escape."""
    return '"\n' * (length // 2)


async def faulty(desk: Desk) -> str:
    """Breaks."""
    raise RuntimeError(SECRET)


async def storeless(desk: Desk) -> str:
    """Needs the store."""
    raise StoreUnavailable("The disk is full.")


async def endless(desk: Desk) -> str:
    """Never ends."""
    await asyncio.Event().wait()
    return ""


TOOLS = [
    *OURS.values(),
    tool(measure),
    tool(long_winded),
    tool(long_list),
    tool(quoting),
    tool(faulty, custom=True),
    tool(storeless),
    tool(endless, custom=True),
]


def words(text: str) -> int:
    """A token counter: four bytes to a token."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


def make_executor(max_calls: int = 64, timeout_s: float = 30.0) -> Executor:
    return Executor(Registry(TOOLS), words, fitter(in_json(words)), max_calls, timeout_s, Unobserved())


def make_desk() -> Desk:
    """A desk with a block on it; nothing here opens the drawers of recall and archival storage."""

    async def look() -> list[Block]:
        return [Block(id=1, owner="agent:7", label="human", audience=PRIVATE, value="Name: Ada.", limit=100)]

    async def nothing() -> list[Wish]:
        return []

    async def none() -> int:
        return 0

    async def no_amendment(session: Session, before: Block, value: str) -> None:
        raise AssertionError("this desk has no persona's block")

    return Desk(
        agent=Agent(id=7, user_id=1, persona_id=1, name="ada", archive_id=1),
        audience=PRIVATE,
        turn_id="turn",
        key="turn/0",
        now=datetime(2026, 11, 21, 9, 0, tzinfo=UTC),
        zone=ZoneInfo("Europe/Lisbon"),
        page_size=5,
        look=look,
        recall=cast(Recall, None),
        archive=cast(Archival, None),
        fit=lambda text, tokens: text,
        results_room=10_000,
        conversation_id=1,
        scheduled=nothing,
        wishes_elsewhere=none,
        most_wishes=50,
        amend=no_amendment,
    )


def asked(name: str, arguments: str | dict[str, Any] = "{}") -> ToolCall:
    return ToolCall(
        id="c1", name=name, arguments=arguments if isinstance(arguments, str) else json.dumps(arguments)
    )


async def run(*calls: ToolCall, budget: int = 4_000, desk: Desk | None = None) -> list[ToolResult]:
    return await make_executor().run(calls, desk or make_desk(), Tries(), budget)


def told(result: ToolResult) -> Any:
    return json.loads(result.content)["message"]


# Arguments


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        (
            "archival_memory_search",
            '{"query": "dog", "page": "two"}',
            "archival_memory_search: 'page' must be an integer ≥ 0, got 'two'",
        ),
        ("measure", '{"size": 1, "number": 1.5}', "measure: 'number' must be an integer, got 1.5"),
        ("measure", '{"size": 1, "number": true}', "measure: 'number' must be an integer, got true"),
        ("measure", '{"size": "big"}', "measure: 'size' must be a number, got 'big'"),
        ("measure", '{"size": 1, "exact": "maybe"}', "measure: 'exact' must be a boolean, got 'maybe'"),
        ("measure", '{"size": 1, "names": [1]}', "measure: 'names' must be a list of strings, got [1]"),
        ("send_message", '{"message": {"a": 1}}', "send_message: 'message' must be a string, got {'a': 1}"),
        ("send_message", '{"message": 4711}', "send_message: 'message' must be a string, got 4711"),
        ("send_message", "{}", "send_message: 'message' is missing. Arguments: message."),
        ("send_message", "", "send_message: 'message' is missing. Arguments: message."),
        ("send_message", '{"message": null}', "send_message: 'message' is missing. Arguments: message."),
        (
            "send_message",
            '{"message": "x", "to": "bob"}',
            "send_message: there is no argument 'to'. Arguments: message.",
        ),
        ("finish_rethinking_memory", '{"x": 1}', "finish_rethinking_memory: there is no argument 'x'."),
        ("send_message", '["x"]', "send_message: the arguments must be a JSON object, got '[\"x\"]'"),
        ("measure", '{"size": 1, "number": 4000000000}', "measure: 'number' is out of range."),
        ("measure", '{"size": 1, "number": -1e300}', "measure: 'number' is out of range."),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(name: str, arguments: str, sentence: str) -> None:
    made = {made.name: made for made in TOOLS}[name]
    with pytest.raises(ToolError) as refused:
        parse(made, arguments)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ('{"size": 2, "number": "3"}', {"size": 2, "number": 3}),
        ('{"size": "2.5", "number": 3.0}', {"size": 2.5, "number": 3}),
        ('{"size": 1, "exact": "true"}', {"size": 1, "exact": True}),
        ('{"size": 1, "exact": "False"}', {"size": 1, "exact": False}),
        ('{"size": 1, "names": "Ada"}', {"size": 1, "names": ["Ada"]}),
        ('{"size": 1, "names": null}', {"size": 1}),
        ('{"size": 1, "names": ["a\\u0000", "\\ud800"]}', {"size": 1, "names": ["a", "?"]}),
        ('{"size": 1, "request_heartbeat": true}', {"size": 1, "request_heartbeat": True}),
    ],
)
def test_what_is_meant_is_taken(arguments: str, values: dict[str, Any]) -> None:
    assert parse(tool(measure), arguments) == values


@pytest.mark.parametrize(
    "arguments",
    [
        '{"message": "Hello!"',
        "{'message': 'Hello!'}",
        '{"message": "Hello!",}',
        '```json\n{"message": "Hello!"}\n```',
        '{message: "Hello!"}',
    ],
)
def test_near_json_is_repaired(arguments: str) -> None:
    assert parse(OURS["send_message"], arguments) == {"message": "Hello!"}


def test_a_final_tool_overlooks_a_heartbeat() -> None:
    assert parse(OURS["send_message"], '{"message": "x", "request_heartbeat": true}') == {"message": "x"}


def test_texts_lose_what_nobody_can_store() -> None:
    assert parse(OURS["send_message"], '{"message": "a\\u0000b\\ud800c"}') == {"message": "ab?c"}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(TOOLS),
    st.text(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["message", "label", "query", "page", "tags", "size"]), inner, max_size=4
            )
        ),
    ).map(json.dumps),
)
def test_whatever_a_model_writes_is_read_or_refused_in_a_sentence(made: Tool, arguments: str) -> None:
    refused, values = "", {}
    try:
        values = parse(made, arguments)
    except ToolError as error:
        refused = str(error)
    if refused:
        assert refused.startswith(f"{made.name}: ")
        assert len(refused) < 300
    else:
        assert set(made.parameters["required"]) <= set(values)


# Running


async def test_calls_run_in_order_and_see_each_other() -> None:
    desk = make_desk()

    results = await run(
        asked(
            "core_memory_append", {"label": "human", "content": "Lives in Lisbon.", "request_heartbeat": True}
        ),
        asked("core_memory_replace", {"label": "human", "old_content": "Lisbon", "new_content": "Porto"}),
        asked("send_message", {"message": "Noted."}),
        desk=desk,
    )

    assert [(r.failed, r.heartbeat) for r in results] == [(False, True), (False, False), (False, False)]
    assert (await desk.block("human")).value == "Name: Ada.\nLives in Porto."
    assert desk.said == ["Noted."]


async def test_a_result_has_status_message_and_the_persons_time() -> None:
    (result,) = await run(asked("measure", {"size": 1}))
    assert json.loads(result.content) == {
        "status": "OK",
        "message": {"size": 1, "exact": False, "names": None, "number": 0},
        "time": "2026-11-21T09:00:00+00:00",
    }


async def test_that_something_was_said_is_told_in_few_words() -> None:
    (result,) = await run(asked("send_message", {"message": "Hi"}))
    assert result.content == '{"status":"OK","message":"Sent."}'


async def test_an_unknown_function_is_answered_with_those_there_are() -> None:
    (result,) = await run(asked("recall_memory" * 100))
    assert result.failed
    assert told(result).startswith("No function named 'recall_memory")
    assert told(result).endswith(f"Functions: {', '.join(made.name for made in TOOLS)}.")


async def test_a_block_over_its_limit_is_told_with_numbers_and_the_way_out() -> None:
    (result,) = await run(asked("core_memory_append", {"label": "human", "content": "x" * 200}))
    assert result.failed
    assert "211 characters; its limit is 100" in told(result)
    assert "archival_memory_insert" in told(result)


async def test_a_failed_call_does_not_keep_the_others_from_running() -> None:
    desk = make_desk()
    results = await run(
        asked("no_such"), asked("send_message", {"message": "Hi"}), asked("faulty"), desk=desk
    )
    assert [result.failed for result in results] == [True, False, True]
    assert desk.said == ["Hi"]


async def test_a_failed_call_keeps_its_heartbeat() -> None:
    wrong = {"label": "none", "content": "x", "request_heartbeat": True}
    (result,) = await run(asked("core_memory_append", wrong))
    assert (result.failed, result.heartbeat) == (True, True)


async def test_what_a_tool_raises_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    (result,) = await run(asked("faulty"))
    assert told(result) == "faulty failed inside (RuntimeError)."
    assert "agent 7, step turn/0: the tool faulty failed" in caplog.text


async def test_trouble_with_the_store_is_not_the_models() -> None:
    with pytest.raises(StoreUnavailable):
        await run(asked("storeless"))


async def test_a_custom_tool_has_its_time(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        (result,) = await make_executor(timeout_s=0.01).run([asked("endless")], make_desk(), Tries(), 4_000)
    assert told(result) == "endless took longer than 0.01 s and was ended."
    assert result.failed


async def test_the_same_call_is_refused_after_three_failures() -> None:
    executor, desk, failures = make_executor(), make_desk(), Tries()
    wrong = asked("core_memory_append", {"label": "none", "content": "x"})

    results = [(await executor.run([wrong], desk, failures, 4_000))[0] for _ in range(4)]

    assert ["Refused" in told(result) for result in results] == [False, False, False, True]
    assert "failed 3 times" in told(results[3])
    other = asked("core_memory_append", {"label": "none", "content": "y"})
    (result,) = await executor.run([other], desk, failures, 4_000)
    assert "Refused" not in told(result)
    (fresh,) = await executor.run([wrong], desk, Tries(), 4_000)  # another turn
    assert "Refused" not in told(fresh)


# Bounds


@pytest.mark.parametrize("name", ["long_winded", "long_list", "quoting"])
@pytest.mark.parametrize("budget", [100, 400, 2_000])
async def test_a_result_that_is_too_long_is_clipped_and_says_so(name: str, budget: int) -> None:
    (result,) = await run(asked(name, {"length": 50_000}), budget=budget)

    assert words(result.content) <= budget
    assert "clipped: " in told(result)
    assert "characters were too many" in told(result)
    assert not result.failed


async def test_a_result_that_fits_is_left_alone() -> None:
    (result,) = await run(asked("long_winded", {"length": 500}), budget=400)
    assert told(result) == "word " * 100


async def test_results_share_the_budget() -> None:
    calls = [asked("long_winded", {"length": 50_000})] * 8
    results = await run(*calls, budget=1_200)
    assert len(results) == 8
    assert sum(words(result.content) for result in results) <= 1_200


async def test_a_short_result_leaves_its_share_to_the_next() -> None:
    results = await run(
        asked("send_message", {"message": "Hi"}), asked("long_winded", {"length": 3_000}), budget=1_000
    )
    assert "clipped" not in results[1].content


async def test_no_more_calls_are_run_than_allowed() -> None:
    desk = make_desk()
    calls = [asked("send_message", {"message": str(n)}) for n in range(5)]
    assert len(await make_executor(max_calls=3).run(calls, desk, Tries(), 4_000)) == 3
    assert desk.said == ["0", "1", "2"]
    assert len(await make_executor().run(calls, make_desk(), Tries(), 250)) == 2  # results need room
    assert len(await make_executor().run(calls, make_desk(), Tries(), 0)) == 1
    assert await make_executor().run([], make_desk(), Tries(), 4_000) == []
