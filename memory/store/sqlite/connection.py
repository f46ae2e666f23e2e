"""A connection to the SQLite file: asynchronous outside, SQLAlchemy's synchronous one inside.

A statement runs on the event loop, unless it waits for the disk (COMMIT, a pragma) or for another process (BEGIN,
when one is writing) or reads much (`SqliteConnection.beside`): most take SQLite less time than the way to a thread and
back, and SQLAlchemy's own asynchronous connection goes that way up to four times for a statement. A turn's statements,
one after the other through both, on two busy cores (26 November 2026, five runs of ``benchmarks.connection --rounds
1000``): 5.5 to 8.8 ms through SQLAlchemy's own, 1.0 to 2.5 ms through this one, 2.7 to 5.7 times as quick.

And a statement is never torn in half by a cancellation, which would cost all who share its transaction the
connection: it runs to its end, and the cancellation is raised when the session is left (`take_cancellation`).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import aiosqlite
import sqlalchemy as sa

from memory.store.connection import Answer
from memory.store.prepared import Plan, Prepared, run
from memory.store.sqlite.fulltext import Fts5
from memory.uncancelled import ended

T = TypeVar("T")
P = ParamSpec("P")

_COMPILED: dict[Any, Any] = {}  # statements, for all connections


class SqliteConnection:
    """`memory.store.connection.Connection` to an SQLite file. Make one with `open`."""

    def __init__(self, outer: aiosqlite.Connection, inner: sa.Connection, driver: sqlite3.Connection) -> None:
        self.inner = inner
        self._outer = outer
        self._driver = driver
        self._dialect = _dialect()
        self._beside = 0  # blocks that read much are under way
        self._cancelled = False  # a cancellation waits for the end of the unit of work

    @classmethod
    async def open(cls, path: Path) -> SqliteConnection:
        """Raises sqlite3.Error, `sqlalchemy.exc.DBAPIError`."""
        opening = asyncio.ensure_future(cls._open(path))
        cancelled = await ended(opening)
        connection = opening.result()
        connection._cancelled = cancelled
        return connection

    @classmethod
    async def _open(cls, path: Path) -> SqliteConnection:
        def connect() -> (
            sqlite3.Connection
        ):  # each statement is its own transaction, but for BEGIN and COMMIT
            return sqlite3.connect(path, check_same_thread=False, isolation_level=None)

        driver = await asyncio.to_thread(connect)
        inner = _inner(driver)
        outer = await aiosqlite.Connection(lambda: driver, iter_chunk_size=64)
        return cls(outer, inner, driver)

    async def execute(self, statement: sa.Executable | Prepared, values: Any = None) -> Answer:
        """Raises `sqlalchemy.exc.DBAPIError`, or for a prepared statement sqlite3.Error."""
        if isinstance(statement, Prepared):
            return await self._run(self._quickly, statement, {} if values is None else values)
        return await self._run(lambda: Answer.of(self.inner.execute(statement, values)))

    async def rows(self, prepared: Prepared, values: Mapping[str, Any]) -> list[Any]:
        """See `Prepared.rows`."""
        plan = prepared.plan(tuple(values), self._dialect)
        return await self._run(self._plainly, plan, values)

    async def ask(self, statement: str) -> list[Any]:
        """The rows of a pragma, or of a question about the file itself. Raises sqlite3.Error."""
        return list(await self._trip(self._outer.execute_fetchall(statement)))

    async def control(self, statement: str) -> None:
        """Run a statement of transaction control. Raises sqlite3.Error."""
        if statement == "COMMIT" or (statement.startswith("BEGIN") and not self._begun(statement)):
            await self.ask(statement)
        elif not statement.startswith("BEGIN"):
            self._driver.execute(statement)

    def _begun(self, statement: str) -> bool:
        """Whether the transaction could begin without waiting: nobody else is writing."""
        ((patience,),) = self._driver.execute("PRAGMA busy_timeout").fetchall()
        self._driver.execute("PRAGMA busy_timeout=0")
        try:
            self._driver.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return False
        finally:
            self._driver.execute(f"PRAGMA busy_timeout={patience}")
        return True

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Run the block's statements beside the event loop: they touch many rows."""
        self._beside += 1
        try:
            yield
        finally:
            self._beside -= 1

    def sealed(self, owner: str, values: Collection[str]) -> list[str]:
        return list(values)

    async def resealed(self, agent_id: int, archive_id: int) -> None:
        pass  # nothing is sealed

    def full_text(self, kind: str) -> Fts5:
        return Fts5(self, kind)

    async def in_turn(self, numbers: Sequence[int], *, shared: bool) -> None:
        pass  # one process, and one unit at a time

    async def defer_foreign_keys(self) -> None:
        await self.execute(sa.text("PRAGMA defer_foreign_keys=ON"))

    def take_cancellation(self) -> bool:
        """Whether a cancellation was put off; whoever asks must raise it now."""
        cancelled, self._cancelled = self._cancelled, False
        return cancelled

    async def close(self) -> None:
        """Idempotent."""
        if not self.inner.closed:
            self.inner.close()
            await self._trip(self._outer.close())

    def _quickly(self, prepared: Prepared, values: Any) -> Answer:
        names = values if isinstance(values, dict) else values[0]
        ran = run(self._driver, prepared.plan(tuple(names), self._dialect), values)
        return Answer(ran.rows, ran.rowcount, lambda: ran.inserted)

    def _plainly(self, plan: Plan, values: Mapping[str, Any]) -> list[Any]:
        return self._driver.execute(plan.text, plan.bound(values)).fetchall()

    async def _run(self, call: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        # Whoever uses the connection awaits each statement before the next: no thread is at it now.
        if self._beside:
            return await self._trip(asyncio.to_thread(call, *given, **named))
        return call(*given, **named)

    async def _trip(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.ensure_future(work)
        if await ended(future):
            self._cancelled = True
        return future.result()


def _inner(driver: sqlite3.Connection) -> sa.Connection:
    dialect = _dialect()
    engine = sa.Engine(
        sa.StaticPool(lambda: cast(Any, driver), dialect=dialect),
        dialect,
        sa.make_url("sqlite://"),
        hide_parameters=True,  # they are what people said, and errors are logged
    )
    inner = engine.execution_options(compiled_cache=_COMPILED).connect()
    inner.begin()  # says nothing to SQLite: what begins and ends a transaction is `Connection.control`
    return inner


@cache
def _dialect() -> sa.Dialect:
    """One for all connections: what is compiled for another is compiled anew, and kept for ever."""
    engine = sa.create_engine("sqlite://", paramstyle="named")
    with engine.connect():  # on which it learns what this SQLite can do
        pass
    engine.dispose()
    return engine.dialect
