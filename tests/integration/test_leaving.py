"""What leaves the view when the window is full, and what stays in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.events import Command
from bot.ports import ModelReply, ModelRequest
from tests.fakes.parlour import House, Stage, events_in, is_summary, last_words, opened, results_in, whole
from tests.fakes.scripted_model import call, say

SMALL = {"context_window": 8_192, "reply_reserve": 512}
TALK = "We had tea and cake at the harbour and talked about boats and the weather there. " * 4


def turns_of(stage: Stage) -> list[ModelRequest]:
    return [request for request in stage.requests if not is_summary(request)]


def summaries_of(stage: Stage) -> list[ModelRequest]:
    return [request for request in stage.requests if is_summary(request)]


def searching(request: ModelRequest) -> ModelReply:
    """Looks up whatever begins with "find", and answers."""
    if is_summary(request):
        return ModelReply(text="SUMMED: they talked of the harbour.")
    if last_words(request).startswith("find") and request.key.endswith("/0"):
        return call("conversation_search", query="harbour boats", request_heartbeat=True)
    return say("I see.")


async def tell(house: House, text: str) -> str:
    """A minute passes, Ada says it: the reply."""
    await house.clock.sleep(60)
    (reply,) = await house.say("ada", text)
    return reply.text


async def until_a_flush(house: House, stage: Stage, text: str = TALK) -> None:
    for number in range(60):
        if summaries_of(stage):
            return
        await tell(house, f"{number}: {text}")
    raise AssertionError("nothing was evicted")


def words_of(request: ModelRequest) -> list[str]:
    return [str(event.get("message", "")) for event in events_in(request)]


async def test_read_results_leave_first_and_the_exchange_stays_whole(tmp_path: Path) -> None:
    stage = Stage(searching)
    async with opened(tmp_path, stage, model=SMALL) as house:
        await tell(house, TALK)
        for number in range(3):
            await tell(house, f"find it, {number}")
        assert any(len(json.dumps(result["message"])) > 200 for result in results_in(stage.requests[-1]))
        number = 0
        while not summaries_of(stage):
            await tell(house, f"say {number}: {TALK}")
            number += 1
    after = turns_of(stage)[-1]
    assert all(len(json.dumps(result["message"])) < 200 for result in results_in(after))
    # The turn before the one that is answered, and that one, stand there whole.
    told = [text.partition(":")[0] for text in words_of(after)[-2:]]
    assert told == [f"say {number - 2}", f"say {number - 1}"]
    assert stage.problems == []
    # Whole turns went: what is left begins with a person's words.
    assert [event["type"] for event in events_in(after)][:2] == ["summary", "message"]


async def test_a_result_that_was_not_read_yet_is_never_left_out(tmp_path: Path) -> None:
    """Searches of one turn fill the window: the newest is read as it was found."""
    shown: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        if is_summary(request):
            return ModelReply(text="SUMMED.")
        step = int(request.key.rpartition("/")[2])
        if not last_words(request).startswith("find") and step == 0:
            return say("I see.")
        if step:
            shown.append(json.dumps(results_in(request)[-1]["message"]))
        if step < 8:
            return call("conversation_search", query=f"harbour boats {step}", request_heartbeat=True)
        return say("Found.")

    stage = Stage(play)
    async with opened(tmp_path, stage, model=SMALL) as house:
        for number in range(9):
            await tell(house, f"{number}: {TALK}")
        await tell(house, "find it")
    assert len(shown) == 8
    assert all("harbour" in text for text in shown)
    assert summaries_of(stage)
    assert stage.problems == []


async def test_the_summarizer_sees_core_memory_what_was_found_and_local_times(tmp_path: Path) -> None:
    stage = Stage(searching)
    async with opened(tmp_path, stage, model=SMALL) as house:
        facts = {name: value for name, value in house.who("ada").items() if name not in ("key", "at")}
        await house.app.inbound.invoke(
            Command(**facts, command="heartbeat", argument="hours 9-12 America/New_York")
        )
        await tell(house, "The boat is called Zanzibar, it lies in the harbour")
        await tell(house, "find it")
        async with house.app.memory.store.write() as session:
            (block,) = [
                block
                for block in await session.blocks.visible((await session.agents.agents())[0], "private")
                if block.label == "human"
            ]
            await session.blocks.put(block.id, "Lives in Porto.", None, house.clock.now())
        await until_a_flush(house, stage)
    told = whole(summaries_of(stage)[0])
    assert "Lives in Porto." in told
    assert "Zanzibar" in told.split("conversation_search found", 1)[1].split("\\n")[0]
    assert "[2026-11-21 Sat]\\n04:01 ada: " in told


async def test_what_stays_in_view_is_not_summed_up(tmp_path: Path) -> None:
    """Also where the lines leave that came to mind with it."""
    stage = Stage(searching)
    memory = {"surface_tokens": 300}
    async with opened(tmp_path, stage, model=SMALL, memory=memory) as house:
        await tell(house, "My boat Zanzibar lies in the harbour of Husum, at berth 14.")
        await until_a_flush(house, stage)
        seen = len(stage.requests)
        for number in range(30):
            if len(summaries_of(stage)) > 1:
                break
            await tell(
                house, f"At which berth of Husum does my boat Zanzibar lie? That is question {number}. {TALK}"
            )
        assert any("brings_to_mind" in event for r in stage.requests[seen:] for event in events_in(r))
        summed = stage.requests.index(summaries_of(stage)[1])
        words = str(stage.requests[summed].messages[-1]["content"])
        leaving = words.partition("Messages:")[2].partition("Said last, and still in view:")[0]
        shown = "\n".join(words_of(stage.requests[summed + 1]))
        staying = [f"question {n}." for n in range(30) if f"question {n}." in shown]
        assert len(staying) > 1
        assert "harbour" in leaving
        assert [said for said in staying if said in leaving] == []


async def test_the_old_summary_survives_a_window_that_became_smaller(tmp_path: Path) -> None:
    long = "Fact of theirs, which matters. " * 60 + "THE END"

    def play(request: ModelRequest) -> ModelReply:
        return ModelReply(text=long) if is_summary(request) else searching(request)

    stage = Stage(play)
    async with opened(tmp_path, stage) as house:
        await until_a_flush(house, stage, TALK * 3)
        (before,) = house.rows("SELECT text FROM summaries")[0]
    assert before.endswith("THE END")
    again = Stage(play)
    async with opened(tmp_path, again, model=SMALL) as house:
        await until_a_flush(house, again)
        assert before in str(summaries_of(again)[0].messages[1]["content"])
        assert house.rows("SELECT text FROM summaries") == [(long,)]
        assert max(house.tokens(*again.requests)) <= 8_192


async def test_a_reasoning_model_has_room_for_its_thoughts_before_it_sums_up(tmp_path: Path) -> None:
    stage = Stage(searching)
    async with opened(tmp_path, stage) as house:
        await until_a_flush(house, stage, TALK * 3)
        sizes = house.tokens(*stage.requests)
    (asked,) = summaries_of(stage)
    assert asked.max_tokens is not None
    assert asked.max_tokens > 4_000
    assert max(sizes) <= 16_384


# The alert


def alerts_in(request: ModelRequest) -> list[str]:
    return [text for text in words_of(request) if "% full" in text]


async def test_the_alert_tells_what_is_left_costs_no_step_and_leaves_with_the_flush(tmp_path: Path) -> None:
    stage = Stage(searching)
    async with opened(tmp_path, stage, model=SMALL) as house:
        await until_a_flush(house, stage)
        turns = len(house.rows("SELECT id FROM turns"))
    asked = turns_of(stage)
    assert len(asked) == turns
    warned = [request for request in asked if alerts_in(request)]
    assert warned
    (alert,) = alerts_in(warned[0])
    left = int(alert.split("about ")[1].split()[0])
    assert 0 < left < 0.31 * 5_000
    # It stands before the message that is answered along with it.
    assert TALK in words_of(warned[0])[-1]
    assert not alerts_in(asked[-1])


@pytest.mark.parametrize("window", [8_192, 16_384])
async def test_a_life_of_sixty_messages_runs_in_either_window(tmp_path: Path, window: int) -> None:
    """A companion that notes, corrects, searches and answers: nothing of what it was told is lost on the way."""
    facts = [f"My {thing} is called {name}." for thing, name in zip(
        ("dog", "cat", "boat", "sister", "street", "school", "doctor", "choir", "horse", "bakery"),
        ("Biscuit", "Mio", "Zanzibar", "Ines", "Elm Row", "Northgate", "Weaver", "Larks", "Juno", "Brot"),
        strict=True,
    )]  # fmt: skip

    def play(request: ModelRequest) -> ModelReply:
        if is_summary(request):
            return ModelReply(text="They talk of boats and tea.")
        words, step = last_words(request), int(request.key.rpartition("/")[2])
        if words.startswith("My ") and step == 0:
            return call("archival_memory_insert", content=words, request_heartbeat=True)
        if words.startswith("What ") and step == 0:
            return call("archival_memory_search", query=words, request_heartbeat=True)
        if words.startswith("What "):
            return say(json.dumps(results_in(request)[-1]["message"]))
        return say("I see.")

    stage = Stage(play)
    async with opened(tmp_path, stage, model={"context_window": window, "reply_reserve": 1_024}) as house:
        for fact in facts:
            await tell(house, fact)
            for number in range(4):
                await tell(house, f"{number}. {TALK}")
        for fact in facts:
            thing, name = fact[3:].rstrip(".").split(" is called ")
            assert name in await tell(house, f"What is my {thing} called?")
        assert {reply.kind for reply in house.parlour.posted} == {"reply"}
        assert max(house.tokens(*stage.requests)) <= window
        turns = len(house.rows("SELECT id FROM turns"))
    assert turns == 60
    assert len(turns_of(stage)) == 60 + 20
    assert stage.problems == []
