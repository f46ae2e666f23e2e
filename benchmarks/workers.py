"""Several processes that share the work on one PostgreSQL: turns a second with 1, 2 and 4 that think.

    python -m benchmarks.workers postgresql://everbot@localhost/empty [--turns 400] [--workers 1 2 4]

Give it an empty database on a server of your own: it is filled, and emptied at the end. One process more is connected
and thinks nothing; the model answers at once, so that what is measured is everbot and its database. Everything of this
shares the machine's processors: what the database takes of them is told.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from benchmarks import report
from benchmarks.cluster import Side, database_s, empty
from benchmarks.everbot import House, opened, settings_of
from benchmarks.history import Size
from benchmarks.model_server import running
from benchmarks.texts import Texts
from bot.app import Claim
from bot.cli import process
from bot.settings import Settings, StoreSettings

_PEOPLE = 32
_SHARES = 64  # of all agents
_LOOK_S = 0.05
_SPAWN = get_context("spawn")


@dataclass(frozen=True)
class Shared:
    """What all processes of a measurement have in common."""

    directory: Path
    url: str
    model: str

    def settings(self, name: str) -> Settings:
        settings = settings_of(self.directory / name, self.model, "none")
        return settings.model_copy(update={"store": StoreSettings(url=SecretStr(self.url))})


@dataclass
class Figures:
    """``gateway`` and ``database`` are processor milliseconds a turn, ``busy`` processors that the database took."""

    turns_per_s: float
    gateway: float
    database: float
    busy: float


def work(shared: Shared, number: int, told: Connection) -> None:
    """Think, until something is told."""
    process.begin()
    process.run(_work(shared, number, told))


async def _work(shared: Shared, number: int, told: Connection) -> None:
    claim = Claim("bench", shares=True, worker=True)
    async with opened(shared.settings(f"worker{number}"), claim=claim):
        await asyncio.to_thread(told.recv)


def talk(shared: Shared, workers: int, turns: int) -> Figures:
    process.begin()
    return process.run(_talk(shared, workers, turns))


async def _talk(shared: Shared, workers: int, turns: int) -> Figures:
    """`_PEOPLE` talk as fast as they are answered."""
    texts, numbers = Texts(seed=workers), iter(range(turns))
    async with opened(shared.settings("gateway"), claim=Claim("bench", shares=True, works=False)) as house:
        await _shared_out(house, workers)

        async def person(agent: int) -> None:
            for _ in numbers:
                await house.turn(agent, texts.said())

        for agent in range(_PEOPLE):
            await house.turn(agent, texts.said())
        start, cpu, served = time.perf_counter(), time.process_time(), database_s()
        async with asyncio.TaskGroup() as group:
            for agent in range(_PEOPLE):
                group.create_task(person(agent))
        taken = time.perf_counter() - start
        served = database_s() - served
        for agent in range(_PEOPLE):
            await house.settle(agent)
        return Figures(
            turns_per_s=turns / taken,
            gateway=(time.process_time() - cpu) * 1000 / turns,
            database=served * 1000 / turns,
            busy=served / taken,
        )


async def _shared_out(house: House, workers: int) -> None:
    """Until all of them think, for as many agents each."""
    while True:
        shares = [each.shares for each in await house.app.memory.store.holders() if each.shares]
        if len(shares) == workers and sum(shares) == _SHARES:
            return
        await asyncio.sleep(_LOOK_S)


def _end(ends: Sequence[Connection]) -> None:
    for end in ends:
        end.send(None)


def measure(shared: Shared, workers: int, turns: int) -> Figures:
    with ExitStack() as stack:
        ends = []
        for number in range(workers):
            here, there = _SPAWN.Pipe()
            one = _SPAWN.Process(target=work, args=(shared, number, there))
            one.start()
            stack.callback(one.join)
            ends.append(here)
        stack.callback(_end, ends)
        with ProcessPoolExecutor(1, mp_context=_SPAWN, max_tasks_per_child=1) as pool:
            return pool.submit(talk, shared, workers, turns).result()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", help="an empty PostgreSQL database")
    parser.add_argument("--turns", type=int, default=400)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    print(report.heading("Several that share the work"))
    rows: list[tuple[object, ...]] = []
    with TemporaryDirectory(prefix="everbot-bench-") as name, running() as server:
        shared = Shared(Path(name), options.url, server.url)
        try:
            for workers in options.workers:
                found = measure(shared, workers, options.turns)
                rows.append((workers, found.turns_per_s, found.gateway, found.database, found.busy))
        finally:
            asyncio.run(empty(Side("PostgreSQL", shared.directory, options.url, Size(0, 0))))
    head = ("workers", "turns/s", "processor ms a turn, gateway", "database server", "processors it took")
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"\n{_PEOPLE} people at once; {os.cpu_count()} processors, load {load}\n{report.table(head, rows)}")


if __name__ == "__main__":
    main()
