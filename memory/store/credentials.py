"""Queries on people's credentials."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from memory.store import tables as t
from memory.store.connection import Connection


class Credentials:
    """See `memory.ports.Credentials`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def put(self, user_id: int, service: str, sealed: bytes, now: datetime) -> None:
        await self.drop(user_id, service)
        values = {"user_id": user_id, "service": service, "sealed": sealed, "created_at": now}
        await self._c.execute(t.credentials.insert().values(**values))

    async def get(self, user_id: int, service: str) -> bytes | None:
        c = t.credentials.c
        query = sa.select(c.sealed).where((c.user_id == user_id) & (c.service == service))
        row = (await self._c.execute(query)).first()
        return bytes(row.sealed) if row else None

    async def drop(self, user_id: int, service: str) -> None:
        c = t.credentials.c
        await self._c.execute(t.credentials.delete().where((c.user_id == user_id) & (c.service == service)))
