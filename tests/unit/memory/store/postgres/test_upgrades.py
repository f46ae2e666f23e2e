"""Two versions on one database: the newer one waits for the older one, then migrates; the older one does not go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
import pytest

from memory.errors import StoreBusy, StoreError, StoreTooNew
from memory.store.postgres.address import Address
from memory.store.postgres.connection import PostgresConnection
from memory.store.postgres.database import PostgresDatabase, _engine
from memory.store.schema import HEAD, migrate
from tests.fakes.memory_rows import settle
from tests.fakes.postgres_server import NewDatabase, asked
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.postgres

BEFORE = f"{int(HEAD) - 1:04}"
NEWER = f"{int(HEAD) + 1:04}"
IN_USE = rf"is in use by everbot run, process 7 on a.*\(schema {BEFORE}\).*schema {HEAD} when that has ended"


@pytest.fixture
async def old(database: NewDatabase) -> str:
    """A database that an older version has made."""
    url = await database.url(empty=True)
    engine = _engine(Address.of(url))
    connection = await PostgresConnection.open(engine)
    await connection.control("BEGIN")
    await connection.synchronously(partial(migrate, version=BEFORE))
    await connection.control("COMMIT")
    await connection.close()
    await engine.dispose()
    return url


@asynccontextmanager
async def at_work(url: str, *locks: str) -> AsyncIterator[asyncpg.Connection]:
    """A process of another version, which has the locks of one that works."""
    async with asked(url) as connection:
        await connection.execute("SET application_name = 'everbot run, process 7 on a'")
        for lock in locks:
            await connection.execute(f"SELECT {lock}")
        yield connection


OLDER = [
    pytest.param(("pg_advisory_lock(7, 1)", "pg_advisory_lock_shared(7, 2)"), id="works alone"),
    pytest.param(("pg_advisory_lock(7, 1)",), id="works alone, and knows nothing of upgrades"),
    pytest.param(("pg_advisory_lock_shared(7, 2)",), id="loads documents"),
]


async def version(url: str) -> str:
    async with asked(url) as connection:
        return str(await connection.fetchval("SELECT version_num FROM alembic_version"))


@pytest.mark.parametrize("locks", OLDER)
async def test_the_schema_of_an_older_version_at_work_is_left_to_it(old: str, locks: tuple[str, ...]) -> None:
    async with at_work(old, *locks):
        store = await PostgresDatabase.open(old)
        try:
            for _ in range(2):
                with pytest.raises(StoreBusy, match=IN_USE):
                    async with store.read():
                        pass
                with pytest.raises(StoreBusy, match=IN_USE):
                    await settle(store)
            with pytest.raises(StoreBusy, match=IN_USE):
                async with store.alone("run"):
                    pass
            first, second = await store.holders()
            assert {first.name, second.name} >= {"everbot run, process 7 on a"}
            assert "everbot run (newer: schema" in first.name + second.name
            assert await version(old) == BEFORE
        finally:
            await store.close()


class Waiting:
    """A `memory.ports.Busy` that has it asked for again, and again."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[StoreError] = asyncio.Queue()

    async def __call__(self, why: StoreError) -> None:
        self.told.put_nowait(why)
        await asyncio.sleep(0.01)


async def test_who_waits_migrates_when_the_older_one_has_ended(old: str) -> None:
    waiting, has, done = Waiting(), asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        async with store.alone("run", waiting):
            has.set()
            await done.wait()

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        async with at_work(old, "pg_advisory_lock(7, 1)"):
            store = await PostgresDatabase.open(old)
            group.create_task(wait())
            assert "of an older version" in str(await waiting.told.get())
            assert await version(old) == BEFORE
        await has.wait()
        assert await version(old) == HEAD
        [works] = await store.holders()
        assert (works.name.partition(",")[0], works.works) == ("everbot run", True)
        await settle(store)
        done.set()
    await store.close()


async def test_who_stands_by_keeps_no_newer_version_waiting(database: NewDatabase) -> None:
    url, waiting = await database.url(), Waiting()
    store = await PostgresDatabase.open(url)

    async def wait() -> None:
        async with store.alone("run", waiting):
            pass

    async with asyncio.timeout(PATIENCE_S):
        async with at_work(url, "pg_advisory_lock(7, 1)") as other:
            waits = asyncio.create_task(wait())
            await waiting.told.get()
            assert await other.fetchval("SELECT pg_try_advisory_lock(7, 2)")
            await other.execute("UPDATE alembic_version SET version_num = $1", NEWER)
            with pytest.raises(StoreTooNew, match=rf"newer everbot \(schema {NEWER}"):
                await waits
    await store.close()


async def test_who_has_it_alone_goes_on_after_no_newer_version(database: NewDatabase) -> None:
    """It was cut off, and another one has migrated meanwhile."""
    url = await database.url()
    store = await PostgresDatabase.open(url)
    async with store.alone("run"):
        async with asked(url) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE pid != pg_backend_pid() "
                "AND datname = current_database()"
            )
            await connection.execute("UPDATE alembic_version SET version_num = $1", NEWER)
        kept = asyncio.create_task(store.kept())
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(StoreTooNew):
                await kept
    await store.close()


async def test_of_many_that_begin_at_once_one_makes_the_tables(database: NewDatabase) -> None:
    url = await database.url(empty=True)
    stores = await asyncio.gather(*(PostgresDatabase.open(url) for _ in range(4)))
    for store in stores:
        async with store.read() as session:
            assert await session.meta.get("terms") is not None
        await store.close()


async def test_a_long_command_is_not_migrated_away_under(database: NewDatabase) -> None:
    url = await database.url()
    store = await PostgresDatabase.open(url)
    async with asked(url) as newer:
        assert not await newer.fetchval("SELECT pg_try_advisory_lock(7, 2)")
        await store.close()
        await newer.execute("SELECT pg_advisory_lock(7, 2)")
