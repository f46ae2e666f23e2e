"""Everbot's own time per turn: all but the model, which is an instant one behind the real client.

A turn is measured from `submit` to the reply's reaching the adapter. "Own" is that less the time inside
the client's `complete`. Each part runs in a process of its own; the histories of the growth table are open
in one process and take turns, so that a noisy machine meets all of them alike, and so does the floor
(`benchmarks.floor`): the same commits and one HTTP round trip with nothing around them.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import TypeVar

from benchmarks import floor, history, report
from benchmarks.crowd import USERS, talk
from benchmarks.everbot import EmbedderKind, House, opened, settings_of
from benchmarks.history import Size
from benchmarks.model_server import running
from benchmarks.texts import Texts
from bot.cli import process
from bot.settings import Settings

T = TypeVar("T")
_WARM = 20  # turns before the measurement


@dataclass
class Single:
    """Turns of one at a time; milliseconds."""

    size: Size
    surfacing: bool
    own: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    client_cpu: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    @property
    def above(self) -> float:
        """How many times as long as the floor a turn takes, with the model's client."""
        wholes = map(sum, zip(self.own, self.client, strict=True))
        return median(whole / least for whole, least in zip(wholes, self.floor, strict=True))


@dataclass(frozen=True)
class Crowd:
    """Many users at once. CPU in milliseconds per turn, of all threads unless it says otherwise."""

    turns: int
    turns_per_s: float
    cpu: float
    loop_cpu: float  # of it, the event loop's thread
    client_cpu: float  # of it, the model's client, measured alone
    server_cpu: float  # not of it: the stand-in for the model
    resident_mb: float
    backlog: int
    drain_s: float


@dataclass(frozen=True)
class Plan:
    """What one process measures."""

    directory: Path
    sizes: Sequence[Size]
    embedder: EmbedderKind
    turns: int
    without: bool = False  # measured without surfacing, too, at the last size

    @property
    def cases(self) -> list[tuple[Size, bool]]:
        """Sizes, and whether with surfacing."""
        return [(size, True) for size in self.sizes] + [(self.sizes[-1], False)] * self.without

    def settings(self, size: Size, surfacing: bool, url: str | None) -> Settings:
        directory = self.directory / f"{size.agents}x{size.messages}{'' if surfacing else ' without'}"
        return settings_of(directory, url, self.embedder, surfacing=surfacing)


def prepare(plan: Plan) -> None:
    for size, surfacing in plan.cases:
        asyncio.run(history.fill(plan.settings(size, surfacing, None), size))


async def one_at_a_time(plan: Plan) -> list[Single]:
    """Turns of all sizes in alternation, each after the one before has come to rest."""
    texts = Texts()
    async with AsyncExitStack() as stack:
        url = stack.enter_context(running()).url
        least = await stack.enter_async_context(floor.opened(plan.directory, url))
        houses = [
            (
                Single(size, surfacing),
                await stack.enter_async_context(opened(plan.settings(size, surfacing, url))),
            )
            for size, surfacing in plan.cases
        ]
        for number in range(-_WARM, plan.turns):
            for single, house in houses:
                if number == 0:
                    await house.app.memory.indexer.drain()  # the first one loads the embedder
                agent = number % single.size.agents
                cpu, asked = time.process_time(), house.model.cpu_s
                whole, client = await house.turn(agent, texts.said())
                await house.settle(agent)
                if number >= 0:
                    single.own.append((whole - client) * 1000)
                    single.client.append(client * 1000)
                    single.cpu.append((time.process_time() - cpu) * 1000)
                    single.client_cpu.append((house.model.cpu_s - asked) * 1000)
                    single.floor.append(await least.turn() * 1000)
        return [single for single, _ in houses]


