"""The main context through whole conversations: its bound, its order, pressure alerts and flushes."""

from __future__ import annotations

import json
import logging
import random
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from bot.errors import ModelUnavailable, SettingsError
from bot.events import MessageReceived
from bot.ports import ModelReply, ModelRequest, ToolCall
from tests.fakes.parlour import (
    House,
    Stage,
    events_in,
    is_summary,
    last_words,
    opened,
    parrot,
    results_in,
    text_of,
    whole,
)
from tests.fakes.scripted_model import call, calls, say

SMALL = {"context_window": 8_192, "reply_reserve": 512}
FILLER = "We had tea and cake at the harbour and talked about boats. " * 20
EMOJI = "😀👩‍👩‍👧‍👦🏴‍☠️" * 5_000
QUOTES = '\\"' * 10_000
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 8))]
Steps = Sequence[ModelReply]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def requests_of(stage: Stage) -> list[ModelRequest]:
    return [request for request in stage.requests if not is_summary(request)]


def flushes(stage: Stage) -> int:
    return len(stage.requests) - len(requests_of(stage))


async def chat(house: House, stage: Stage, until: Callable[[], bool], limit: int = 60) -> None:
    """Ada writes until something has happened."""
    for n in range(limit):
        if until():
            return
        replies = await house.say("ada", f"message {n}. {FILLER}")
        assert replies
        await house.clock.sleep(1)
    raise AssertionError("it never happened")


# Pressure alerts


def alerts(request: ModelRequest) -> int:
    return sum("% full" in str(event.get("message")) for event in events_in(request))


async def test_the_pressure_alert_comes_once_per_fill(folder: Path) -> None:
    stage = Stage(parrot)
    async with opened(folder, stage, model=SMALL) as house:
        await chat(house, stage, lambda: flushes(stage) == 3)
    fills: list[set[str]] = [set()]
    for request in stage.requests:
        if is_summary(request):
            fills.append(set())
        else:
            fills[-1] |= {text_of(e) for e in events_in(request) if "% full" in str(e.get("message"))}
    given = [len(fills[0]), *(len(seen - before) for before, seen in pairwise(fills))]
    assert given[:3] == [1, 1, 1]
    assert given[3] <= 1  # the fill that has only begun


async def test_the_pressure_alert_does_not_swallow_a_requested_heartbeat(folder: Path) -> None:
    step = call("conversation_search", query="harbour", request_heartbeat=True)

    def play(request: ModelRequest) -> ModelReply:
        if is_summary(request):
            return ModelReply(text="They talked.")
        return say("Done.") if request.key.endswith("/3") else step

    stage = Stage(play)
    async with opened(folder, stage, model=SMALL) as house:
        await chat(house, stage, lambda: any(map(alerts, stage.requests)))
    turn = stage.requests[-1].key.rpartition("/")[0]
    own = [request.key for request in requests_of(stage) if request.key.startswith(turn)]
    assert own == [f"{turn}/{n}" for n in range(4)]


async def test_being_told_to_answer_does_not_use_up_the_pressure_alert(folder: Path) -> None:
    first = True

    def play(request: ModelRequest) -> ModelReply:
        nonlocal first
        silent, first = first, False
        return ModelReply(text="") if silent else parrot(request)

    stage = Stage(play)
    async with opened(folder, stage, model=SMALL) as house:
        await chat(house, stage, lambda: flushes(stage) == 1)
    assert any(map(alerts, requests_of(stage)))


# Flushes


def queue(house: House) -> list[tuple[int, str, int]]:
    """What stands there, but for the alert, which leaves with any flush."""
    return house.rows(
        "SELECT key, role, tokens FROM messages WHERE queued AND author <> 'memory' ORDER BY key"
    )


async def test_a_flush_evicts_the_oldest_half(folder: Path) -> None:
    stage = Stage(parrot)
    async with opened(folder, stage, model=SMALL) as house:
        before: list[tuple[int, str, int]] = []
        for n in range(60):
            held = queue(house)
            await house.say("ada", f"message {n}. {FILLER}")
            if flushes(stage):
                before = held
                break
        keys = {key for key, _, _ in queue(house)}
        gone = [row for row in before if row[0] not in keys]
        assert gone == before[: len(gone)]
        total = sum(tokens for _, _, tokens in before)
        assert 0.4 * total <= sum(tokens for _, _, tokens in gone) <= 0.8 * total
        assert house.rows("SELECT count(*) FROM messages WHERE text LIKE 'message 0.%'") == [(1,)]
        hits = await house.app.memory.recall.search(1, "message harbour", "private", page_size=50)
        assert hits.total > len(keys) // 3


