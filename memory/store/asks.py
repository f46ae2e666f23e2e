"""Queries on calls that wait for a person's word."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from memory.records import Ask
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.rows import record


class Asks:
    """See `memory.ports.Asks`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def put(self, ask: Ask) -> None:
        await self._c.execute(t.asks.insert().values(**asdict(ask)))

    async def get(self, ask_id: str) -> Ask | None:
        row = (await self._c.execute(sa.select(t.asks).where(t.asks.c.id == ask_id))).first()
        return record(Ask, row) if row else None

    async def waiting(self, agent_id: int) -> list[Ask]:
        a = t.asks.c
        query = sa.select(t.asks).where(a.agent_id == agent_id).order_by(a.created_at, a.id)
        return [record(Ask, row) for row in await self._c.execute(query)]

    async def drop(self, ask_id: str) -> None:
        await self._c.execute(t.asks.delete().where(t.asks.c.id == ask_id))

    async def drop_turn(self, turn_id: str) -> None:
        await self._c.execute(t.asks.delete().where(t.asks.c.turn_id == turn_id))

    async def expire(self, before: datetime) -> int:
        return (await self._c.execute(t.asks.delete().where(t.asks.c.created_at < before))).rowcount
