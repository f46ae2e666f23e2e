"""aiosqlite under SQLAlchemy, with as few trips to the database's thread as can be.

SQLAlchemy's own adapter makes up to four for a statement (open a cursor, execute, fetch, close), each of
which costs more than what most statements do. Here a statement runs on the event loop, unless it is one
that waits for the disk or for another process (`_WAITS`), or reads much (`beside`): those make one trip.

And a statement is never torn in half by a cancellation, at which SQLAlchemy would throw the connection
away, with all who share its transaction: it runs to its end, and the cancellation is raised when the
session is left (`take_cancellation`).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, TypeVar

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util import await_only, immutabledict

from memory.uncancelled import ended

T = TypeVar("T")

_WAITS = ("BEGIN", "COMMIT", "PRAGMA")  # for a lock, for the disk, for either


@dataclass(slots=True)
class _Outcome:
    """What a statement gave: the part of a cursor that outlives it."""

    rows: Sequence[Any] = ()
    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    arraysize: int = 1

    def close(self) -> None:
        return


class _Connection(aiosqlite.Connection):
    """aiosqlite's connection, which can also run a statement from opening to closing its cursor."""

    cancelled = False  # a cancellation waits for the end of the unit of work
    beside = 0  # statements that read much are under way: they run in the thread

    async def run(self, many: bool, *statement: Any) -> _Outcome:
        if self.beside or statement[0].startswith(_WAITS):
            return await self._execute(partial(self._run, many, *statement))
        # Whoever uses the connection awaits each statement before the next: the thread is idle now.
        return self._run(many, *statement)

    def _run(self, many: bool, *statement: Any) -> _Outcome:
        cursor = self._conn.cursor()
        try:
            (cursor.executemany if many else cursor.execute)(*statement)
            rows = cursor.fetchall() if cursor.description else ()
            return _Outcome(rows, cursor.description, cursor.rowcount, cursor.lastrowid)
        finally:
            cursor.close()

    async def _execute(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, partial(fn, *args, **kwargs)))
        if await ended(future):
            self.cancelled = True
        return future.result()


def take_cancellation(connection: AsyncConnection) -> bool:
    """Whether a cancellation was put off on this connection; whoever asks must raise it now."""
    driven = _driven(connection)
    if driven is None:
        return False
    cancelled, driven.cancelled = driven.cancelled, False
    return cancelled


async def control(connection: AsyncConnection, statement: str) -> None:
    """Run a statement of transaction control. Raises sqlite3.Error."""
    driven = _driven(connection)
    if driven is None:
        raise sqlite3.OperationalError("the connection is lost")
    await driven.run(False, statement)


class Prepared:
    """A question that is asked many times a turn: compiled once, answered as SQLite answers.

    SQLAlchemy costs more at each execution than SQLite does at most of these.
    """

    def __init__(self, query: sa.Select[Any]) -> None:
        compiled = query.compile(dialect=sqlite.dialect(paramstyle="named"))
        self._statement, self._known = str(compiled), compiled.params

    async def rows(self, connection: AsyncConnection, **values: Any) -> Sequence[Any]:
        """Raises sqlite3.Error."""
        driven = _driven(connection)
        if driven is None:
            raise sqlite3.OperationalError("the connection is lost")
        return (await driven.run(False, self._statement, self._known | values)).rows


@contextmanager
def beside(connection: AsyncConnection) -> Iterator[None]:
    """Run the block's statements beside the event loop: they touch many rows."""
    driven = _driven(connection)
    if driven is None:
        yield
        return
    driven.beside += 1
    try:
        yield
    finally:
        driven.beside -= 1


def _driven(connection: AsyncConnection) -> _Connection | None:
    sync = connection.sync_connection
    driven = None if sync is None or sync.invalidated else sync.connection.driver_connection
    return driven if isinstance(driven, _Connection) else None


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ()
    _awaitable_cursor_close = False

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._cursor: Any = _Outcome()
        self._soft_closed_memoized = immutabledict()
        self._rows = deque()

    def execute(self, operation: Any, parameters: Any = None) -> Any:
        return self._keep(False, *((operation,) if parameters is None else (operation, parameters)))

    def executemany(self, operation: Any, seq_of_parameters: Any) -> Any:
        return self._keep(True, operation, seq_of_parameters)

    def _keep(self, many: bool, *statement: Any) -> Any:
        driven = self._connection
        try:
            self._cursor = await_only(driven.run(many, *statement))
        except Exception as error:
            self._adapt_connection._handle_exception(error)
        self._rows = deque(self._cursor.rows)
        return self


class _AdaptedConnection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = _Cursor


class _Dbapi(AsyncAdapt_aiosqlite_dbapi):
    def connect(self, *args: Any, **kwargs: Any) -> Any:
        connection = _Connection(partial(sqlite3.connect, *args, **kwargs), iter_chunk_size=64)
        connection._thread.daemon = True  # a forgotten connection must not keep the process alive
        return _AdaptedConnection(self, await_only(connection))  # type: ignore[arg-type]


def dbapi() -> ModuleType:
    """The DBAPI module to pass to `sqlalchemy.ext.asyncio.create_async_engine`."""
    module: Any = _Dbapi(aiosqlite, sqlite3)
    return module  # type: ignore[no-any-return]
