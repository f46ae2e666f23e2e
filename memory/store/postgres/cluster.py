"""`memory.ports.Cluster` on PostgreSQL: advisory locks and notices, each on a connection of the process's own.

Agents are shared out in `SHARES` (agent id modulo). A process holds the lock of each share that is its own; what it has
too much, when another one comes, it gives back, and what nobody has is taken. There are no clocks and no rows: a lock
is free when its connection is gone, and a process that is stopped loses its connection after `_STOPPED_S`. That is why
it hears notices on another: a server that writes to who does not read waits for that, and looks at no timeout.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from memory.errors import StoreUnavailable
from memory.ports.cluster import MISSED, Heard
from memory.store.postgres import shares
from memory.store.postgres.address import Address
from memory.store.postgres.leases import PostgresLeases
from memory.store.postgres.refusals import mapped
from memory.store.postgres.shares import SHARES
from memory.store.postgres.stopped import END_STOPPED
from memory.uncancelled import ended

log = logging.getLogger(__name__)

_CHANNEL = "everbot"
SHARE, AGENT = 4242, 4245  # classes of locks
_PRESENT, MEMBER = 1_000_000, 1_000_001  # numbers by which are counted who works, and who takes part
_LONGEST = 63  # bytes of a name that the server keeps
_LOOK_S = 0.5
_STILL_S = 0.05  # between two looks whether another process has let go
_TOLD_AGAIN = 10  # looks, after which it is told again to
_TOLD = 7_000  # bytes of a notice (PostgreSQL takes 8,000)
_STOPPED_S = 5
_CONNECT_S = 10.0
_STOPPED = {"idle_session_timeout": f"{_STOPPED_S}s"}
_SESSION = {
    "tcp_keepalives_idle": "3",  # a machine that is gone lets its locks go
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_COUNT = (
    "SELECT coalesce(array_agg(application_name) FILTER (WHERE objid = $2::bigint::oid), '{}'), "
    "count(*) FILTER (WHERE objid = $3::bigint::oid), (SELECT value FROM meta WHERE name = $4) "
    "FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted "
    "AND classid = $1::bigint::oid "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_TAKE = "SELECT share FROM unnest($2::int[]) share WHERE pg_try_advisory_lock($1, share) LIMIT $3"


class PostgresCluster:
    """``name`` is what others see. ``works``: it takes shares; else it only tells, hears, and keeps agents still."""

    single = False
    processes = 1

    def __init__(self, address: Address, name: str, *, works: bool) -> None:
        self._address = address
        self.name = name
        self._works = works
        self._me = secrets.token_hex(8)
        self._connection: asyncpg.Connection | None = None  # which holds the locks, and tells
        self._ears: asyncpg.Connection | None = None
        self._connects = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()  # a connection does one thing at a time
        self._mine: frozenset[int] = frozenset()
        self._heard: dict[str, list[Heard]] = {}
        self._untold: dict[str, None] = {}  # in order, each once
        self._news = asyncio.Event()
        self._all_told = asyncio.Event()
        self._changed = asyncio.Event()
        self._lost = False
        self.leases = PostgresLeases(self)

    def owns(self, agent_id: int) -> bool:
        return agent_id % SHARES in self._mine

    @asynccontextmanager
    async def at_work(self, agent_id: int) -> AsyncIterator[bool]:
        connection = self._connection
        if connection is None or not await self._try(connection, *_agent(agent_id)):
            yield False
            return
        try:
            yield True
        finally:
            await self._let_go(connection, *_agent(agent_id))

    @asynccontextmanager
    async def still(self, agents: Collection[int]) -> AsyncIterator[None]:
        held: list[int] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOPPED_S):
                await self._connects.wait()
        connection = self._there()
        try:
            for agent_id in sorted(agents):  # as everybody takes several
                looks = 0
                while not await self._try(connection, *_agent(agent_id)):
                    if connection is not self._connection:
                        raise StoreUnavailable(f"{self._address.shown} was lost for a moment.")
                    if looks % _TOLD_AGAIN == 0:  # it may not have heard, or have begun anew before we had it
                        self.tell("still", agent=agent_id)
                    looks += 1
                    await asyncio.sleep(_STILL_S)
                held.append(agent_id)
            yield
        finally:
            for agent_id in held:
                await self._let_go(connection, *_agent(agent_id))
                self.tell("free", agent=agent_id)

    def tell(self, word: str, **what: Any) -> None:
        text = json.dumps([self._me, word, what])
        if len(text.encode()) <= _TOLD:
            self._untold[text] = None
            self._all_told.clear()
            self._news.set()

    async def told(self) -> None:
        if self._untold:
            await self._all_told.wait()

    def hear(self, word: str, heard: Heard) -> None:
        self._heard.setdefault(word, []).append(heard)

    async def news(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()
        lost, self._lost = self._lost, False
        return not lost

    async def shares(self) -> dict[str, int]:
        return await shares.held(self.ask, SHARE, _PRESENT)

    async def move(self, name: str, number: int) -> None:
        await shares.move(self.ask, await self.shares(), name, number)

    async def even_out(self) -> None:
        await shares.even(self.ask)

    # What `leases` stand on

    async def ask(self, statement: str, *values: object) -> list[Any]:
        return await self._ask(self._there(), statement, *values)

    async def lock(self, kind: int, number: int) -> bool:
        connection = self._there()
        return await self._try(connection, kind, number) and connection is self._connection

    async def unlock(self, kind: int, number: int) -> None:
        if self._connection is not None:
            await self._let_go(self._connection, kind, number)

    def _there(self) -> asyncpg.Connection:
        if self._connection is None:
            raise StoreUnavailable(f"{self._address.shown} cannot be reached by this process at present.")
        return self._connection

    async def run(self) -> None:
        try:
            while True:
                try:
                    connection = self._connection or await self._connected()
                    if self._ears is None or self._ears.is_closed():
                        missed, self._ears = self._ears is not None, await self._opened(listens=True)
                        if missed:
                            self._hears(MISSED, {})
                    await self._asked(self._ears, "SELECT 1", ())  # that they hear is not known otherwise
                    await self._share_out(connection)
                    await self._until_told(connection)
                except StoreUnavailable as error:
                    log.warning("Agents are not shared out: %s", error)
                    self._left()
                    await asyncio.sleep(_LOOK_S)
        finally:
            connections = [one for one in (self._connection, self._ears) if one is not None]
            self._connection = self._ears = None
            self._left()
            await ended(asyncio.gather(*map(_close, connections)))

    async def _connected(self) -> asyncpg.Connection:
        connection = self._connection = await self._opened(listens=False)
        self._connects.set()
        return connection

    async def _opened(self, *, listens: bool) -> asyncpg.Connection:
        settings = {"application_name": self.name[:_LONGEST], **_SESSION}
        async with mapped(self._address):
            connection = await asyncpg.connect(
                self._address.plain,
                password=self._address.password,
                timeout=_CONNECT_S,
                server_settings=settings if listens else settings | _STOPPED,
            )
            try:
                if listens:
                    await connection.add_listener(_CHANNEL, self._listen)
                else:
                    for number in (MEMBER, *([_PRESENT] if self._works else [])):
                        await connection.execute(f"SELECT pg_advisory_lock_shared({SHARE}, {number})")
            except BaseException:
                await _close(connection)
                raise
        return connection

    def _left(self) -> None:
        """The connection is gone, and with it all that we held."""
        connection, self._connection = self._connection, None
        self._connects.clear()
        if connection is not None:
            connection.terminate()
        self._lost = self._lost or bool(self._mine)
        self._mine = frozenset()
        self.leases.gone()
        self._changed.set()

    async def _share_out(self, connection: asyncpg.Connection) -> None:
        """Take what is ours of the shares that nobody has, and give back what is too much."""
        await self._ask(connection, END_STOPPED)
        [(workers, members, moved)] = await self._ask(
            connection, _COUNT, SHARE, _PRESENT, MEMBER, shares.WANTED
        )
        self.processes = max(1, members)
        if not self._works:
            return
        fair = shares.part_of(self.name[:_LONGEST], workers, moved)
        mine = set(self._mine)
        if len(mine) > fair:
            # Any of them: agents that are heard lie anywhere, and are to be shared out, too.
            surplus = random.sample(sorted(mine), len(mine) - fair)
            self._own(mine - set(surplus))  # nothing new is begun before another may have it
            for share in surplus:
                await self._ask(connection, "SELECT pg_advisory_unlock($1, $2)", SHARE, share)
        elif len(mine) < fair:
            others = [share for share in range(SHARES) if share not in mine]
            random.shuffle(others)
            taken = await self._ask(connection, _TAKE, SHARE, others, fair - len(mine))
            self._own(mine | {row[0] for row in taken})

    def _own(self, shares: set[int]) -> None:
        if shares != self._mine:
            self._mine = frozenset(shares)
            self._changed.set()

    async def _until_told(self, connection: asyncpg.Connection) -> None:
        """Tell what is to be told, until it is time to look again."""
        until = asyncio.get_running_loop().time() + _LOOK_S
        while (left := until - asyncio.get_running_loop().time()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._news.wait()
            self._news.clear()
            while self._untold:
                text = next(iter(self._untold))
                await self._ask(connection, "SELECT pg_notify($1, $2)", _CHANNEL, text)
                self._untold.pop(text, None)
            self._all_told.set()

    def _listen(self, connection: object, pid: int, channel: str, payload: object) -> None:
        who, word, what = json.loads(str(payload))
        if who != self._me:
            self._hears(word, what)

    def _hears(self, word: str, what: Mapping[str, Any]) -> None:
        for heard in self._heard.get(word, ()):
            heard(**what)

    async def _try(self, connection: asyncpg.Connection, kind: int, number: int) -> bool:
        """Whether the lock is ours now."""
        lock = "SELECT pg_try_advisory_lock($1, $2)"
        asking = asyncio.ensure_future(self._asked(connection, lock, (kind, number)))
        cancelled = await ended(asking)
        ours = asking.exception() is None and bool(asking.result()[0][0])
        if cancelled:
            if ours:
                await self._let_go(connection, kind, number)
            raise asyncio.CancelledError
        return ours

    async def _let_go(self, connection: asyncpg.Connection, kind: int, number: int) -> None:
        with contextlib.suppress(StoreUnavailable):  # then it is free anyway
            await self._ask(connection, "SELECT pg_advisory_unlock($1, $2)", kind, number)

    async def _ask(self, connection: asyncpg.Connection, statement: str, *values: object) -> list[Any]:
        """Whole, even when we are cancelled: what was locked is known to be. Raises `StoreUnavailable`."""
        asking = asyncio.ensure_future(self._asked(connection, statement, values))
        if await ended(asking):
            asking.exception()  # who is cancelled is told of no failure, which would be met, and gone on after
            raise asyncio.CancelledError
        return asking.result()

    async def _asked(
        self, connection: asyncpg.Connection, statement: str, values: tuple[object, ...]
    ) -> list[Any]:
        async with self._one_at_a_time, mapped(self._address):
            return list(await connection.fetch(statement, *values, timeout=_STOPPED_S))


def _agent(agent_id: int) -> tuple[int, int]:
    """The lock of whoever works for an agent."""
    return AGENT, agent_id % 2**31


async def _close(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=_STOPPED_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
