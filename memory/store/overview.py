"""Queries on what an operator sees: counts, names and times, never a text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from memory.ports.overview import By
from memory.records import (
    Delivery,
    Depths,
    PersonSeen,
    Undelivered,
    Underway,
    Usage,
    Used,
    community_audience,
    community_of,
    place_audience,
)
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.prepared import Prepared
from memory.store.rows import record

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

    async def people(self, like: str, limit: int, offset: int = 0) -> list[PersonSeen]:
        u, a = t.users.c, t.accounts.c
        query = sa.select(t.users).order_by(u.id.desc()).limit(limit).offset(offset)
        if like:
            named = sa.select(a.user_id).where(a.account.icontains(like, autoescape=True))
            query = query.where(u.name.icontains(like, autoescape=True) | u.id.in_(named))
        with self._c.beside():
            rows = (await self._c.execute(query)).all()
            ids = [row.id for row in rows]
            accounts, personas = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
            mine = sa.select(t.accounts).where(a.user_id.in_(ids)).order_by(a.account)
            for row in await self._c.execute(mine):
                accounts[row.user_id].append(row.account)
            for row in await self._c.execute(_CASTS.where(t.agents.c.user_id.in_(ids))):
                personas[row.user_id].append(row.name)
            last = await self._c.execute(_LAST.where(t.agents.c.user_id.in_(ids)))
            began = {row.user_id: row.at for row in last}
        return [
            PersonSeen(
                user_id=row.id,
                name=row.name,
                accounts=tuple(accounts[row.id]),
                personas=tuple(personas[row.id]),
                since=row.created_at,
                last_at=began.get(row.id),
            )
            for row in rows
        ]

    async def underway(self) -> list[Underway]:
        turns = [
            record(Underway, row, waits=row.notified)
            for row in await self._c.execute(_TURNS.order_by(t.turns.c.started_at))
        ]
        events = await self._c.execute(_EVENTS.order_by(t.inbox.c.id))
        return [*turns, *(record(Underway, row, turn_id="", steps=0, waits=False) for row in events)]

    async def undelivered(self, limit: int) -> list[Undelivered]:
        with self._c.beside():
            rows = await self._c.execute(_POSTS.order_by(t.outbox.c.seq.desc()).limit(limit))
        return [record(Undelivered, row) for row in rows]

    async def send_again(self, post_id: str) -> bool:
        o = t.outbox
        over = (o.c.id == post_id) & o.c.state.in_([Delivery.DOUBTFUL, Delivery.REFUSED])
        return bool((await self._c.execute(o.update().where(over).values(state=Delivery.READY))).rowcount)

    async def used(self, by: By, since: datetime) -> list[Used]:
        c = t.conversations.c
        spent = _spent(since)
        keys: dict[str, tuple[sa.Label[Any], ...]] = {
            "day": ((sa.type_coerce(spent.c.at, sa.BigInteger) // _A_DAY).label("day"),),
            "model": (spent.c.model.label("asked"),),
            "persona": (t.personas.c.name.label("persona"),),
            "community": (
                c.audience.label("seen_by"),
                sa.case((c.audience == "private", c.address), else_="").label("workspace"),
            ),
            "person": (_FIRST.label("person"),),
        }
        key = keys[by]  # grouped by their names: PostgreSQL takes an expression with values for another one
        query = _summed(spent, *key).group_by(
            *(sa.literal_column(each.key) for each in key), sa.literal_column("model")
        )
        with self._c.beside():
            rows = (await self._c.execute(query)).all()
        found: dict[tuple[str, str], Used] = {}
        for row in rows:
            used = _used(_key(by, row), row)
            same = found.get((used.key, used.model))
            if same is not None:
                used = Used(
                    key=used.key,
                    model=used.model,
                    usage=used.usage + same.usage,
                    steps=used.steps + same.steps,
                )
            found[used.key, used.model] = used
        return sorted(found.values(), key=lambda used: (used.key, used.model))

    async def used_by(self, agents: Collection[int], since: datetime) -> list[Used]:
        rows = await self._c.execute(_summed(_spent(since, agents)).group_by(sa.literal_column("model")))
        return [_used("", row) for row in rows]

    async def used_in(self, community: str, since: datetime) -> list[Used]:
        c = t.conversations.c
        here = (
            (c.audience == community_audience(community))
            | c.audience.startswith(place_audience(community, ""), autoescape=True)
            | ((c.audience == "private") & c.address.startswith(f"{community}/", autoescape=True))
        )
        query = _summed(_spent(since)).where(here).group_by(sa.literal_column("model"))
        with self._c.beside():
            rows = await self._c.execute(query)
        return [_used("", row) for row in rows]

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


def _key(by: By, row: Any) -> str:
    if by == "day":
        return date.fromordinal(_EPOCH + row.day).isoformat()
    if by == "community":
        workspace = row.workspace.partition("/")[0] if "/" in row.workspace else ""
        return community_of(row.seen_by) or workspace
    return str(row[0] or "")


def _used(key: str, row: Any) -> Used:
    usage = Usage(
        prompt=row.prompt,
        completion=row.completion,
        cached=row.cached,
        pictures=row.pictures,
        characters=row.characters,
        seconds=row.seconds,
    )
    return Used(key=key, model=row.model, usage=usage, steps=row.number)


def _spent(since: datetime, agents: Collection[int] | None = None) -> sa.Subquery:
    """Steps of turns, and what was spent beside them, from then on; each half by its own index."""
    s, o = t.steps.c, t.outlays.c
    none = sa.literal_column("0", sa.Integer)
    steps = sa.select(
        *(s.agent_id, t.turns.c.conversation_id, s.model, s.at),
        *(s.prompt_tokens, s.completion_tokens, s.cached_tokens),
        *(none.label(name) for name in _SERVED),
        sa.literal_column("1").label("steps"),
    ).join(t.turns, t.turns.c.id == s.turn_id)
    beside = sa.select(
        *(o.agent_id, o.conversation_id, o.model, o.at),
        *(o.prompt_tokens, o.completion_tokens, o.cached_tokens),
        *(o[name] for name in _SERVED),
        none.label("steps"),
    )
    halves = []
    for half, c in ((steps, s), (beside, o)):
        half = half.where(c.at >= since)
        halves.append(half if agents is None else half.where(c.agent_id.in_(agents)))
    return sa.union_all(*halves).subquery("spent")


def _summed(spent: sa.Subquery, *key: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Usage by model, and by a key of what was spent, its conversation or its agent's persona."""
    c = spent.c
    sums = (
        sa.func.sum(c.prompt_tokens).label("prompt"),
        sa.func.sum(c.completion_tokens).label("completion"),
        sa.func.sum(c.cached_tokens).label("cached"),
        *(sa.func.sum(c[name]).label(name) for name in _SERVED),
        sa.func.sum(c.steps).label("number"),
    )
    return (
        sa.select(*key, c.model.label("model"), *sums)
        .select_from(spent)
        .join(t.conversations, t.conversations.c.id == c.conversation_id)
        .join(t.agents, t.agents.c.id == c.agent_id)
        .join(t.personas, t.personas.c.id == t.agents.c.persona_id)
    )


