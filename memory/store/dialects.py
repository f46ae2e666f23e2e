"""What SQLite and PostgreSQL say differently, said once: lists that are one value, many values as one, positions."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import (
    insert as upsert,  # what it adds to an INSERT compiles for SQLite, too
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from memory.records.keys import SEQ_BITS

__all__ = ["ALL", "among", "arrival", "joined", "listed", "place_of", "scope_in", "upsert"]

ALL = 2**31 - 1
"""As a limit: no limit."""


class Many(TypeDecorator[Any]):
    """A list that is bound as one value: in JSON, or as an array."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, item: str) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(ARRAY(sa.BigInteger() if self.item == "number" else sa.Text()))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return json.dumps(list(value)) if dialect.name == "sqlite" else list(value)


class among(FunctionElement[bool]):
    """Whether a column's value is in the list that is bound as ``name``: nothing is compiled anew for another count."""

    type = sa.Boolean()
    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any], name: str) -> None:
        item = "number" if isinstance(column.type, sa.Integer) else "text"
        super().__init__(column, sa.bindparam(name, type_=Many(item)))

    def self_group(self, against: Any = None) -> Any:
        """As it is: compared with 1, as booleans are on SQLite, it would be asked of each row instead of looked up."""
        return self


@compiles(among, "sqlite")
def _(element: among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({values})))"  # noqa: S608 (of names that we gave)


@compiles(among, "postgresql")
def _(element: among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({column} = ANY ({values}))"


class joined(FunctionElement[str]):
    """Numbers of many rows as one text: thousands of rows cost more in coming over than in being found."""

    type = sa.Text()
    inherit_cache = True


@compiles(joined, "sqlite")
def _(element: joined, compiler: SQLCompiler, **kw: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **kw)})"


@compiles(joined, "postgresql")
def _(element: joined, compiler: SQLCompiler, **kw: Any) -> str:
    return f"string_agg(CAST({compiler.process(element.clauses, **kw)} AS TEXT), ',')"


class listed(FunctionElement[str]):
    """Texts of many rows as one, in JSON."""

    type = sa.Text()
    inherit_cache = True


@compiles(listed, "sqlite")
def _(element: listed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_group_array({compiler.process(element.clauses, **kw)})"


@compiles(listed, "postgresql")
def _(element: listed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"coalesce(CAST(json_agg({compiler.process(element.clauses, **kw)}) AS TEXT), '[]')"


class place_of(FunctionElement[int]):
    """At which of a text's signs, counted from 1, another text begins in it; 0: nowhere."""

    type = sa.Integer()
    inherit_cache = True

    def __init__(self, text: sa.ColumnElement[str], wanted: str) -> None:
        super().__init__(text, sa.literal(wanted))


@compiles(place_of, "sqlite")
def _(element: place_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)})"


@compiles(place_of, "postgresql")
def _(element: place_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kw)})"


def scope_in(key: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """`memory.records.scope_of`, of a column."""
    # To the letter: PostgreSQL shifts by an integer of 32 bits only.
    return sa.cast(key.bitwise_rshift(sa.literal_column(str(SEQ_BITS))), sa.Integer)


class arrival(FunctionElement[int]):
    """The order in which turns were begun: a number that no record has (see `memory.store.tables.turns`)."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(arrival, "sqlite")
def _(element: arrival, compiler: SQLCompiler, **kw: Any) -> str:
    return "turns.rowid"


@compiles(arrival, "postgresql")
def _(element: arrival, compiler: SQLCompiler, **kw: Any) -> str:
    return "turns.seq"
