"""The SQLite database: one writer, a pool of readers, migrations at opening.

SQLite runs in WAL mode with ``synchronous=FULL``: what was acknowledged survives a power cut. All units
of work run one after another on one connection; those that ask while another runs share its commit
(group commit), each under a savepoint of its own, so that one failing undoes nothing of its neighbours.
`secure_delete` is on from the first write: deleted rows leave no bytes behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from memory.errors import StoreUnavailable
from memory.ports import Busy, Single
from memory.records import Holder
from memory.store import tables as t
from memory.store.fulltext import is_current, renew
from memory.store.numbers import Remembered
from memory.store.pooled import Pooled
from memory.store.schema import HEAD, migrate, refuse_newer
from memory.store.session import session
from memory.store.sqlite import copies
from memory.store.sqlite.connection import SqliteConnection

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


class Database(Pooled[SqliteConnection]):
    """`memory.ports.Store` on SQLite. Make one with `Database.open`."""

    def __init__(self, path: Path, readers: int = 3) -> None:
        extents: dict[int, int] = {}  # newest message number of each agent
        super().__init__(readers, lambda c: session(c, Remembered(c, extents)))
        self.path = path
        self._asking = 0
        self._batch: _Batch | None = None

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
        return await cls(path, readers)._prepared()

    async def _prepare(self) -> None:
        async with _mapped(self.path):
            writer = self._writer = await self._connect()
            version = await _version(writer)
            refuse_newer(version, f"The database {self.path}", "point data_dir at another directory")
            if version != HEAD:
                await writer.control("BEGIN IMMEDIATE")
                migrate(writer.inner)
                await writer.control("COMMIT")
            if version is None or not await is_current(writer):
                await writer.control("BEGIN IMMEDIATE")
                await renew(writer)
                await writer.control("COMMIT")
            if writer.take_cancellation():
                raise asyncio.CancelledError

    async def _finish(self) -> None:
        if self._batch is not None and self._writer is not None:  # whoever was to commit it was cancelled
            await self._commit_or_break(self._batch, self._writer)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[SqliteConnection]:
        self._refuse_when_closed()
        connection = await self._readers.get()
        broken = False
        try:
            async with _mapped(self.path):
                if connection is None:
                    connection = await self._connect("PRAGMA query_only=ON")
                yield connection
                if connection.take_cancellation():
                    raise asyncio.CancelledError
        except StoreUnavailable:
            broken = True
            raise
        finally:
            if connection is not None and not broken:
                connection.take_cancellation()
            if broken and connection is not None:
                await connection.close()
            self._readers.put_nowait(None if broken else connection)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[SqliteConnection]:
        self._refuse_when_closed()
        await self._queue_up()
        failure: BaseException | None = None
        async with _mapped(self.path):
            try:
                batch, connection = await self._join()
                try:
                    yield connection
                except BaseException as error:
                    failure = error
                await self._leave(batch, connection, undo=failure is not None)
                if connection.take_cancellation() and failure is None:
                    failure = asyncio.CancelledError()  # raised below; the unit is whole nevertheless
            except Exception as error:
                await self._break(failure or error)
                raise failure or error from None
            finally:
                self._turnstile.release()
            if failure is not None:
                raise failure
            await asyncio.shield(batch.committed)

    async def _queue_up(self) -> None:
        self._asking += 1
        try:
            await self._turnstile.acquire()
        except asyncio.CancelledError:
            # Those before us may have left their commit to us.
            if self._asking == 1 and self._batch is not None:
                await asyncio.shield(self._commit_late())
            raise
        finally:
            self._asking -= 1

    async def _commit_late(self) -> None:
        async with self._turnstile:
            if self._batch is None or self._writer is None:
                return
            await self._commit_or_break(self._batch, self._writer)

    async def _commit_or_break(self, batch: _Batch, connection: SqliteConnection) -> None:
        try:
            await self._commit(batch, connection)
        except Exception as error:
            await self._break(error)

    async def _join(self) -> tuple[_Batch, SqliteConnection]:
        """The batch to write with. The first unit of a batch is the transaction, the others savepoints."""
        if self._writer is None:
            self._writer = await self._connect()
        if self._batch is None:
            await self._writer.control("BEGIN IMMEDIATE")
            self._batch = _Batch()
        else:
            await self._writer.control("SAVEPOINT unit")
        self._batch.size += 1
        return self._batch, self._writer

    async def _leave(self, batch: _Batch, connection: SqliteConnection, *, undo: bool) -> None:
        """Close the unit, undoing it if it failed; commit, unless the next in line may share the commit."""
        if batch.size == 1:
            if undo:
                await connection.control("ROLLBACK")
                self._batch = None
                return
        else:
            if undo:
                await connection.control("ROLLBACK TO unit")
            await connection.control("RELEASE unit")
        if not self._asking or batch.size >= _BATCH:
            await self._commit(batch, connection)

    async def _commit(self, batch: _Batch, connection: SqliteConnection) -> None:
        await connection.control("COMMIT")
        self._batch = None
        batch.committed.set_result(None)

    async def _break(self, error: BaseException) -> None:
        """The transaction is lost: whoever shares it hears so, and the next one starts afresh."""
        batch, self._batch = self._batch, None
        broken, self._writer = self._writer, None
        if broken is not None:
            with contextlib.suppress(sqlite3.Error):
                await broken.control("ROLLBACK")
            await broken.close()
        if batch is not None:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
            batch.committed.set_exception(StoreUnavailable(_sentence(cause, self.path)))
            batch.committed.exception()  # seen, even when nobody waits

    async def _connect(self, *pragmas: str) -> SqliteConnection:
        connection = await SqliteConnection.open(self.path)
        try:
            for pragma in (*_PRAGMAS, *pragmas):
                await connection.ask(pragma)
        except BaseException:
            await connection.close()
            raise
        return connection

    @property
    def sealed(self) -> bool:
        return False

    @property
    def place(self) -> str:
        return str(self.path)

    @property
    def ending(self) -> str:
        return ".db"

    @asynccontextmanager
    async def alone(self, command: str, busy: Busy | None = None) -> AsyncIterator[None]:
        """Nothing is to be done: who holds the data directory has its database."""
        yield

    def cluster(self, command: str, *, works: bool) -> Single:
        return Single()

    async def kept(self) -> None:
        await asyncio.Event().wait()

    async def leased(self, kind: str) -> Mapping[int, str]:
        return {}

    async def holders(self) -> list[Holder]:
        return []

    async def backup(self, path: Path) -> None:
        await copies.write(self.path, path)

    async def scrub(self) -> bool:
        """Overwrite what is left of deleted rows: in the full-text indexes, and in the log of writes.

        False when a reader was in the way; then ask again. Writers wait meanwhile: about a second for a
        million messages.
        """
        self._refuse_when_closed()
        async with self._writing() as connection:
            with connection.beside():
                for kind in t.FULL_TEXT:
                    words = sa.table(f"{kind}_terms", sa.column(f"{kind}_terms"))
                    await connection.execute(words.insert().values({f"{kind}_terms": "optimize"}))
        async with _mapped(self.path), self._turnstile:
            if self._batch is not None or self._writer is None:
                return False  # somebody's transaction is open
            [(busy, *_)] = await self._writer.ask("PRAGMA wal_checkpoint(TRUNCATE)")
            if self._writer.take_cancellation():
                raise asyncio.CancelledError  # of this task, not of the next that writes
            return bool(busy == 0)

    async def check(self) -> str | None:
        """None when the file is sound, else what SQLite finds wrong with it, and what to do."""
        async with _mapped(self.path), self._reading() as connection:
            found = [str(line) for (line,) in await connection.ask("PRAGMA quick_check(3)")]
        return None if found == ["ok"] else f"damaged ({'; '.join(found)}): restore a backup."


class _Batch:
    """Units of work that share one commit."""

    def __init__(self) -> None:
        self.size = 0
        self.committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()


async def _version(connection: SqliteConnection) -> str | None:
    if not await connection.ask("SELECT 1 FROM sqlite_master WHERE type='table' AND name='alembic_version'"):
        return None
    versions = await connection.ask("SELECT version_num FROM alembic_version")
    return str(versions[0][0]) if versions else None


@asynccontextmanager
async def _mapped(path: Path) -> AsyncIterator[None]:
    """SQLite's complaints as sentences for the operator."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error, sa.exc.IntegrityError):
            raise
        raise StoreUnavailable(_sentence(error.orig or error, path)) from error
    except sqlite3.IntegrityError:
        raise
    except (OSError, sqlite3.Error) as error:
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
    elif "disk I/O error" in text:
        why = "the disk failed. Check it and its free space, or set data_dir to another disk"
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
