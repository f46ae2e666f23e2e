"""Queries on what operators decide and did, on orders to the process that runs, on what went wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date, datetime

import sqlalchemy as sa

from memory.records import Deed, FaultCount, Order, Report, Restriction
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.dialects import upsert
from memory.store.prepared import Prepared
from memory.store.rows import record

_RESTRICTIONS = Prepared(sa.select(t.restrictions).order_by(t.restrictions.c.subject))
_ANY_ORDER = Prepared(sa.select(t.orders.c.id).limit(1))


class Operations:
    """See `memory.ports.Operations`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def restrictions(self) -> list[Restriction]:
        rows = await self._c.execute(_RESTRICTIONS)
        return [record(Restriction, row) for row in rows]

    async def restriction(self, subject: str) -> Restriction | None:
        query = sa.select(t.restrictions).where(t.restrictions.c.digest == digest_of(subject))
        row = (await self._c.execute(query)).first()
        return record(Restriction, row) if row else None

    def unrestricted(self, subject: str, now: datetime) -> Restriction:
        return Restriction(digest=digest_of(subject), subject=subject, at=now)

    async def restrict(self, restriction: Restriction) -> None:
        await self._c.execute(t.restrictions.delete().where(t.restrictions.c.digest == restriction.digest))
        limits = (restriction.tokens_per_day, restriction.cost_per_month)
        if restriction.blocked or any(limit is not None for limit in limits):
            await self._c.execute(t.restrictions.insert().values(**asdict(restriction)))

    async def order(self, what: str, about: str, now: datetime) -> None:
        await self._c.execute(t.orders.insert().values(what=what, about=about, at=now))

    async def take_orders(self) -> list[Order]:
        rows = await self._c.execute(sa.select(t.orders).order_by(t.orders.c.id))
        orders = [record(Order, row) for row in rows]
        if orders:
            await self._c.execute(t.orders.delete().where(t.orders.c.id <= orders[-1].id))
        return orders

    async def has_orders(self) -> bool:
        return (await self._c.execute(_ANY_ORDER)).first() is not None

    async def note(self, deed: Deed) -> None:
        await self._c.execute(t.deeds.insert().values(**asdict(deed)))

    async def deeds(self, limit: int) -> list[Deed]:
        rows = await self._c.execute(sa.select(t.deeds).order_by(t.deeds.c.id.desc()).limit(limit))
        return [record(Deed, row) for row in rows]

    async def report(self, report: Report) -> None:
        await self._c.execute(t.reports.insert().values(**asdict(report)))

    async def reports(self, limit: int) -> list[Report]:
        rows = await self._c.execute(sa.select(t.reports).order_by(t.reports.c.id.desc()).limit(limit))
        return [record(Report, row) for row in rows]

    async def add_faults(self, faults: Sequence[FaultCount]) -> None:
        f = t.faults
        for fault in faults:
            new = upsert(f).values(**{**asdict(fault), "day": fault.day.toordinal()})
            await self._c.execute(
                new.on_conflict_do_update(
                    index_elements=["day", "kind", "platform", "model"],
                    set_={"count": f.c.count + fault.count, "last_at": fault.last_at},
                )
            )

    async def faults(self, since: datetime) -> list[FaultCount]:
        f = t.faults.c
        query = sa.select(t.faults).where(f.day >= since.date().toordinal())
        rows = await self._c.execute(query.order_by(f.day.desc(), f.count.desc(), f.kind))
        return [record(FaultCount, row, day=date.fromordinal(row.day)) for row in rows]

    async def forget_faults(self, before: datetime) -> None:
        await self._c.execute(t.faults.delete().where(t.faults.c.day < before.date().toordinal()))


async def forget_subjects(connection: Connection, accounts: Collection[str]) -> None:
    """What an operator set for a person who is forgotten holds on, and names them no more."""
    subjects = [f"account:{account}" for account in accounts]
    r, d = t.restrictions, t.deeds
    await connection.execute(r.update().where(r.c.subject.in_(subjects)).values(subject=""))
    await connection.execute(d.update().where(d.c.about.in_(subjects)).values(about=""))


def digest_of(subject: str) -> bytes:
    """What stays of a subject that is forgotten."""
    return hashlib.blake2b(subject.encode(), digest_size=16).digest()
