"""A reflection stands beside the conversation: what it is shown, what it costs, and what it leaves in view."""

from __future__ import annotations

from pathlib import Path

from bot.ports import ModelReply, ModelRequest
from tests.acceptance.test_heartbeats import beats, command, kind, pass_time
from tests.fakes.parlour import Stage, events_in, last_words, opened, text_of
from tests.fakes.scripted_model import call, calls, say
from tests.fakes.town import heard

LONG = "The boat is called Zanzibar and lies in the harbour. " * 9 + "It is blue."


def reflecting(request: ModelRequest) -> ModelReply:
    """Stores, rewrites and ends in three steps."""
    if kind(request) != "heartbeat":
        return say("Yes.")
    return {
        "0": call("store_memories", chunks=["Ada's boat is called Zanzibar."], request_heartbeat=True),
        "1": call("rethink_user_memory", new_value="Has a boat, Zanzibar.", request_heartbeat=True),
    }.get(request.key.rpartition("/")[2], call("finish_rethinking_memory"))


def tools_of(request: ModelRequest) -> set[str]:
    return {tool["function"]["name"] for tool in request.tools}


async def test_it_sees_whole_lines_of_what_is_new_and_the_conversation_stays_as_it_was(
    tmp_path: Path,
) -> None:
    stage = Stage(reflecting)
    async with opened(tmp_path, stage) as house:
        await house.say("ada", LONG)
        await house.say("ada", "Good night.")
        before = stage.requests[-1]
        await command(house, "ada", "heartbeat now")
        await house.app.inbound.settled()
        own = [request for request in stage.requests if kind(request) == "heartbeat"]
        sizes = [size - (r.max_tokens or 0) for r, size in zip(own, house.tokens(*own), strict=True)]
        await house.say("ada", "Good morning.")
    after = stage.requests[-1]
    news = heard(own[0])["news"]
    assert [line.split(" ", 2)[2] for line in news] == [
        f"ada: {LONG}", "ever: Yes.", "ada: Good night.", "ever: Yes.",
    ]  # fmt: skip
    assert len(own) == 3
    assert sum(sizes) <= 7_200  # by our estimate, which is high: 5,000 by o200k_base (benchmarks.heartbeats)
    # Its tools are offered to it alone, and nothing before the next message has changed.
    assert {"rethink_memory", "store_memories", "finish_rethinking_memory"} <= tools_of(own[0])
    assert not {"rethink_memory", "store_memories", "finish_rethinking_memory"} & tools_of(after)
    assert (before.tools, "schedule_message" in tools_of(after)) == (after.tools, True)
    assert [text_of(m) for m in after.messages][: len(before.messages)] == [
        text_of(m) for m in before.messages
    ]
    # What it changed is told, and nothing else of it.
    assert [event["type"] for event in events_in(after)] == [
        "user_joined", "message", "message", "core_memory", "message",
    ]  # fmt: skip
    assert "Has a boat, Zanzibar." in str(events_in(after)[3]["blocks"])


async def test_nothing_but_its_message_stays_in_view(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if kind(request) != "heartbeat":
            return say("Yes.")
        if request.key.endswith("/0"):
            return call("archival_memory_search", query="boat", request_heartbeat=True)
        return ModelReply(
            text="THOUGHT: I miss her.",
            calls=calls(
                ("store_memories", {"chunks": ["Ada sails."]}),
                ("send_message", {"message": "How was the sea?"}),
            ).calls,
        )

    stage = Stage(play)
    async with opened(tmp_path, stage) as house:
        await house.say("ada", "Hello.")
        await command(house, "ada", "heartbeat on")
        await pass_time(house, 5)
        assert [reply.text for reply in house.parlour.posted][-1] == "How was the sea?"
        await house.say("ada", "Rough!")
    shown = stage.requests[-1].messages[1:]
    assert [m["role"] for m in shown] == ["user", "user", "assistant", "tool", "assistant", "tool", "user"]
    assert [event["type"] for event in events_in(stage.requests[-1])] == ["user_joined", "message", "message"]
    spoken = text_of(shown[4])
    assert "How was the sea?" in spoken
    assert "THOUGHT" not in spoken
    assert "store_memories" not in spoken
    assert stage.problems == []


async def test_news_too_much_for_one_beat_are_the_next_ones(tmp_path: Path) -> None:
    told: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        if kind(request) == "heartbeat":
            told.extend(heard(request)["news"])
            return ModelReply(text="Nothing to do.")
        return say("Yes.")

    async with opened(tmp_path, play) as house:
        for number in range(12):
            await house.clock.sleep(60)
            await house.say("ada", f"Fact {number}: {LONG}")
        await pass_time(house, 12)
        assert 1 < beats(house) < 6
    facts = [line for line in told if "Fact" in line]
    assert [line.split("Fact ")[1].split(":")[0] for line in facts] == [str(n) for n in range(12)]
    assert all(line.endswith("It is blue.") for line in facts)


async def test_own_notes_that_may_say_otherwise_stand_beside_the_news(tmp_path: Path) -> None:
    """By their ids, so that the reflection can replace them: not what is about something else, nor what was noted of
    the news itself."""
    home, garden = "Ada lives in Porto, by the harbour.", "Ada grows tomatoes."
    notes = {"I live in Porto, by the harbour.": home, "Tomatoes need much water.": garden}
    moved = {"id": "n1", "content": "Ada lives in Ghent.", "request_heartbeat": True}

    def play(request: ModelRequest) -> ModelReply:
        if kind(request) == "heartbeat":
            first = request.key.endswith("/0")
            return call("archival_memory_replace", **moved) if first else call("finish_rethinking_memory")
        kept = (
            [("archival_memory_insert", {"content": notes[said]})]
            if (said := last_words(request)) in notes
            else []
        )
        return calls(*kept, ("send_message", {"message": "Ah."}))

    stage = Stage(play)
    async with opened(tmp_path, stage) as house:
        for text in (*notes, "I have left Porto: I live in Ghent."):
            await house.say("ada", text)
        await command(house, "ada", "heartbeat now")
        await house.app.inbound.settled()
        beat = heard(next(request for request in stage.requests if kind(request) == "heartbeat"))
        held = house.rows("SELECT text FROM passages WHERE until IS NULL")
    assert beat["related"] == [f"n1 2026-11-21 {home}"]
    assert sorted(held) == [(garden,), ("Ada lives in Ghent.",)]
