"""Who has a database alone, who waits for it, and that nobody goes on who has lost it to another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from memory.errors import StoreBusy, StoreError, StoreUnavailable
from memory.store.postgres.database import PostgresDatabase
from tests.fakes.memory_rows import settle
from tests.fakes.postgres_server import NewDatabase, asked, url
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.postgres


@pytest.fixture
async def other(store: PostgresDatabase, database: NewDatabase) -> AsyncIterator[PostgresDatabase]:
    """The same database, as another process sees it."""
    opened = await PostgresDatabase.open(await database.url())
    yield opened
    await opened.close()


async def cut_holder(database: NewDatabase) -> None:
    """The server ends the connection that has the lock, and it is gone."""
    async with asked(await database.url()) as connection:
        await connection.fetch(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7 "
            "AND objid = 1 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )


class Waiting:
    """A `memory.ports.Busy` that has it asked for again when the test says so."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[StoreError] = asyncio.Queue()
        self.again = asyncio.Event()

    async def __call__(self, why: StoreError) -> None:
        self.told.put_nowait(why)
        await self.again.wait()


async def test_who_waits_has_it_when_it_is_free_and_is_told_who_has_it(
    store: PostgresDatabase, other: PostgresDatabase
) -> None:
    waiting, has = Waiting(), asyncio.Event()

    async def wait() -> None:
        async with other.alone("second", waiting):
            has.set()

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        async with store.alone("first"):
            group.create_task(wait())
            why = await waiting.told.get()
            assert "is in use by everbot first, process" in str(why)
            works, stands_by = await store.holders()
            assert (works.works, stands_by.works) == (True, False)
            assert works.name.startswith("everbot first, process ")
            assert stands_by.name.startswith("everbot second, process ")
            assert not has.is_set()
        waiting.again.set()
        await has.wait()


async def test_who_lost_it_to_another_writes_never_again_though_it_is_free(
    store: PostgresDatabase, other: PostgresDatabase, database: NewDatabase
) -> None:
    async with store.alone("first"):
        kept = asyncio.create_task(store.kept())
        await cut_holder(database)
        async with other.alone("second"):
            await settle(other)
            for _ in range(2):
                with pytest.raises(StoreBusy, match=r"everbot second|taken over"):
                    await settle(store, "bob")
        for _ in range(2):
            with pytest.raises(StoreBusy, match="was taken over by another process"):
                await settle(store, "bob")
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(StoreBusy):
                await kept
    async with other.read() as session:
        assert [agent.name for agent in await session.agents.agents()] == ["everbot:ada"]


async def test_once_it_is_known_that_another_has_it_nothing_is_asked_any_more(
    store: PostgresDatabase, other: PostgresDatabase, database: NewDatabase
) -> None:
    async with store.alone("first"), asyncio.timeout(PATIENCE_S):
        async with store.read():
            pass
        await cut_holder(database)
        async with other.alone("second"):
            await settle(other)
        with pytest.raises(StoreBusy, match="was taken over"):
            await settle(store, "bob")
        async with asked(url()) as server:  # whoever asked would be told something else
            name = await server.fetchval(
                "SELECT datname FROM pg_stat_activity WHERE application_name LIKE 'everbot first,%'"
            )
            await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            await server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
            )
        asks = [settle(store, "bob"), reads(store), *(settle(store, f"who-{n}") for n in range(10))]
        refused = await asyncio.gather(*asks, return_exceptions=True)
        assert [type(why) for why in refused] == [StoreBusy] * len(asks)
        with pytest.raises(StoreBusy):
            await store.kept()


async def reads(store: PostgresDatabase) -> None:
    async with store.read() as session:
        await session.agents.agents()


async def test_who_lost_it_to_nobody_goes_on(store: PostgresDatabase, database: NewDatabase) -> None:
    async with store.alone("first"):
        await cut_holder(database)
        while not await written(store):  # what ran when it was cut is not there, and may be done again
            pass


async def written(store: PostgresDatabase) -> bool:
    try:
        await settle(store)
    except StoreUnavailable:
        return False
    return True


async def test_a_process_that_stands_still_loses_it(store: PostgresDatabase, other: PostgresDatabase) -> None:
    waiting = Waiting()
    waiting.again.set()
    async with store.alone("first", waiting):
        async with store.write():
            pass
        async with other.read():
            pass
        rows = await other.holders()
        assert [row.works for row in rows] == [True]
        async with asyncio.timeout(PATIENCE_S), other.alone("second", patient):
            pass  # the server has ended the idle connection of the one that says nothing


async def patient(why: StoreError) -> None:
    await asyncio.sleep(0.2)
