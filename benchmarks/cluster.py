"""The same everbot on SQLite and on PostgreSQL, alone there and sharing, side by side: a turn, many at once, searches,
a start, the timer, memory; then several processes that share the work.

    python -m benchmarks.cluster postgresql://everbot@localhost/empty [--messages 100000] [--workers 1 2 4]

Give it an empty database on a server of your own, whose user may create another beside it: both are filled, and
emptied at the end. Turns of all of them alternate, so that a noisy machine meets each alike. There are no vectors: they
cost the same on both, and would hide the difference. Everything of this shares the machine's processors.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import sqlalchemy as sa
from pydantic import SecretStr

from benchmarks import history, report, sweep, workers
from benchmarks.crowd import USERS, database_s, postmaster_of, talk
from benchmarks.everbot import House, opened, settings_of
from benchmarks.history import Size
from benchmarks.model_server import running
from benchmarks.texts import Texts
from bot.app import Claim
from bot.cli import process
from bot.data_dir import DataDir
from bot.settings import Settings, StoreSettings
from memory.records import PRIVATE, readable_from
from memory.search.search import question_of
from memory.store.postgres.address import Address

T = TypeVar("T")
_WARM = 20
_SEARCHES = 200
_WORDS = 5  # of a search
_STARTS = 5


@dataclass(frozen=True)
class Side:
    """One of the databases; ``shares``: as one who shares the work has it, though there is no other."""

    name: str
    directory: Path
    url: str | None = None
    postmaster: int | None = None
    shares: bool = False

    def settings(self, model: str | None) -> Settings:
        settings = settings_of(self.directory, model, "none")
        return settings.model_copy(
            update={"store": StoreSettings(url=SecretStr(self.url) if self.url else None)}
        )

    async def open(self, stack: AsyncExitStack, model: str) -> House:
        claim = Claim("bench", shares=self.shares)
        house = await stack.enter_async_context(opened(self.settings(model), claim=claim))
        if self.shares:
            await workers.shared_out(house, 1)
        return house

    @property
    def database(self) -> sa.URL:
        if self.url is not None:
            return Address.of(self.url).url
        return sa.URL.create("sqlite+aiosqlite", database=str(DataDir(self.directory).database))


@dataclass
class Figures:
    """Milliseconds, unless it says otherwise; of processors where it says so."""

    own: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # of a turn
    served: float = 0.0  # processor, in the server, of all those turns
    postings: list[float] = field(default_factory=list)
    searches: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)  # until it takes messages
    first: list[float] = field(default_factory=list)  # turns after a start
    turns_per_s: float = 0.0
    crowd_cpu: float = 0.0  # of a turn
    crowd_served: float = 0.0
    resident_mb: float = 0.0


def prepare(side: Side, size: Size) -> None:
    asyncio.run(history.fill(side.settings(None), size))


def alternate(sides: Sequence[Side], turns: int) -> list[Figures]:
    process.begin()
    return process.run(_alternate(sides, turns))


async def _alternate(sides: Sequence[Side], turns: int) -> list[Figures]:
    """Turns of one person, searches in what they said, and starts, of all sides by turns."""
    texts, found = Texts(seed=5), [Figures() for _ in sides]
    with running() as server:
        async with AsyncExitStack() as stack:
            houses = [await side.open(stack, server.url) for side in sides]
            for number in range(-_WARM, turns):
                for side, house, figures in zip(sides, houses, found, strict=True):
                    await _turn(side, house, texts.said(), figures if number >= 0 else Figures())
            for number in range(-_WARM, _SEARCHES):
                query = " ".join(texts.said().split()[:_WORDS])
                for house, figures in zip(houses, found, strict=True):
                    await _search(house, query, figures if number >= 0 else Figures())
        for _ in range(_STARTS):
            for side, figures in zip(sides, found, strict=True):
                begun = time.perf_counter()
                async with AsyncExitStack() as stack:
                    house = await side.open(stack, server.url)
                    figures.starts.append((time.perf_counter() - begun) * 1000)
                    whole, client = await house.turn(0, texts.said())
                    await house.settle(0)
                    figures.first.append((whole - client) * 1000)
    return found


async def _turn(side: Side, house: House, text: str, figures: Figures) -> None:
    served, cpu = database_s(side.postmaster), time.process_time()
    whole, client = await house.turn(0, text)
    await house.settle(0)
    figures.cpu.append((time.process_time() - cpu) * 1000)
    figures.own.append((whole - client) * 1000)
    figures.served += (database_s(side.postmaster) - served) * 1000


async def _search(house: House, query: str, figures: Figures) -> None:
    """By the words alone, as the database has them; and as the agent is shown what it looks for."""
    agent = (await house.app.identities.of(history.event(0, "", "search"))).agent.id
    terms = question_of(query, None, datetime.now(UTC)).terms
    start = time.perf_counter()
    async with house.app.memory.store.read() as session:
        await session.messages.postings(agent, terms, readable_from(PRIVATE))
    between = time.perf_counter()
    await house.app.memory.recall.search(agent, query, PRIVATE)
    figures.postings.append((between - start) * 1000)
    figures.searches.append((time.perf_counter() - between) * 1000)


def crowd(side: Side, turns: int, figures: Figures) -> Figures:
    process.begin()
    return process.run(_crowd(side, turns, figures))


async def _crowd(side: Side, turns: int, figures: Figures) -> Figures:
    """`USERS` people talk as fast as they are answered."""
    with running() as server:
        async with AsyncExitStack() as stack:
            house = await side.open(stack, server.url)
            await talk(house, USERS)
            taken = await talk(house, turns, postmaster=side.postmaster)
            figures.turns_per_s = taken.turns_per_s
            figures.crowd_cpu = taken.each(taken.cpu_s)
            figures.crowd_served = taken.each(taken.database_s)
            figures.resident_mb = report.resident_mb()
    return figures


def look(side: Side, agents: int) -> tuple[list[float], list[float]]:
    return asyncio.run(sweep.measure(side.settings(None), side.database, agents))


def apart(work: Callable[..., T], *given: Any) -> T:
    """In a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def show(sides: Sequence[Side], found: Sequence[Figures], turns: int) -> None:
    def line(what: str, values: Sequence[float]) -> tuple[object, ...]:
        return (what, *values, values[1] / values[0], values[2] / values[1])

    def both(what: str, values: Callable[[Figures], list[float]]) -> list[tuple[object, ...]]:
        return [
            line(f"{what}, {name} ms", [report.quantile(values(f), share) for f in found])
            for name, share in (("p50", 0.5), ("p95", 0.95))
        ]

    rows = [
        *both("own time of a turn", lambda f: f.own),
        *both("processor of a turn, everbot", lambda f: f.cpu),
        line("processor of a turn, database server, mean ms", [f.served / turns for f in found]),
        *both(f"postings of {_WORDS} words", lambda f: f.postings),
        *both(f"a search by {_WORDS} words, ranked", lambda f: f.searches),
        line("a start, until it takes messages, p50 ms", [report.quantile(f.starts, 0.5) for f in found]),
        line("the first turn after that, p50 ms", [report.quantile(f.first, 0.5) for f in found]),
        line(f"turns/s, {USERS} at once", [f.turns_per_s for f in found]),
        line("processor ms a turn then, everbot", [f.crowd_cpu for f in found]),
        line("processor ms a turn then, database server", [f.crowd_served for f in found]),
        line("resident MB of everbot", [f.resident_mb for f in found]),
    ]
    print(report.table(("", *(side.name for side in sides), "PostgreSQL/SQLite", "sharing/alone"), rows))


