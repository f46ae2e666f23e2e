"""Queries on what was forgotten and may still be brought back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from memory.records import Audience, Audiences, Waste
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.rows import record


class Wastebasket:
    """See `memory.ports.Wastebasket`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def put(
        self, agent_id: int, audience: Audience, turn_id: str, contents: dict[str, Any], now: datetime
    ) -> int:
        values = {"agent_id": agent_id, "audience": audience, "turn_id": turn_id, "contents": contents}
        result = await self._c.execute(t.wastebasket.insert().values(**values, at=now))
        return int(result.inserted_id)

    async def newest(self, agent_id: int, audiences: Audiences, since: datetime) -> Waste | None:
        w = t.wastebasket.c
        condition = (w.agent_id == agent_id) & (w.at >= since)
        if audiences is not None:
            condition &= w.audience.in_(audiences)
        found = await self._select(condition)
        return found[-1] if found else None

    async def of(self, agent_id: int | None) -> list[Waste]:
        own = sa.true() if agent_id is None else t.wastebasket.c.agent_id == agent_id
        return await self._select(own)

    async def of_turn(self, turn_id: str) -> list[Waste]:
        return await self._select(t.wastebasket.c.turn_id == turn_id)

    async def get(self, waste_id: int) -> Waste | None:
        found = await self._select(t.wastebasket.c.id == waste_id)
        return found[0] if found else None

    async def update(self, waste_id: int, contents: dict[str, Any]) -> None:
        w = t.wastebasket
        await self._c.execute(w.update().where(w.c.id == waste_id).values(contents=contents))

    async def drop(self, waste_id: int) -> None:
        await self._c.execute(t.wastebasket.delete().where(t.wastebasket.c.id == waste_id))

    async def _select(self, condition: sa.ColumnElement[bool]) -> list[Waste]:
        rows = await self._c.execute(sa.select(t.wastebasket).where(condition).order_by(t.wastebasket.c.id))
        return [record(Waste, row) for row in rows]
