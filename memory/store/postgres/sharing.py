"""How a process has the database beside others: alone; alone, while others stand by for it; or together with others who
work on it, too. Whose it is, and how long others wait for a process that was stopped, is said here."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket

from memory.errors import StoreBusy, StoreShared
from memory.records import Holder
from memory.store.postgres import upgrades
from memory.store.postgres.cluster import MEMBER, SHARE
from memory.store.postgres.connection import PostgresConnection
from memory.store.postgres.shares import SHARES
from memory.store.postgres.stopped import AT_ANY_TIME, AT_WORK, END_STOPPED
from memory.store.schema import HEAD

_HOLDERS = f"""
    WITH held AS (
        SELECT pid, bool_or(classid = 7 AND objid = 1) AS alone,
            count(*) FILTER (WHERE classid = {SHARE} AND objid < {SHARES}) AS shares
        FROM pg_locks WHERE locktype = 'advisory' AND granted GROUP BY pid
    )
    SELECT a.application_name || coalesce(' (' || host(a.client_addr) || ')', '') AS name, min(a.backend_start),
        coalesce(bool_or(held.alone), false) AS alone, coalesce(sum(held.shares), 0)::int
    FROM pg_stat_activity a LEFT JOIN held USING (pid)
    WHERE a.datname = current_database() AND a.application_name LIKE 'everbot _%'
    GROUP BY name ORDER BY alone DESC, 2
"""  # noqa: S608 (those that have it or once asked for it, by the names that they gave themselves)
_WITH_OTHERS = f"""
    SELECT EXISTS (
        SELECT FROM pg_locks alone JOIN pg_stat_activity a USING (pid)
        JOIN pg_stat_activity other USING (datname, application_name) JOIN pg_locks part ON part.pid = other.pid
        WHERE a.datname = current_database()
        AND alone.locktype = 'advisory' AND alone.granted AND alone.classid = 7 AND alone.objid = 1
        AND part.locktype = 'advisory' AND part.granted AND part.classid = {SHARE} AND part.objid = {MEMBER}
    )
"""  # noqa: S608 (whether who has it alone takes part in a cluster, on another connection of that name)
# Whose turn it was last: who had it before, and finds another's name here, is not to go on.
_LAST = "SELECT value FROM meta WHERE name = 'holder'"
_MARK = "INSERT INTO meta (name, value) VALUES ('holder', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


class Sharing:
    """Of one process, on the database at ``place``. At first it has it as others may have it, too."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._command: str | None = None  # for which this process alone has it
        self._stood_by = False
        self._with_others = False
        self._mark: str | None = None  # that it left there, once it had it
        self.lost = asyncio.Event()  # what it had alone is another's now
        self._told: tuple[PostgresConnection, tuple[str, ...]] | None = None

    def begin(self, command: str, *, stood_by: bool) -> None:
        """It is to have the database alone; ``stood_by``: others wait for it."""
        self._command, self._stood_by = command, stood_by

    def end(self) -> None:
        """Others may have it."""
        self._command = self._mark = None
        self.lost.clear()

    def refuse(self) -> None:
        """Raises `StoreBusy` once it is known that another has had what was this process's alone: nothing is asked of
        the server any more."""
        if self.lost.is_set():
            raise self._taken()

    def _taken(self) -> StoreBusy:
        self.lost.set()
        return StoreBusy(
            f"{self._place} was taken over by another process while this one did not answer. Start this one again: "
            "nothing is lost."
        )

    def with_others(self) -> None:
        """Others work on it, too, as they share out the agents (`memory.ports.Cluster`)."""
        self._with_others = True

    async def claim(self, connection: PostgresConnection) -> None:
        """Have it alone, if that is to be, as long as the connection lasts. Raises `StoreBusy` when another has it;
        `StoreShared` when that one shares the work."""
        if self._command is None:
            return
        version = await upgrades.version_of(connection, self._place)
        newer = "" if version in (HEAD, None) else f" (newer: schema {HEAD})"
        await _call(connection, name_of(f"{self._command}{newer}"))
        [(ours,)] = await connection.ask(f"SELECT pg_try_advisory_lock({upgrades.ALONE})")
        if not ours:
            if self._mark is not None:
                raise self._taken()
            await connection.ask(END_STOPPED)
            who = await upgrades.who(connection, alone=True)
            if newer:
                raise StoreBusy(upgrades.older(self._place, version, who))
            [(shared,)] = await connection.ask(_WITH_OTHERS)
            raise (StoreShared if shared else StoreBusy)(
                f"{self._place} is in use by {who}. Stop it first, or set store.url (EVERBOT_STORE__URL) to another "
                "database."
            )

    async def mark(self, connection: PostgresConnection) -> None:
        """Leave there who has it alone since `claim`. Raises `StoreBusy` when another had it in between."""
        if self._command is None:
            return
        await _call(connection, name := name_of(self._command))
        if self._mark is not None and [row[0] for row in await connection.ask(_LAST)] != [self._mark]:
            raise self._taken()
        if self._mark is None:
            mark = f"{name} {secrets.token_hex(8)}"
            await connection.ask(_MARK, mark)
            self._mark = mark

    async def tell(self, connection: PostgresConnection) -> None:
        """Tell the server, once for each connection, how long others wait if this process is stopped."""
        settings = self._settings
        if self._told != (connection, settings):
            for setting in settings:
                await connection.control(setting)
            self._told = (connection, settings)

    @property
    def _settings(self) -> tuple[str, ...]:
        if self._command is not None and self._stood_by:
            return AT_ANY_TIME
        return (AT_WORK,) if self._with_others else ()


async def holders(connection: PostgresConnection) -> list[Holder]:
    """As `memory.ports.Store.holders`."""
    rows = await connection.ask(_HOLDERS)
    return [Holder(name=name, since=since, works=works, shares=shares) for name, since, works, shares in rows]


def name_of(command: str) -> str:
    """Of this process, for people."""
    return f"everbot {command}, process {os.getpid()} on {socket.gethostname()}"


async def _call(connection: PostgresConnection, name: str) -> None:
    """What others see that it is."""
    await connection.ask("SELECT set_config('application_name', left($1, 63), false)", name)