def show_goals(found: Sequence[Figures]) -> None:
    own = [report.quantile(figures.own, 0.5) for figures in found]
    print(report.goal("own p50 on PostgreSQL against SQLite", own[1] / own[0], 1.6, "x"))
    print(report.goal("postings p95 on PostgreSQL", report.quantile(found[1].postings, 0.95), 10, " ms"))


def show_sweeps(sides: Sequence[Side], agents: int) -> None:
    rows = []
    for side in sides:
        for when, taken in zip(("none due", "all due"), apart(look, side, agents), strict=True):
            rows.append((f"{side.name}, {when}", report.quantile(taken, 0.5), report.quantile(taken, 0.95)))
    print(
        f"\nA sweep of the beats of {agents:,} agents\n{report.table(('', 'p50 ms', 'p95 ms'), rows)}",
        flush=True,
    )


def show_workers(shared: workers.Shared, many: Sequence[int], turns: int) -> None:
    rows: list[tuple[object, ...]] = []
    for count in many:
        taken, each = workers.measure(shared, count, turns)
        rows.append(
            (
                count,
                taken.turns_per_s,
                taken.each(taken.cpu_s),
                taken.each(sum(one.cpu_s for one in each)),
                taken.each(taken.database_s),
                taken.database_s / taken.wall_s,
                sum(one.resident_mb for one in each) / count,
            )
        )
    head = (
        "workers",
        "turns/s",
        "ms a turn: gateway",
        "workers",
        "database",
        "processors it took",
        "MB a worker",
    )
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(
        f"\n{workers.PEOPLE} people at once, a gateway and workers; {os.cpu_count()} processors, load {load}; "
        f"processor time\n{report.table(head, rows)}"
    )


@contextmanager
def databases(url: str) -> Iterator[tuple[str, str]]:
    """The one that is given, and another beside it; emptied, and dropped at the end."""
    address = Address.of(url).url.set(drivername="postgresql")
    other = f"{address.database}_shared"
    asyncio.run(_told(url, f'CREATE DATABASE "{other}" TEMPLATE template0'))
    try:
        yield url, url.replace(f"/{address.database}", f"/{other}", 1)
    finally:
        asyncio.run(_told(url, f'DROP DATABASE "{other}" WITH (FORCE)'))
        asyncio.run(_told(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public"))


async def _told(url: str, statement: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", help="an empty PostgreSQL database")
    parser.add_argument("--messages", type=int, default=100_000, help="of one person, before the measurement")
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--agents", type=int, default=100_000, help="with a beat each")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    return parser.parse_args()


def main() -> None:
    options = arguments()
    print(report.heading("SQLite and PostgreSQL"))
    size, postmaster = Size(1, options.messages), asyncio.run(postmaster_of(options.url))
    with (
        TemporaryDirectory(prefix="everbot-bench-") as name,
        databases(options.url) as (alone, shared),
        running() as server,
    ):
        directory = Path(name)
        sides = [
            Side("SQLite", directory / "sqlite"),
            Side("PostgreSQL", directory / "alone", alone, postmaster),
            Side("PostgreSQL, sharing", directory / "shared", shared, postmaster, shares=True),
        ]
        for side in sides:
            apart(prepare, side, size)
        found = apart(alternate, sides, options.turns)
        found = [
            apart(crowd, side, 4 * options.turns, figures) for side, figures in zip(sides, found, strict=True)
        ]
        print(f"\n{size} (alone), {USERS} people at once on the same")
        show(sides, found, options.turns)
        print(flush=True)
        show_goals(found)
        show_sweeps(sides[:2], options.agents)
        show_workers(
            workers.Shared(directory, shared, server.url, postmaster), options.workers, 2 * options.turns
        )


if __name__ == "__main__":
    main()