async def at_once(plan: Plan) -> Crowd:
    """First every agent has one turn, then `USERS` people talk as fast as they are answered."""
    (size,) = plan.sizes
    with running() as server:
        async with opened(plan.settings(size, True, server.url)) as house:
            await talk(house, size.agents, agents=size.agents)
            await house.app.memory.indexer.drain()
            served = server.cpu_s()
            taken = await talk(house, plan.turns)
            served = server.cpu_s() - served
            resident, backlog = report.resident_mb(), await house.backlog()
            start = time.perf_counter()
            await house.app.memory.indexer.drain()
            drained = time.perf_counter() - start
            client = await _client_cpu(house, plan.turns // 4)
    return Crowd(
        plan.turns,
        taken.turns_per_s,
        taken.each(taken.cpu_s),
        taken.each(taken.loop_s),
        client,
        taken.each(served),
        resident,
        backlog,
        drained,
    )


async def _client_cpu(house: House, times: int) -> float:
    """CPU milliseconds of one `complete`, asked as many at a time as there are users, with all else at rest."""
    requests = house.model.asked
    rounds = max(1, times // len(requests))
    cpu = time.process_time()
    for _ in range(rounds):
        await asyncio.gather(*map(house.model.model.complete, requests))
    return (time.process_time() - cpu) * 1000 / (rounds * len(requests))


def apart(work: Callable[[Plan], T], plan: Plan) -> T:
    """Do it in a fresh process, so that nothing before it weighs on its memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, plan).result()


def growth(plan: Plan) -> list[Single]:
    process.begin()
    return process.run(one_at_a_time(plan))


def crowd(plan: Plan) -> Crowd:
    process.begin()
    return process.run(at_once(plan))


def show_singles(title: str, singles: Sequence[Single]) -> None:
    head = (
        "one turn at a time",
        "own p50 ms",
        "own p95 ms",
        "client p50 ms",
        "CPU ms/turn",
        "of it own",
        "floor p50 ms",
        "whole / floor",
    )
    rows = [
        (
            str(s.size) if s.surfacing else f"{s.size}, no surfacing",
            report.quantile(s.own, 0.5),
            report.quantile(s.own, 0.95),
            report.quantile(s.client, 0.5),
            mean(s.cpu),
            mean(s.cpu) - mean(s.client_cpu),
            report.quantile(s.floor, 0.5),
            s.above,
        )
        for s in singles
    ]
    print(f"\n{title}\n{report.table(head, rows)}")


def show_crowd(size: Size, c: Crowd) -> None:
    print(f"\n{USERS} users at once, {size}: {c.turns} turns, {c.turns_per_s:.0f} turns/s")
    rows = [
        ("all of everbot's process", c.cpu),
        ("  of it the model's client (measured alone)", c.client_cpu),
        ("  of it everbot's own", c.cpu - c.client_cpu),
        ("  of it threads other than the loop's", c.cpu - c.loop_cpu),
        ("beside it the stand-in for the model", c.server_cpu),
    ]
    print(report.table(("part", "CPU ms/turn"), rows))
    print(
        f"resident {c.resident_mb:.0f} MB; {c.backlog:,} vectors behind at the end, made in {c.drain_s:.1f} s"
    )


def measure(directory: Path, embedder: EmbedderKind, *, quick: bool) -> None:
    last = 10_000 if quick else 100_000
    counts = (100, 10_000) if quick else (100, 10_000, 100_000)
    turns = 60 if quick else 300
    alone = Plan(directory, [Size(1, count) for count in counts], embedder, turns, without=True)
    many = [Plan(directory, [Size(n, last)], embedder, 160 if quick else 1_600) for n in (100, 1_000)]
    for plan in (alone, *many):
        apart(prepare, plan)
    singles = apart(growth, alone)
    without = singles.pop()
    for plan in many:
        singles += apart(growth, replace(plan, turns=alone.turns))
    crowds = [(plan.sizes[0], apart(crowd, plan)) for plan in many]
    show_singles(f"Embedder {embedder}", [*singles, without])
    for size, found in crowds:
        show_crowd(size, found)
    typical = max(report.quantile(s.own, 0.5) for s in singles)
    worst = max(report.quantile(s.own, 0.95) for s in singles)
    largest = singles[len(counts) - 1]
    ratio = median(largest.own) / median(singles[0].own)
    print()
    print(report.goal("own p50, one turn at a time", typical, 10, " ms"))
    print(report.goal("own p95, one turn at a time", worst, 20, " ms"))
    print(report.goal(f"own p50 at {last:,} messages against 100", ratio, 1.2, "x"))
    print(f"        surfacing: {median(largest.own) / median(without.own):.2f}x own p50, {last:,} messages")
    print(report.goal(f"{USERS} users at once", crowds[-1][1].turns_per_s, 200, " turns/s", at_least=True))
    print(report.goal(f"resident, {crowds[-1][0]}", crowds[-1][1].resident_mb, 250, " MB"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the history, a fifth of the turns")
    parser.add_argument("--embedder", choices=("auto", "none"), help="default: measured with both")
    options = parser.parse_args()
    print(report.heading("everbot's own time per turn"))
    kinds: tuple[EmbedderKind, ...] = (options.embedder,) if options.embedder else ("none", "auto")
    for kind in kinds:
        with TemporaryDirectory(prefix="everbot-bench-") as directory:
            measure(Path(directory), kind, quick=options.quick)


if __name__ == "__main__":
    main()
