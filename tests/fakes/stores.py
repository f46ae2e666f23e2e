"""The implementations of `memory.ports.Store`, for suites that run on every one of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Protocol

from memory.ports import Store
from memory.store.postgres.database import PostgresDatabase
from memory.store.sqlite.database import Database
from tests.fakes.empty_database import lay
from tests.fakes.postgres_server import SEALED, NewDatabase, asked, keys

Rows = dict[str, list[str]]


class Backend(Protocol):
    holds_zero: bool
    """Whether texts may hold the sign 0."""

    async def open(self) -> Store:
        """The store of this test: new and empty the first time, then what it was when it was closed."""
        ...

    async def rows(self) -> Rows:
        """Every committed row of every table, as text: the full-text tables' own rows included."""
        ...

    async def gone(self) -> None:
        """After the test."""
        ...


class Sqlite:
    holds_zero = True

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

    async def gone(self) -> None:
        pass


class Postgres:
    """A database of its own on the tests' server, made of one that is migrated already."""

    holds_zero = False

    def __init__(self, folder: Path) -> None:
        self.database = NewDatabase()
        self.keys = keys() if SEALED else None

    async def open(self) -> PostgresDatabase:
        return await PostgresDatabase.open(await self.database.url(), keys=self.keys)

    async def rows(self) -> Rows:
        async with asked(await self.database.url()) as connection:
            names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            return {
                name: sorted(
                    repr(tuple(row))
                    for row in await connection.fetch(f'SELECT * FROM "{name}"')  # noqa: S608
                )
                for (name,) in names
            }

    async def gone(self) -> None:
        await self.database.drop()


BACKENDS: list[Callable[[Path], Backend]] = [Sqlite, Postgres]
