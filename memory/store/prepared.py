"""Statements that never change: declared once, compiled once, run by the driver itself.

SQLAlchemy costs more at each execution than SQLite does at most of a turn's statements. What it would do with values
and rows on the way is done here by the same types, through what it documents of them.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from memory.store.secret import marks

if TYPE_CHECKING:
    from memory.store.connection import Connection

Given = Mapping[str, Any]


class Prepared:
    """A statement whose values have names, and all of whose text is known: a list is given as one value (see
    `memory.store.dialects.among`). Run it with `memory.store.connection.Connection.execute`."""

    def __init__(self, statement: sa.SelectBase | sa.Insert | sa.Update | sa.Delete) -> None:
        self.statement = statement
        self._plans: dict[tuple[str, tuple[str, ...]], Plan] = {}

    def plan(self, names: tuple[str, ...], dialect: sa.Dialect) -> Plan:
        """How it is run with values of these names. Raises TypeError when they are not all that it asks for."""
        key = dialect.name, names
        if key not in self._plans:
            self._plans[key] = Plan(self.statement, names, dialect)
        return self._plans[key]

    async def rows(self, connection: Connection, **values: Any) -> Sequence[Any]:
        """What the database itself says, as plain tuples: for what is many. Raises what its driver raises."""
        return await connection.rows(self, values)


class Plan:
    """A compiled statement with what its types make of values and of columns."""

    def __init__(self, statement: Any, names: tuple[str, ...], dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        if compiled.post_compile_params:
            raise TypeError("a list in a prepared statement is given as one value")
        bound = {name: bind for bind, name in compiled.bind_names.items()}
        if missing := [name for name, bind in bound.items() if bind.required and name not in names]:
            raise TypeError(f"the statement wants values for {', '.join(missing)}")
        self.text = str(compiled)
        self.order: tuple[str, ...] = tuple(compiled.positiontup or ())
        """The values' names in the order in which the text counts them, where it does."""
        put = {name: to for name, bind in bound.items() if (to := _put(bind.type, dialect))}
        own = {name: value for name, value in compiled.params.items() if name not in names}
        self._own = own | {name: to(own[name]) for name, to in put.items() if name in own}
        self._put = [(name, to) for name, to in put.items() if name not in own]
        self._secret = [name for name, bind in bound.items() if marks(bind.type, dialect)]
        columns = list(statement.exported_columns)
        self._row: Any = _row_of([column.key for column in columns]) if columns else None
        got = [_got(column.type, dialect) for column in columns]
        self._got = [(at, to) for at, to in enumerate(got) if to]
        self.gives_rows = bool(columns)

    def bound(self, values: Given) -> dict[str, Any]:
        """The values as the driver takes them."""
        found = {**self._own, **values}
        for name, put in self._put:
            found[name] = put(found[name])
        return found

    def says_anything(self, values: Given) -> bool:
        """Whether any value of `memory.store.secret`'s types is more than nothing."""
        return any({**self._own, **values}[name] for name in self._secret)

    def read(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The driver's rows with names and types."""
        make = self._row._make
        if not self._got:
            return [make(row) for row in rows]
        found = []
        for row in rows:
            values = list(row)
            for at, got in self._got:
                values[at] = got(values[at])
            found.append(make(values))
        return found


class Ran(NamedTuple):
    """What an execution gave: rows (none where the statement gives none), how many it changed, the last new id."""

    rows: Sequence[Any]
    rowcount: int
    inserted: int | None


def run(driver: sqlite3.Connection, plan: Plan, values: Given | Sequence[Given]) -> Ran:
    """Raises sqlite3.Error."""
    # Read to its end, and so reset at once: a database with a statement that still hangs about is not closed, either.
    if not isinstance(values, Mapping):
        cursor = driver.executemany(plan.text, [plan.bound(one) for one in values])
        return Ran((), cursor.rowcount, None)
    cursor = driver.execute(plan.text, plan.bound(values))
    rows = plan.read(cursor.fetchall()) if cursor.description else ()
    return Ran(rows, cursor.rowcount, cursor.lastrowid)


def _put(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _got(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    if isinstance(kind, sa.Float):
        return None  # both drivers give floats
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _row_of(names: Sequence[str]) -> Any:
    class Row(namedtuple("Row", names, rename=True)):  # type: ignore[misc] # its names are data
        __slots__ = ()

        @property
        def _mapping(self) -> dict[str, Any]:  # as SQLAlchemy's rows have it
            return dict(zip(self._fields, self, strict=True))

    return Row
