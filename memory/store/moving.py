"""All that an SQLite database holds, into an empty PostgreSQL one: table by table, in one transaction, compared row by
row before it is committed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from memory.errors import StoreUnavailable
from memory.store import tables as t
from memory.store.postgres.connection import PostgresConnection, storable
from memory.store.postgres.database import PostgresDatabase
from memory.store.postgres.keeping import KEYS

_CHUNK = 2_000  # rows
_SEQ = 2**32 - 1

Told = Callable[[str, int], None]
"""What is moved now, and how many rows of it there are."""


async def move(source: Path, target: PostgresDatabase, told: Told) -> dict[str, int]:
    """Copy all of the file ``source``, which has our schema and nobody else has open; how many rows of each table.

    Raises `StoreUnavailable`, with nothing changed: when there is something in the target, or what arrived is not what
    was sent. The source is read only.
    """
    with closing(await asyncio.to_thread(_opened, source)) as held:
        async with target.whole() as connection:
            await _refuse_what_is_used(connection, target.place)
            counts = {}
            for table in t.metadata.sorted_tables:
                counts[table.name] = await _copy(held, connection, table, told)
            for kind in t.FULL_TEXT:
                await _words(held, connection, kind, told)
            await _counters(held, connection)
            for table in t.metadata.sorted_tables:
                told(f"{table.name}, compared", counts[table.name])
                await _compare(held, connection, table)
    return counts


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)


async def _refuse_what_is_used(connection: PostgresConnection, place: str) -> None:
    for table in (t.users, t.agents, t.personas, t.archives, t.inbox, t.forgotten):
        if (await connection.execute(sa.select(table).limit(1))).first() is not None:
            raise StoreUnavailable(f"{place} holds something already ({table.name}): name an empty database.")
    await connection.execute(t.meta.delete().where(t.meta.c.name != KEYS))  # what every new one notes


async def _copy(held: sqlite3.Connection, connection: PostgresConnection, table: sa.Table, told: Told) -> int:
    [(count,)] = held.execute(f'SELECT count(*) FROM "{table.name}"')  # noqa: S608 (ours)
    told(table.name, count)
    # What came first is first: PostgreSQL numbers turns as they come.
    order = "rowid" if table is t.turns else None
    async for rows in _read(held, table, order):
        await connection.copy(table.name, [column.name for column in table.columns], rows)
    return int(count)


async def _read(
    held: sqlite3.Connection, table: sa.Table, order: str | None = None
) -> AsyncIterator[list[tuple[Any, ...]]]:
    """The rows as asyncpg takes them, ordered by the primary key unless said otherwise."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    order = order or _key(table)
    cursor = held.execute(f'SELECT {names} FROM "{table.name}" ORDER BY {order}')  # noqa: S608 (ours)
    with closing(cursor):
        flags = [isinstance(column.type, sa.Boolean) for column in table.columns]
        while found := await asyncio.to_thread(cursor.fetchmany, _CHUNK):
            yield [
                tuple(
                    bool(value) if flag and value is not None else storable(value)
                    for flag, value in zip(flags, row, strict=True)
                )
                for row in found
            ]


def _key(table: sa.Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.primary_key.columns)


async def _words(held: sqlite3.Connection, connection: PostgresConnection, kind: str, told: Told) -> None:
    [(count,)] = held.execute(f"SELECT count(*) FROM {kind}_terms")  # noqa: S608 (ours)
    told(f"words of {kind}", count)
    words = connection.full_text(kind)
    cursor = held.execute(f"SELECT rowid, terms FROM {kind}_terms ORDER BY rowid")  # noqa: S608 (ours)
    with closing(cursor):
        while rows := await asyncio.to_thread(cursor.fetchmany, _CHUNK):
            await words.add_analysed([{"rowid": key, "terms": storable(terms)} for key, terms in rows])


async def _counters(held: sqlite3.Connection, connection: PostgresConnection) -> None:
    """No number is given twice: neither an id nor a message's."""
    given = dict(held.execute("SELECT name, seq FROM sqlite_sequence"))
    for table in t.metadata.sorted_tables:
        [column, *others] = table.primary_key.columns
        serial = not others and isinstance(column.type, sa.Integer) and not column.foreign_keys
        if serial and column.name in ("id", "seq"):
            [(newest,)] = await connection.ask(f'SELECT max("{column.name}") FROM {table.name}')  # noqa: S608
            last = max(newest or 0, given.get(table.name, 0))
            if last:
                await connection.ask(
                    "SELECT setval(pg_get_serial_sequence($1, $2), $3)", table.name, column.name, last
                )
    await connection.control(
        f"UPDATE agents SET last_seq = coalesce((SELECT max(m.key) & {_SEQ} FROM messages m "  # noqa: S608 (ours)
        f"WHERE m.key BETWEEN agents.id::bigint << 32 AND (agents.id::bigint << 32) + {_SEQ}), 0)"
    )


async def _compare(held: sqlite3.Connection, connection: PostgresConnection, table: sa.Table) -> None:
    """Raises `StoreUnavailable` unless both have the same rows."""
    sent, arrived = _Digest(table), _Digest(table)
    async for rows in _read(held, table):
        sent.add(rows)
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    own = f" WHERE name != '{KEYS}'" if table is t.meta else ""
    query = f'SELECT {names} FROM "{table.name}"{own} ORDER BY {_key(table)}'  # noqa: S608 (ours)
    async for rows in connection.portions(query, _CHUNK):
        arrived.add(rows)
    if sent.told != arrived.told:
        raise StoreUnavailable(
            f"{table.name} did not arrive as it was sent ({sent.count} rows, {arrived.count} arrived): nothing was "
            "moved. Please report this."
        )


class _Digest:
    """Of a table's rows, whichever database told them."""

    def __init__(self, table: sa.Table) -> None:
        # What PostgreSQL numbers itself is told apart.
        own = {"last_seq"} if table is t.agents else set()
        self._columns = [
            (at, isinstance(getattr(column.type, "impl_instance", column.type), sa.JSON))
            for at, column in enumerate(table.columns)
            if column.name not in own
        ]
        self._hash = hashlib.blake2b(digest_size=16)
        self.count = 0

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            self.count += 1
            for at, is_json in self._columns:
                value = row[at]
                if is_json and isinstance(value, str):
                    value = json.loads(value)
                told = json.dumps(value, sort_keys=True) if is_json else repr(value)
                self._hash.update(told.encode("utf-8", "surrogatepass"))
                self._hash.update(b"\0")

    @property
    def told(self) -> tuple[int, bytes]:
        return self.count, self._hash.digest()
