"""Rows as the records that memory speaks of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

import sqlalchemy as sa

from memory.store.connection import Row

T = TypeVar("T")


def record(kind: type[T], row: Row, **others: Any) -> T:
    """The record that has the row's values in its fields of the columns' names; ``others`` are given as they are."""
    names = _names(kind)  # type: ignore[arg-type] # a class is hashable
    values = None if others else _values(kind, type(row))  # type: ignore[arg-type]
    if values is not None:
        # What a frozen dataclass's own __init__ does name by name, at three times the cost.
        made = object.__new__(kind)
        vars(made).update(zip(names, values(row), strict=True))
        return made
    columns = row._mapping  # public, whatever its name: columns may have any
    return kind(**{name: columns[name] for name in names if name not in others}, **others)


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _values(kind: type[Any], rows: type[Any]) -> Callable[[Any], tuple[Any, ...]] | None:
    """What takes the fields out of rows of a prepared statement; None where they are to be made in the plain way."""
    names = _names(kind)  # type: ignore[arg-type]
    if issubclass(rows, sa.Row) or not set(names) <= set(rows._fields) or len(names) < 2:
        return None
    if hasattr(kind, "__post_init__") or hasattr(kind, "__slots__"):
        return None
    return itemgetter(*map(rows._fields.index, names))
