"""Two workers on one PostgreSQL that both believe that all agents are theirs, and that nobody else is at them: locks
say yes to each. Versions decide nevertheless: nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from memory.store.postgres.shares import SHARES
from tests.acceptance.test_shared_work import Shared
from tests.fakes.postgres_server import ALONE, asked
from tests.fakes.stores import Postgres
from tests.patience import PATIENCE_S

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not ALONE, reason="a server of its own: make test-postgres"),
]

_EVERYBODYS = (
    "CREATE FUNCTION pg_try_advisory_lock(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE VIEW pg_locks AS SELECT * FROM pg_catalog.pg_locks WHERE pid = pg_backend_pid()",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$",
)
"""Everybody gets each lock, and sees nobody else's."""
_PEOPLE = [f"user{n}" for n in range(6)]
_LINES = 4


async def test_two_who_believe_that_all_is_theirs_lose_and_double_nothing(tmp_path: Path) -> None:
    backend = Postgres(tmp_path)
    story = Shared(backend)
    try:
        async with asked(await backend.database.url()) as connection:
            for statement in _EVERYBODYS:
                await connection.execute(statement)
        async with story.open(tmp_path, shares=None), asyncio.timeout(PATIENCE_S):
            clusters = [worker.app.runtime.cluster for worker in story.workers]
            while not all(cluster.owns(agent) for cluster in clusters for agent in range(SHARES)):
                await asyncio.sleep(0.01)
            await asyncio.gather(*(talk(story, name) for name in _PEOPLE))
        noted = (await backend.rows())["passages"]
    finally:
        await backend.gone()
    for name in _PEOPLE:
        assert story.texts(name) == [f"Cache {name}-{number}" for number in range(_LINES)]
    assert len(noted) == len(_PEOPLE) * _LINES
    assert all(stage.requests for stage in story.stages)


async def talk(story: Shared, name: str) -> None:
    for number in range(_LINES):
        await story.gateway.say(name, f"Keep {name}-{number}")
