"""Rows that are there already, sealed (anew) as their owners': all of a database, or what has come to an agent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from memory.records import scope_range
from memory.store import tables as t
from memory.store.postgres.sealing import OWNERS
from memory.store.postgres.whose import sealed_rows
from memory.store.secret import marks

if TYPE_CHECKING:
    from memory.store.postgres.connection import PostgresConnection

_CHUNK = 1_000  # rows


async def seal(connection: PostgresConnection) -> int:
    """All that is there, in the transaction that is open: how many rows."""
    count = 0
    for table in _tables():
        count += await _rows(connection, table, "true")
    for kind in t.FULL_TEXT:
        await connection.control(f"DELETE FROM {kind}_postings")  # noqa: S608 (ours)
        held = f"SELECT rowid, terms FROM {kind}_terms"  # noqa: S608 (ours)
        gone = f"DELETE FROM {kind}_terms WHERE rowid = ANY ($1::bigint[])"  # noqa: S608 (ours)
        words = connection.full_text(kind)
        async for rows in connection.portions(held, _CHUNK):
            await connection.ask(gone, [key for key, _ in rows])
            await words.add_analysed([{"rowid": key, "terms": terms} for key, terms in rows])
    return count


async def reseal(connection: PostgresConnection, agent_id: int, archive_id: int) -> None:
    """The rows of an agent and its archive, apart from their words."""
    for table in _tables():
        own = _own(table, agent_id, archive_id)
        if own:
            await _rows(connection, table, own)


def _tables() -> list[sa.Table]:
    return [table for table in t.metadata.sorted_tables if table.name in OWNERS]


def _own(table: sa.Table, agent_id: int, archive_id: int) -> str:
    column, find = OWNERS[table.name]
    if column == "key":
        scope = agent_id if table.name.startswith("messages") else archive_id
        return "key BETWEEN {} AND {}".format(*scope_range(scope))
    if column == "agent_id":
        return f"agent_id = {agent_id}"
    if column == "owner":
        return f"owner = 'agent:{agent_id}'"
    if isinstance(find, str):  # through the row that it hangs on
        return f"({find.replace('$1', f'{table.name}.{column}')}) = 'agent:{agent_id}'"
    return ""


async def _rows(connection: PostgresConnection, table: sa.Table, which: str) -> int:
    columns = [column for column in table.columns if marks(column.type, connection.dialect)]
    names = [OWNERS[table.name][0], *(column.name for column in columns)]
    listed = ", ".join(f'"{name}"' for name in names)
    held = f"SELECT ctid, {listed} FROM {table.name} WHERE {which} FOR UPDATE"  # noqa: S608 (ours)
    puts = ", ".join(f'"{column.name}" = ${n}' for n, column in enumerate(columns, 2))
    put = f"UPDATE {table.name} SET {puts} WHERE ctid = $1"  # noqa: S608 (ours)
    count = 0
    async for rows in connection.portions(held, _CHUNK):
        count += len(rows)
        plain = [
            (row[1], *(_told(column, value) for column, value in zip(columns, row[2:], strict=True)))
            for row in rows
        ]
        sealed = await sealed_rows(connection, table, names, plain)
        await connection.many(put, [(row[0], *one[1:]) for row, one in zip(rows, sealed, strict=True)])
    return count


def _told(column: sa.Column[Any], value: Any) -> Any:
    """As the driver is given it."""
    kind = getattr(column.type, "impl_instance", column.type)
    return json.dumps(value) if isinstance(kind, sa.JSON) and value is not None else value
