"""A prepared statement does what SQLAlchemy does with the same one: values, types, counts."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from memory.records import TurnState
from memory.store import tables as t
from memory.store.dialects import among
from memory.store.prepared import Prepared
from memory.store.sqlite.connection import SqliteConnection

THINGS = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", t.Moment),
    sa.Column("state", t.Word(TurnState)),
    sa.Column("texts", t.Texts),
    sa.Column("data", sa.JSON),
    sa.Column("done", sa.Boolean),
    sa.Column("count", sa.Integer, server_default="7"),
)
THING: dict[str, Any] = {
    "at": datetime(2026, 11, 26, 9, 30, 0, 123456, tzinfo=UTC),
    "state": TurnState.RUNNING,
    "texts": ("a", "ä"),
    "data": {"of": ["it", None]},
    "done": True,
}


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[SqliteConnection]:
    opened = await SqliteConnection.open(tmp_path / "x.db")
    THINGS.create(opened.inner)
    yield opened
    await opened.close()


async def rows(connection: SqliteConnection, statement: Any, values: Any = None) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in await connection.execute(statement, values)]


async def test_values_and_columns_go_through_their_types(connection: SqliteConnection) -> None:
    made = await connection.execute(Prepared(THINGS.insert()), THING)
    assert (made.rowcount, made.inserted_id) == (1, 1)
    await connection.execute(THINGS.insert(), THING)
    one, two = await rows(connection, sa.select(THINGS))
    assert one | {"id": 0} == two | {"id": 0} == THING | {"id": 0, "count": 7}
    assert await rows(connection, Prepared(sa.select(THINGS))) == [one, two]
    types = sa.text("SELECT typeof(at), typeof(state), typeof(texts), typeof(data), typeof(done) FROM things")
    assert len({tuple(row) for row in await connection.execute(types)}) == 1


async def test_what_the_statement_holds_itself_goes_through_its_type_too(
    connection: SqliteConnection,
) -> None:
    await connection.execute(THINGS.insert(), [THING, THING | {"state": TurnState.DONE}])
    until = Prepared(
        sa.select(THINGS.c.id).where((THINGS.c.at < datetime(2027, 1, 1, tzinfo=UTC)) & THINGS.c.done)
    )
    assert (await connection.execute(until)).scalars() == [1, 2]
    end = Prepared(
        THINGS.update().where(THINGS.c.id == sa.bindparam("one")).values(state=TurnState.DONE, done=False)
    )
    assert (await connection.execute(end, {"one": 1})).rowcount == 1
    assert (await connection.execute(end, {"one": 9})).rowcount == 0
    states = await rows(connection, Prepared(sa.select(THINGS.c.state, THINGS.c.done).order_by(THINGS.c.id)))
    assert states == [{"state": TurnState.DONE, "done": False}, {"state": TurnState.DONE, "done": True}]


async def test_many_at_once_and_what_is_there_already(connection: SqliteConnection) -> None:
    new = Prepared(upsert(THINGS).on_conflict_do_nothing())
    assert (await connection.execute(new, [{"id": n} | THING for n in (1, 2)])).rowcount == 2
    assert (await connection.execute(new, {"id": 2} | THING)).rowcount == 0
    some = Prepared(sa.select(THINGS.c.id).where(among(THINGS.c.id, "ids")))
    assert (await connection.execute(some, {"ids": [2, 3]})).scalars() == [2]
    assert await some.rows(connection, ids=[1, 2]) == [(1,), (2,)]
    mark = Prepared(THINGS.update().where(THINGS.c.id == sa.bindparam("one")))
    await connection.execute(mark, [{"one": n, "data": n} for n in (1, 2)])
    assert (await connection.execute(Prepared(sa.select(THINGS.c.data)))).scalars() == [1, 2]


async def test_what_a_change_returns(connection: SqliteConnection) -> None:
    await connection.execute(THINGS.insert(), THING)
    count = Prepared(THINGS.update().values(count=THINGS.c.count + 1).returning(THINGS.c.count, THINGS.c.at))
    row = (await connection.execute(count)).one()
    assert (row.count, row.at) == (8, THING["at"])


async def test_other_names_are_another_plan_of_the_same_statement(connection: SqliteConnection) -> None:
    add = Prepared(THINGS.insert())
    await connection.execute(add, {"done": False})
    await connection.execute(add, {"done": True, "count": 1})
    found = await rows(connection, Prepared(sa.select(THINGS.c.done, THINGS.c.count, THINGS.c.at)))
    assert found == [
        {"done": False, "count": 7, "at": None},
        {"done": True, "count": 1, "at": None},
    ]


async def test_a_value_that_is_missing_is_no_null(connection: SqliteConnection) -> None:
    one = Prepared(sa.select(THINGS).where(THINGS.c.id == sa.bindparam("one")))
    with pytest.raises(TypeError, match="wants values for one"):
        await connection.execute(one)
    with pytest.raises(TypeError, match="given as one value"):
        await connection.execute(Prepared(sa.select(THINGS).where(THINGS.c.id.in_([1, 2]))))


async def test_what_breaks_a_rule_of_the_table_raises(connection: SqliteConnection) -> None:
    add = Prepared(THINGS.insert())
    await connection.execute(add, {"id": 1})
    with pytest.raises(sqlite3.IntegrityError):
        await connection.execute(add, {"id": 1})
