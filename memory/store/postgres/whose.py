"""Whose the rows are that a statement writes, so that they are sealed with that owner's key; and with whose rows a key
goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from memory.store.postgres.sealing import ENDING, OWNERS, Sealing
from memory.store.prepared import Prepared
from memory.store.secret import marks

if TYPE_CHECKING:
    from memory.store.postgres.connection import PostgresConnection

Owners = list[str | None] | None
"""Of each row that is written; None: nothing in them is sealed."""

_NOTE = (
    "INSERT INTO chores (name, created_at) VALUES ($1, (extract(epoch FROM now()) * 1000000)::bigint) "
    "ON CONFLICT DO NOTHING"
)
_NOBODY = "agent:0"
"""Whose rows there are none of: what is written of theirs breaks a foreign key, or finds no row."""


async def whose(
    connection: PostgresConnection, sealing: Sealing, statement: sa.Executable | Prepared, values: Any
) -> Owners:
    """Raises TypeError for an UPDATE of several owners' rows, or with many texts at once."""
    core = statement.statement if isinstance(statement, Prepared) else statement
    if not isinstance(core, sa.Insert | sa.Update | sa.Delete):
        return None
    table = cast("sa.Table", core.table)
    if isinstance(core, sa.Delete):
        if table.name in ENDING:
            await _end(connection, sealing, core, values)
        return None
    if table.name not in OWNERS:
        return None
    column = OWNERS[table.name][0]
    if isinstance(core, sa.Insert):
        rows = values if isinstance(values, list) else [values or core.compile().params]
        return [await _owner(connection, table, row[column]) for row in rows]
    several = isinstance(values, list)
    if not _says_anything(connection, statement, core, values[0] if several else values or {}):
        return None
    if several:
        raise TypeError(f"what is said anew is written one by one ({table.name})")
    query = sa.select(table.c[column]).where(core.whereclause).distinct()  # type: ignore[arg-type]
    found = {
        await _owner(connection, table, value)
        for value in (await connection.execute(query, values)).scalars()
    }
    if len(found) > 1:
        raise TypeError(f"one statement writes what several have said ({table.name})")
    return [*found] or [_NOBODY]


async def sealed_rows(
    connection: PostgresConnection, table: sa.Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> Sequence[tuple[Any, ...]]:
    """Rows of these columns as the driver may have them."""
    sealing = connection.sealing
    if sealing is None or table.name not in OWNERS:
        return rows
    at = columns.index(OWNERS[table.name][0])
    marking = [marks(table.c[name].type, connection.dialect) for name in columns]
    owners: dict[Any, str] = {}
    sealed = []
    for row in rows:
        if row[at] not in owners:
            owners[row[at]] = await _owner(connection, table, row[at])
        marked = [kind.mark(value) if kind else value for kind, value in zip(marking, row, strict=True)]
        sealed.append(tuple(sealing.seal(value, owners[row[at]]) for value in marked))
    return sealed


def _says_anything(
    connection: PostgresConnection, statement: Any, core: sa.Update, values: Mapping[str, Any]
) -> bool:
    """Whether an UPDATE gives a sealed column more than nothing."""
    if isinstance(statement, Prepared):
        return statement.plan(tuple(values), connection.dialect).says_anything(values)
    compiled = core.compile(dialect=connection.dialect, column_keys=list(values) or None)
    secret = {name for bind, name in compiled.bind_names.items() if marks(bind.type, connection.dialect)}
    return any({**compiled.params, **values}[name] for name in secret)


async def _owner(connection: PostgresConnection, table: sa.Table, value: Any) -> str:
    _, find = OWNERS[table.name]
    if not isinstance(find, str):
        return find(value)
    found = await connection.ask(find, value)
    return str(found[0][0]) if found else _NOBODY


async def _end(connection: PostgresConnection, sealing: Sealing, core: sa.Delete, values: Any) -> None:
    """The keys of whoever is deleted are thrown away after the commit, or at the next start."""
    query = sa.select(core.table.c.id)
    if core.whereclause is not None:
        query = query.where(core.whereclause)
    kind = ENDING[cast("sa.Table", core.table).name]
    for number in (await connection.execute(query, values)).scalars():
        sealing.gone.append(f"{kind}:{number}")
        await connection.ask(_NOTE, f"key:{kind}:{number}")
