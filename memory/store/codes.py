"""Queries on one-time codes and on the accounts that an admin let in."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

import sqlalchemy as sa

from memory.records import Code, Welcomed
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.dialects import upsert
from memory.store.operations import forget_subjects
from memory.store.prepared import Prepared
from memory.store.rows import record

# Twice the longest life of a code: a clock that is set right by a little costs none.
_LONGEST = timedelta(hours=2)
# What expires later than any code does was made before the clock was set back: nobody knows how old it is.
_LIVES = (t.codes.c.expires_at > sa.bindparam("now")) & (t.codes.c.expires_at <= sa.bindparam("horizon"))
_EXPIRE = Prepared(t.codes.delete().where(~_LIVES))


class Codes:
    """See `memory.ports.Codes`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def put(self, code: Code) -> None:
        c = t.codes.c
        former = (c.code == code.code) | ((c.purpose == code.purpose) & (c.account == code.account))
        await self._c.execute(t.codes.delete().where(former))
        await self._c.execute(t.codes.insert().values(**asdict(code)))

    async def get(self, purpose: str, code: str, now: datetime) -> Code | None:
        return await self._one((t.codes.c.purpose == purpose) & (t.codes.c.code == code), now)

    async def of(self, purpose: str, account: str, now: datetime) -> Code | None:
        return await self._one((t.codes.c.purpose == purpose) & (t.codes.c.account == account), now)

    async def all(self, purpose: str, now: datetime) -> list[Code]:
        """For whoever lets people in, who sees what waits for them."""
        query = sa.select(t.codes).where((t.codes.c.purpose == purpose) & _LIVES)
        order = query.order_by(t.codes.c.expires_at.desc(), t.codes.c.code)
        rows = await self._c.execute(order, _at(now))
        return [record(Code, row) for row in rows]

    async def drop(self, code: str) -> None:
        await self._c.execute(t.codes.delete().where(t.codes.c.code == code))

    async def knows(self, account: str) -> bool:
        ways = [sa.select(sa.literal(1)).where(named) for named in _naming(account)]
        return any([(await self._c.execute(way)).first() for way in ways])

    async def forget(self, account: str) -> None:
        codes, welcome = _naming(account)
        await self._c.execute(t.codes.delete().where(codes))
        await self._c.execute(t.welcome.delete().where(welcome))
        await forget_subjects(self._c, [account])

    async def expire(self, now: datetime) -> int:
        return (await self._c.execute(_EXPIRE, _at(now))).rowcount

    async def welcome(self, account: str, now: datetime) -> None:
        values = {"account": account, "created_at": now}
        await self._c.execute(upsert(t.welcome).values(**values).on_conflict_do_nothing())

    async def is_welcome(self, account: str) -> bool:
        query = sa.select(sa.literal(1)).where(t.welcome.c.account == account)
        return (await self._c.execute(query)).first() is not None

    async def unwelcome(self, account: str) -> bool:
        return bool(
            (await self._c.execute(t.welcome.delete().where(t.welcome.c.account == account))).rowcount
        )

    async def welcomed(self) -> list[Welcomed]:
        """For whoever lets people in, and may change their mind."""
        c = t.welcome.c
        rows = await self._c.execute(
            sa.select(c.account, c.created_at.label("at")).order_by(c.created_at.desc(), c.account)
        )
        return [record(Welcomed, row) for row in rows]

    async def _one(self, condition: sa.ColumnElement[bool], now: datetime) -> Code | None:
        row = (await self._c.execute(sa.select(t.codes).where(condition & _LIVES), _at(now))).first()
        return record(Code, row) if row else None


def _at(now: datetime) -> dict[str, datetime]:
    """What is asked of `_LIVES`."""
    return {"now": now, "horizon": now + _LONGEST}


def _naming(account: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Codes, and lettings in, that name an account."""
    codes = (t.codes.c.account == account) | (t.codes.c.other == account)
    return codes, t.welcome.c.account == account
