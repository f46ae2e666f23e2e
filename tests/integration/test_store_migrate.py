"""A lived-in data directory is moved into PostgreSQL, and talks on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.cli.store import migrate
from bot.ports import ModelReply, ModelRequest
from bot.settings import Settings, StoreSettings
from memory.errors import StoreBusy, StoreUnavailable
from memory.records import community_audience
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.parlour import House, Stage, last_words, opened, parrot, whole
from tests.fakes.postgres_server import NewDatabase, asked, lacking
from tests.fakes.scripted_model import calls

pytestmark = pytest.mark.postgres
SQLITE = SecretStr("")


@pytest.fixture
async def url() -> AsyncIterator[SecretStr]:
    if why := lacking():
        pytest.skip(why)
    database = NewDatabase()
    yield SecretStr(await database.url(empty=True))
    await database.drop()


def at(folder: Path, url: SecretStr | None = None) -> Settings:
    return Settings(data_dir=folder, store=StoreSettings(url=url))


def noting(request: ModelRequest) -> ModelReply:
    """Whoever says "note" has it noted and learned; others are answered."""
    words = last_words(request)
    if "note" in words:
        return calls(
            ("archival_memory_insert", {"content": "Ada sails a boat called Wren.", "tags": ["boats"]}),
            ("core_memory_append", {"label": "human", "content": "Sails."}),
            ("send_message", {"message": "Noted."}),
        )
    return parrot(request)


async def lived_in(house: House) -> None:
    await house.say("ada", "My dog is called Biscuit.")
    await house.say("ada", "Please note my boat.")
    await house.say("ada", "one\0two \U0001f98a", audience=community_audience("parlour:1"), place="club")
    await house.say("bob", "I am Bob.")
    await house.say("eve", "Forget me soon.")
    async with house.app.memory.store.read() as session:
        agents = await session.agents.agents()
    async with house.app.memory.store.write() as session:  # the newest id is gone, and is not given again
        await session.agents.delete_agent(agents[-1].id)


@pytest.mark.essential
async def test_all_of_it_arrives_and_talks_on(
    url: SecretStr, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked_for, go_on = asyncio.Event(), asyncio.Event()

    async def play(request: ModelRequest) -> ModelReply:
        if "harbour" in last_words(request):
            asked_for.set()
            await go_on.wait()
        return noting(request)

    async with opened(tmp_path, play, url=SQLITE, embedder=WordsEmbedder()) as house:
        await lived_in(house)
        event = house.message("ada", "We walked to the harbour.")
        await house.app.inbound.submit(event)
        await asked_for.wait()  # a turn is under way when the process ends
        with pytest.raises(StoreBusy):
            await migrate(at(tmp_path), url.get_secret_value())
        before = house.rows("SELECT key, text, rendered, created_at, salience, event_key FROM messages")
        newest = house.rows("SELECT seq FROM sqlite_sequence WHERE name = 'agents'")[0][0]
    assert await migrate(at(tmp_path), url.get_secret_value()) == 0
    assert "compared with those here one by one" in capsys.readouterr().out
    go_on.set()

    stage = Stage(play)
    async with opened(tmp_path, stage, url=url, embedder=WordsEmbedder()) as house:
        await house.settled(event.address)
        assert [reply.text for reply in house.parlour.posted] == ["You said: We walked to the harbour."]
        found = house.rows("SELECT key, text, rendered, created_at, salience, event_key FROM messages")
        held = {(key, text.replace("\0", "\N{REPLACEMENT CHARACTER}"), *more) for key, text, *more in before}
        assert held <= set(found)
        async with house.app.memory.store.read() as session:
            user = await session.agents.user_of("parlour:ada")
            assert user is not None
            [agent] = await session.agents.agents_of(user.id)
            hits = await session.passages.postings(agent.archive_id, ["wren"], None)
            assert len(hits["wren"]) == 1
            turns = await session.mailbox.turns_of(agent.id)
            assert [turn.started_at for turn in turns] == sorted(turn.started_at for turn in turns)
        await house.say("ada", "What is my dog called?")
        assert "Biscuit" in whole(stage.requests[-1])
        assert "Sails." in whole(stage.requests[-1])
        await house.say("mia", "I am new.")
        assert house.rows("SELECT max(id) FROM agents") == [(newest + 1,)]


async def test_nobody_goes_on_with_what_was_moved(url: SecretStr, tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, url=SQLITE) as house:
        await house.say("ada", "hello")
    assert await migrate(at(tmp_path, url), None) == 0
    with pytest.raises(StoreUnavailable, match=r"was moved to postgresql://.*store\.url.*remove .*moved-to"):
        async with opened(tmp_path, parrot, url=SQLITE):
            pass
    with pytest.raises(StoreUnavailable, match="was moved to"):
        await migrate(at(tmp_path), url.get_secret_value())


async def test_a_database_that_is_used_is_left_as_it_was(url: SecretStr, tmp_path: Path) -> None:
    async with opened(tmp_path / "other", parrot, url=url) as house:
        await house.say("bob", "hello")
    async with opened(tmp_path / "mine", parrot, url=SQLITE) as house:
        await house.say("ada", "hello")
    with pytest.raises(StoreUnavailable, match="holds something already"):
        await migrate(at(tmp_path / "mine"), url.get_secret_value())
    async with asked(url.get_secret_value()) as connection:
        assert [row[0] for row in await connection.fetch("SELECT name FROM users")] == ["bob"]
    async with opened(tmp_path / "mine", parrot, url=SQLITE) as house:
        await house.say("ada", "nothing was moved")


async def test_what_does_not_arrive_as_it_was_sent_moves_nothing(url: SecretStr, tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, url=SQLITE) as house:
        await house.say("ada", "hello")
    async with opened(tmp_path / "empty", parrot, url=url):
        pass
    async with asked(url.get_secret_value()) as connection:
        await connection.execute("DELETE FROM personas; DELETE FROM blocks")
        await connection.execute(
            "CREATE FUNCTION spoilt() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.text := upper(NEW.text); RETURN NEW; END $$"
        )
        await connection.execute(
            "CREATE TRIGGER spoilt BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION spoilt()"
        )
    with pytest.raises(StoreUnavailable, match="messages did not arrive as it was sent"):
        await migrate(at(tmp_path), url.get_secret_value())
    assert not (tmp_path / "moved-to").exists()
    async with asked(url.get_secret_value()) as connection:
        assert await connection.fetchval("SELECT count(*) FROM messages") == 0


async def test_there_is_nothing_to_move_in_an_empty_directory(url: SecretStr, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="nothing to move"):
        await migrate(at(tmp_path / "nothing"), url.get_secret_value())
    with closing(sqlite3.connect(":memory:")):
        assert await migrate(at(tmp_path / "nothing"), None) == 2
