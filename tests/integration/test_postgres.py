"""Everbot on PostgreSQL: one setting, one process that has it, backups, and a server that goes away."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.cli.backup import backup, restore
from bot.cli.doctor import examine
from bot.cli.standby import workers
from bot.errors import SettingsError
from bot.events import Command, origin_of
from bot.settings import load
from memory.errors import StoreBusy, StoreUnavailable
from tests.fakes.parlour import House, Stage, opened, parrot, settings_at, whole
from tests.fakes.postgres_server import NewDatabase, asked, lacking, whole_server_files_with

pytestmark = pytest.mark.postgres


@pytest.fixture
async def url() -> AsyncIterator[SecretStr]:
    if why := lacking():
        pytest.skip(why)
    database = NewDatabase()
    yield SecretStr(await database.url())
    await database.drop()


async def cut(url: SecretStr) -> None:
    """The server ends all connections to the database."""
    async with asked(url.get_secret_value()) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid() "
            "AND datname = current_database()"
        )


async def test_all_is_in_the_database_and_nothing_of_it_in_the_data_directory(
    url: SecretStr, tmp_path: Path
) -> None:
    async with opened(tmp_path / "one", parrot, url=url) as house:
        await house.say("ada", "My dog is called Biscuit.")
        assert [row[0] for row in house.rows("SELECT name FROM users")] == ["ada"]
    stage = Stage(parrot)
    async with opened(tmp_path / "two", stage, url=url) as house:
        [reply] = await house.say("ada", "What is my dog called?")
    assert reply.text == "You said: What is my dog called?"
    assert "Biscuit" in whole(stage.requests[-1])
    for file in (tmp_path / "one").rglob("*"):
        assert not file.is_file() or b"Biscuit" not in file.read_bytes()


async def test_where_it_is_sealed_privacy_says_so_and_what_was_said_stands_nowhere(
    url: SecretStr, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    async with opened(tmp_path / "one", parrot, url=url, keys=keys) as house:
        await house.say("ada", "My dog is called Quillibrand.")
        assert "with a key of your own" in await said(house, "privacy")
        assert await whole_server_files_with(url.get_secret_value(), b"Quillibrand") == []
    stage = Stage(parrot)
    async with opened(tmp_path / "two", stage, url=url, keys=keys) as house:
        await house.say("ada", "What is my dog called?")
        assert "Quillibrand" in whole(stage.requests[-1])
        await said(house, "forget", "yes")
        assert [file.stat().st_size for file in keys.glob("*/agent-1")] == [0]
        await house.say("ada", "Hello again.")
        assert "Quillibrand" not in whole(stage.requests[-1])
        # Neither in tables nor in the log of writes: a base backup is a copy of these.
        assert await whole_server_files_with(url.get_secret_value(), b"Quillibrand") == []
    async with opened(tmp_path / "three", parrot, url=SecretStr("")) as house:
        assert "with a key of your own" not in await said(house, "privacy")


async def said(house: House, name: str, argument: str = "") -> str:
    command = Command(**origin_of(house.message("ada", "")), command=name, argument=argument)
    return (await house.app.inbound.invoke(command)).text


@pytest.mark.essential
async def test_one_process_has_the_database_and_a_second_one_is_told_who(
    url: SecretStr, tmp_path: Path
) -> None:
    async with opened(tmp_path / "one", parrot, url=url) as house:
        await house.say("ada", "hello")
        with pytest.raises(StoreBusy, match=r"is in use by everbot test, process \d+ on .*store\.url"):
            async with opened(tmp_path / "two", parrot, url=url):
                pass
        await house.say("ada", "still here")
    async with opened(tmp_path / "two", parrot, url=url) as house:
        await house.say("ada", "and now here")


async def test_a_server_that_was_away_costs_no_message_and_doubles_none(
    url: SecretStr, tmp_path: Path
) -> None:
    async with opened(tmp_path, parrot, url=url) as house:
        await house.say("ada", "one")
        await cut(url)
        event = house.message("ada", "two")
        for _ in range(20):
            try:
                replies = await house.tell(event)
                break
            except StoreUnavailable:  # it was not acknowledged: the platform delivers it again
                continue
        assert [reply.text for reply in replies] == ["You said: two"]
        await cut(url)
        await house.settled(event.address)
        assert [reply.text for reply in house.parlour.posted] == ["You said: one", "You said: two"]


async def test_a_backup_is_put_back_for_who_is_sure_and_alone(
    url: SecretStr, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_at(tmp_path / "data", url=url)
    async with opened(tmp_path / "data", parrot, url=url) as house:
        await house.say("ada", "Kept in the backup.")
        assert await backup(settings, tmp_path / "copies", 3) == 0
        await house.say("ada", "Said since.")
        with pytest.raises(StoreBusy):
            await restore(settings_at(tmp_path / "other", url=url), tmp_path / "x.dump", sure=True)
    [copy] = (tmp_path / "copies").iterdir()
    assert copy.name.startswith("everbot-20")
    assert copy.name.endswith("Z.dump")
    assert await restore(settings, copy, sure=False) == 2
    assert await restore(settings, copy, sure=True) == 0
    assert "forget again" in capsys.readouterr().out
    stage = Stage(parrot)
    async with opened(tmp_path / "data", stage, url=url) as house:
        await house.say("ada", "hello")
    assert "Kept in the backup." in whole(stage.requests[-1])
    assert "Said since." not in whole(stage.requests[-1])


async def test_who_shares_the_database_is_listed_and_doctor_says_what_a_takeover_lacks(
    url: SecretStr, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_at(tmp_path / "data", url=url)
    await workers(settings, as_json=False)
    assert capsys.readouterr().out == "No everbot runs on this database.\n"
    config = tmp_path / "config.toml"
    told = f'data_dir = "{tmp_path / "data"}"\n[embedder]\nkind = "none"\n[index]\nchroma_url = "http://127.0.0.1:9"\n'
    config.write_text(f'{told}[store]\nurl = "{url.get_secret_value()}"\n')
    async with opened(tmp_path / "one", parrot, url=url):
        await workers(settings, as_json=True)
        row = json.loads(capsys.readouterr().out)
        assert row["process"].startswith(f"everbot test, process {os.getpid()} on ")
        assert row["state"] == "works"
        await examine(config)
        assert f"everbot test, process {os.getpid()}" in (found := capsys.readouterr().out)
        assert "works, 0 stand by" in found
    with config.open("a") as file:
        file.write('[mcp.servers.notes]\nurl = "http://127.0.0.1:9/mcp"\n')
    await examine(config)
    assert "Set the same secret_key (EVERBOT_SECRET_KEY) everywhere." in capsys.readouterr().out


async def test_doctor_says_where_it_is_and_what_costs_data(
    url: SecretStr, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    quiet = f'data_dir = "{tmp_path / "data"}"\n[embedder]\nkind = "none"\n'
    config.write_text(f'{quiet}[store]\nurl = "{url.get_secret_value()}"\n')
    assert await examine(config) == 1
    told = capsys.readouterr().out
    assert "fsync is off, so that a power cut may cost all of it. Turn it on in postgresql.conf." in told
    config.write_text(f'{quiet}[store]\nurl = "postgresql://ada:s3cret@/everbot?host={tmp_path}"\n')
    assert await examine(config) == 1
    told = capsys.readouterr().out
    assert "cannot be reached" in told
    assert "store.url (EVERBOT_STORE__URL)" in told
    assert "s3cret" not in told


def test_what_is_no_address_is_refused_without_showing_it(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[store]\nurl = "mysql://ada:s3cret@db/everbot"\n')
    with pytest.raises(SettingsError, match=r"store\.url") as caught:
        load(config)
    assert "s3cret" not in str(caught.value)
    assert "postgresql://" in str(caught.value)
