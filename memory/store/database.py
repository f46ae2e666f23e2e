"""The SQLite database: one writer, a pool of readers, migrations at opening.

SQLite runs in WAL mode with ``synchronous=FULL``: what was acknowledged survives a power cut. All units
of work run one after another on one connection; those that ask while another runs share its commit
(group commit), each under a savepoint of its own, so that one failing undoes nothing of its neighbours.
`secure_delete` is on from the first write: deleted rows leave no bytes behind.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from memory.errors import StoreError, StoreTooNew, StoreUnavailable
from memory.store.session import Session

HEAD = "0001"
"""The newest migration. A test proves that it is Alembic's head too."""

_PRAGMAS = (
    "PRAGMA secure_delete=ON",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16384",
)
_BATCH = 64  # units of work that may share one commit


class Database:
    """`memory.ports.Store` on SQLite. Make one with `Database.open`."""

    def __init__(self, path: Path, readers: int = 3) -> None:
        self.path = path
        self._url = f"sqlite+aiosqlite:///{path}"
        self._engine: AsyncEngine = create_async_engine(
            self._url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        self._writer: AsyncConnection | None = None
        self._turnstile = asyncio.Lock()
        self._asking = 0
        self._batch: _Batch | None = None
        self._readers: asyncio.LifoQueue[AsyncConnection | None] = asyncio.LifoQueue()
        for _ in range(readers):
            self._readers.put_nowait(None)

    @classmethod
    async def open(cls, path: Path, *, readers: int = 3) -> Database:
        """Open or create the database, and migrate it.

        Raises `StoreUnavailable` when the file cannot be used, `StoreTooNew` when a newer everbot
        wrote it.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(_sentence(error, path)) from error
        database = cls(path, readers)
        try:
            await database._prepare()
        except BaseException:
            await database.close()
            raise
        return database

    async def _prepare(self) -> None:
        async with _mapped(self.path):
            writer = await self._connect(writable=True)
            version = await _version(writer)
            if version is not None and version > HEAD:
                raise StoreTooNew(
                    f"The database {self.path} was written by a newer everbot (schema {version}, this one "
                    f"knows {HEAD}). Upgrade everbot, or point data_dir at another directory."
                )
            if version != HEAD:
                await writer.exec_driver_sql("BEGIN IMMEDIATE")
                await writer.run_sync(_migrate)
                await writer.exec_driver_sql("COMMIT")

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        connections = [self._writer]
        self._writer = None
        while not self._readers.empty():
            connections.append(self._readers.get_nowait())
        for connection in connections:
            if connection is not None:
                await connection.close()
        await self._engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Session]:
        connection = await self._readers.get()
        try:
            async with _mapped(self.path):
                if connection is None:
                    connection = await self._connect(writable=False)
                await connection.exec_driver_sql("BEGIN")
                yield Session(connection)
                await connection.exec_driver_sql("ROLLBACK")
        except BaseException:
            # The connection may be in the middle of something: a fresh one takes its place.
            broken, connection = connection, None
            if broken is not None:
                await asyncio.shield(_discard(broken))
            raise
        finally:
            self._readers.put_nowait(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Session]:
        await self._queue_up()
        failure: Exception | None = None
        async with _mapped(self.path):
            try:
                batch, connection = await self._join()
                try:
                    yield Session(connection)
                except Exception as error:
                    failure = error
                    await connection.exec_driver_sql("ROLLBACK TO unit")
                await connection.exec_driver_sql("RELEASE unit")
                await self._leave(batch, connection)
            except BaseException as error:
                await asyncio.shield(self._break(error))
                raise failure or error from None
            finally:
                self._turnstile.release()
            if failure is not None:
                raise failure
            await batch.committed()

    async def _queue_up(self) -> None:
        self._asking += 1
        try:
            await self._turnstile.acquire()
        except asyncio.CancelledError:
            # Those before us may have left their commit to us.
            if self._asking == 1 and self._batch is not None:
                async with self._turnstile:
                    await asyncio.shield(self._leave_last())
            raise
        finally:
            self._asking -= 1

    async def _leave_last(self) -> None:
        if self._batch is not None and self._writer is not None:
            self._batch.size = _BATCH
            await self._leave(self._batch, self._writer)

    async def _join(self) -> tuple[_Batch, AsyncConnection]:
        connection = self._writer or await self._connect(writable=True)
        if self._batch is None:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._batch = _Batch()
        self._batch.size += 1
        await connection.exec_driver_sql("SAVEPOINT unit")
        return self._batch, connection

    async def _leave(self, batch: _Batch, connection: AsyncConnection) -> None:
        """Commit, unless the next in line may share the commit."""
        if self._asking and batch.size < _BATCH:
            return
        await connection.exec_driver_sql("COMMIT")
        self._batch = None
        batch.succeed()

    async def _break(self, error: BaseException) -> None:
        """The writing connection's state is unknown: undo the whole batch and start afresh."""
        batch, self._batch = self._batch, None
        broken, self._writer = self._writer, None
        if broken is not None:
            await _discard(broken)
        if batch is not None:
            why = str(error) or type(error).__name__
            batch.fail(StoreUnavailable(f"A write to {self.path} was undone: {why}"))

    async def _connect(self, *, writable: bool) -> AsyncConnection:
        connection = await self._engine.connect()
        for pragma in _PRAGMAS:
            await connection.exec_driver_sql(pragma)
        if writable:
            self._writer = connection
        else:
            await connection.exec_driver_sql("PRAGMA query_only=ON")
        return connection

    async def check(self) -> str | None:
        """None when the file is sound, else what SQLite finds wrong with it."""
        async with _mapped(self.path), self.read() as session:
            found = (await session.connection.exec_driver_sql("PRAGMA quick_check(3)")).scalars().all()
        return None if found == ["ok"] else "; ".join(map(str, found))


class _Batch:
    """Units of work that share one commit."""

    def __init__(self) -> None:
        self.size = 0
        self._result: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def succeed(self) -> None:
        self._result.set_result(None)

    def fail(self, error: StoreError) -> None:
        self._result.set_exception(error)
        self._result.exception()  # seen, even when nobody waits

    async def committed(self) -> None:
        await asyncio.shield(self._result)


async def _discard(connection: AsyncConnection) -> None:
    try:
        await connection.invalidate()
    finally:
        await connection.close()


async def _version(connection: AsyncConnection) -> str | None:
    known = await connection.exec_driver_sql(
        "SELECT 1 FROM sqlite_master WHERE type='table' AND name='alembic_version'"
    )
    if known.scalar() is None:
        return None
    return str((await connection.exec_driver_sql("SELECT version_num FROM alembic_version")).scalar())


def _migrate(connection: sa.Connection) -> None:
    # Imported here: Alembic costs 0.1 s at every start, and is needed at few.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@asynccontextmanager
async def _mapped(path: Path) -> AsyncIterator[None]:
    """SQLite's complaints as sentences for the operator."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error, sa.exc.IntegrityError):
            raise
        raise StoreUnavailable(_sentence(error.orig or error, path)) from error
    except OSError as error:
        raise StoreUnavailable(_sentence(error, path)) from error


def _sentence(error: BaseException, path: Path) -> str:
    text = str(error)
    full = "disk is full" in text or getattr(error, "errno", None) == errno.ENOSPC
    if full:
        why = "the disk is full. Free some space, or set data_dir to another disk"
    elif "readonly" in text or "read-only" in text.lower() or isinstance(error, PermissionError):
        why = "it cannot be written. Make the directory writable, or set data_dir to one that is"
    elif "malformed" in text or "not a database" in text:
        why = "it is damaged or no database. Restore a backup, or set data_dir to another directory"
    elif "locked" in text:
        why = "another program holds it locked. Stop that program, or set data_dir to another directory"
    elif "unable to open" in text:
        why = "it cannot be opened. Check that data_dir exists and may be read and written"
    else:
        why = f"the database answered: {text}"
    return f"{path}: {why}."


def schema(connection: sa.Connection) -> dict[str, Any]:
    """Every table's and index's definition, for comparing the migrated schema with the declared one."""
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name != 'alembic_version' "
        "AND sql IS NOT NULL ORDER BY name"
    )
    return {name: " ".join(sql.split()) for name, sql in rows}
