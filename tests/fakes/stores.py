"""The implementations of `memory.ports.Store`, for suites that run on every one of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Protocol

from memory.ports import Store
from memory.store.sqlite.database import Database
from tests.fakes.empty_database import lay

Rows = dict[str, list[str]]


class Backend(Protocol):
    async def open(self) -> Store:
        """The store of this test: new and empty the first time, then what it was when it was closed."""
        ...

    async def rows(self) -> Rows:
        """Every committed row of every table, as text: the full-text tables' own rows included."""
        ...


class Sqlite:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "x.db"

    async def open(self) -> Database:
        return await Database.open(lay(self.path))

    async def rows(self) -> Rows:
        with closing(sqlite3.connect(self.path)) as connection:
            names = [
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            ]
            # The inverted index itself is bytes that depend on history; its rows and sizes tell all.
            wanted = [n for n in names if not n.endswith(("_data", "_idx", "_config")) and n[:7] != "sqlite_"]
            return {
                name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"')))  # noqa: S608
                for name in wanted
            }


BACKENDS: list[Callable[[Path], Backend]] = [Sqlite]
