"""What is received of somebody while another process forgets them: one comes first, and the other sees it."""

from __future__ import annotations

import asyncio

import pytest

from memory.errors import StaleAgent
from memory.store.postgres.database import PostgresDatabase
from tests.fakes.memory_rows import NOW, settle
from tests.fakes.postgres_server import NewDatabase, asked
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.postgres

WHO = ["console:ada", "console:ada\nconsole:home"]


async def waiting(url: str) -> None:
    """Until a unit waits for another."""
    async with asked(url) as connection, asyncio.timeout(PATIENCE_S):
        while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)


async def test_who_forgets_sees_what_is_being_received(
    store: PostgresDatabase, database: NewDatabase
) -> None:
    other = await PostgresDatabase.open(url := await database.url())
    ada, home = await settle(store)

    async def forget() -> list[str]:
        async with other.write() as session:
            await session.erasing.forget_to_come(WHO[:1], NOW)
            return [row.key for row in await session.mailbox.waiting(ada.id, ["console"])]

    try:
        async with asyncio.TaskGroup() as group:
            async with store.write() as session:
                assert await session.erasing.times_forgotten(WHO, receiving=True) == {}
                forgetting = group.create_task(forget())
                await waiting(url)
                await session.mailbox.receive("console:1", home, "message", {}, NOW)
            assert await forgetting == ["console:1"]
        async with store.write() as session:
            assert await session.erasing.times_forgotten(WHO, receiving=True) == {WHO[0]: 1}
    finally:
        await other.close()


async def test_who_receives_sees_what_is_being_forgotten(
    store: PostgresDatabase, database: NewDatabase
) -> None:
    other = await PostgresDatabase.open(url := await database.url())

    async def receive() -> dict[str, int]:
        async with store.write() as session:
            return await session.erasing.times_forgotten(WHO, receiving=True)

    try:
        async with asyncio.TaskGroup() as group:
            async with other.write() as session:
                await session.erasing.forget_to_come(WHO[1:], NOW)
                receiving = group.create_task(receive())
                await waiting(url)
            assert await receiving == {WHO[1]: 1}
    finally:
        await other.close()


async def test_what_is_received_for_an_agent_that_is_gone_is_refused(store: PostgresDatabase) -> None:
    ada, home = await settle(store)
    async with store.write() as session:
        await session.agents.delete_agent(ada.id)
    with pytest.raises(StaleAgent):
        async with store.write() as session:
            await session.mailbox.receive("console:1", home, "message", {}, NOW)
