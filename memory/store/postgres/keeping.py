"""Which keys a database was sealed with, from its first opening on; and what has become of keys and rows since."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Collection

from memory.errors import StoreBusy, StoreUnavailable
from memory.store.agents import Agents
from memory.store.numbers import Counted, Versions
from memory.store.postgres import resealing
from memory.store.postgres.connection import PostgresConnection
from memory.store.postgres.keys import KeyRing, keys_in, new_keys_in
from memory.store.postgres.sealing import ENDING

log = logging.getLogger(__name__)

KEYS = "keys"
"""The name in ``meta`` under which is the name of those that it was sealed with."""
_NAME = f"SELECT value FROM meta WHERE name = '{KEYS}'"  # noqa: S608 (ours)
_MARK = f"INSERT INTO meta (name, value) VALUES ('{KEYS}', $1)"  # noqa: S608 (ours)
_SCRUB = (
    "INSERT INTO chores (name, created_at) VALUES ('scrub', (extract(epoch FROM now()) * 1000000)::bigint) "
    "ON CONFLICT DO NOTHING"
)
_UNDONE = "SELECT name FROM chores WHERE name LIKE 'key:%'"
_DONE = "DELETE FROM chores WHERE name = ANY ($1::text[])"
_ABOVE = (
    "SELECT setval(s, $2) FROM (SELECT pg_get_serial_sequence($1, 'id')::regclass AS s) AS x "
    "WHERE coalesce(pg_sequence_last_value(s), 0) < $2"
)


async def begin(
    connection: PostgresConnection, place: str, alone: Callable[[PostgresConnection], Awaitable[bool]]
) -> None:
    """In the transaction in which it is looked whether the database may be used: its keys are found, or all that is
    there is sealed first, which wants to be ``alone``.

    Raises `StoreUnavailable` for a database that is sealed with other keys than those in the folder, or where none is
    named; `StoreBusy` when it is to be sealed, and others are at work.
    """
    sealing = connection.sealing
    named = await connection.ask(_NAME)
    if sealing is None:
        if named:
            raise StoreUnavailable(
                f"What {place} holds is sealed: name the folder of its keys in [store] keys (EVERBOT_STORE__KEYS)."
            )
        return
    if named:
        name = str(named[0][0])
        ring = keys_in(sealing.folder, name)
        sealing.begin(ring, name)
    else:
        if not await alone(connection):
            raise StoreBusy(
                f"{place} is in use, and not sealed yet: stop all others first, so that it can be."
            )
        name = secrets.token_hex(8)
        ring = new_keys_in(sealing.folder, name)
        sealing.begin(ring, name)
        there = await resealing.seal(connection)
        await connection.ask(_MARK, name)
        if there:
            await connection.ask(_SCRUB)  # as they were the rows are in the files still
    await _finish(connection, ring)
    sealing.gone.clear()


async def throw_away(connection: PostgresConnection, ring: KeyRing, owners: Collection[str]) -> None:
    """Raises OSError, `asyncpg.PostgresError`."""
    ring.throw_away(owners)
    await connection.ask(_DONE, [f"key:{owner}" for owner in owners])


async def _finish(connection: PostgresConnection, ring: KeyRing) -> None:
    """What a process that died has left to do, and what an older copy that was put back brought with it: no number that
    had a key is given again, and who was forgotten since is forgotten again."""
    left = [str(name).partition(":")[2] for (name,) in await connection.ask(_UNDONE)]
    if left:
        await throw_away(connection, ring, left)
    for table, kind in ENDING.items():
        known = ring.known(kind)
        if known:
            await connection.ask(_ABOVE, table, max(known))
        if kind == "agent":
            gone = [number for number, there in known.items() if not there]
            back = await connection.ask("SELECT id FROM agents WHERE id = ANY ($1::int[]) ORDER BY id", gone)
            for (agent_id,) in back:
                await Agents(connection, Counted(connection, Versions())).delete_agent(agent_id)
            if back:
                log.warning(
                    "%d that were forgotten had come back with a copy, and are gone again.", len(back)
                )
