"""Queries on links to the memory page, and on who is signed in there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from memory.records import WebKey, WebPass, WebWrite
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.prepared import Prepared
from memory.store.rows import record

_NOW: sa.BindParameter[datetime] = sa.bindparam("now")
# What was made after now was made before the clock was set back: nobody knows how old it is.
_LIVES = (t.web_keys.c.expires_at > _NOW) & (t.web_keys.c.created_at <= _NOW)
_EXPIRE = Prepared(t.web_keys.delete().where(~_LIVES))
_EXPIRE_WRITES = Prepared(t.web_writes.delete().where(t.web_writes.c.at < sa.bindparam("before")))


class WebKeys:
    """See `memory.ports.WebKeys`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def put(self, key: WebKey) -> None:
        await self._c.execute(t.web_keys.insert().values(**asdict(key)))

    async def get(self, kind: WebPass, digest: str, now: datetime) -> WebKey | None:
        found = await self._select((t.web_keys.c.digest == digest) & (t.web_keys.c.kind == kind), now)
        return found[0] if found else None

    async def of(self, user_id: int, kind: WebPass, now: datetime) -> list[WebKey]:
        return await self._select((t.web_keys.c.user_id == user_id) & (t.web_keys.c.kind == kind), now)

    async def see(self, key_id: str, now: datetime) -> None:
        await self._c.execute(t.web_keys.update().where(t.web_keys.c.id == key_id).values(seen_at=now))

    async def drop(self, user_id: int, ids: Collection[str]) -> int:
        these = (t.web_keys.c.user_id == user_id) & t.web_keys.c.id.in_(ids)
        return (await self._c.execute(t.web_keys.delete().where(these))).rowcount

    async def expire(self, now: datetime) -> int:
        return (await self._c.execute(_EXPIRE, {"now": now})).rowcount

    async def note_write(self, write: WebWrite) -> None:
        await self._c.execute(t.web_writes.insert().values(**asdict(write)))

    async def write(self, key_id: str, name: str) -> WebWrite | None:
        these = (t.web_writes.c.key_id == key_id) & (t.web_writes.c.name == name)
        row = (await self._c.execute(sa.select(t.web_writes).where(these))).first()
        return record(WebWrite, row) if row else None

    async def expire_writes(self, before: datetime) -> None:
        await self._c.execute(_EXPIRE_WRITES, {"before": before})

    async def _select(self, condition: sa.ColumnElement[bool], now: datetime) -> list[WebKey]:
        # The account may have gone to another person since (/link, /unlink): then nobody is let in by it.
        theirs = (t.accounts.c.account == t.web_keys.c.account) & (
            t.accounts.c.user_id == t.web_keys.c.user_id
        )
        query = sa.select(t.web_keys).join(t.accounts, theirs).where(condition & _LIVES)
        order = query.order_by(t.web_keys.c.created_at.desc(), t.web_keys.c.id)
        rows = await self._c.execute(order, {"now": now})
        return [record(WebKey, row) for row in rows]