async def test_a_flush_never_parts_a_call_from_its_result(folder: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if is_summary(request):
            return ModelReply(text="They talked.")
        if request.key.endswith("/0"):
            return calls(*[("archival_memory_search", {"query": "x", "request_heartbeat": True})] * 5)
        return parrot(request)

    stage = Stage(play)
    async with opened(folder, stage, model=SMALL) as house:
        for n in range(40):
            await house.say("ada", f"message {n}. {FILLER}")
            rows = house.rows("SELECT role, rendered FROM messages WHERE queued ORDER BY key")
            made = [c["id"] for _, text in rows for c in json.loads(text).get("tool_calls", ())]
            assert rows[0][0] != "tool"
            assert len(made) == sum(role == "tool" for role, _ in rows)
    assert flushes(stage) >= 2
    assert not any("result was lost" in whole(request) for request in stage.requests)
    assert stage.problems == []


async def test_the_summary_is_recursive(folder: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if is_summary(request):
            return ModelReply(text=f"SUMMARY-{flushes(stage)} of the harbour")
        return parrot(request)

    stage = Stage(play)
    async with opened(folder, stage, model=SMALL) as house:
        await chat(house, stage, lambda: flushes(stage) == 3)
        assert house.rows("SELECT text FROM summaries") == [("SUMMARY-3 of the harbour",)]
    asked = [request for request in stage.requests if is_summary(request)]
    assert "SUMMARY" not in whole(asked[0])
    assert "message 0." in whole(asked[0])
    assert "SUMMARY-1" in whole(asked[1])
    assert "SUMMARY-2" in whole(asked[2])
    last = requests_of(stage)[-1]
    assert [e["type"] for e in events_in(last)].count("summary") == 1
    assert events_in(last)[0]["type"] == "summary"
    assert all(not request.tools for request in asked)


async def test_without_a_summarizer_the_turn_is_answered(folder: Path) -> None:
    def play(request: ModelRequest) -> ModelReply | Exception:
        return ModelUnavailable("No summaries today.") if is_summary(request) else parrot(request)

    stage = Stage(play)
    async with opened(folder, stage, model=SMALL) as house:
        await chat(house, stage, lambda: flushes(stage) == 2)
        (text,) = house.rows("SELECT text FROM summaries")[0]
        assert len(re.findall(r"\d+ messages from 2026-11-21 to", text)) == 2
        assert {reply.kind for reply in house.parlour.posted} == {"reply"}


# The hard bound


async def least_window(folder: Path) -> int:
    """The smallest window that everbot accepts."""
    with pytest.raises(SettingsError) as refused:
        async with opened(folder, parrot, model={"context_window": 2_048, "reply_reserve": 256}):
            pass
    numbers = re.search(r"take (\d+) tokens, the reply (\d+) \(.*\), and (\d+) are", str(refused.value))
    assert numbers is not None
    return sum(map(int, numbers.groups()))


def wild_text(dice: random.Random) -> str:
    kind = dice.choice(["short", "long", "words", "emoji", "quotes", "lines", "han"])
    return {
        "short": "Good morning.",
        "long": "x" * 20_000,
        "words": FILLER * 17,
        "emoji": EMOJI[:20_000],
        "quotes": QUOTES,
        "lines": "a\n" * 10_000,
        "han": "茶" * 20_000,
    }[kind]


def wild_call(dice: random.Random, n: int) -> ToolCall:
    name, arguments = dice.choice(
        [
            ("send_message", {"message": wild_text(dice)}),
            ("conversation_search", {"query": "harbour tea", "page": 0, "request_heartbeat": True}),
            ("conversation_search_date", {"start_date": "2026-01-01", "end_date": "2027-01-01"}),
            ("archival_memory_insert", {"content": wild_text(dice)[:7_900], "request_heartbeat": True}),
            ("archival_memory_search", {"query": "harbour boats", "request_heartbeat": True}),
            ("core_memory_append", {"label": "human", "content": wild_text(dice)[:1_900]}),
            ("core_memory_replace", {"label": "human", "old_content": wild_text(dice), "new_content": ""}),
            ("rethink_user_memory", {"new_value": wild_text(dice)[:2_000]}),
            ("no_such_tool", {"x": wild_text(dice)}),
            ("n" * 5_000, {}),
        ]
    )
    return ToolCall(id=f"call_{n}", name=name, arguments=json.dumps(arguments, ensure_ascii=False))


def wild_model(dice: random.Random) -> Callable[[ModelRequest], ModelReply]:
    def play(request: ModelRequest) -> ModelReply:
        if is_summary(request):
            return ModelReply(text=wild_text(dice))
        kind = dice.random()
        text = wild_text(dice) if kind < 0.4 else ""
        if kind < 0.2:
            return ModelReply(text=text)
        made = 100 if kind > 0.97 else dice.randint(1, 6)
        return ModelReply(text=text, calls=tuple(wild_call(dice, n) for n in range(made)))

    return play


@pytest.mark.parametrize("window", ["least", "8192", "16384"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.long
async def test_no_request_ever_exceeds_the_window(folder: Path, window: str, seed: int) -> None:
    """Whatever people write and models answer."""
    size = await least_window(folder) if window == "least" else int(window)
    dice = random.Random(f"{window}/{seed}")
    stage = Stage(wild_model(dice))
    reserve = 256 if window == "least" else 1_024
    model = {"context_window": size, "reply_reserve": reserve}
    async with opened(folder, stage, model=model, debounce_s=1) as house:
        for _ in range(12):
            burst = dice.choice([1, 1, 1, 16])
            events = [house.message("ada", wild_text(dice)) for _ in range(burst)]
            for event in events:
                await house.app.inbound.submit(event)
            await house.settled("parlour:ada")
        sizes = house.tokens(*stage.requests)
        over = {
            stage.requests[n].key[-12:]: size
            for n, size in enumerate(sizes)
            if size > model["context_window"]
        }
        assert over == {}, f"of {model['context_window']}, {len(sizes)} requests"
        answered = {key for reply in house.parlour.posted for key in reply.in_reply_to}
        assert len(answered) == house.rows("SELECT count(*) FROM inbox")[0][0]


def is_reminder(text: str) -> bool:
    return '\\"type\\":\\"system_alert\\"' in text and "Your context is" not in text


@pytest.mark.parametrize("seed", SEEDS)
async def test_earlier_messages_are_sent_again_unchanged(
    folder: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Between two requests without a flush only new messages are added, at the end; what the model was told to mend
    leaves with its turn."""
    dice = random.Random(seed)
    stage = Stage(wild_model(dice))
    compared = 0
    # What leaves the queue is no longer stored as it was shown: look while it is there.
    stored: set[str] = set()
    flushes: list[int] = []  # until each request; one in which nobody's words leave asks for no summary
    looking = Stage(stage.play)
    caplog.set_level(logging.INFO, "bot.agent.eviction")

    async def play(request: ModelRequest) -> ModelReply | Exception:
        stored.update(row[0] for row in house.rows("SELECT rendered FROM messages"))
        flushes.append(sum("messages evicted" in record.message for record in caplog.records))
        played = looking.play(request)
        assert isinstance(played, ModelReply | Exception)
        return played

    stage.play = play
    async with opened(folder, stage, model={"context_window": 16_384, "reply_reserve": 1_024}) as house:
        for _ in range(10):
            await house.say("ada", wild_text(dice))
        for number, (earlier, later) in enumerate(pairwise(stage.requests)):
            if is_summary(earlier) or is_summary(later) or flushes[number] != flushes[number + 1]:
                continue
            old, new = (list(map(text_of, r.messages[1:])) for r in (earlier, later))
            if earlier.key.partition("/")[0] != later.key.partition("/")[0]:
                old = [text for text in old if not is_reminder(text)]
            assert new[: len(old)] == old
            compared += 1
        sent = [text_of(m) for r in requests_of(stage) for m in r.messages[1:]]
        assert all(text in stored or '\\"type\\":\\"summary\\"' in text or is_reminder(text) for text in sent)
    assert compared >= 5


async def test_without_edits_the_whole_request_is_a_prefix_of_the_next(folder: Path) -> None:
    stage = Stage(parrot)
    async with opened(folder, stage) as house:
        for n in range(10):
            await house.say("ada", f"message {n}")
    async with opened(folder, stage) as house:
        await house.say("ada", "after a restart")
    for earlier, later in pairwise(stage.requests):
        assert list(map(text_of, later.messages))[: len(earlier.messages)] == list(
            map(text_of, earlier.messages)
        )
        assert later.tools == earlier.tools


@pytest.mark.parametrize("length", [60_000, 1_000_000])
@pytest.mark.parametrize("filling", ["word ", "x", "😀"])
async def test_a_message_beyond_the_window_is_kept_whole_and_found(
    folder: Path, length: int, filling: str
) -> None:
    text = f"{filling * (length // len(filling))} at the end stands zanzibar"

    def play(request: ModelRequest) -> ModelReply:
        if events_in(request)[-1]["type"] == "system_alert":
            return ModelReply(text="The window is full; nothing to keep.")
        if last_words(request) != "look":
            return say("Long.")
        if request.key.endswith("/0"):
            return call("conversation_search", query="zanzibar", request_heartbeat=True)
        return say("Found." if "zanzibar" in json.dumps(results_in(request)[-1]["message"]) else "Lost.")

    stage = Stage(play)
    async with opened(folder, stage, model={**SMALL, "context_window": 9_216}) as house:
        event: MessageReceived = house.message("ada", text)
        assert [reply.text for reply in await house.tell(event)] == ["Long."]
        kept = await house.stored(event)
        assert kept is not None
        assert kept.text == text
        shown = events_in(stage.requests[0])[-1]["message"]
        assert f"of {len(text)} characters" in shown
        assert "conversation_search" in shown
        assert [reply.text for reply in await house.say("ada", "look")] == ["Found."]
        assert max(house.tokens(*stage.requests)) <= 9_216 - 512


async def test_a_message_is_shown_whole_while_there_is_room(folder: Path) -> None:
    """20,000 characters at the default window, as a first message and after a conversation that fills the view."""
    text = (FILLER * 18)[:20_000]

    def shown(request: ModelRequest) -> str:
        return str(events_in(request)[-1]["message"])

    stage = Stage(parrot)
    async with opened(folder, stage, model={"context_window": 16_384}) as house:
        await house.say("ada", text)
        assert shown(stage.requests[-1]) == text
        await chat(house, stage, lambda: flushes(stage) == 1)
        await house.say("ada", f"Again: {text}")
        assert shown(stage.requests[-1]) == f"Again: {text}"


# Repair


@pytest.mark.parametrize("damage", ["result", "all results", "call", "orphan", "swapped"])
async def test_unpaired_calls_in_the_history_are_repaired(folder: Path, damage: str) -> None:
    two = [("archival_memory_search", {"query": str(n), "request_heartbeat": True}) for n in range(2)]

    def play(request: ModelRequest) -> ModelReply:
        return calls(*two) if request.key.endswith("/0") else parrot(request)

    async with opened(folder, play) as house:
        await house.say("ada", "Hello")
    (tool,) = house.rows("SELECT min(key) FROM messages WHERE role = 'tool'")[0]
    house.execute(
        {
            "result": "DELETE FROM messages WHERE key = ?",
            "all results": "DELETE FROM messages WHERE role = 'tool' AND key >= ?",
            "call": "DELETE FROM messages WHERE key = ? - 1",
            "orphan": "UPDATE messages SET rendered = json_set(rendered, '$.tool_call_id', 'x') WHERE key = ?",
            "swapped": "UPDATE messages SET key = key + 101 WHERE key = ? - 1",
        }[damage],
        tool,
    )
    stage = Stage(parrot)
    async with opened(folder, stage) as house:
        assert len(await house.say("ada", "Still there?")) == 1
        assert len(await house.say("ada", "And now?")) == 1
    assert stage.problems == []
