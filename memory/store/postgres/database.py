"""The PostgreSQL database: one writer, a pool of readers, migrations at opening.

Each unit of work is a transaction of its own. Those of one process run one after another, in the order in which they
asked, as on SQLite; what other processes do at the same time is PostgreSQL's to keep apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from memory.errors import StoreBusy, StoreError, StoreUnavailable, where
from memory.ports import Busy
from memory.records import Holder
from memory.store import tables as t
from memory.store.numbers import Counted, Versions
from memory.store.pooled import Pooled
from memory.store.postgres import dumps, keeping, upgrades
from memory.store.postgres.address import Address
from memory.store.postgres.cluster import PostgresCluster
from memory.store.postgres.connection import PostgresConnection
from memory.store.postgres.leases import HELD, LEASE, mark
from memory.store.postgres.refusals import mapped
from memory.store.postgres.sealing import Sealing
from memory.store.postgres.sharing import Sharing, holders, name_of
from memory.store.session import session
from memory.uncancelled import ended

log = logging.getLogger(__name__)

OLDEST = 14
"""The oldest version of PostgreSQL that we run on."""

_ANSWER_S = 60.0  # for any statement but those that rewrite tables, and prepared ones
_BEGIN_S = 5.0  # for what never waits: a connection that has gone silent is known by that
_CONNECT_S = 10.0
_REWRITE_S = 3_600.0
_SESSION = {
    "application_name": "everbot",
    "jit": "off",  # our statements take less time than compiling them would
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",  # of a process that was stopped: others wait for its rows
    "timezone": "UTC",
    "tcp_keepalives_idle": "3",  # a machine that is gone lets its locks go
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_LOOK_S = 1.0
_LASTING = {
    "fsync": "a power cut may cost all of it",
    "full_page_writes": "a power cut may damage it",
    "synchronous_commit": "a power cut costs what was acknowledged last",
}
_ONLY_READS = "SET default_transaction_read_only = on"
"""Not said when it connects: what looks for a primary (target_session_attrs) would take the server for a replica."""
_LOOKS = 50
_LOOK_AGAIN_S = 0.02
_FOR_SCRUB = ("SET lock_timeout = '2s'", "RESET lock_timeout")


class PostgresDatabase(Pooled[PostgresConnection]):
    """`memory.ports.Store` on PostgreSQL. Make one with `open`."""

    def __init__(self, address: Address, readers: int = 4, keys: Path | None = None) -> None:
        agents = Versions()
        super().__init__(readers, lambda c: session(c, Counted(c, agents)))
        self._address = address
        self._sharing = Sharing(address.shown)
        self._holding: PostgresConnection | None = None  # which may write: it has all the locks for that
        self._writes = _engine(address)
        self._reads = _engine(address)
        self._versions = agents
        self._sealing = Sealing(keys) if keys else None

    @classmethod
    async def open(cls, url: str, *, readers: int = 4, keys: Path | None = None) -> PostgresDatabase:
        """Open the database, and migrate it; not while an older version works on it: then every unit of work raises
        `StoreBusy`, until that has ended. What people said is sealed with ``keys`` in that folder, where one is given.

        Raises `StoreUnavailable` when it cannot be used or is older than `OLDEST`, `StoreTooNew` when a newer everbot
        wrote it.
        """
        return await cls(Address.of(url), readers, keys)._prepared()

    async def _prepare(self) -> None:
        async with mapped(self._address):
            self._writer = await self._usable(self._writer, self._writes)
            await _look_at_server(self._writer, self.place)
        with contextlib.suppress(StoreBusy):
            async with self._writing():
                pass

    async def _close(self) -> None:
        await super()._close()
        for engine in (self._writes, self._reads):
            await engine.dispose()

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[PostgresConnection]:
        if self._holding is None:
            async with self._writing():
                pass  # so that the schema is ours
        async with self._borrowed() as connection:
            yield connection

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[PostgresConnection]:
        """For reading, whatever the schema is."""
        self._refuse()
        connection = await self._readers.get()
        try:
            async with mapped(self._address):
                connection = await self._usable(connection, self._reads, _ONLY_READS)
                if self._sealing is not None and self._sealing.ring is not None:
                    self._sealing.ring.refresh()
                yield connection
        except StoreUnavailable:
            broken, connection = connection, None
            if broken is not None:
                await broken.close()
            raise
        finally:
            self._readers.put_nowait(connection)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[PostgresConnection]:
        self._refuse()
        async with self._turnstile, mapped(self._address):
            self._sharing.refuse()  # it may be known since we waited
            connection = await self._begun()
            committed = False
            self._versions.begin()
            try:
                try:
                    yield connection
                except BaseException:
                    await self._undo(connection)
                    raise
                try:
                    await connection.control("COMMIT")
                    committed = True
                    await self._throw_away(connection)
                except asyncio.CancelledError:
                    raise  # it is committed nevertheless
                except BaseException:
                    await self._undo(connection)
                    raise
            finally:
                self._versions.end(committed=committed)

    def _refuse(self) -> None:
        self._refuse_when_closed()
        self._sharing.refuse()

    async def _begun(self) -> PostgresConnection:
        connection = self._writer = await self._usable(self._writer, self._writes)
        try:
            if connection is not self._holding:
                await self._may_write(connection)
            if self._sealing is not None:
                self._sealing.keys.refresh()
                self._sealing.gone.clear()
            await self._sharing.tell(connection)
            await connection.control("BEGIN", timeout_s=_BEGIN_S)
        except StoreError:
            raise  # it is sound
        except BaseException:
            await self._undo(connection)  # it may be broken without knowing it
            raise
        return connection

    async def _throw_away(self, connection: PostgresConnection) -> None:
        """The keys of those who were deleted. What cannot be done now is done at the next start."""
        if self._sealing is None or not self._sealing.gone:
            return
        try:
            await keeping.throw_away(connection, self._sealing.keys, self._sealing.gone)
        except (OSError, StoreError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.error("Keys of what was forgotten could not be thrown away yet: %s", where(error))

    async def _usable(
        self, connection: PostgresConnection | None, engine: AsyncEngine, *settings: str
    ) -> PostgresConnection:
        """This one, or a new one where there is none, or the server has closed it."""
        if connection is not None and connection.lost:
            await connection.close()
        elif connection is not None:
            return connection
        new = await PostgresConnection.open(engine, self._sealing)
        try:
            for setting in settings:
                await new.control(setting)
        except BaseException:
            await new.close()
            raise
        return new

    async def _undo(self, connection: PostgresConnection) -> None:
        """Whatever struck: the server undoes the unit, at the latest when the connection is gone."""
        if not connection.lost:
            undoing = asyncio.ensure_future(connection.control("ROLLBACK", timeout_s=_BEGIN_S))
            await ended(undoing)
            if undoing.exception() is None:
                return
        self._writer = None
        await connection.close()

    @asynccontextmanager
    async def whole(self) -> AsyncIterator[PostgresConnection]:
        """One unit of work, for whoever knows PostgreSQL (`memory.store.moving`)."""
        async with self._writing() as connection:
            yield connection

    @property
    def place(self) -> str:
        return self._address.shown

    @property
    def ending(self) -> str:
        return ".dump"

    @property
    def sealed(self) -> bool:
        return self._sealing is not None

    @asynccontextmanager
    async def alone(self, command: str, busy: Busy | None = None) -> AsyncIterator[None]:
        """The connection that writes holds a lock: who has lost it writes no more, until it has it again; and not then
        either if another process had it meanwhile."""
        self._sharing.begin(command, stood_by=busy is not None)
        await self._leave()
        try:
            await self._until_alone(busy)
            yield
        finally:
            self._sharing.end()
            await self._leave()

    async def _leave(self) -> None:
        """Others may have what we held."""
        with contextlib.suppress(StoreError):
            async with self._turnstile, mapped(self._address):
                connection, self._holding = self._holding, None
                if connection is not None and not connection.lost:
                    await connection.control("SELECT pg_advisory_unlock_all()")

    async def _until_alone(self, busy: Busy | None) -> None:
        while True:
            try:
                async with self._writing():
                    return
            except (StoreBusy, StoreUnavailable) as error:
                if busy is None:
                    raise
                await busy(error)

    def cluster(self, command: str, *, works: bool) -> PostgresCluster:
        self._sharing.with_others()
        return PostgresCluster(self._address, name_of(command), works=works)

    async def kept(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._sharing.lost.wait()
            with contextlib.suppress(StoreUnavailable):  # whoever writes meets it, too
                async with self._writing():
                    pass

    async def leased(self, kind: str) -> Mapping[int, str]:
        async with self._borrowed() as connection:
            rows = await connection.ask(HELD, LEASE, mark(kind))
        return dict(sorted(rows))

    async def holders(self) -> list[Holder]:
        async with self._borrowed() as connection:
            return await holders(connection)

    async def _may_write(self, connection: PostgresConnection) -> None:
        """Raises `StoreBusy`, `StoreTooNew`."""
        await self._sharing.claim(connection)
        try:
            await upgrades.hold(connection, self.place)
            await self._sharing.mark(connection)
        except StoreError:
            await connection.control("SELECT pg_advisory_unlock_all()")
            raise
        self._holding = connection

    async def backup(self, path: Path) -> None:
        self._refuse_when_closed()
        await dumps.write(self._address, path)

    async def scrub(self) -> bool:
        """Write the tables anew, without what was deleted.

        False when somebody writes, holds one of them for seconds, or may still see what was deleted (whoever is in a
        transaction since before, in whichever database of the server); then ask again. Others wait meanwhile: about a
        second for 20,000 messages. What the server keeps beside its tables (its log of writes, backups, replicas) is
        its operator's: see docs/scale.md.
        """
        self._refuse_when_closed()
        if self._turnstile.locked() or not await self._all_ended():
            return False
        async with self._turnstile, mapped(self._address):
            connection = self._writer = await self._usable(self._writer, self._writes)
            before, after = _FOR_SCRUB
            await connection.control(before)
            try:
                said = await connection.remarks(_rewriting(), timeout_s=_REWRITE_S)
            except asyncpg.LockNotAvailableError:
                return False
            finally:
                await connection.control(after)
        return not any(_left(message) for message in said)

    async def _all_ended(self) -> bool:
        """Whether all transactions that were under way end within a moment: none of them sees what was deleted."""
        async with self._borrowed() as connection:
            [(now,)] = await connection.ask("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
            for _ in range(_LOOKS):
                [(ended,)] = await connection.ask(
                    "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8", now
                )
                if ended:
                    return True
                await asyncio.sleep(_LOOK_AGAIN_S)
        return False

    async def check(self) -> str | None:
        """None when all tables can be read, and what is acknowledged lasts; else what is wrong, and what to do."""
        async with self._reading() as connection:
            for setting, lost in _LASTING.items():
                [(value,)] = await connection.ask("SELECT current_setting($1)", setting)
                if value == "off":
                    return f"{self.place}: {setting} is off, so that {lost}. Turn it on in postgresql.conf."
            for table in t.metadata.sorted_tables:
                await connection.execute(sa.select(sa.func.count()).select_from(table))
        return None


def _engine(address: Address) -> AsyncEngine:
    return create_async_engine(
        address.url,
        isolation_level="AUTOCOMMIT",  # what begins and ends a transaction is `PostgresConnection.control`
        hide_parameters=True,  # they are what people said, and errors are logged
        poolclass=sa.NullPool,
        connect_args={
            "timeout": _CONNECT_S,
            "command_timeout": _ANSWER_S,
            "server_settings": _SESSION,
        },
    )


async def _look_at_server(connection: PostgresConnection, place: str) -> None:
    [(number, encoding)] = await connection.ask(
        "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
    )
    if number < OLDEST * 10_000:
        raise StoreUnavailable(
            f"{place} is PostgreSQL {number // 10_000}; everbot needs {OLDEST} or newer. Upgrade it, or set store.url "
            "(EVERBOT_STORE__URL) to another one."
        )
    if encoding != "UTF8":
        raise StoreUnavailable(
            f"{place} holds texts as {encoding}; everbot needs a database in UTF8 (createdb --encoding=UTF8 "
            "--template=template0). Name it in store.url (EVERBOT_STORE__URL)."
        )


def _rewriting() -> str:
    """Of all tables whose rows may be deleted for good."""
    names = [table.name for table in t.metadata.sorted_tables]
    names += [f"{kind}_{words}" for kind in t.FULL_TEXT for words in ("terms", "postings")]
    return f"VACUUM (FULL, VERBOSE) {', '.join(names)}"


def _left(message: asyncpg.PostgresLogMessage) -> int:
    """How many deleted rows of a table were kept, since somebody may see them, as the server remarks in whichever
    language: "0 dead row versions cannot be removed yet."."""
    number = re.match(r"\D*(\d+)", message.detail or "")
    return int(number[1]) if number else 0
