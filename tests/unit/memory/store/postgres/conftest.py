from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from memory.store.postgres.database import PostgresDatabase
from tests.fakes.postgres_server import NewDatabase, lacking


@pytest.fixture
async def database() -> AsyncIterator[NewDatabase]:
    if why := lacking():
        pytest.skip(why)
    made = NewDatabase()
    yield made
    await made.drop()


@pytest.fixture
async def store(database: NewDatabase) -> AsyncIterator[PostgresDatabase]:
    opened = await PostgresDatabase.open(await database.url())
    yield opened
    await opened.close()
