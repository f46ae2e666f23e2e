"""Queries on what an operator sees: counts, names and times, never a text."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from memory.records import Depths
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.prepared import Prepared

_OPEN = sa.text("outbox.state IN ('ready', 'sending')")  # as the partial index has it
_RUNNING = sa.text("turns.state = 'running'")


class Overview:
    """See `memory.ports.Overview`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def depths(self, now: datetime) -> Depths:
        outbox: Counter[tuple[str, str]] = Counter()
        for row in await self._c.execute(_UNSENT):
            outbox[_platform(row.address), row.state] += row.number
        due = t.beats.c.next_at <= now
        return Depths(
            waiting=await self._by_platform(_WAITING),
            running=await self._by_platform(_UNDERWAY),
            outbox=outbox,
            due=await self._count(t.beats, due),
            agents=await self._count(t.agents),
            people=await self._count(t.users),
        )

    async def _by_platform(self, query: Prepared) -> Counter[str]:
        counts: Counter[str] = Counter()
        for row in await self._c.execute(query):
            counts[_platform(row.address)] += row.number
        return counts

    async def _count(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(table).where(*conditions)
        return int((await self._c.execute(query)).scalar_one())


def _platform(address: str) -> str:
    return address.partition(":")[0]


def _counted(column: sa.ColumnElement[Any], *more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(column, *more, sa.func.count().label("number")).group_by(column, *more)


_UNSENT = Prepared(_counted(t.outbox.c.address, t.outbox.c.state).where(_OPEN))
_WAITING = Prepared(
    _counted(t.conversations.c.address)
    .join(t.inbox, t.inbox.c.conversation_id == t.conversations.c.id)
    .where(~t.inbox.c.done & t.inbox.c.turn_id.is_(None))
)
_UNDERWAY = Prepared(
    _counted(t.conversations.c.address)
    .join(t.turns, t.turns.c.conversation_id == t.conversations.c.id)
    .where(_RUNNING)
)
