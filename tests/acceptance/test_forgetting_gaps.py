"""Forgetting leaves no gap: copies, what is on its way, bystanders, views, and what cannot be done at once."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli import transfer
from bot.events import DocumentUploaded, Quote
from memory.errors import StoreUnavailable
from memory.records import community_audience
from tests.acceptance.test_forgetting import CANARIES, command, found, scribe
from tests.acceptance.test_forgetting_lore import PLACE, say_there, teller, texts
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.parlour import House, opened

GUILD = community_audience("parlour:guild")


async def open_note(house: House) -> None:
    """Ada tells a secret in private, and opens the note of it to a community."""
    await house.say("ada", "hello, quietly", audience=GUILD, place="hall")
    await house.say("ada", f"My secret is {CANARIES[0]}")
    [(uid,)] = house.rows("SELECT uid FROM passages")
    await command(house, "ada", f"memory open {uid[:8]} to parlour:guild")
    assert len(house.rows("SELECT uid FROM passages")) == 2


@pytest.mark.parametrize("line", ["forget here yes", "pop 1"])
async def test_a_copy_that_was_opened_to_others_goes_with_its_original(tmp_path: Path, line: str) -> None:
    async with opened(tmp_path, scribe) as house:
        await open_note(house)
        await command(house, "ada", line)
        assert house.rows("SELECT uid FROM passages") == []
        assert house.rows("SELECT * FROM openings") == []


async def test_what_was_still_being_read_is_not_stored_after_it(tmp_path: Path) -> None:
    async with opened(tmp_path, scribe) as house:
        await house.say("ada", "hello, quietly")
        coming = house.message("ada", f"My diary: {CANARIES[0]}")
        facts = {name: value for name, value in house.who("ada").items() if name != "key"}
        file = DocumentUploaded(**facts, key=f"{coming.key}/1", document="x.txt", text=CANARIES[1])
        assert await house.app.inbound.awaits(coming)
        await command(house, "ada", "forget yes")
        told = await house.app.inbound.submit(file)
        assert told is not None
        assert "let it go" in told.text
        assert await house.app.inbound.submit(coming) is None  # that is said once
        assert house.rows("SELECT count(*) FROM users") == [(0,)]
        assert found(tmp_path) == {}
        assert await house.say("ada", "I am new here, quietly.") != []


async def test_what_another_place_is_waiting_for_is_not_forgotten_with_this_one(tmp_path: Path) -> None:
    async with opened(tmp_path, scribe) as house:
        await house.say("ada", "hello, quietly")
        elsewhere = house.message("ada", "and here, quietly", audience=GUILD, place="hall")
        here = house.message("ada", f"My secret is {CANARIES[0]}")
        for event in (elsewhere, here):
            assert await house.app.inbound.awaits(event)
        await command(house, "ada", "forget here yes")
        assert await house.app.inbound.submit(here) is not None
        assert len(await house.tell(elsewhere)) == 1
        assert found(tmp_path) == {}


async def test_who_never_talked_with_us_is_forgotten_by_the_operator(tmp_path: Path) -> None:
    async with opened(tmp_path, scribe) as house:
        line = Quote(text=f"Mine is {CANARIES[0]}", key="parlour:1", account="parlour:bob")
        await house.tell(house.message("ada", "and yours? quietly", context=(line,)))
        settings = house.settings
        assert found(tmp_path)
    assert await transfer.forget(settings, "parlour:bob", sure=True) == 0
    assert found(tmp_path) == {}
    assert await transfer.forget(settings, "parlour:bob", sure=True) == 1  # nothing is held


async def test_what_an_admin_deletes_from_lore_leaves_every_view(tmp_path: Path) -> None:
    async with opened(tmp_path, teller) as house:
        await say_there(house, "ada", f"tell The treasure is called {CANARIES[0]}")
        await say_there(house, "bob", "find treasure")
        assert (
            CANARIES[0]
            in house.rows("SELECT group_concat(rendered) FROM messages WHERE author LIKE 'arch%'")[0][0]
        )
        async with house.app.memory.store.read() as session:
            [archive] = [archive for archive in await session.passages.archives() if archive.kind != "own"]
            [entry] = await session.passages.page(archive.id, None)
        await house.app.inbound.reword_lore(entry, "")
        shown = house.rows("SELECT group_concat(rendered) FROM messages WHERE author LIKE 'arch%search'")
        assert CANARIES[0] not in shown[0][0]
        assert texts(house) == set()


async def test_a_chore_that_cannot_be_done_keeps_nobody_elses_waiting(tmp_path: Path) -> None:
    async with opened(tmp_path, scribe) as house:
        await house.say("ada", f"My secret is {CANARIES[0]}")
        async with house.app.memory.store.write() as session:
            await session.erasing.add_chores(
                ["archive:none", "files:" + "x" * 5_000], house.clock.now() - timedelta(9)
            )
        answer = await command(house, "ada", "forget yes")
        assert answer.text.startswith("Forgotten")
        assert found(tmp_path) == {}


async def test_a_lost_index_stops_neither_searches_nor_forgetting_and_is_made_anew(tmp_path: Path) -> None:
    async with opened(tmp_path, teller, clock=FakeClock(), embedder=WordsEmbedder()) as house:
        await say_there(house, "ada", "tell The fair is in May")
        await say_there(house, "bob", "tell The mill burned down")
        indexer = house.app.memory.indexer
        await indexer.drain()
        shutil.rmtree(tmp_path / "chroma")
        (tmp_path / "chroma").write_text("no folder at all")
        await say_there(house, "bob", "find the fair in May")
        shown = "SELECT rendered FROM messages WHERE author = 'archival_memory_search' ORDER BY key DESC"
        assert "The fair is in May" in house.rows(shown)[0][0]
        assert (await command(house, "ada", "forget yes", **PLACE)).text.startswith("Forgotten")
        assert texts(house) == {"The mill burned down"}
        (tmp_path / "chroma").unlink()
        await say_there(house, "bob", "tell The well is deep")
        for _ in range(2):  # the first one may only find it damaged
            await indexer.drain()
        assert house.rows("SELECT count(*) FROM passages WHERE NOT indexed") == [(0,)]
        [(archive,)] = house.rows("SELECT id FROM archives WHERE kind != 'own'")
        vectors = await indexer.vectors(["The mill burned down"])
        assert vectors is not None
        [vector] = vectors
        [(key, _)] = await (await indexer.index_of(archive)).search(archive, vector, None, 1)
        assert house.rows("SELECT text FROM passages WHERE key = ?", key) == [("The mill burned down",)]


async def test_a_store_that_is_away_is_said_not_swallowed(tmp_path: Path) -> None:
    async with opened(tmp_path, scribe) as house:
        await house.say("ada", "hello, quietly")
        await house.app.memory.store.close()
        with pytest.raises(StoreUnavailable):
            await command(house, "ada", "forget yes")
