"""Queries on what pictures show."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from memory.store import tables as t
from memory.store.connection import Connection


class Captions:
    """See `memory.ports.Captions`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def get(self, agent_id: int, digest: str) -> str | None:
        c = t.captions.c
        query = sa.select(c.text).where((c.agent_id == agent_id) & self._shows(agent_id, digest))
        found = (await self._c.execute(query)).first()
        return str(found.text) if found and found.text else None

    async def open(self, agent_id: int) -> list[str]:
        c = t.captions.c
        query = sa.select(c.event_key).where((c.agent_id == agent_id) & (c.text == "")).order_by(c.created_at)
        return list(dict.fromkeys((await self._c.execute(query)).scalars()))

    async def put(
        self, agent_id: int, digest: str, text: str, conversation_id: int, event_key: str, now: datetime
    ) -> None:
        await self.close(agent_id, digest)
        values = {"agent_id": agent_id, "digest": digest, "text": text, "event_key": event_key}
        await self._c.execute(
            t.captions.insert().values(**values, conversation_id=conversation_id, created_at=now)
        )

    async def close(self, agent_id: int, digest: str) -> None:
        own = t.captions.c.agent_id == agent_id
        await self._c.execute(t.captions.delete().where(own & self._shows(agent_id, digest)))

    async def drop(self, event_key: str, digest: str | None = None) -> None:
        c = t.captions.c
        which = c.event_key == event_key
        if digest is None:
            await self._c.execute(t.captions.delete().where(which))
            return
        agents = sa.select(c.agent_id).where(which).distinct()
        for agent_id in (await self._c.execute(agents)).scalars():
            here = (c.agent_id == agent_id) & self._shows(agent_id, digest)
            await self._c.execute(t.captions.delete().where(which & here))

    def _shows(self, agent_id: int, digest: str) -> sa.ColumnElement[bool]:
        return t.captions.c.digest.in_(self._c.sealed(f"agent:{agent_id}", [digest]))
