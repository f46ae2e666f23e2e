"""What is said is what was done: notes that failed, reminders in plain words, who moves, undoing, long messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.ports import ModelReply, ModelRequest
from tests.acceptance.test_heartbeats import command, kind, pass_time, wishing
from tests.fakes.parlour import Stage, events_in, is_summary, last_words, opened, parrot, results_in
from tests.fakes.scripted_model import call, calls, say

TALK = "We had tea and cake at the harbour and talked about boats and the weather there. " * 4


def claiming(*, note_first: bool) -> Callable[[ModelRequest], ModelReply]:
    """Says that it kept what it could not, and the truth once it knows."""
    parts = [
        ("core_memory_replace", {"label": "human", "old_content": "Lives in Lisbon", "new_content": "Porto"}),
        ("send_message", {"message": "I have noted it."}),
    ]

    def play(request: ModelRequest) -> ModelReply:
        if request.key.endswith("/0"):
            return calls(*(parts if note_first else reversed(parts)))
        assert "Not sent" in json.dumps(results_in(request))
        return say("I could not note it.")

    return play


@pytest.mark.parametrize("note_first", [True, False])
async def test_what_could_not_be_kept_is_not_said_to_be(tmp_path: Path, note_first: bool) -> None:
    stage = Stage(claiming(note_first=note_first))
    async with opened(tmp_path, stage) as house:
        assert [reply.text for reply in await house.say("ada", "I live in Porto.")] == [
            "I could not note it."
        ]
        assert house.rows("SELECT text FROM messages WHERE role = 'assistant' AND text <> ''") == [
            ("I could not note it.",)
        ]
    assert stage.problems == []


async def test_who_is_never_told_that_it_failed_is_answered_all_the_same(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        number = request.key.rpartition("/")[2]
        return calls(
            ("core_memory_replace", {"label": "human", "old_content": number, "new_content": "x"}),
            ("send_message", {"message": f"Noted, {number}."}),
        )

    async with opened(tmp_path, play) as house:
        replies = [reply.text for reply in await house.say("ada", "I live in Porto.")]
    assert replies[0] == "Noted, 2."


async def test_plain_text_answers_a_reminder(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if kind(request) == "scheduled":
            return ModelReply(text="It is eleven: water the plants!")
        return wishing("2026-11-21T11:00")(request)

    async with opened(tmp_path, play) as house:
        await house.say("ada", "Remind me.")
        await pass_time(house, 2.2, step_s=60)
        assert [reply.text for reply in house.parlour.posted][1:] == ["It is eleven: water the plants!"]


@pytest.mark.parametrize("by_command", [True, False])
async def test_who_moves_is_reminded_at_the_hour_of_the_new_place(tmp_path: Path, by_command: bool) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if kind(request) == "scheduled":
            return say("Good morning.")
        if last_words(request) == "I moved.":
            return calls(("set_time_zone", {"zone": "Asia/Tokyo"}), ("send_message", {"message": "Tokyo!"}))
        return calls(
            ("schedule_message", {"when": "0 8 * * *", "about": "say good morning"}),
            ("schedule_message", {"when": "2026-11-22T10:00", "about": "the boat leaves"}),
            ("send_message", {"message": "I will."}),
        )

    async with opened(tmp_path, play) as house:
        await house.say("ada", "Every morning, please.")
        if by_command:
            await command(house, "ada", "heartbeat hours 9-21 Asia/Tokyo")
        else:
            await house.say("ada", "I moved.")
        told = house.rows("SELECT rule, next_at / 1000000 FROM wishes ORDER BY next_at")
    at = dict(told)
    assert at["0 8 * * *"] % 86_400 == 23 * 3_600  # eight in Tokyo
    assert at[""] % 86_400 == 10 * 3_600  # a moment that was named stays


async def test_a_turn_is_undone_across_notes_and_a_flush(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if is_summary(request):
            return ModelReply(text="They talked.")
        if last_words(request).startswith("You wrote") or "seen nothing" in last_words(request):
            return parrot(request)
        return ModelReply(text="") if request.key.endswith("/0") else parrot(request)

    stage = Stage(play)
    async with opened(tmp_path, stage, model={"context_window": 8_192, "reply_reserve": 512}) as house:
        number = 0
        while not any(map(is_summary, stage.requests)):
            await house.clock.sleep(60)
            await house.say("ada", f"{number}: {TALK}")
            number += 1
        assert await command(house, "ada", "pop") == "Undid 1 turn."
        stored = str(house.rows("SELECT text FROM messages WHERE role = 'user'"))
        assert f"{number - 1}: " not in stored
        assert f"{number - 2}: " in stored
        assert "Answering again" in await command(house, "ada", "retry")


async def test_several_notes_are_counted_right(tmp_path: Path) -> None:
    said: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        if request.key.endswith("/0"):
            chunks = ["Ada sails.", "Ada sails.", " ", "x" * 9_000, "Ada lives in Porto."]
            return call("store_memories", chunks=chunks, request_heartbeat=True)
        said.append(results_in(request)[-1]["message"])
        return say("Done.")

    async with opened(tmp_path, play) as house:
        await house.say("ada", "Hello.")
        assert house.rows("SELECT count(*) FROM passages") == [(2,)]
    assert said[0].startswith("Stored 2 of 5. 1 was stored already. number 3 was not: ")
    assert "number 4 was not: " in said[0]


async def test_a_long_message_is_shown_whole_and_a_longer_one_is_read_on_at_once(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if is_summary(request):
            return ModelReply(text="They talked.")
        if "[clipped: " in last_words(request) and request.key.endswith("/0"):
            return call("conversation_search", query="zanzibar", request_heartbeat=True)
        return say(json.dumps(results_in(request)[-1:]))

    stage = Stage(play)
    long, longer = ("It rained. " * times + "At the end stands zanzibar." for times in (400, 9_000))
    async with opened(tmp_path, stage) as house:
        await house.say("ada", long)
        assert events_in(stage.requests[0])[-1]["message"] == long
        (reply,) = await house.say("ada", longer)
        assert "At the end stands zanzibar" in reply.text
        assert max(house.tokens(*stage.requests)) <= 16_384
