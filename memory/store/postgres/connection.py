"""A connection to PostgreSQL: SQLAlchemy's over asyncpg, whose own statements run what is prepared.

A statement is never torn in half by a cancellation: it runs to its end, and then the cancellation is raised. Its unit
of work is undone by that, and nobody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from memory.store import tables as t
from memory.store.connection import Answer
from memory.store.postgres import resealing
from memory.store.postgres.fulltext import Postings
from memory.store.postgres.sealed_words import SealedPostings
from memory.store.postgres.sealing import Sealing
from memory.store.postgres.whose import Owners, sealed_rows, whose
from memory.store.prepared import Plan, Prepared
from memory.uncancelled import ended

T = TypeVar("T")

_IN_TURN = 4246  # a class of locks
_LEAVE_S = 5.0  # for what a connection says when it goes
_ANSWER_S = 15.0  # for a prepared statement: it may wait for another's lock for 10


class PostgresConnection:
    """`memory.store.connection.Connection` to PostgreSQL. Make one with `open`."""

    def __init__(self, outer: AsyncConnection, driver: asyncpg.Connection, sealing: Sealing | None) -> None:
        self.outer = outer
        self.sealing = sealing
        self._owners: Owners = None  # of the rows that SQLAlchemy is about to write
        self._driver = driver
        self.dialect = outer.dialect
        self._statements: dict[str, Any] = {}  # prepared at the server, by their texts
        self._silent = False  # the server was asked, and has not answered in time

    @classmethod
    async def open(cls, engine: AsyncEngine, sealing: Sealing | None = None) -> PostgresConnection:
        """Raises OSError, `asyncpg.PostgresError`, `sqlalchemy.exc.DBAPIError`."""
        opening = asyncio.ensure_future(cls._open(engine, sealing))
        if await ended(opening):
            if opening.exception() is None:
                await opening.result().close()
            raise asyncio.CancelledError
        return opening.result()

    @classmethod
    async def _open(cls, engine: AsyncEngine, sealing: Sealing | None) -> PostgresConnection:
        outer = await engine.connect()
        driver = (await outer.get_raw_connection()).driver_connection
        assert driver is not None
        connection = cls(outer, driver, sealing)
        assert outer.sync_connection is not None
        sa.event.listen(outer.sync_connection, "before_cursor_execute", connection._storable, retval=True)
        if sealing is not None:
            try:
                await sealing.open_on(driver)
            except BaseException:
                await connection.close()
                raise
        return connection

    @property
    def lost(self) -> bool:
        """Whether the server has closed it, or does not answer on it."""
        return self._silent or bool(self._driver.is_closed())

    async def execute(self, statement: sa.Executable | Prepared, values: Any = None) -> Answer:
        """Raises `sqlalchemy.exc.DBAPIError`, or for a prepared statement `asyncpg.PostgresError`."""
        owners = None if self.sealing is None else await whose(self, self.sealing, statement, values)
        if isinstance(statement, Prepared):
            return await self._whole(self._quickly(statement, {} if values is None else values, owners))
        self._owners = owners
        try:
            return await self._whole(self._plainly(statement, values))
        finally:
            self._owners = None

    async def rows(self, prepared: Prepared, values: Mapping[str, Any]) -> list[Any]:
        """See `Prepared.rows`."""
        plan = prepared.plan(tuple(values), self.dialect)
        return await self._whole(self._tuples(plan, values))

    async def ask(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a statement in PostgreSQL's own words. Raises `asyncpg.PostgresError`."""
        return await self._whole(self._driver.fetch(statement, *values))

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows of the driver's types, many at once. Raises `asyncpg.PostgresError`."""
        records = await sealed_rows(self, t.metadata.tables[table], columns, rows)
        await self._whole(self._driver.copy_records_to_table(table, columns=columns, records=records))

    async def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement in PostgreSQL's own words with each of these values. Raises `asyncpg.PostgresError`."""
        await self._whole(self._driver.executemany(statement, rows))

    async def portions(self, query: str, size: int) -> AsyncIterator[list[Any]]:
        """The rows of a query, so many at once. Raises `asyncpg.PostgresError`."""
        cursor = await self._whole(_cursor(self._driver, query))
        while rows := await self._whole(cursor.fetch(size)):
            yield rows

    async def control(self, statement: str, *, timeout_s: float | None = None) -> None:
        """Run a statement that gives no rows, by itself. Raises `asyncpg.PostgresError`."""
        await self._whole(self._driver.execute(statement, timeout=timeout_s))

    async def remarks(self, statement: str, *, timeout_s: float) -> list[asyncpg.PostgresLogMessage]:
        """Run a statement that gives no rows, by itself: what the server says meanwhile. Raises
        `asyncpg.PostgresError`."""
        said: list[asyncpg.PostgresLogMessage] = []

        def hear(_: object, message: asyncpg.PostgresLogMessage) -> None:
            said.append(message)

        self._driver.add_log_listener(hear)
        try:
            await self.control(statement, timeout_s=timeout_s)
        finally:
            self._driver.remove_log_listener(hear)
        return said

    async def synchronously(self, work: Any) -> None:
        """``work`` with SQLAlchemy's synchronous connection."""
        await self._whole(self.outer.run_sync(work))

    def beside(self) -> nullcontext[None]:
        return nullcontext()  # the work is the server's

    def sealed(self, owner: str, values: Collection[str]) -> list[str]:
        """See `memory.store.connection.Connection`."""
        return [self.sealing.same(value, owner) for value in values] if self.sealing else list(values)

    async def resealed(self, agent_id: int, archive_id: int) -> None:
        """See `memory.store.connection.Connection`."""
        if self.sealing is not None:
            await resealing.reseal(self, agent_id, archive_id)

    def full_text(self, kind: str) -> Postings:
        return SealedPostings(self, kind, self.sealing) if self.sealing else Postings(self, kind)

    async def in_turn(self, numbers: Sequence[int], *, shared: bool) -> None:
        lock = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        await self.ask(f"SELECT {lock}({_IN_TURN}, n) FROM unnest($1::int[]) n", sorted(numbers))  # noqa: S608

    async def defer_foreign_keys(self) -> None:
        await self.control("SET CONSTRAINTS ALL DEFERRED")

    async def close(self) -> None:
        """Idempotent; never fails."""
        if self.outer.closed:
            return
        closing = asyncio.ensure_future(self._close())
        if await ended(closing):
            raise asyncio.CancelledError
        closing.result()

    async def _close(self) -> None:
        try:
            if self._silent:  # nothing that is said on it would be heard
                raise TimeoutError
            await self._driver.close(timeout=_LEAVE_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._driver.terminate()
        await self.outer.invalidate()
        await self.outer.close()

    async def _plainly(self, statement: sa.Executable, values: Any) -> Answer:
        return Answer.of(await self.outer.execute(statement, values))

    async def _quickly(self, prepared: Prepared, values: Any, owners: Owners) -> Answer:
        names = values if isinstance(values, Mapping) else values[0]
        plan = prepared.plan(tuple(names), self.dialect)
        statement = await self._statement(plan)
        if not isinstance(values, Mapping):
            of = owners or [None] * len(values)
            rows = [self._counted(plan, one, owner) for one, owner in zip(values, of, strict=True)]
            await statement.executemany(rows)
            return Answer((), -1, lambda: None)
        rows = await statement.fetch(
            *self._counted(plan, values, owners[0] if owners else None), timeout=_ANSWER_S
        )
        count = statement.get_statusmsg().rpartition(" ")[2]
        changed = int(count) if count.isdigit() else -1
        if plan.gives_rows:
            return Answer(plan.read(rows), changed, lambda: None)
        return Answer((), changed, lambda: rows[0][0] if rows else None)

    async def _tuples(self, plan: Plan, values: Mapping[str, Any]) -> list[Any]:
        statement = await self._statement(plan)
        return [tuple(row) for row in await statement.fetch(*self._counted(plan, values), timeout=_ANSWER_S)]

    def _counted(self, plan: Plan, values: Mapping[str, Any], owner: str | None = None) -> list[Any]:
        """The values in the order in which the statement counts them."""
        bound = plan.bound(values)
        if self.sealing is None:
            return [storable(bound[name]) for name in plan.order]
        return [storable(self.sealing.seal(bound[name], owner)) for name in plan.order]

    def _storable(
        self,
        connection: object,
        cursor: object,
        statement: str,
        parameters: Any,
        context: object,
        many: bool,
    ) -> tuple[str, Any]:
        """What SQLAlchemy hands to its driver, as PostgreSQL can hold it."""
        rows: list[Any] = parameters if many else [parameters]
        if self.sealing is not None:
            of = self._owners or [None] * len(rows)
            rows = [
                [self.sealing.seal(value, owner) for value in row]
                for row, owner in zip(rows, of, strict=True)
            ]
        told = [tuple(map(storable, row)) for row in rows]
        return statement, told if many else told[0]

    async def _statement(self, plan: Plan) -> Any:
        statement = self._statements.get(plan.text)
        if statement is None:
            statement = self._statements[plan.text] = await self._driver.prepare(plan.text, timeout=_ANSWER_S)
        return statement

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.ensure_future(work)
        cancelled = await ended(future)
        self._silent = self._silent or _timed_out(future)
        if cancelled:
            future.exception()  # who is cancelled is told of no failure, which would be met, and gone on after
            raise asyncio.CancelledError
        return future.result()


def _timed_out(work: asyncio.Future[Any]) -> bool:
    error = None if work.cancelled() else work.exception()
    return isinstance(error, TimeoutError) or isinstance(getattr(error, "orig", None), TimeoutError)


async def _cursor(driver: asyncpg.Connection, query: str) -> Any:
    return await driver.cursor(query)


def storable(value: Any) -> Any:
    """A value as PostgreSQL can hold it: no text of its may hold the sign 0."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in value else value
    return [storable(one) for one in value] if isinstance(value, list) else value
