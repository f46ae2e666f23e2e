"""`memory.ports.Leases` on PostgreSQL: advisory locks of the connection by which the process takes part
(`memory.store.postgres.cluster`). When that is lost, so are they, and the process knows it at once."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from memory.errors import StoreUnavailable
from memory.ports.leases import Lease

LEASE = 4243  # the class of these locks
_PRESENT = 0xFFFF  # the number by which those are counted that want some of a kind
_LOOK_S = 0.5
Ask = Callable[..., Awaitable[list[Any]]]

_COUNT = (
    "SELECT count(*) FILTER (WHERE granted), bool_or(pid <> pg_backend_pid()) FROM pg_locks "
    "WHERE locktype = 'advisory' AND classid = $1::bigint::oid AND objid = $2::bigint::oid "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
# By the server's clock; whoever comes second waits for the first one's row. It may have been set back meanwhile.
_GO = (
    "INSERT INTO meta AS was (name, value) VALUES ($1, extract(epoch FROM clock_timestamp())::text) "
    "ON CONFLICT (name) DO UPDATE SET value = extract(epoch FROM clock_timestamp())::text "
    "WHERE abs(extract(epoch FROM clock_timestamp()) - was.value::numeric)::float8 >= $2::float8 RETURNING 1"
)
_AGREE = (
    "INSERT INTO meta AS was (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = "
    "CASE WHEN $4::bool AND was.value::int >= $3::int THEN was.value ELSE excluded.value END RETURNING value::int"
)
HELD = """
    SELECT l.objid::bigint & 65535, a.application_name || coalesce(' (' || host(a.client_addr) || ')', '')
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1::bigint::oid
    AND l.objid::bigint >> 16 = $2::bigint AND l.objid::bigint & 65535 <> 65535 AND a.datname = current_database()
"""
"""The numbers of a kind that are held, each with who has it: ``$2`` is `mark` of the kind."""


class Locks(Protocol):
    """Of the connection that there is at present."""

    async def ask(self, statement: str, *values: object) -> list[Any]:
        """Raises `StoreUnavailable`."""
        ...

    async def lock(self, kind: int, number: int) -> bool:
        """Whether it is ours now. Raises `StoreUnavailable`."""
        ...

    async def unlock(self, kind: int, number: int) -> None: ...


class PostgresLeases:
    def __init__(self, locks: Locks) -> None:
        self._locks = locks
        self._held: dict[int, _Held] = {}
        self._present: set[int] = set()  # those of our kinds that we were counted for, on this connection
        self._parts: dict[str, int] = {}

    def gone(self) -> None:
        """The connection was lost."""
        held, self._held = self._held, {}
        self._present.clear()
        for lease in held.values():
            lease.gone.set()

    async def part(self, kind: str, total: int) -> int:
        try:
            many, _ = await self._seen(kind)
        except StoreUnavailable:
            return self._parts.get(kind, 0)  # what we hold we do hold, unless `gone` says otherwise
        self._parts[kind] = -(-total // max(1, many))
        return self._parts[kind]

    async def take(self, kind: str, number: int) -> Lease | None:
        lock = _number(kind, number)
        if lock in self._held:
            return None  # the server would give it to us once more
        lease = self._held[lock] = _Held(lambda: self._give(lock, lease))
        ours = False
        try:
            ours = await self._locks.lock(LEASE, lock) and not lease.gone.is_set()
        except StoreUnavailable:
            return None
        finally:
            if not ours and self._held.get(lock) is lease:
                del self._held[lock]
        return lease if ours else None

    async def news(self) -> None:
        await asyncio.sleep(_LOOK_S)

    async def passed(self, gate: str, seconds: float) -> bool:
        try:
            return bool(await self._locks.ask(_GO, f"passed {gate}", seconds))
        except StoreUnavailable:
            return False

    async def agreed(self, name: str, value: int, least: int = 0) -> int:
        while True:
            try:
                _, others = await self._seen(name)
                rows = await self._locks.ask(_AGREE, f"agreed {name}", str(value), least, bool(others))
                return int(rows[0][0])
            except StoreUnavailable:
                await self.news()

    async def _seen(self, kind: str) -> tuple[int, bool]:
        """How many there are that want some of that kind, we among them, and whether there are others."""
        number = _number(kind, _PRESENT)
        if number not in self._present:
            await self._locks.ask("SELECT pg_advisory_lock_shared($1, $2)", LEASE, number)
            self._present.add(number)
        [(many, others)] = await self._locks.ask(_COUNT, LEASE, number)
        return many, bool(others)

    async def _give(self, lock: int, lease: _Held) -> None:
        if self._held.get(lock) is not lease:
            return
        try:
            await self._locks.unlock(LEASE, lock)
        finally:
            if self._held.get(lock) is lease:
                del self._held[lock]


class _Held:
    """A `Lease`."""

    def __init__(self, give: Callable[[], Awaitable[None]]) -> None:
        self._give = give
        self.gone = asyncio.Event()

    async def lost(self) -> None:
        await self.gone.wait()

    async def give(self) -> None:
        await self._give()


def mark(kind: str) -> int:
    """15 bits that stand for a kind."""
    return zlib.crc32(kind.encode()) & 0x7FFF


def _number(kind: str, number: int) -> int:
    return mark(kind) << 16 | number
