"""Copies of the database: made while everbot runs, thrown away when there are newer ones, put back when all is lost."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import open_app
from bot.backends.memory import open_memory
from bot.backups import Backups, folder_of, kept
from bot.cli.backup import backup, restore
from bot.cli.doctor import examine
from bot.cli.run import attend
from bot.errors import EverbotError
from bot.ports import ModelReply, ModelRequest
from bot.settings import BackupSettings, Settings
from memory.archival import store
from memory.errors import StoreBusy, StoreTooNew, StoreUnavailable
from memory.records import SHARED, Draft
from memory.store.sqlite.database import Database
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.empty_database import lay
from tests.fakes.parlour import PATIENCE_S, Parlour, Stage, integrity, last_words, opened, parrot, whole
from tests.fakes.scripted_model import say
from tests.program.program import Program

OFFLINE = '[model]\nkind = "offline"\n[embedder]\nkind = "none"\n'


def at(data: Path, **backup: object) -> Settings:
    return Settings.model_validate({"data_dir": data, "embedder": {"kind": "none"}, "backup": backup})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_is_whole_private_and_never_overwrites(tmp_path: Path) -> None:
    home = Program(tmp_path, OFFLINE, laid=True)
    home.told("chat", "--user", "ada", lines=["My dog is called Biscuit."])
    copy = tmp_path / "copy.db"
    home.told("backup", str(copy))
    assert copy.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(copy)) as connection:
        assert (
            connection.execute("SELECT count(*) FROM messages WHERE text LIKE '%Biscuit%'").fetchone()[0] > 0
        )
    before = copy.read_bytes()
    with pytest.raises(AssertionError, match="exists; name a file that does not"):
        home.told("backup", str(copy))
    assert copy.read_bytes() == before
    home.database.unlink()
    copy.rename(home.database)
    home.told("reindex")
    replies = home.told("chat", "--user", "ada", lines=["What is my dog called?"])
    assert "Biscuit" in replies[0]


async def test_a_backup_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    lay(tmp_path / "data/everbot.db")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await backup(at(tmp_path / "data"), tmp_path / "nowhere" / "copy.db", 0)


async def test_a_place_that_cannot_be_is_told(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(StoreUnavailable, match=r"missing is no folder\.$"):
        await backup(settings, tmp_path / "missing" / "file.db", 0)
    with pytest.raises(EverbotError, match="is a folder: name one of the backups in it"):
        await restore(settings, tmp_path, sure=True)


async def test_all_is_lost_and_comes_back_from_a_backup_made_in_the_middle_of_a_turn(tmp_path: Path) -> None:
    settings = at(tmp_path / "data")
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def play(request: ModelRequest) -> ModelReply:
        if "harbour" in last_words(request):
            asked.set()
            await go_on.wait()
        return parrot(request)

    async with opened(tmp_path / "data", Stage(play)) as house:
        await house.say("ada", "My dog is called Biscuit.")
        event = house.message("ada", "We walked to the harbour.")
        await house.app.inbound.submit(event)
        await asked.wait()
        assert await backup(settings, tmp_path, 0) == 0
        go_on.set()
        await house.settled(event.address)
        await house.say("ada", "Said after the backup.")
    shutil.rmtree(tmp_path / "data")
    ((_, copy),) = kept(tmp_path)
    assert copy.stat().st_mode & 0o077 == 0
    assert await restore(settings, copy, sure=False) == 0

    stage = Stage(parrot)
    async with opened(tmp_path / "data", stage) as house:
        await house.settled(event.address)
        assert [reply.text for reply in house.parlour.posted] == ["You said: We walked to the harbour."]
        await house.say("ada", "What is my dog called?")
    seen = whole(stage.requests[-1])
    assert "Biscuit" in seen
    assert "Said after the backup" not in seen
    assert integrity(tmp_path / "data") == "ok"


async def test_what_is_there_is_replaced_only_for_who_is_sure_and_never_under_a_running_everbot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = at(tmp_path / "data")
    async with opened(tmp_path / "data", Stage(parrot)) as house:
        await house.say("ada", "Kept in the backup.")
        assert await backup(settings, tmp_path / "copy.db", 0) == 0
        await house.say("ada", "Said since.")
        with pytest.raises(StoreBusy):
            await restore(settings, tmp_path / "copy.db", sure=True)
    # What a process that died would leave.
    (tmp_path / "data/everbot.db-wal").write_bytes(b"of another database")
    capsys.readouterr()
    assert await restore(settings, tmp_path / "copy.db", sure=False) == 2
    assert "--yes" in capsys.readouterr().err
    assert await restore(settings, tmp_path / "copy.db", sure=True) == 0
    assert "forget again" in capsys.readouterr().out
    async with opened(tmp_path / "data", Stage(parrot)) as house:
        texts = [text for (text,) in house.rows("SELECT text FROM messages")]
    assert any("Kept in the backup." in text for text in texts)
    assert not any("Said since." in text for text in texts)


async def test_what_is_no_sound_backup_changes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    settings = at(data)
    lay(data / "everbot.db")
    assert await backup(settings, tmp_path / "good.db", 0) == 0
    before = (data / "everbot.db").read_bytes()
    whole_one = (tmp_path / "good.db").read_bytes()
    wrong = {
        "text.db": b"no database at all",
        "empty.db": b"",
        "cut.db": whole_one[: len(whole_one) // 2],
        "holed.db": whole_one[:8192] + bytes(65_536) + whole_one[73_728:],
    }
    for name, content in wrong.items():
        (tmp_path / name).write_bytes(content)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE agents (id)")
    for name in (*wrong, "other.db", "nowhere.db"):
        with pytest.raises(StoreUnavailable, match=name):
            await restore(settings, tmp_path / name, sure=True)
    with closing(sqlite3.connect(tmp_path / "good.db")) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match=r"good\.db"):
        await restore(settings, tmp_path / "good.db", sure=True)
    assert (data / "everbot.db").read_bytes() == before
    assert not list(data.glob("*.new*"))


async def test_vectors_of_shared_archives_are_made_anew(tmp_path: Path) -> None:
    settings = at(tmp_path / "data")
    async with open_memory(settings, embedders=lambda _: WordsEmbedder()) as memory:
        async with memory.store.write() as session:
            source = await session.passages.create_source("book", FakeClock().now())
            draft = Draft(text="The lighthouse was built in 1871.", audience=SHARED)
            await store(session, source.id, [draft], FakeClock().now())
        assert await memory.indexer.drain() == 1
        await backup(settings, tmp_path / "copy.db", 0)
    assert (tmp_path / "data/chroma").is_dir()
    assert await restore(settings, tmp_path / "copy.db", sure=True) == 0
    async with open_memory(settings, embedders=lambda _: WordsEmbedder()) as memory:
        assert await memory.indexer.drain() == 1
        vector = await memory.indexer.query_vector("lighthouse", "passages", source.id)
        found = await (await memory.indexer.index_of(source.id)).search(source.id, vector, (SHARED,), 5)
    assert len(found) == 1


async def test_older_ones_of_its_own_kind_make_room(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    others = [
        "everbot.db",
        "everbot-20250101.db",
        "my-everbot-20250101T000000Z.db",
        "everbot-20250101T000000Z.db.gz",
        "everbot-20251399T000000Z.db",
    ]
    for name in others:
        (folder / name).write_bytes(b"somebody's")
    (folder / "everbot-20250102T000000Z.db").symlink_to(folder / "everbot.db")
    (folder / "everbot-20250103T000000Z.db").mkdir()
    (folder / "everbot-20250104T000000Z.db.part").write_bytes(b"of a process that died")
    (folder / "everbot-20261121T085900Z.db.part").write_bytes(b"of one that may run")
    database = await Database.open(lay(tmp_path / "everbot.db"))
    clock = FakeClock()
    backups = Backups(database, clock, folder, BackupSettings())
    made = []
    for _ in range(3):
        made.append(await backups.make(2))
        clock.advance(0.1)  # the same second
    await database.close()
    left = {path.name for path in made[1:]}
    assert set(names(folder)) == left | {
        *others,
        "everbot-20250102T000000Z.db",
        "everbot-20250103T000000Z.db",
        "everbot-20261121T085900Z.db.part",
    }
    assert (folder / "everbot.db").read_bytes() == b"somebody's"


async def test_the_clock_was_ahead_and_the_newest_is_kept_all_the_same(tmp_path: Path) -> None:
    database = await Database.open(lay(tmp_path / "everbot.db"))
    clock = FakeClock()
    backups = Backups(database, clock, tmp_path / "b", BackupSettings(keep=1))
    clock.advance(timedelta(days=400).total_seconds())
    await backups.sweep()
    clock.advance(-timedelta(days=400).total_seconds())
    await backups.sweep()
    await database.close()
    assert names(tmp_path / "b") == ["everbot-20261121T090000Z.db"]


async def test_one_is_made_a_day_and_none_where_none_is_wanted(tmp_path: Path) -> None:
    database = await Database.open(lay(tmp_path / "everbot.db"))
    clock = FakeClock()
    backups = Backups(database, clock, tmp_path / "b", BackupSettings(keep=2))
    counts = []
    for _ in range(10):
        await backups.sweep()
        counts.append(names(tmp_path / "b")[-1])
        clock.advance(timedelta(hours=8).total_seconds())
    await Backups(database, clock, tmp_path / "none", BackupSettings()).sweep()
    await database.close()
    assert [counts.index(name) for name in dict.fromkeys(counts)] == [0, 3, 6, 9]
    assert len(names(tmp_path / "b")) == 2
    assert not (tmp_path / "none").exists()


async def test_a_running_everbot_makes_them_by_itself(tmp_path: Path) -> None:
    settings = at(tmp_path / "data", keep=1)
    folder = folder_of(settings)
    stop = asyncio.Event()
    lay(tmp_path / "data/everbot.db")
    parlour, clock = Parlour(), FakeClock()
    model = Stage(lambda _: say("Hello."))
    async with open_app(settings, [parlour], "test", model=model, clock=clock) as app:
        serving = asyncio.create_task(attend(app, [parlour], clock, stop, 1.0))
        async with asyncio.timeout(PATIENCE_S):
            while not kept(folder):
                await asyncio.sleep(0)
        stop.set()
        await serving
    ((_, made),) = kept(folder)
    assert made.stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0


async def test_a_backup_that_is_called_off_leaves_nothing(tmp_path: Path) -> None:
    database = await Database.open(lay(tmp_path / "everbot.db"))
    task = asyncio.create_task(database.backup(tmp_path / "b.db"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.close()
    assert not (tmp_path / "b.db.part").exists()
    assert not (tmp_path / "b.db").exists() or integrity_of(tmp_path / "b.db") == "ok"


def integrity_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


async def test_where_none_can_be_kept_or_there_is_nothing_a_sentence_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await backup(at(tmp_path / "data"), tmp_path / "b.db", 0) == 1
    assert "nothing to back up" in capsys.readouterr().err
    assert not (tmp_path / "b.db").exists()

    lay(tmp_path / "data/everbot.db")
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    settings = at(tmp_path / "data", keep=1, folder=tmp_path / "file")
    with pytest.raises(EverbotError, match="--keep is for a folder"):
        await backup(settings, None, 3)
    with pytest.raises(StoreUnavailable, match=r"backup\.folder"):
        await backup(settings, None, 0)

    config = tmp_path / "config.toml"
    config.write_text(
        f'data_dir = "{tmp_path}/data"\n{OFFLINE}[backup]\nkeep = 1\nfolder = "{tmp_path}/file"\n',
        encoding="utf-8",
    )
    assert await examine(config) == 1
    assert "backup.folder" in capsys.readouterr().out


async def test_doctor_tells_how_old_the_newest_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'data_dir = "{tmp_path}/data"\n{OFFLINE}', encoding="utf-8")
    assert await examine(config) == 0
    assert "backups: everbot makes none by itself" in capsys.readouterr().out
    await backup(at(tmp_path / "data"), None, 3)
    config.write_text(f'data_dir = "{tmp_path}/data"\n{OFFLINE}[backup]\nkeep = 3\n', encoding="utf-8")
    assert await examine(config) == 0
    assert "1 of 3 kept in" in capsys.readouterr().out