_SERVED = ("pictures", "characters", "seconds")
_EPOCH = date(1970, 1, 1).toordinal()
_A_DAY = 86_400_000_000  # in microseconds, as the store has moments
_FIRST = (
    sa.select(sa.func.min(t.accounts.c.account))
    .where(t.accounts.c.user_id == t.agents.c.user_id)
    .correlate(t.agents)
    .scalar_subquery()
)
_CASTS = (
    sa.select(t.agents.c.user_id, t.personas.c.name)
    .join(t.personas, t.personas.c.id == t.agents.c.persona_id)
    .order_by(t.personas.c.name)
)
_LAST = (
    sa.select(t.agents.c.user_id, sa.func.max(t.turns.c.started_at).label("at"))
    .join(t.conversations, t.conversations.c.agent_id == t.agents.c.id)
    .join(t.turns, t.turns.c.conversation_id == t.conversations.c.id)
    .group_by(t.agents.c.user_id)
)
_WHO = (t.users.c.name.label("person"), t.personas.c.name.label("persona"), t.conversations.c.address)


def _whose(query: sa.Select[Any], conversation_id: sa.ColumnElement[int]) -> sa.Select[Any]:
    return (
        query.join(t.conversations, t.conversations.c.id == conversation_id)
        .join(t.agents, t.agents.c.id == t.conversations.c.agent_id)
        .join(t.users, t.users.c.id == t.agents.c.user_id)
        .join(t.personas, t.personas.c.id == t.agents.c.persona_id)
    )


_STEPS = sa.select(sa.func.count()).where(t.steps.c.turn_id == t.turns.c.id).scalar_subquery()
_TURNS = _whose(
    sa.select(
        t.turns.c.id.label("turn_id"),
        t.turns.c.agent_id,
        *_WHO,
        t.turns.c.kind,
        t.turns.c.started_at.label("since"),
        _STEPS.label("steps"),
        t.turns.c.notified,
    ).where(_RUNNING),
    t.turns.c.conversation_id,
)
_EVENTS = _whose(
    sa.select(t.inbox.c.agent_id, *_WHO, t.inbox.c.kind, t.inbox.c.received_at.label("since")).where(
        ~t.inbox.c.done & t.inbox.c.turn_id.is_(None)
    ),
    t.inbox.c.conversation_id,
)
_POSTS = _whose(
    sa.select(
        t.outbox.c.id,
        t.users.c.name.label("person"),
        t.outbox.c.address,
        t.outbox.c.kind,
        t.outbox.c.state,
        t.outbox.c.created_at,
        t.outbox.c.claimed_at,
    ).where(t.outbox.c.state != Delivery.SENT),
    t.outbox.c.conversation_id,
)
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
