"""Queries on what rooms remember."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from memory.records import ROOM, Agent, Audiences, Message, scope_of
from memory.store import tables as t
from memory.store.agents import AGENT_NAMED, digest_of, in_turn
from memory.store.connection import Connection
from memory.store.dialects import upsert
from memory.store.fulltext import slices
from memory.store.rows import record


class Rooms:
    """See `memory.ports.Rooms`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def keeper(self, community: str) -> Agent | None:
        row = (await self._c.execute(AGENT_NAMED, {"called": f"{ROOM}{community}"})).first()
        return record(Agent, row) if row else None

    async def said(self, key: int, user_id: int, name: str) -> None:
        await self._c.execute(t.room_lines.insert().values(key=key, user_id=user_id))
        # Who first speaks under a name is the next of that name, and stays so whoever of them is forgotten.
        n, room = t.room_names.c, scope_of(key)
        of_name = (n.agent_id == room) & (n.name == name)
        highest = (await self._c.execute(sa.select(sa.func.max(n.number)).where(of_name))).scalar() or 0
        number = {"agent_id": room, "name": name, "user_id": user_id, "number": highest + 1}
        await self._c.execute(upsert(t.room_names).values(number).on_conflict_do_nothing())

    async def numbers(self, agent_id: int, keys: Collection[int]) -> dict[int, int]:
        # Those who are not the only one of their name, or were not, or whose name looks as if it had a number.
        lines, m, n, other = t.room_lines.c, t.messages.c, t.room_names.c, t.room_names.alias().c
        alike = (other.agent_id == agent_id) & (other.name == n.name) & (other.user_id != n.user_id)
        whose = (n.agent_id == agent_id) & (n.name == m.author) & (n.user_id == lines.user_id)
        told = t.room_lines.join(t.messages, m.key == lines.key).join(t.room_names, whose)
        of_several = (n.number > 1) | n.name.endswith(")") | sa.exists().where(alike)
        found: dict[int, int] = {}
        for part in slices(list(keys)):
            query = sa.select(lines.key, n.number).select_from(told).where(lines.key.in_(part) & of_several)
            found |= {int(key): int(number) for key, number in await self._c.execute(query)}
        return found

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
        await in_turn(self._c, [digest_of(account) for account in accounts], shared=False)
        await self._stands(user_id, "out")
        await self._c.execute(t.room_names.delete().where(t.room_names.c.user_id == user_id))
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
