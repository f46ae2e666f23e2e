"""Files that change between one `everbot load` and the next."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from bot.backends.memory import open_memory
from bot.cli import load
from bot.settings import Settings
from tests.fakes.empty_database import lay
from tests.program.process import ROOT


class Shelf:
    """A data directory, and the folder that is loaded into it."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings.model_validate({"data_dir": folder / "data", "embedder": {"kind": "none"}})
        lay(self.settings.data_dir / "everbot.db")
        self.folder = folder / "documents"
        self.folder.mkdir()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    async def load(self, *paths: Path) -> int:
        return await load.load(self.settings, paths or [self.folder], "shelf")

    def passages(self) -> list[str]:
        return sorted(text for (text,) in self.rows("SELECT text FROM passages"))

    def rows(self, query: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.settings.data_dir / "everbot.db")) as db:
            return db.execute(query).fetchall()


Schema = dict[tuple[str, str], list[str]]


def first_version(path: Path) -> Schema:
    """The schema of the first version's databases."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "memory/store/migrations"))
    config.set_main_option("path_separator", "os")
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with closing(sqlite3.connect(path)) as db:
        schema = schema_of(db)
    path.unlink()
    return schema


def schema_of(db: sqlite3.Connection) -> Schema:
    """Kind and name of each table and index, with a table's columns."""
    query = (
        "SELECT type, name FROM sqlite_master WHERE type IN ('index', 'table') AND name NOT LIKE 'sqlite%'"
    )
    return {
        (kind, name): [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
        for kind, name in db.execute(query + " ORDER BY type").fetchall()
    }


def make_as(db: sqlite3.Connection, schema: Schema) -> None:
    """Take out what another schema does not have."""
    for (kind, name), columns in schema_of(db).items():
        if (kind, name) not in schema:
            db.execute(f"DROP {kind} {name}")
        elif kind == "table":
            for column in set(columns) - set(schema[kind, name]):
                db.execute(f"ALTER TABLE {name} DROP COLUMN {column}")
    assert schema_of(db) == schema


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


async def test_a_changed_file_replaces_what_it_said(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    shelf.write("handbook.txt", "The alarm code is 4711.\n\n" + "The door is blue. " * 200)
    shelf.write("other.txt", "The cat is grey.")
    assert await shelf.load() == 0
    shelf.write("handbook.txt", "The alarm code is 9023.")
    assert await shelf.load() == 0
    assert shelf.passages() == ["The alarm code is 9023.", "The cat is grey."]
    assert "1 changed since the last time and replaced" in capsys.readouterr().err
    async with open_memory(shelf.settings) as memory, memory.store.read() as session:
        archive = await session.passages.archive_named("shelf")
        assert archive is not None
        found = await session.passages.postings(archive.id, ["4711", "9023"], None)
        assert list(found) == ["9023"]
        assert await session.erasing.chores() != []  # nothing of it stays in an index, or on the disk


async def test_each_file_that_was_loaded_stands_in_the_operators_log_once(shelf: Shelf) -> None:
    shelf.write("handbook.txt", "The door is blue.")
    other = shelf.write("other.txt", "The cat is grey.")
    for _ in range(2):
        assert await shelf.load() == 0
    other.write_text("The cat is black.", encoding="utf-8")
    assert await shelf.load() == 0
    assert shelf.rows("SELECT did, about FROM deeds ORDER BY id") == [
        ("loaded the file handbook.txt into", "source:shelf"),
        ("loaded the file other.txt into", "source:shelf"),
        ("loaded the file other.txt into", "source:shelf"),
    ]
    [(who,)] = shelf.rows("SELECT DISTINCT who FROM deeds")
    assert who.endswith("(command line)")


async def test_a_file_that_cannot_be_read_any_more_keeps_what_it_said(shelf: Shelf) -> None:
    path = shelf.write("handbook.txt", "The alarm code is 4711.")
    assert await shelf.load() == 0
    path.write_bytes(bytes(range(256)) * 9)
    assert await shelf.load() == 1
    assert shelf.passages() == ["The alarm code is 4711."]


async def test_files_of_one_name_in_two_folders_are_two_files(shelf: Shelf) -> None:
    shelf.write("a/readme.md", "Alpha is ready.")
    shelf.write("b/readme.md", "Beta is ready.")
    await shelf.load()
    shelf.write("a/readme.md", "Alpha is late.")
    await shelf.load()
    assert shelf.passages() == ["Alpha is late.", "Beta is ready."]
    await shelf.load(shelf.write("b/readme.md", "Beta is late."))
    assert shelf.passages() == ["Alpha is late.", "Beta is late."]


async def test_a_file_that_was_moved_is_the_same_file(shelf: Shelf) -> None:
    shelf.write("old/handbook.txt", "The alarm code is 4711.").rename(shelf.folder / "handbook.txt")
    await shelf.load()
    (shelf.folder / "handbook.txt").rename(shelf.folder / "old" / "handbook.txt")
    await shelf.load()  # unchanged, elsewhere
    assert shelf.passages() == ["The alarm code is 4711."]
    (shelf.folder / "old" / "handbook.txt").unlink()
    shelf.write("new/handbook.txt", "The alarm code is 9023.")
    await shelf.load()
    assert shelf.passages() == ["The alarm code is 9023."]


async def test_what_two_files_say_stays_while_one_says_it(shelf: Shelf) -> None:
    shelf.write("a.txt", "The alarm code is 4711.")
    shelf.write("b.txt", "The alarm code is 4711.")
    await shelf.load()
    assert shelf.passages() == ["The alarm code is 4711."]
    shelf.write("a.txt", "The alarm code is 9023.")
    await shelf.load()
    assert shelf.passages() == ["The alarm code is 4711.", "The alarm code is 9023."]
    await shelf.load()
    assert shelf.passages() == ["The alarm code is 4711.", "The alarm code is 9023."]


async def test_what_was_left_out_is_named_and_counted(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.write("note.txt", "The alarm code is 4711.")
    shelf.write(".hidden", "x")
    for n in range(12):
        shelf.write(f"letter{n:02}.odt", "x")
    await shelf.load()
    told = " ".join(capsys.readouterr().err.split())
    assert "1 of 1 file is in shelf" in told
    assert "Left out: 12 files of kinds that are not read (letter00.odt, letter01.odt" in told
    assert "letter09.odt and 2 more)" in told
    assert "hidden" not in told


async def test_passages_of_an_older_database_know_their_file(shelf: Shelf) -> None:
    shelf.write("handbook.txt", "The alarm code is 4711.")
    await shelf.load()
    first = first_version(shelf.folder / "first.db")
    with closing(sqlite3.connect(shelf.settings.data_dir / "everbot.db")) as db:
        make_as(db, first)
        db.execute("UPDATE alembic_version SET version_num = '0001'")
        db.commit()
    shelf.write("handbook.txt", "The alarm code is 9023.")
    await shelf.load()
    assert shelf.passages() == ["The alarm code is 9023."]
