"""Queries on heartbeat times and on what people asked to hear of at a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from memory.records import PRIVATE, Beat, Spent, TurnState, Wish
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.dialects import among, place_of, upsert
from memory.store.mailbox import on_platforms
from memory.store.prepared import Prepared
from memory.store.rows import record

_SILENT = "heartbeat"  # the kind of turns that count
_REMINDER = "scheduled"

# What every message asks is built once.
_BEAT = Prepared(sa.select(t.beats).where(t.beats.c.agent_id == sa.bindparam("agent")))
_NEW_BEAT = upsert(t.beats)
_PUT_BEAT = Prepared(
    _NEW_BEAT.on_conflict_do_update(
        index_elements=["agent_id"],
        set_={c.name: _NEW_BEAT.excluded[c.name] for c in t.beats.c if c.name != "agent_id"},
    )
)

_WISHES = sa.select(t.wishes).order_by(t.wishes.c.next_at, t.wishes.c.id)
_WISH = Prepared(_WISHES.where(t.wishes.c.id == sa.bindparam("wish")))
_WISHES_OF = Prepared(_WISHES.where(t.wishes.c.agent_id == sa.bindparam("agent")))
_NEW_WISH = upsert(t.wishes)
_PUT_WISH = Prepared(
    _NEW_WISH.on_conflict_do_update(
        index_elements=["id"], set_={c.name: _NEW_WISH.excluded[c.name] for c in t.wishes.c}
    )
)

# And what every sweep asks.
_MOST = sa.bindparam("most", type_=sa.Integer())
_DUE_BEATS = Prepared(
    sa.select(t.beats)
    .where(t.beats.c.next_at <= sa.bindparam("now"))
    .order_by(t.beats.c.next_at)
    .limit(_MOST)
)


def _due_wishes() -> sa.Select[Any]:
    w, address = t.wishes.c, t.conversations.c.address
    platform = sa.func.substr(address, 1, place_of(address, ":") - 1, type_=sa.Text())
    here = sa.select(t.conversations.c.id).where(among(platform, "platforms"))
    due = (w.next_at <= sa.bindparam("now")) & w.conversation_id.in_(here) & ~among(w.id, "apart_from")
    return sa.select(t.wishes).where(due).order_by(w.next_at, w.id).limit(_MOST)


_DUE_WISHES = Prepared(_due_wishes())


class Schedule:
    """See `memory.ports.Schedule`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def beat(self, agent_id: int) -> Beat:
        row = (await self._c.execute(_BEAT, {"agent": agent_id})).first()
        return record(Beat, row) if row else Beat(agent_id=agent_id)

    async def put_beat(self, beat: Beat) -> None:
        await self._c.execute(_PUT_BEAT, vars(beat))

    async def due_beats(self, now: datetime, limit: int) -> list[Beat]:
        rows = await self._c.execute(_DUE_BEATS, {"now": now, "most": limit})
        return [record(Beat, row) for row in rows]

    async def clamp_beats(self, latest: datetime) -> None:
        at = t.beats.c.next_at
        await self._c.execute(t.beats.update().where(at > latest).values(next_at=latest))

    async def home(self, agent_id: int, platforms: Collection[str]) -> int | None:
        c, i = t.conversations.c, t.inbox.c
        here = on_platforms(platforms, c.address)
        newest = sa.func.max(i.id)
        query = (
            sa.select(c.id)
            .join(t.inbox, i.conversation_id == c.id)
            .where((c.agent_id == agent_id) & here & i.kind.not_in([_SILENT, _REMINDER]))
            .group_by(c.id)
            .order_by((c.audience == PRIVATE).desc(), newest.desc())
            .limit(1)
        )
        found = (await self._c.execute(query)).scalar()
        return None if found is None else int(found)

    async def spent(self, agent_id: int, since: datetime) -> Spent:
        beats = sa.select(t.turns.c.id).where(
            (t.turns.c.agent_id == agent_id) & (t.turns.c.kind == _SILENT) & (t.turns.c.started_at >= since)
        )
        running = sa.exists(beats.where(t.turns.c.state == TurnState.RUNNING).correlate(None))
        count, s = sa.func.count(), t.steps.c
        used = sa.func.coalesce(sa.func.sum(s.prompt_tokens + s.completion_tokens), 0)
        held = (await self._c.execute(sa.select(count, running).select_from(beats.subquery()))).one()
        said = await self._c.execute(
            sa.select(count).select_from(t.outbox).where(t.outbox.c.turn_id.in_(beats))
        )
        tokens = await self._c.execute(sa.select(used).where(s.turn_id.in_(beats)))
        return Spent(beats=held[0], running=held[1], messages=said.scalar_one(), tokens=tokens.scalar_one())

    async def wish(self, wish_id: str) -> Wish | None:
        row = (await self._c.execute(_WISH, {"wish": wish_id})).first()
        return record(Wish, row) if row else None

    async def wishes(self, agent_id: int) -> list[Wish]:
        return [record(Wish, row) for row in await self._c.execute(_WISHES_OF, {"agent": agent_id})]

    async def reminded(self, agents: Collection[int], since: datetime) -> int:
        i, n = t.inbox.c, t.turns.c
        theirs = sa.select(t.conversations.c.id).where(t.conversations.c.agent_id.in_(agents))
        held = n.conversation_id.in_(theirs) & (n.started_at >= since) & (n.kind == _REMINDER)
        unheld = i.agent_id.in_(agents) & ~i.done & i.turn_id.is_(None)
        waiting = unheld & (i.kind == _REMINDER)
        counts = [sa.select(sa.func.count()).where(some) for some in (held, waiting)]
        return sum([(await self._c.execute(count)).scalar_one() for count in counts])

    async def wishes_of(self, turn_id: str) -> list[Wish]:
        return await self._wishes(t.wishes.c.turn_id == turn_id)

    async def put_wish(self, wish: Wish) -> None:
        await self._c.execute(_PUT_WISH, asdict(wish))

    async def drop_wish(self, wish_id: str) -> None:
        await self._c.execute(t.wishes.delete().where(t.wishes.c.id == wish_id))

    async def intervals_after(self, now: datetime) -> list[Wish]:
        return await self._wishes((t.wishes.c.next_at > now) & t.wishes.c.rule.ilike("every%"))

    async def due_wishes(
        self, now: datetime, platforms: Collection[str], limit: int, *, apart_from: Collection[str] = ()
    ) -> list[Wish]:
        values = {"now": now, "platforms": platforms, "apart_from": apart_from, "most": limit}
        return [record(Wish, row) for row in await self._c.execute(_DUE_WISHES, values)]

    async def _wishes(self, condition: sa.ColumnElement[bool]) -> list[Wish]:
        return [record(Wish, row) for row in await self._c.execute(_WISHES.where(condition))]
