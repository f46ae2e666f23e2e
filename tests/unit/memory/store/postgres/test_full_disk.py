"""A disk that is full, at the server: what is not stored is refused with one sentence, and what was stored stays."""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import asyncpg
import pytest

from memory.errors import StoreUnavailable
from memory.records import Conversation
from memory.store.postgres.database import PostgresDatabase
from tests.fakes.memory_rows import settle, tell
from tests.fakes.postgres_server import NewDatabase, asked, lacking, url, user

pytestmark = pytest.mark.postgres

SPACE = "small_disk"
SIZE = "32m"


@pytest.fixture
async def small() -> AsyncIterator[NewDatabase]:
    """A database on a disk of its own."""
    if why := lacking():
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="everbot-disk-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        mounting = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", folder], capture_output=True, check=False
        )
        if mounting.returncode:
            pytest.skip("nobody may mount a disk here")
        database = NewDatabase()
        try:
            if owner := user():
                shutil.chown(folder, owner["user"], owner["group"])
            async with asked(url()) as server:
                await server.execute(f"CREATE TABLESPACE {SPACE} LOCATION '{folder}'")
            await database.url(tablespace=SPACE)
            yield database
        finally:
            await database.drop()
            async with asked(url()) as server:
                await server.execute(f"DROP TABLESPACE IF EXISTS {SPACE}")
            subprocess.run(["umount", folder], check=True)


async def test_a_full_disk_loses_nothing(small: NewDatabase) -> None:
    store = await PostgresDatabase.open(await small.url())
    try:
        _, place = await settle(store)
        said: list[str] = []
        async with asked(await small.url()) as connection:
            await connection.execute("CREATE TABLE junk (text TEXT)")
            with suppress(asyncpg.DiskFullError):
                while True:
                    await connection.execute(
                        "INSERT INTO junk SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 200000)"
                    )
            with pytest.raises(StoreUnavailable, match="its disk is full"):
                await fill(store, place, said)
            async with store.read() as session:
                assert [row.text for row in await session.messages.queue(place.id)] == said
            await connection.execute("DROP TABLE junk")
        await tell(store, place, "There is room again.")
        async with store.read() as session:
            rows = await session.messages.queue(place.id)
        assert [row.text for row in rows] == [*said, "There is room again."]
    finally:
        await store.close()


async def fill(store: PostgresDatabase, place: Conversation, said: list[str]) -> NoReturn:
    """Tell more and more; ``said`` is what was stored."""
    chance = random.Random(7)
    while True:
        text = chance.randbytes(50_000).hex()
        await tell(store, place, text)
        said.append(text)
