"""What the timer takes to look for beats that are due, among those of many agents who were never heard."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.backends.memory import open_memory
from bot.settings import Settings
from memory.ports import Store
from memory.store import tables as t

_SWEEPS = 200
_MOST = 64  # due beats that one sweep takes
_FIRST = 1_000_000  # id of the first of those agents
_BATCH = 10_000


async def measure(settings: Settings, database: sa.URL, agents: int) -> tuple[list[float], list[float]]:
    """Milliseconds of sweeps of the beats of so many agents: when none is due, and when all are."""
    now = datetime.now(UTC)
    async with open_memory(settings) as memory:
        engine = create_async_engine(database)
        try:
            async with engine.begin() as connection:
                await _fill(connection, range(_FIRST, _FIRST + agents), now)
        finally:
            await engine.dispose()
        none = await _sweeps(memory.store, now)
        return none, await _sweeps(memory.store, now + timedelta(days=2))


async def _fill(connection: AsyncConnection, agents: range, now: datetime) -> None:
    persona = (await connection.execute(sa.select(sa.func.min(t.personas.c.id)))).scalar_one()
    for first in agents[::_BATCH]:
        some = [(i, f"heart:{i}") for i in range(first, min(first + _BATCH, agents.stop))]
        same = {"created_at": now}
        users = [{"id": i, "name": name, **same} for i, name in some]
        archives = [{"id": i, "kind": "own", "name": name, "collection": name, **same} for i, name in some]
        ours = {"persona_id": persona, **same}
        rows = [{"id": i, "user_id": i, "name": name, "archive_id": i, **ours} for i, name in some]
        beats = [{"agent_id": i, "next_at": now + timedelta(days=1, seconds=i % 3600)} for i, _ in some]
        for table, values in ((t.users, users), (t.archives, archives), (t.agents, rows), (t.beats, beats)):
            await connection.execute(table.insert(), values)
    await connection.execute(sa.text("ANALYZE"))


async def _sweeps(store: Store, now: datetime) -> list[float]:
    taken = []
    for _ in range(_SWEEPS):
        start = time.perf_counter()
        async with store.read() as session:
            await session.schedule.due_beats(now, _MOST)
        taken.append((time.perf_counter() - start) * 1000)
    return taken
