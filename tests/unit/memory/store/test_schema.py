"""The schema, its migrations, and what opening or writing says when the file or the disk is no good."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import sqlite

import memory.store
from memory.errors import StoreError, StoreTooNew, StoreUnavailable
from memory.store import tables
from memory.store.dialects import among
from memory.store.prepared import Prepared
from memory.store.schema import HEAD
from memory.store.sqlite.database import Database, schema
from tests.fakes.memory_rows import settle, tell
from tests.patience import PATIENCE_S


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "x.db")
    yield opened
    await opened.close()


def declared(path: Path) -> dict[str, str]:
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        tables.metadata.create_all(connection)
        found = schema(connection)
    engine.dispose()
    return found


async def test_the_migrations_build_what_the_tables_declare(store: Database, tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{store.path}")
    with engine.connect() as connection:
        migrated = schema(connection)
    engine.dispose()
    wanted = declared(tmp_path / "declared.db")
    assert {n: ordered(sql) for n, sql in migrated.items()} == {n: ordered(sql) for n, sql in wanted.items()}
    assert len(migrated) > 30


def ordered(sql: str) -> list[str]:
    """The words of a definition: the order of constraints in it means nothing."""
    return sorted(sql.replace(",", " ").replace("(", " ( ").replace(")", " ) ").split())


def test_head_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(memory.store.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_opening_again_migrates_nothing(store: Database) -> None:
    await settle(store)
    await store.close()
    before = store.path.read_bytes()
    again = await Database.open(store.path)
    assert await again.check() is None
    await again.close()
    assert store.path.read_bytes() == before


async def test_the_file_is_made_to_last(store: Database) -> None:
    async with store.write() as session:
        asked = {
            name: (await session.messages._c.ask(f"PRAGMA {name}"))[0][0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


async def test_missing_folders_are_made(tmp_path: Path) -> None:
    store = await Database.open(tmp_path / "a" / "b" / "x.db")
    await store.close()
    assert (tmp_path / "a" / "b" / "x.db").exists()


async def refused(path: Path) -> str:
    """The one sentence with which opening is refused."""
    with pytest.raises(StoreError) as caught:
        await Database.open(path)
    assert_sentence(str(caught.value), path)
    return f"{type(caught.value).__name__}: {caught.value}"


def assert_sentence(text: str, path: Path) -> None:
    assert str(path) in text
    assert text.endswith(".")
    assert "\n" not in text
    assert "sqlalche.me" not in text
    assert "[SQL" not in text


async def test_a_database_of_a_newer_version(store: Database) -> None:
    await store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num='9999'")
        connection.commit()
    before = store.path.read_bytes()
    with pytest.raises(StoreTooNew, match=r"newer everbot.*9999.*Upgrade everbot"):
        await Database.open(store.path)
    assert store.path.read_bytes() == before


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"Dear diary, " * 1000)
    assert "damaged or no database" in await refused(path)
    assert path.read_bytes() == b"Dear diary, " * 1000


async def test_a_database_that_is_damaged(store: Database) -> None:
    _, place = await settle(store)
    await tell(store, place, *("word " * 50 for _ in range(200)))
    await store.close()
    damaged = bytearray(store.path.read_bytes())
    damaged[4096 : len(damaged) // 2] = b"\x5a" * (len(damaged) // 2 - 4096)
    store.path.write_bytes(damaged)
    try:
        again = await Database.open(store.path)
    except StoreUnavailable as error:
        assert_sentence(str(error), store.path)
        return
    try:
        assert await again.check()
    except StoreUnavailable as error:
        assert_sentence(str(error), store.path)
    finally:
        await again.close()


async def test_a_directory_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()
    assert "cannot be opened" in await refused(tmp_path / "x.db")


async def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert (await refused(tmp_path / "data" / "x.db")).startswith("StoreUnavailable")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a directory that even root cannot write")
async def test_a_directory_that_cannot_be_written() -> None:
    assert (await refused(Path("/proc/self/x.db"))).startswith("StoreUnavailable")


async def limit_size(store: Database, spare: int) -> None:
    """The database may grow by ``spare`` pages from now on, as on a disk that is nearly full."""
    async with store.write() as session:
        [(pages,)] = await session.messages._c.ask("PRAGMA page_count")
        await session.messages._c.ask(f"PRAGMA max_page_count={pages + spare}")


async def test_a_full_disk_loses_nothing_that_was_acknowledged(store: Database) -> None:
    _, place = await settle(store)
    await limit_size(store, 20)
    kept = 0

    async def fill() -> None:
        nonlocal kept
        for n in range(1000):
            await tell(store, place, f"{n} " + "word " * 200, rendered="x" * 3000)
            kept += 1

    with pytest.raises(StoreUnavailable) as caught:
        await fill()
    assert_sentence(str(caught.value), store.path)
    assert "disk is full" in str(caught.value)
    assert 3 < kept < 200
    async with store.read() as session:
        assert len(await session.messages.queue(place.id)) == kept
        first = await session.messages.postings(place.agent_id, ["word"], None)
        assert len(first["word"]) == kept
    assert await store.check() is None
    await store.close()
    again = await Database.open(store.path)
    await tell(again, place, "there is space again")
    async with again.read() as session:
        assert len(await session.messages.queue(place.id)) == kept + 1
    await again.close()


async def test_a_full_disk_spares_neighbours_in_the_same_commit(store: Database) -> None:
    _, place = await settle(store)
    await limit_size(store, 20)

    async def write(n: int) -> str:
        try:
            await tell(store, place, f"w{n}", rendered="x" * (400_000 if n == 5 else 10))
        except StoreUnavailable as error:
            return str(error)
        return "done"

    ends = await asyncio.gather(*(write(n) for n in range(10)))
    async with store.read() as session:
        found = {message.text for message in await session.messages.queue(place.id)}
    assert found == {f"w{n}" for n, end in enumerate(ends) if end == "done"}
    assert ends[5] != "done"
    for end in ends:
        if end != "done":
            assert_sentence(end, store.path)


async def test_a_database_locked_by_another_program(store: Database) -> None:
    _, place = await settle(store)
    async with store.write() as session:
        await session.messages._c.ask("PRAGMA busy_timeout=10")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another program holds it locked") as caught:
            await tell(store, place, "locked out")
        assert_sentence(str(caught.value), store.path)
        async with store.read() as session:
            assert await session.messages.queue(place.id) == []
        other.execute("ROLLBACK")
    await tell(store, place, "in again")


async def test_after_closing_a_read_says_so(tmp_path: Path) -> None:
    store = await Database.open(tmp_path / "x.db")
    await store.close()

    async def read() -> None:
        async with store.read() as session:
            await session.agents.agents()

    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(StoreError):
            await read()


async def test_the_partial_indexes_are_used(store: Database) -> None:
    """SQLite uses a partial index only where the query's condition is the index's, to the letter."""
    m, p, i = tables.messages, tables.passages, tables.inbox
    queries = {
        "messages_queue": sa.select(m.c.key).where((m.c.conversation_id == 1) & m.c.queued).order_by(m.c.key),
        "messages_unindexed": sa.select(m.c.key).where(~m.c.indexed).order_by(m.c.key),
        "passages_unindexed": sa.select(p.c.key).where(~p.c.indexed).order_by(p.c.key),
        "inbox_waiting": sa.select(i.c.id).where((i.c.agent_id == 1) & ~i.c.done).order_by(i.c.id),
    }
    async with store.read() as session:
        for index, query in queries.items():
            sql = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
            plan = await session.messages._c.ask(f"EXPLAIN QUERY PLAN {sql}")
            assert index in str(plan), plan


async def test_rows_are_looked_up_by_a_list_of_keys(store: Database) -> None:
    """... though the list is one value: a scope has a hundred thousand rows, and a page five."""
    key = tables.messages.c.key
    query = sa.select(key).where(key.between(1, 2**40) & among(key, "keys") & (tables.messages.c.text != ""))
    async with store.read() as session:
        connection = session.messages._c
        text = Prepared(query).plan(("keys",), connection.inner.dialect).text
        plan = await connection.ask(
            "EXPLAIN QUERY PLAN " + re.sub(r":\w+", "1", text.replace(":keys", "'[1]'"))
        )
    assert "INTEGER PRIMARY KEY (rowid=?)" in str(plan), plan
