"""The same everbot on SQLite and on PostgreSQL, side by side: a turn, many at once, searches, memory.

    python -m benchmarks.cluster postgresql://everbot@localhost/empty [--messages 100000] [--turns 200]

Give it an empty database on a server of your own: it is filled, and emptied at the end. Turns of both databases
alternate, so that a noisy machine meets both alike. There are no vectors: they cost the same on both, and would hide
the difference.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from benchmarks import history, report
from benchmarks.everbot import House, opened, settings_of
from benchmarks.history import Size
from benchmarks.model_server import running
from benchmarks.texts import Texts
from benchmarks.turn import USERS
from bot.cli import process
from bot.settings import Settings, StoreSettings
from memory.records import PRIVATE

_WARM = 20
_SEARCHES = 200
_WORDS = 5  # of a search


@dataclass(frozen=True)
class Side:
    """One of the two databases."""

    name: str
    directory: Path
    url: str | None
    size: Size

    def settings(self, model: str | None) -> Settings:
        settings = settings_of(self.directory, model, "none")
        return settings.model_copy(
            update={"store": StoreSettings(url=SecretStr(self.url) if self.url else None)}
        )


@dataclass
class Figures:
    """Milliseconds; ``database`` is the processor's time in the server, NaN where there is none."""

    turns: list[float] = field(default_factory=list)
    searches: list[float] = field(default_factory=list)
    turns_per_s: float = 0.0
    cpu: float = 0.0
    database: float = float("nan")
    resident_mb: float = 0.0
    start_s: float = 0.0


def prepare(side: Side) -> None:
    asyncio.run(history.fill(side.settings(None), side.size))


def alternate(sides: Sequence[Side], turns: int) -> list[Figures]:
    process.begin()
    return process.run(_alternate(sides, turns))


async def _alternate(sides: Sequence[Side], turns: int) -> list[Figures]:
    """Turns of one person, and searches in what they said, of both databases by turns."""
    texts, found = Texts(seed=5), [Figures() for _ in sides]
    async with AsyncExitStack() as stack:
        url = stack.enter_context(running()).url
        houses = [await stack.enter_async_context(opened(side.settings(url))) for side in sides]
        for number in range(-_WARM, turns):
            for house, figures in zip(houses, found, strict=True):
                whole, client = await house.turn(0, texts.said())
                await house.settle(0)
                if number >= 0:
                    figures.turns.append((whole - client) * 1000)
        for number in range(-_WARM, _SEARCHES):
            query = " ".join(texts.said().split()[:_WORDS])
            for house, figures in zip(houses, found, strict=True):
                taken = await _search(house, query)
                if number >= 0:
                    figures.searches.append(taken * 1000)
    return found


async def _search(house: House, query: str) -> float:
    identity = await house.app.identities.of(history.event(0, "", "search"))
    start = time.perf_counter()
    await house.app.memory.recall.search(identity.agent.id, query, PRIVATE)
    return time.perf_counter() - start


def crowd(side: Side, turns: int) -> Figures:
    process.begin()
    return process.run(_crowd(side, turns))


async def _crowd(side: Side, turns: int) -> Figures:
    """`USERS` people talk as fast as they are answered."""
    texts, numbers, figures = Texts(seed=turns), iter(range(turns)), Figures()
    with running() as server:
        begun = time.perf_counter()
        async with opened(side.settings(server.url)) as house:
            figures.start_s = time.perf_counter() - begun

            async def person(agent: int) -> None:
                for _ in numbers:
                    await house.turn(agent, texts.said())

            for agent in range(USERS):
                await house.turn(agent, texts.said())
            start, cpu, served = time.perf_counter(), time.process_time(), database_s()
            async with asyncio.TaskGroup() as group:
                for agent in range(USERS):
                    group.create_task(person(agent))
            for agent in range(USERS):
                await house.settle(agent)
            taken = time.perf_counter() - start
            figures.turns_per_s = turns / taken
            figures.cpu = (time.process_time() - cpu) * 1000 / turns
            if side.url is not None:
                figures.database = (database_s() - served) * 1000 / turns
            figures.resident_mb = report.resident_mb()
    return figures


def database_s() -> float:
    """Processor seconds of all PostgreSQL processes of this machine that are running now."""
    spent = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text(encoding="utf-8").partition("(")[2].rpartition(")")
        except OSError:  # it ended meanwhile
            continue
        if name == "postgres":
            fields = rest.split()
            spent += int(fields[11]) + int(fields[12])
    return spent / os.sysconf("SC_CLK_TCK")


def show(sides: Sequence[Side], alone: Sequence[Figures], many: Sequence[Figures]) -> None:
    head = ("", *(side.name for side in sides), "ratio")

    def line(what: str, values: Sequence[float]) -> tuple[object, ...]:
        return (what, *values, values[1] / values[0])

    rows = [
        line("own time of a turn, p50 ms", [report.quantile(f.turns, 0.5) for f in alone]),
        line("own time of a turn, p95 ms", [report.quantile(f.turns, 0.95) for f in alone]),
        line(f"search by {_WORDS} words, p50 ms", [report.quantile(f.searches, 0.5) for f in alone]),
        line(f"search by {_WORDS} words, p95 ms", [report.quantile(f.searches, 0.95) for f in alone]),
        line(f"turns/s, {USERS} at once", [f.turns_per_s for f in many]),
        line("processor ms a turn, everbot", [f.cpu for f in many]),
        line("processor ms a turn, database server", [f.database for f in many]),
        line("resident MB of everbot", [f.resident_mb for f in many]),
        line("s until it takes messages", [f.start_s for f in many]),
    ]
    print(f"\n{sides[0].size} (alone), {USERS} people at once on the same\n{report.table(head, rows)}\n")
    ratio = report.quantile(alone[1].turns, 0.5) / report.quantile(alone[0].turns, 0.5)
    print(report.goal("own p50 on PostgreSQL against SQLite", ratio, 1.6, "x"))
    print(report.goal("search p95 on PostgreSQL", report.quantile(alone[1].searches, 0.95), 10, " ms"))


async def empty(side: Side) -> None:
    """Drop what was made."""
    import asyncpg

    connection = await asyncpg.connect(side.url)
    try:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", help="an empty PostgreSQL database")
    parser.add_argument("--messages", type=int, default=100_000, help="of one person, before the measurement")
    parser.add_argument("--turns", type=int, default=200)
    options = parser.parse_args()
    print(report.heading("SQLite and PostgreSQL"))
    with TemporaryDirectory(prefix="everbot-bench-") as directory:
        size = Size(1, options.messages)
        sides = [
            Side("SQLite", Path(directory) / "sqlite", None, size),
            Side("PostgreSQL", Path(directory) / "postgres", options.url, size),
        ]
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
            try:
                for side in sides:
                    pool.submit(prepare, side).result()
                alone = pool.submit(alternate, sides, options.turns).result()
                many = [pool.submit(crowd, side, 4 * options.turns).result() for side in sides]
            finally:
                asyncio.run(empty(sides[1]))
    show(sides, alone, many)


if __name__ == "__main__":
    main()
