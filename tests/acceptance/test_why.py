"""How do you know? Told of every line of core memory, note and reply: by /why, by a button, and by a tool."""

from __future__ import annotations

from pathlib import Path

from adapters.text import plain
from bot.events import Quote
from memory.records import community_audience
from tests.acceptance.test_forgetting import command
from tests.acceptance.test_forgetting_wishes import Mind, again
from tests.fakes.parlour import opened, results_in
from tests.fakes.scripted_model import call, calls, say

HERE = community_audience("parlour:guild")


async def test_a_line_and_a_note_lead_to_the_message_that_they_came_from(tmp_path: Path) -> None:
    mind = Mind()
    async with opened(tmp_path, mind.play) as house:
        await house.say("ada", "Good morning")
        mind.then(
            calls(
                ("core_memory_append", {"label": "human", "content": "Lives in Hamburg"}),
                (
                    "archival_memory_insert",
                    {"content": "Ada's sister Ida has a boat", "request_heartbeat": True},
                ),
            ),
            say("Noted."),
        )
        await house.say("ada", "I live in Hamburg now, and my sister Ida has a boat")
        await house.say("ada", "What a day")
        for asked in ("Lives in Hamburg", "n1", "Ida has a boat", "human"):
            told = plain(await command(house, "ada", f"why {asked}"))
            assert "I live in Hamburg now, and my sister Ida has a boat" in told, asked
            assert "It came from" in told
            assert "What a day" not in told
        notes = await command(house, "ada", "memory notes")
        [why] = [action for action in notes.entries[0].actions if action.command == "why"]
        assert "sister Ida" in plain(await command(house, "ada", f"why {why.argument}"))
        mind.then(again("memory_sources", text="Ida has a boat"), say("You told me."))
        await house.say("ada", "How do you know of the boat?")
        assert "I live in Hamburg now" in str(results_in(mind.asked[-1])[-1])


async def test_what_was_said_elsewhere_is_not_told_where_it_may_not_be_seen(tmp_path: Path) -> None:
    mind = Mind()
    async with opened(tmp_path, mind.play) as house:
        mind.then(call("archival_memory_insert", content="Ada's PIN is 4711"))
        await house.say("ada", "My PIN is 4711")
        told = await command(house, "ada", "why PIN is 4711", audience=HERE, place="general")
        assert told.kind == "error"
        assert "4711" in plain(await command(house, "ada", "why PIN is 4711"))
        assert (await command(house, "bob", "why PIN is 4711")).kind == "error"


async def test_what_somebody_else_says_is_marked(tmp_path: Path) -> None:
    mind = Mind()
    async with opened(tmp_path, mind.play) as house:
        mind.then(call("archival_memory_insert", content="The party is at nine on the red boat"))
        quote = Quote(
            account="parlour:eve", key="parlour:9", text="Eve: The party is at nine on the red boat"
        )
        asked = house.message("ada", "Please remember that", audience=HERE, place="general", reply_to=quote)
        await house.tell(asked)
        told = plain(await command(house, "ada", "why party on the red boat", audience=HERE, place="general"))
        assert "That is what a quoted message says, not you." in told
        notes = plain(await command(house, "ada", "memory notes", audience=HERE, place="general"))
        assert "says a quoted message" in notes


async def test_notes_are_found_by_words_and_a_change_within_a_line_is_told(tmp_path: Path) -> None:
    mind = Mind()
    async with opened(tmp_path, mind.play) as house:
        for text in ("Ida has a boat", "Bees need sugar in autumn", "The rent is due on Monday"):
            await command(house, "ada", f"memory add {text}")
        found = await command(house, "ada", "memory find boat")
        assert [entry.text for entry in found.entries] == ["Ida has a boat"]
        assert "no note of that" in (await command(house, "ada", "memory find zeppelin")).text
        assert (await command(house, "bob", "memory find boat")).entries == ()
        assert (await command(house, "ada", "memory find")).kind == "error"
        await command(house, "ada", "memory set human Lives in Berlin with two cats")
        await command(house, "ada", "memory set human Lives in Hamburg with two cats")
        past = plain(await command(house, "ada", "memory history"))
        assert "- Lives in Berlin with two cats" in past
        assert "(Berlin → Hamburg)" in past
