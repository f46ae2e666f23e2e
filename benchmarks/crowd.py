"""Many people who talk at once, each as fast as they are answered, and what that takes of the machine."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.everbot import House
from benchmarks.texts import Texts

USERS = 16


@dataclass(frozen=True)
class Taken:
    """By so many turns: seconds by the clock, and of processors: this process's, its event loop's, and PostgreSQL's."""

    turns: int
    wall_s: float
    cpu_s: float
    loop_s: float
    database_s: float

    @property
    def turns_per_s(self) -> float:
        return self.turns / self.wall_s

    def each(self, seconds: float) -> float:
        """Milliseconds a turn."""
        return seconds * 1000 / self.turns


async def talk(
    house: House,
    turns: int,
    *,
    people: int = USERS,
    agents: int | None = None,
    postmaster: int | None = None,
) -> Taken:
    """``turns`` turns, so many people at a time: each with an agent of their own, or, where there are other
    ``agents``, with one after the other. ``postmaster``: of the database that they are kept in."""
    texts, numbers, many = Texts(seed=turns), iter(range(turns)), agents or people

    async def person(first: int) -> None:
        for number in numbers:
            await house.turn(first if many == people else number % many, texts.said())

    served = database_s(postmaster)
    wall, cpu, loop = time.perf_counter(), time.process_time(), time.thread_time()
    async with asyncio.TaskGroup() as group:
        for first in range(min(people, many)):
            group.create_task(person(first))
    await asyncio.gather(*map(house.settle, range(many)))
    return Taken(
        turns,
        time.perf_counter() - wall,
        time.process_time() - cpu,
        time.thread_time() - loop,
        database_s(postmaster) - served,
    )


def database_s(postmaster: int | None) -> float:
    """Processor seconds that a PostgreSQL server of this machine has taken, NaN for None."""
    if postmaster is None:
        return float("nan")
    spent = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = stat.read_text(encoding="utf-8").partition(" ")
        except OSError:  # it ended meanwhile
            continue
        fields = rest.rpartition(")")[2].split()
        if int(number) == postmaster:
            spent += sum(map(int, fields[11:15]))  # with those of its processes that have ended
        elif int(fields[1]) == postmaster:
            spent += int(fields[11]) + int(fields[12])
    return spent / os.sysconf("SC_CLK_TCK")


async def postmaster_of(url: str) -> int | None:
    """The process that is the server, if it runs on this machine."""
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        stat = Path(f"/proc/{backend}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    finally:
        await connection.close()
    name, _, rest = stat.partition("(")[2].rpartition(")")
    return int(rest.split()[1]) if name == "postgres" else None
