"""Queries on what an installation has learned of itself."""

from __future__ import annotations

import sqlalchemy as sa

from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.dialects import upsert
from memory.store.prepared import Prepared

_GET = Prepared(sa.select(t.meta.c.value).where(t.meta.c.name == sa.bindparam("which")))


class Meta:
    """See `memory.ports.Meta`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def get(self, name: str) -> str | None:
        row = (await self._c.execute(_GET, {"which": name})).first()
        return None if row is None else str(row.value)

    async def put(self, name: str, value: str) -> None:
        new = upsert(t.meta).values(name=name, value=value)
        await self._c.execute(new.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
