"""How many shares of all agents each process is to think for: as many as the others, but where an operator moved some.

What was moved is a row of `meta`: by the name of a process, how many it is to have as long as it runs.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

SHARES = 64
WANTED = "shares wanted"
"""The name of the row; its text is for `part_of`."""
Ask = Callable[..., Awaitable[list[Any]]]

_PUT = (
    "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_HAVE = """
    SELECT a.application_name, count(*) FILTER (WHERE l.objid < $3::bigint)::int
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1::bigint::oid
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY 1 HAVING bool_or(l.objid = $2::bigint)
"""


def part_of(name: str, workers: Collection[str], moved: str | None) -> int:
    """How many shares are to be this one's, of those that work."""
    wanted = _among(workers, moved)
    others = sum(worker not in wanted for worker in workers)
    rest = SHARES - sum(wanted.values())
    if name not in wanted:
        return -(-max(0, rest) // max(1, others))
    if others or rest <= 0:
        return wanted[name]
    return -(-SHARES * wanted[name] // max(1, sum(wanted.values())))  # nobody else is there to have the rest


def _among(workers: Collection[str], moved: str | None) -> dict[str, int]:
    """Of those that still run."""
    return {name: shares for name, shares in json.loads(moved or "{}").items() if name in workers}


async def held(ask: Ask, locks: int, present: int) -> dict[str, int]:
    """How many shares each has of those that work."""
    return dict(await ask(_HAVE, locks, present, SHARES))


async def move(ask: Ask, have: Mapping[str, int], name: str, shares: int) -> None:
    """So many more to this one of those that have these, from all others."""
    rows = await ask("SELECT value FROM meta WHERE name = $1", WANTED)
    wanted = _among(have, rows[0][0] if rows else None)
    mine = have[name] + shares
    if sum(wanted.values()) - wanted.get(name, 0) + mine > SHARES:
        wanted.clear()  # what was moved to others before is taken from them
    await ask(_PUT, WANTED, json.dumps(wanted | {name: mine}))


async def even(ask: Ask) -> None:
    """Nobody is to have more than others."""
    await ask(_PUT, WANTED, "{}")
