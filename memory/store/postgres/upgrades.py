"""Several versions of everbot on one database: whose schema it has, and when that may be changed.

Whoever writes holds the lock `_IN_USE` together with others, while its connection lasts; who migrates has it alone, and
`ALONE` too. So nobody's schema is changed under their hands: a newer version waits until the older one has ended, and
an older one finds what a newer one made, and ends. Whoever stands by holds nothing.
"""

from __future__ import annotations

from memory.errors import StoreBusy
from memory.store.fulltext import is_current, renew
from memory.store.postgres import keeping
from memory.store.postgres.connection import PostgresConnection
from memory.store.schema import HEAD, migrate, refuse_newer

ALONE = "7, 1"
"""The lock of who has the database alone."""
_LOOKING = "7, 0"  # one looks and migrates, the others wait for it
_IN_USE = "7, 2"
_WHO = (
    "SELECT a.application_name || coalesce(' (' || host(a.client_addr) || ')', '') FROM pg_locks l "
    "JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.classid = 7 AND l.objid = ANY ($1::int[]) "
    "AND l.granted AND a.datname = current_database() AND l.pid != pg_backend_pid() ORDER BY l.objid, a.backend_start"
)
_ANYBODY = "another process"


async def version_of(connection: PostgresConnection, place: str) -> str | None:
    """The database's schema; None: it is empty. Raises `StoreTooNew`."""
    [(there,)] = await connection.ask("SELECT to_regclass('alembic_version') IS NOT NULL")
    if not there:
        return None
    versions = await connection.ask("SELECT version_num FROM alembic_version")
    version = str(versions[0][0]) if versions else None
    refuse_newer(version, f"The database {place}", "set store.url to another database")
    return version


async def who(connection: PostgresConnection, *, alone: bool) -> str:
    """Who has the database alone; or who, of those or others, has it in use."""
    found = await connection.ask(_WHO, [1] if alone else [1, 2])
    return str(found[0][0]) if found else _ANYBODY


async def hold(connection: PostgresConnection, place: str) -> None:
    """Nobody changes the schema from now on, until the connection's end; it is ours, or made so first.

    Raises `StoreTooNew`, or `StoreBusy` when an older version is at work.
    """
    await connection.control("BEGIN")
    try:
        await connection.control(f"SELECT pg_advisory_xact_lock({_LOOKING})")
        version = await version_of(connection, place)
        if version != HEAD or not await is_current(connection):
            await _upgrade(connection, place, version)
        await keeping.begin(connection, place, _alone)
        await connection.control(f"SELECT pg_advisory_lock_shared({_IN_USE})")
        await connection.control("COMMIT")
    except BaseException:
        await connection.control("ROLLBACK")
        raise


async def _alone(connection: PostgresConnection) -> bool:
    for lock in (ALONE, _IN_USE):
        [(ours,)] = await connection.ask(f"SELECT pg_try_advisory_xact_lock({lock})")
        if not ours:
            return False
    return True


async def _upgrade(connection: PostgresConnection, place: str, version: str | None) -> None:
    if not await _alone(connection):
        raise StoreBusy(older(place, version, await who(connection, alone=False)))
    if version != HEAD:
        await connection.synchronously(migrate)
    if not await is_current(connection):
        await renew(connection)


def older(place: str, version: str | None, who: str) -> str:
    """What to tell while an older version is at work."""
    return (
        f"{place} is in use by {who}, of an older version (schema {version}): this one brings it to schema {HEAD} when "
        "that has ended. Stop it first, or run what has its version."
    )
