"""Told in words to forget something, the agent forgets it: at once, everywhere, and for good after ten minutes."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters.text import plain
from bot.agent.forgetting import KEPT
from bot.ports import ModelReply, ModelRequest
from tests.acceptance.test_forgetting import command, found
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House, opened, results_in, whole
from tests.fakes.scripted_model import call, calls, say
from tests.fakes.town import heard

SECRET = "Vexquillonbrand"
PIN = "8842-1190-7731-0065"


class Mind:
    """Says what it is given to say, in that order, and then only ``OK``."""

    def __init__(self) -> None:
        self.lines: deque[ModelReply] = deque()
        self.asked: list[ModelRequest] = []

    def play(self, request: ModelRequest) -> ModelReply:
        self.asked.append(request)
        if heard(request)["type"] == "summarize":
            return ModelReply(text=f"They told a secret: {SECRET}." if SECRET in whole(request) else "Bees.")
        return self.lines.popleft() if self.lines else say("OK")

    def then(self, *replies: ModelReply) -> None:
        self.lines.extend(replies)


def again(tool: str, **arguments: Any) -> ModelReply:
    return call(tool, **arguments, request_heartbeat=True)


async def learn(house: House, mind: Mind) -> None:
    """The agent hears a secret, and writes it down in every way."""
    text = f"The secret word is {SECRET}"
    mind.then(
        calls(
            ("core_memory_append", {"label": "human", "content": f"Secret word: {SECRET}"}),
            (
                "archival_memory_insert",
                {"content": f"Ada's secret word is {SECRET}", "request_heartbeat": True},
            ),
        ),
        say(f"I keep it: {SECRET}"),
    )
    await house.say("ada", text)
    await house.say("ada", "Let us talk of bees")


def ids(house: House, kind: str) -> list[str]:
    """The ids of all messages or notes that hold the secret."""
    query = {"m": "SELECT key, text FROM messages", "n": "SELECT key, text FROM passages"}[kind]
    return [f"{kind}{key & 0xFFFFFFFF}" for key, text in house.rows(query) if SECRET in text]


async def forget(house: House, mind: Mind) -> None:
    """The agent does what it is asked."""
    mind.then(
        calls(
            ("archival_memory_delete", {"id": ids(house, "n")[0]}),
            (
                "core_memory_replace",
                {"label": "human", "old_content": f"Secret word: {SECRET}", "new_content": ""},
            ),
            ("conversation_forget", {"ids": ids(house, "m"), "request_heartbeat": True}),
        ),
        say(f"I have forgotten {SECRET}."),
    )
    await house.say("ada", f"Please forget the secret word {SECRET}")


async def test_what_is_to_be_forgotten_is_nowhere_to_be_seen_and_gone_after_ten_minutes(
    tmp_path: Path,
) -> None:
    clock, mind = FakeClock(), Mind()
    async with opened(tmp_path, mind.play, clock=clock) as house:
        await learn(house, mind)
        assert SECRET in plain(await command(house, "ada", "memory"))
        await forget(house, mind)
        for shown in ("memory", "memory notes", "memory history"):
            assert SECRET not in plain(await command(house, "ada", shown))
        held = [
            *house.rows("SELECT text, rendered FROM messages"),
            *house.rows("SELECT text FROM passages"),
            *house.rows("SELECT value FROM blocks"),
            *house.rows("SELECT payload FROM inbox"),
        ]
        assert [row for row in held if SECRET in str(row)] == []
        mind.then(again("conversation_search", query="secret word"), say("Nothing."))
        await house.say("ada", "What was it?")
        assert SECRET not in whole(mind.asked[-1])
        assert SECRET.lower() not in str(house.rows("SELECT terms FROM messages_terms")).lower()
        [file] = (await command(house, "ada", "export")).files
        assert SECRET.encode() not in file.data
        clock.advance(KEPT.total_seconds())
        await house.app.erasure.tidy(urgent=True)
        assert house.rows("SELECT count(*) FROM wastebasket") == [(0,)]
    assert found(tmp_path, [SECRET]) == {}


async def test_for_ten_minutes_it_can_be_brought_back(tmp_path: Path) -> None:
    clock, mind = FakeClock(), Mind()
    async with opened(tmp_path, mind.play, clock=clock) as house:
        await learn(house, mind)
        before = house.rows("SELECT key, uid, text, tags, created_at FROM passages")
        said = house.rows("SELECT key, text FROM messages WHERE text != '' ORDER BY key")
        await forget(house, mind)
        await house.app.erasure.tidy(urgent=True)
        clock.advance(KEPT.total_seconds() - 60)
        back = plain(await command(house, "ada", "memory undo"))
        assert f"Ada's secret word is {SECRET}" in back
        assert house.rows("SELECT key, uid, text, tags, created_at FROM passages") == before
        now = house.rows("SELECT key, text FROM messages WHERE text != '' ORDER BY key")
        assert now[: len(said)] == said
        assert f"Secret word: {SECRET}" in plain(await command(house, "ada", "memory"))
        mind.then(again("archival_memory_search", query="secret word"), say("That."))
        await house.say("ada", "What was it?")
        assert SECRET in str(results_in(mind.asked[-1]))
        clock.advance(KEPT.total_seconds())
        await house.app.erasure.tidy(urgent=True)
        assert house.rows("SELECT key, uid, text, tags, created_at FROM passages") == before
        again_ = await command(house, "ada", "memory undo")
        assert again_.kind == "error"
        assert "last ten minutes" in again_.text


async def test_the_agent_is_told_where_else_it_stands(tmp_path: Path) -> None:
    mind = Mind()
    async with opened(tmp_path, mind.play) as house:
        await learn(house, mind)
        mind.then(again("archival_memory_delete", id=ids(house, "n")[0]), say("Done."))
        await house.say("ada", "Forget my secret word, please")
        told = str(results_in(mind.asked[-1]))
        assert "core memory human" in told
        assert all(each in told for each in ids(house, "m"))


async def test_a_summary_that_tells_of_it_goes(tmp_path: Path) -> None:
    mind = Mind()
    async with opened(tmp_path, mind.play, model={"context_window": 8_192, "reply_reserve": 512}) as house:
        await learn(house, mind)
        for number in range(9):
            await house.say("ada", f"Number {number}. " + "We talk of bees and of the garden. " * 150)
        assert SECRET in str(house.rows("SELECT text FROM summaries"))
        await forget(house, mind)
        assert house.rows("SELECT text FROM summaries WHERE text LIKE ?", f"%{SECRET}%") == []
        assert SECRET not in whole(mind.asked[-1]) or "Please forget" in whole(mind.asked[-1])


async def test_nobody_else_can_bring_it_back_or_have_it_forgotten(tmp_path: Path) -> None:
    mind = Mind()
    async with opened(tmp_path, mind.play) as house:
        await learn(house, mind)
        [note], messages = ids(house, "n"), ids(house, "m")
        mind.then(
            calls(
                ("archival_memory_delete", {"id": note}),
                ("conversation_forget", {"ids": messages, "request_heartbeat": True}),
            ),
            say("I can't."),
        )
        await house.say("bob", "Forget the secret word of Ada's")
        assert [status["status"] for status in results_in(mind.asked[-1])[-2:]] == ["Failed", "Failed"]
        await forget(house, mind)
        assert (await command(house, "bob", "memory undo")).kind == "error"
        assert SECRET in plain(await command(house, "ada", "memory undo"))


async def test_a_person_takes_a_line_out_of_core_memory_by_hand(tmp_path: Path) -> None:
    mind = Mind()
    async with opened(tmp_path, mind.play) as house:
        await learn(house, mind)
        await command(house, "ada", "memory set human Likes bees")
        await command(house, "ada", f"memory set human Likes bees\nPIN {PIN}")
        await command(house, "ada", "memory set human Likes bees")
        past = plain(await command(house, "ada", "memory history"))
        assert PIN not in past
        assert "Likes bees" in past
        assert PIN in plain(await command(house, "ada", "memory undo"))
        assert f"PIN {PIN}" in plain(await command(house, "ada", "memory"))


async def test_a_correction_stays_in_the_history(tmp_path: Path) -> None:
    mind = Mind()
    async with opened(tmp_path, mind.play) as house:
        await command(house, "ada", "memory set human Lives in Berlin")
        mind.then(
            call(
                "core_memory_replace",
                label="human",
                old_content="Lives in Berlin",
                new_content="Lives in Hamburg",
            )
        )
        await house.say("ada", "I moved to Hamburg")
        past = plain(await command(house, "ada", "memory history"))
        assert "Lives in Berlin" in past
        assert "Lives in Hamburg" in past


async def test_a_beat_forgets_nothing(tmp_path: Path) -> None:
    mind = Mind()
    async with opened(tmp_path, mind.play) as house:
        await learn(house, mind)
        mind.then(again("archival_memory_delete", id=ids(house, "n")[0]), call("finish_rethinking_memory"))
        await command(house, "ada", "heartbeat now")
        assert len(ids(house, "n")) == 1


async def test_a_note_dropped_by_hand_comes_back_by_hand(tmp_path: Path) -> None:
    clock, mind = FakeClock(), Mind()
    async with opened(tmp_path, mind.play, clock=clock) as house:
        await learn(house, mind)
        [(uid,)] = house.rows("SELECT uid FROM passages")
        dropped = await command(house, "ada", f"memory drop {uid[:8]} yes")
        assert "/memory undo" in dropped.text
        assert ids(house, "n") == []
        clock.advance(timedelta(minutes=9).total_seconds())
        await command(house, "ada", "memory undo")
        assert len(ids(house, "n")) == 1


async def test_what_was_told_beside_it_stays(tmp_path: Path) -> None:
    """Neither a date nor a name that is known anyway makes innocent lines go, or be named to the agent as telling."""
    mind = Mind()
    async with opened(tmp_path, mind.play, clock=FakeClock()) as house:
        mind.then(
            calls(
                ("core_memory_append", {"label": "human", "content": "Sister: Ines, lives in Porto."}),
                ("archival_memory_insert", {"content": "On 2026-11-21 Ada was at the vet with her cat."}),
                ("send_message", {"message": "I see."}),
            ),
            calls(
                ("core_memory_append", {"label": "human", "content": f"PIN {PIN}, as of 2026-11-21."}),
                ("send_message", {"message": "Kept, and told to nobody."}),
            ),
        )
        await house.say("ada", "My sister is called Ines. I was at the vet with my cat.")
        await house.say("ada", f"Between us and Ines: my PIN is {PIN}.")
        (told,) = (f"m{k & 0xFFFFFFFF}" for k, t in house.rows("SELECT key, text FROM messages") if PIN in t)
        mind.then(
            calls(
                (
                    "core_memory_replace",
                    {"label": "human", "old_content": f"PIN {PIN}, as of 2026-11-21.", "new_content": ""},
                ),
                ("conversation_forget", {"ids": [told], "request_heartbeat": True}),
            ),
            say("It is gone."),
        )
        await house.say("ada", "We go to Sintra with Ines. And forget my PIN, please.")
        *_, removed, forgotten = (str(r["message"]) for r in results_in(mind.asked[-1]))
        assert "n1" not in removed + forgotten, "the vet has nothing to do with it"
        assert "core memory human" not in removed + forgotten
        assert '"Sister: Ines, lives in Porto."' in whole(mind.asked[-1]).replace("\\", ""), (
            "it sees what it knows"
        )
        await house.say("ada", "Where do we go?")
        shown = whole(mind.asked[-1])
        assert PIN not in shown
        assert "We go to Sintra with Ines." in shown
        assert "called Ines" in shown
        assert "forget my PIN" not in shown


async def test_a_farewell_by_name_stays(tmp_path: Path) -> None:
    """Who talks with whom was not to be forgotten: neither at once nor when it is gone for good."""
    clock, mind, farewell = FakeClock(), Mind(), "Done. Sleep well, Ada, your Ever."
    async with opened(tmp_path, mind.play, clock=clock) as house:
        note = {"content": f"Ada told Ever that her secret word is {SECRET}"}
        mind.then(call("archival_memory_insert", **note, request_heartbeat=True), say("I keep it."))
        await house.say("ada", f"The secret word is {SECRET}")
        [*told] = ids(house, "m")
        mind.then(
            calls(
                ("archival_memory_delete", {"id": "n1"}),
                ("conversation_forget", {"ids": told, "request_heartbeat": True}),
            ),
            say(farewell),
        )
        await house.say("ada", "Forget the secret word, please")
        assert (farewell,) in house.rows("SELECT text FROM messages")
        clock.advance(KEPT.total_seconds())
        await house.app.erasure.tidy(urgent=True)
        assert house.rows("SELECT count(*) FROM wastebasket") == [(0,)]
        assert (farewell,) in house.rows("SELECT text FROM messages")
        assert (farewell,) in house.rows("SELECT text FROM outbox")
    assert found(tmp_path, [SECRET]) == {}
