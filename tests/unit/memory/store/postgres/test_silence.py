"""A connection that goes silent: it is given up soon, another process takes over meanwhile, and closing waits for
nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from memory.errors import StoreBusy, StoreError, StoreUnavailable
from memory.store.postgres.database import PostgresDatabase
from tests.fakes.memory_rows import settle
from tests.fakes.postgres_server import NewDatabase, asked
from tests.fakes.silent_proxy import SilentProxy
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.postgres


@pytest.fixture
async def proxy(database: NewDatabase) -> AsyncIterator[SilentProxy]:
    async with asked(await database.url()) as connection:
        folder = await connection.fetchval("SHOW unix_socket_directories")
        port = await connection.fetchval("SHOW port")
    async with SilentProxy(Path(folder) / f".s.PGSQL.{port}") as made:
        yield made


@pytest.fixture
async def far(database: NewDatabase, proxy: SilentProxy) -> AsyncIterator[PostgresDatabase]:
    """The database, by way of the proxy."""
    name = urlsplit(await database.url()).path
    opened = await PostgresDatabase.open(f"postgresql://everbot@127.0.0.1:{proxy.port}{name}")
    yield opened
    await opened.close()


async def patient(why: StoreError) -> None:
    await asyncio.sleep(0.2)


async def test_who_is_cut_off_gives_up_and_another_has_the_database(
    far: PostgresDatabase, store: PostgresDatabase, proxy: SilentProxy
) -> None:
    async with asyncio.timeout(PATIENCE_S), far.alone("first", patient):
        await settle(far)
        async with far.read() as session:
            assert await session.agents.agents()
        proxy.cut()
        cut_off = asyncio.ensure_future(settle(far, "bob"))
        async with store.alone("second", patient):  # the server gives up whom it does not hear
            await settle(store, "eve")
            with pytest.raises(StoreUnavailable, match="does not answer"):
                await cut_off
            proxy.mend()
            with pytest.raises(StoreBusy, match="was taken over"):
                await settle(far, "bob")
    async with store.read() as session:
        assert [agent.name for agent in await session.agents.agents()] == ["everbot:ada", "everbot:eve"]


async def test_closing_waits_for_no_answer(far: PostgresDatabase, proxy: SilentProxy) -> None:
    await settle(far)
    proxy.cut()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await settle(far, "bob")
        await far.close()
