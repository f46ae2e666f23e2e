"""The numbers of an agent's messages: each is given once, in order."""

from __future__ import annotations

from typing import Protocol

import sqlalchemy as sa

from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.prepared import Prepared

_KEPT = 20_000  # agents whose newest message's number is remembered
_AGENT: sa.BindParameter[int] = sa.bindparam("agent")
_COUNT: sa.BindParameter[int] = sa.bindparam("count", type_=sa.BigInteger)
_NEWEST = Prepared(sa.select(t.agents.c.last_seq).where(t.agents.c.id == _AGENT))
_GIVE = Prepared(
    t.agents.update()
    .where(t.agents.c.id == _AGENT)
    .values(last_seq=t.agents.c.last_seq + _COUNT)
    .returning(t.agents.c.last_seq)
)


class Numbers(Protocol):
    async def newest(self, agent_id: int) -> int:
        """The newest that was given; 0: none was."""
        ...

    async def give(self, agent_id: int, count: int) -> int:
        """The last that was given before ``count`` new ones."""
        ...

    async def join(self, into: int, other: int) -> int:
        """The messages of the other agent take numbers behind those of the one: the last of the one's own."""
        ...


class Remembered:
    """In memory, ``extents`` for all connections: of a database that one process alone writes, at no cost."""

    def __init__(self, connection: Connection, extents: dict[int, int]) -> None:
        self._words = connection.full_text("messages")
        self._extents = extents

    async def newest(self, agent_id: int) -> int:
        if agent_id not in self._extents:
            found = await self._words.extent(agent_id)
            # A writer may have counted on while we looked: never go back behind it.
            self._reaches(agent_id, max(found, self._extents.get(agent_id, 0)))
        return self._extents[agent_id]

    async def give(self, agent_id: int, count: int) -> int:
        before = await self.newest(agent_id)
        self._reaches(agent_id, before + count)
        return before

    async def join(self, into: int, other: int) -> int:
        before = await self._words.extent(into)
        self._extents.pop(into, None)
        self._extents.pop(other, None)
        return before

    def _reaches(self, agent_id: int, extent: int) -> None:
        """Kept of those that were at work last: far more than one commit may hold."""
        self._extents.pop(agent_id, None)
        self._extents[agent_id] = extent
        if len(self._extents) > _KEPT:
            del self._extents[next(iter(self._extents))]


class Counted:
    """In the agent's row, which whoever gives numbers holds until its commit: of a database that many write."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def newest(self, agent_id: int) -> int:
        return int((await self._c.execute(_NEWEST, {"agent": agent_id})).scalar() or 0)

    async def give(self, agent_id: int, count: int) -> int:
        return int((await self._c.execute(_GIVE, {"agent": agent_id, "count": count})).scalar_one()) - count

    async def join(self, into: int, other: int) -> int:
        return await self.give(into, await self.newest(other))
