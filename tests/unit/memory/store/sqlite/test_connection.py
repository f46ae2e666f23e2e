"""Where statements run, what a cancellation does to them, and what they answer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from memory.store.prepared import Prepared
from memory.store.sqlite.connection import SqliteConnection
from tests.patience import PATIENCE_S

WHERE = sa.select(sa.literal_column("thread()"))
notes = sa.Table(
    "notes", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text)
)


class Gate:
    """A function of SQLite's that holds its statement up, once it is closed, until it is opened."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()

    def pass_through(self) -> int:
        self.reached.set()
        return int(self._open.wait(PATIENCE_S))

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def connection(tmp_path: Path, gate: Gate) -> AsyncIterator[SqliteConnection]:
    opened = await SqliteConnection.open(tmp_path / "x.db")
    driver = opened.inner.connection.driver_connection
    assert driver is not None
    driver.create_function("thread", 0, threading.get_ident)
    driver.create_function("gate", 0, gate.pass_through)
    notes.create(opened.inner)
    yield opened
    await opened.close()


class Counted(FunctionElement[int]):
    """1; it counts how often it was compiled."""

    inherit_cache = True
    type = sa.Integer()
    compiled = 0


@compiles(Counted)
def _(element: Counted, compiler: object, **_: object) -> str:
    Counted.compiled += 1
    return "1"


async def texts(connection: SqliteConnection) -> list[str]:
    return (await connection.execute(sa.select(notes.c.text).order_by(notes.c.id))).scalars()


async def test_a_statement_runs_on_the_event_loop(connection: SqliteConnection) -> None:
    assert (await connection.execute(WHERE)).scalar() == threading.get_ident()
    assert await Prepared(WHERE).rows(connection) == [(threading.get_ident(),)]


async def test_what_reads_much_or_asks_the_file_runs_beside_it(connection: SqliteConnection) -> None:
    with connection.beside():
        found = {(await connection.execute(WHERE)).scalar(), (await Prepared(WHERE).rows(connection))[0][0]}
    found.add((await connection.ask("SELECT thread()"))[0][0])
    assert threading.get_ident() not in found
    assert (await connection.execute(WHERE)).scalar() == threading.get_ident()


async def test_blocks_beside_the_loop_may_be_nested(connection: SqliteConnection) -> None:
    with connection.beside():
        with connection.beside():
            pass
        assert (await connection.execute(WHERE)).scalar() != threading.get_ident()


async def test_a_cancelled_statement_runs_to_its_end_and_says_so_once(
    connection: SqliteConnection, gate: Gate
) -> None:
    async def slow() -> None:
        with connection.beside():
            await connection.execute(notes.insert().values(text=sa.literal_column("gate()")))

    task = asyncio.create_task(slow())
    await asyncio.to_thread(gate.reached.wait, PATIENCE_S)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    gate.open()
    await task
    assert connection.take_cancellation()
    assert not connection.take_cancellation()
    assert await texts(connection) == ["1"]


async def test_what_failed_beside_the_loop_raises(connection: SqliteConnection) -> None:
    with connection.beside(), pytest.raises(sa.exc.IntegrityError):
        await connection.execute(notes.insert(), [{"id": 1, "text": "a"}, {"id": 1, "text": "b"}])
    assert not connection.take_cancellation()


async def test_an_answer_is_read_to_its_end_before_it_is_given(connection: SqliteConnection) -> None:
    await connection.execute(notes.insert(), [{"text": "a"}, {"text": "b"}])
    for row in await connection.execute(sa.select(notes)):
        await connection.execute(notes.insert().values(text=row.text * 2))
        await connection.execute(notes.delete().where(notes.c.id == row.id))
    assert await texts(connection) == ["aa", "bb"]


async def test_what_was_changed_is_told(connection: SqliteConnection) -> None:
    assert (await connection.execute(notes.insert().values(text="a"))).inserted_id == 1
    assert (await connection.execute(notes.insert().values(text="b"))).inserted_id == 2
    assert (await connection.execute(notes.update().values(text="c"))).rowcount == 2
    assert (await connection.execute(notes.delete().where(notes.c.id > 5))).rowcount == 0


async def test_one_row_is_neither_none_nor_two(connection: SqliteConnection) -> None:
    question = sa.select(notes.c.text)
    assert (await connection.execute(question)).first() is None
    assert (await connection.execute(question)).scalar() is None
    with pytest.raises(sa.exc.NoResultFound):
        (await connection.execute(question)).one()
    await connection.execute(notes.insert().values(text="a"))
    assert (await connection.execute(question)).scalar_one() == "a"
    await connection.execute(notes.insert().values(text="b"))
    assert [row.text for row in (await connection.execute(question)).all()] == ["a", "b"]
    with pytest.raises(sa.exc.MultipleResultsFound):
        (await connection.execute(question)).scalar_one()


async def test_a_closed_connection_answers_no_more(connection: SqliteConnection) -> None:
    await connection.close()
    with pytest.raises(sa.exc.ResourceClosedError):
        await connection.execute(WHERE)


async def test_a_statement_is_compiled_once_for_all_connections(tmp_path: Path) -> None:
    for name in ("x.db", "y.db"):
        for _ in range(2):
            connection = await SqliteConnection.open(tmp_path / name)
            assert (await connection.execute(sa.select(Counted()))).scalar() == 1
            await connection.close()
    assert Counted.compiled == 1


async def test_a_transaction_begins_without_a_trip_unless_somebody_writes(
    connection: SqliteConnection, tmp_path: Path
) -> None:
    (patience,) = await connection.ask("PRAGMA busy_timeout")
    beginning = connection.control("BEGIN IMMEDIATE")
    with pytest.raises(StopIteration):
        beginning.send(None)
    await connection.control("COMMIT")
    assert await connection.ask("PRAGMA busy_timeout") == [patience]
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(connection.control("BEGIN IMMEDIATE"))
        await asyncio.sleep(0)
        assert not waiting.done()
        other.execute("ROLLBACK")
        await asyncio.wait_for(waiting, PATIENCE_S)
    await connection.control("ROLLBACK")
