"""Queries on what rooms remember."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from memory.records import ROOM, Agent, Audiences, Message
from memory.store import tables as t
from memory.store.agents import digest_of
from memory.store.connection import Connection
from memory.store.dialects import upsert
from memory.store.fulltext import slices
from memory.store.rows import record


class Rooms:
    """See `memory.ports.Rooms`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def keeper(self, community: str) -> Agent | None:
        query = sa.select(t.agents).where(t.agents.c.name == f"{ROOM}{community}")
        row = (await self._c.execute(query)).first()
        return record(Agent, row) if row else None

    async def said(self, key: int, user_id: int) -> None:
        await self._c.execute(t.room_lines.insert().values(key=key, user_id=user_id))

    async def lines(
        self, user_id: int, audiences: Audiences, *, offset: int = 0, limit: int | None = None
    ) -> list[Message]:
        m = t.messages.c
        query = (
            sa.select(t.messages).where(_of(user_id, audiences)).order_by(m.created_at.desc(), m.key.desc())
        )
        rows = await self._c.execute(query.offset(offset).limit(limit) if limit is not None else query)
        return [record(Message, row) for row in rows]

    async def count(self, user_id: int, audiences: Audiences) -> int:
        query = sa.select(sa.func.count()).select_from(t.messages).where(_of(user_id, audiences))
        return int((await self._c.execute(query)).scalar_one())

    async def told(self, user_id: int) -> None:
        await self._stands(user_id, "told")

    async def keep_out(self, user_id: int, accounts: Collection[str], now: datetime) -> None:
        await self._stands(user_id, "out")
        for account in accounts:
            digest = upsert(t.kept_out).values(digest=digest_of(account), created_at=now)
            await self._c.execute(digest.on_conflict_do_nothing())

    async def let_in(self, user_id: int, accounts: Collection[str]) -> None:
        await self._stands(user_id, "told")
        gone = t.kept_out.c.digest.in_([digest_of(account) for account in accounts])
        await self._c.execute(t.kept_out.delete().where(gone))

    async def out(self, accounts: Collection[str]) -> set[str]:
        digests = {digest_of(account): account for account in accounts}
        found: set[str] = set()
        for part in slices(list(digests)):
            rows = await self._c.execute(sa.select(t.kept_out.c.digest).where(t.kept_out.c.digest.in_(part)))
            found |= {digests[bytes(digest)] for digest in rows.scalars()}
        return found

    async def names_out(self) -> list[str]:
        rows = await self._c.execute(sa.select(t.users.c.name).where(t.users.c.rooms == "out"))
        return list(rows.scalars())

    async def _stands(self, user_id: int, rooms: str) -> None:
        await self._c.execute(t.users.update().where(t.users.c.id == user_id).values(rooms=rooms))


def _of(user_id: int, audiences: Audiences) -> sa.ColumnElement[bool]:
    mine = sa.select(t.room_lines.c.key).where(t.room_lines.c.user_id == user_id)
    theirs = t.messages.c.key.in_(mine)
    return theirs if audiences is None else theirs & t.messages.c.audience.in_(audiences)
