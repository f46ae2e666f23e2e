"""People see what is held of them, page by page, correct it, and open single notes to a community."""

from __future__ import annotations

from pathlib import Path

from adapters.text import plain
from bot.events import Action, Entry, View
from bot.ports import ModelReply, ModelRequest
from memory.records import community_audience
from tests.acceptance.test_forgetting import command
from tests.fakes.parlour import House, opened
from tests.fakes.scripted_model import call, say
from tests.fakes.town import heard

HOME, AWAY = community_audience("parlour:home"), community_audience("parlour:away")


def keep(request: ModelRequest) -> ModelReply:
    """Notes what it is told to, and looks up what it is asked."""
    text = str(heard(request).get("message", ""))
    if request.messages[-1]["role"] == "tool":
        return say("Done.")
    word, _, rest = text.partition(" ")
    if word == "note":
        return call("archival_memory_insert", content=rest, request_heartbeat=True)
    if word == "find":
        return call("archival_memory_search", query=rest, page=0, request_heartbeat=True)
    return say("Yes.")


async def notes(house: House, number: int) -> None:
    for n in range(number):
        await house.say("ada", f"note Fact number {n} of Ada")


def ids(view: View) -> list[str]:
    return [entry.note.split(" · ")[0] for entry in view.entries]


async def test_notes_come_page_by_page_newest_first(tmp_path: Path) -> None:
    async with opened(tmp_path, keep) as house:
        assert (await command(house, "ada", "memory notes")).text == "I have no notes here."
        await notes(house, 9)
        overview = await command(house, "ada", "memory")
        assert "Notes (9)" in [action.label for action in overview.actions]
        first = await command(house, "ada", "memory notes")
        assert [entry.text for entry in first.entries] == [f"Fact number {n} of Ada" for n in (8, 7, 6, 5)]
        assert [action.argument for action in first.actions] == ["notes 2"]
        last = await command(house, "ada", "memory notes 3")
        assert [entry.text for entry in last.entries] == ["Fact number 0 of Ada"]
        assert [action.argument for action in last.actions] == ["notes 2"]
        assert (await command(house, "ada", "memory notes 99")).text == "There are 3 pages."


async def test_a_note_is_corrected_and_found_as_it_reads_now(tmp_path: Path) -> None:
    async with opened(tmp_path, keep) as house:
        await house.say("ada", "note Ada plays the violin")
        [uid] = ids(await command(house, "ada", "memory notes"))
        form = (await command(house, "ada", f"memory edit {uid}")).form
        assert form is not None
        assert (form.value, form.argument) == ("Ada plays the violin", f"set {uid}")
        await command(house, "ada", f"memory set {uid} Ada plays the cello")
        await house.say("ada", "find violin")
        await house.say("ada", "find cello")
        hits = house.rows(
            "SELECT rendered FROM messages WHERE author = 'archival_memory_search' ORDER BY key"
        )
        assert ["Ada plays the cello" in row[0] for row in hits] == [False, True]
        assert (await command(house, "ada", f"memory set {uid}")).kind == "error"
        assert (await command(house, "ada", f"memory set {uid} {'x' * 4000}")).kind == "error"
        assert (await command(house, "ada", "memory edit nonsense")).kind == "error"
        assert (await command(house, "bob", f"memory drop {uid}")).kind == "error"
        await command(house, "ada", "memory add I was born in May")
        assert len((await command(house, "ada", "memory notes")).entries) == 2


async def test_a_private_note_is_opened_to_one_community_and_closed_again(tmp_path: Path) -> None:
    home = {"audience": HOME, "place": "home-general"}
    away = {"audience": AWAY, "place": "away-general"}

    async def shown(where: dict[str, str]) -> bool:
        await house.say("ada", "find garden", **where)  # type: ignore[arg-type]
        rows = house.rows(
            "SELECT rendered FROM messages WHERE author = 'archival_memory_search' ORDER BY key"
        )
        return "secret garden" in rows[-1][0]

    async with opened(tmp_path, keep) as house:
        await house.say("ada", "Hello", **home)  # type: ignore[arg-type]
        await house.say("ada", "Hello", **away)  # type: ignore[arg-type]
        await house.say("ada", "note Ada keeps a secret garden")
        [uid] = ids(await command(house, "ada", "memory notes"))
        assert not await shown(home)
        choice = await command(house, "ada", f"memory open {uid}")
        assert {a.argument for a in choice.actions} == {
            f"open {uid} to parlour:home",
            f"open {uid} to parlour:away",
        }
        await command(house, "ada", f"memory open {uid} to parlour:home")
        assert await shown(home)
        assert not await shown(away)
        [entry] = (await command(house, "ada", "memory notes")).entries
        assert "also used in parlour:home" in entry.note
        assert (await command(house, "ada", f"memory open {uid} to parlour:nowhere")).kind == "error"
        assert (await command(house, "ada", f"memory open {uid}", **home)).kind == "error"
        await command(house, "ada", f"memory set {uid} Ada keeps a secret garden and a hut")
        assert await shown(home)
        await command(house, "ada", f"memory close {uid}")
        assert not await shown(home)
        assert len((await command(house, "ada", "memory notes")).entries) == 1


async def test_deleting_an_opened_note_deletes_its_copies(tmp_path: Path) -> None:
    async with opened(tmp_path, keep) as house:
        await house.say("ada", "Hello", audience=HOME, place="general")
        await house.say("ada", "note Ada keeps a secret garden")
        [uid] = ids(await command(house, "ada", "memory notes"))
        await command(house, "ada", f"memory open {uid} to parlour:home")
        sure = await command(house, "ada", f"memory drop {uid}")
        assert [action.argument for action in sure.actions] == [f"drop {uid} yes"]
        assert house.rows("SELECT count(*) FROM passages") == [(2,)]
        await command(house, "ada", f"memory drop {uid} yes")
        assert house.rows("SELECT count(*) FROM passages") == [(0,)]
        assert house.rows("SELECT count(*) FROM openings") == [(0,)]


async def test_a_place_shows_and_changes_only_what_belongs_there(tmp_path: Path) -> None:
    async with opened(tmp_path, keep) as house:
        await house.say("ada", "note Ada keeps a secret garden")
        [uid] = ids(await command(house, "ada", "memory notes"))
        here = {"audience": HOME, "place": "general"}
        assert (await command(house, "ada", "memory notes", **here)).entries == ()
        for line in (f"drop {uid}", f"edit {uid}", f"set {uid} x", f"close {uid}"):
            assert (await command(house, "ada", f"memory {line}", **here)).kind == "error", line
        assert "garden" not in plain(await command(house, "ada", "memory", **here))


def test_a_view_as_text_names_its_commands() -> None:
    entry = Entry(
        text="Ada", note="1a", actions=(Action(label="Edit", command="memory", argument="edit 1a"),)
    )
    view = View(text="Notes", entries=(entry,), actions=(Action(label="Export", command="export"),))
    assert plain(view) == "Notes\n\n1. Ada\n   1a"
    assert plain(view, "/") == "Notes\n\n1. Ada\n   1a\n   /memory edit 1a\n\n/export"
