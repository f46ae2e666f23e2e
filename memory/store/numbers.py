"""The numbers of an agent's messages: each is given once, in order; and who has read how much of the agent."""

from __future__ import annotations

from typing import Protocol

import sqlalchemy as sa

from memory.errors import StaleAgent
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
    .values(last_seq=t.agents.c.last_seq + _COUNT, version=t.agents.c.version + sa.bindparam("more"))
    .returning(t.agents.c.last_seq, t.agents.c.version)
)
_VERSION = Prepared(sa.select(t.agents.c.version).where(t.agents.c.id == _AGENT))
_OF_PLACE = Prepared(
    sa.select(t.conversations.c.agent_id).where(t.conversations.c.id == sa.bindparam("place"))
)


class Numbers(Protocol):
    async def newest(self, agent_id: int) -> int:
        """The newest that was given; 0: none was."""
        ...

    async def give(self, agent_id: int, count: int, *, fenced: bool = False) -> int:
        """The last that was given before ``count`` new ones. ``fenced``: as `fence`, too."""
        ...

    async def seen(self, agent_id: int) -> None:
        """What is read of the agent from here on is its newest: before whatever is kept of it in memory."""
        ...

    async def is_fresh(self, agent_id: int) -> bool:
        """Whether nobody else has changed the agent since it was `seen`."""
        ...

    async def touch(self, agent_id: int) -> None:
        """The agent's memory is changed in this unit of work: what other processes keep of it is out of date."""
        ...

    async def touch_place(self, conversation_id: int) -> None:
        """`touch`, of the agent whose conversation it is."""
        ...

    async def fence(self, agent_id: int) -> None:
        """`touch`, by whoever has thought on what this process keeps of the agent. Raises `StaleAgent` when another
        one has changed it since."""
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

    async def give(self, agent_id: int, count: int, *, fenced: bool = False) -> int:
        before = await self.newest(agent_id)
        self._reaches(agent_id, before + count)
        return before

    async def join(self, into: int, other: int) -> int:
        before = await self._words.extent(into)
        self._extents.pop(into, None)
        self._extents.pop(other, None)
        return before

    async def seen(self, agent_id: int) -> None:
        pass

    async def is_fresh(self, agent_id: int) -> bool:
        return True

    async def touch(self, agent_id: int) -> None:
        pass

    async def touch_place(self, conversation_id: int) -> None:
        pass

    async def fence(self, agent_id: int) -> None:
        pass

    def _reaches(self, agent_id: int, extent: int) -> None:
        """Kept of those that were at work last: far more than one commit may hold."""
        self._extents.pop(agent_id, None)
        self._extents[agent_id] = extent
        if len(self._extents) > _KEPT:
            del self._extents[next(iter(self._extents))]


class Versions:
    """How far this process has read agents that others write, too.

    A unit of work changes an agent's version once. Where it was what we know, all that we keep of the agent in memory
    is true, or was dropped by whoever changes it here; where it was another, somebody else has changed the agent.
    """

    def __init__(self) -> None:
        self._known: dict[int, int] = {}
        self._touched: dict[int, int] = {}  # by the unit of work that runs: what the version is after it

    def begin(self) -> None:
        self._touched = {}

    def end(self, *, committed: bool) -> None:
        """``committed`` only if that is certain."""
        for agent_id, version in self._touched.items():
            if committed and self._known.get(agent_id) == version - 1:
                self.know(agent_id, version)
            else:
                self._known.pop(agent_id, None)
        self._touched = {}

    def known(self, agent_id: int) -> int | None:
        """As how it was read last, or changed by us; None: what is kept of it is of nobody knows when."""
        return self._known.get(agent_id)

    def forget(self, agent_id: int) -> None:
        self._known.pop(agent_id, None)

    def is_touched(self, agent_id: int) -> bool:
        return agent_id in self._touched

    def know(self, agent_id: int, version: int) -> None:
        self._known.pop(agent_id, None)
        self._known[agent_id] = version
        if len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]

    def touch(self, agent_id: int, version: int) -> None:
        self._touched[agent_id] = version

    def check(self, agent_id: int) -> None:
        """Raises `StaleAgent`."""
        if self._known.get(agent_id) != self._touched[agent_id] - 1:
            raise StaleAgent(f"agent {agent_id} was changed by another process.")


class Counted:
    """In the agent's row, which whoever gives numbers or touches it holds until its commit: of a database that many
    write."""

    def __init__(self, connection: Connection, versions: Versions) -> None:
        self._c = connection
        self._versions = versions

    async def newest(self, agent_id: int) -> int:
        return int((await self._c.execute(_NEWEST, {"agent": agent_id})).scalar() or 0)

    async def give(self, agent_id: int, count: int, *, fenced: bool = False) -> int:
        more = 0 if self._versions.is_touched(agent_id) else 1
        row = (await self._c.execute(_GIVE, {"agent": agent_id, "count": count, "more": more})).first()
        if row is None:
            raise StaleAgent(f"agent {agent_id} is gone.")
        self._versions.touch(agent_id, row.version)
        if fenced:
            self._versions.check(agent_id)
        return int(row.last_seq) - count

    async def seen(self, agent_id: int) -> None:
        if self._versions.known(agent_id) is None:
            version = (await self._c.execute(_VERSION, {"agent": agent_id})).scalar()
            if version is not None:
                self._versions.know(agent_id, version)

    async def is_fresh(self, agent_id: int) -> bool:
        known = self._versions.known(agent_id)
        if known is not None and known == (await self._c.execute(_VERSION, {"agent": agent_id})).scalar():
            return True
        self._versions.forget(agent_id)
        return False

    async def touch(self, agent_id: int) -> None:
        if not self._versions.is_touched(agent_id):
            row = (await self._c.execute(_GIVE, {"agent": agent_id, "count": 0, "more": 1})).first()
            if row is not None:
                self._versions.touch(agent_id, row.version)

    async def touch_place(self, conversation_id: int) -> None:
        agent_id = (await self._c.execute(_OF_PLACE, {"place": conversation_id})).scalar()
        if agent_id is not None:
            await self.touch(agent_id)

    async def fence(self, agent_id: int) -> None:
        await self.give(agent_id, 0, fenced=True)

    async def join(self, into: int, other: int) -> int:
        for agent_id in sorted((into, other)):  # as everybody takes several
            await self.touch(agent_id)
        return await self.give(into, await self.newest(other))
