"""Rows as the records that memory speaks of."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from memory.store.connection import Row

T = TypeVar("T")


def record(kind: type[T], row: Row, **others: Any) -> T:
    """The record that has the row's values in its fields of the columns' names; ``others`` are given as they are."""
    values = row._mapping  # public, whatever its name: columns may have any
    names = _names(kind)  # type: ignore[arg-type] # a class is hashable
    return kind(**{name: values[name] for name in names if name not in others}, **others)


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
