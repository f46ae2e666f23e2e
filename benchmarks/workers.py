"""Several processes that share the work on one PostgreSQL: one that is connected and thinks nothing, and workers.

`benchmarks.cluster` measures with it. The model answers at once, so that what is measured is everbot and its database.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from pydantic import SecretStr

from benchmarks import report
from benchmarks.crowd import Taken, talk
from benchmarks.everbot import House, opened, settings_of
from benchmarks.texts import Texts
from bot.app import Claim
from bot.cli import process
from bot.settings import Settings, StoreSettings
from memory.store.postgres.shares import SHARES

PEOPLE = 32
_LOOK_S = 0.05
_SPAWN = get_context("spawn")


@dataclass(frozen=True)
class Shared:
    """What all processes of a measurement have in common."""

    directory: Path
    url: str
    model: str
    postmaster: int | None

    def settings(self, name: str) -> Settings:
        settings = settings_of(self.directory / name, self.model, "none")
        return settings.model_copy(update={"store": StoreSettings(url=SecretStr(self.url))})


@dataclass(frozen=True)
class Worker:
    cpu_s: float  # since it was told to count
    resident_mb: float


def work(shared: Shared, number: int, told: Connection) -> None:
    """Think, until something is told."""
    process.begin()
    process.run(_work(shared, number, told))


async def _work(shared: Shared, number: int, told: Connection) -> None:
    claim = Claim("bench", shares=True, worker=True)
    async with opened(shared.settings(f"worker{number}"), claim=claim):
        begun = 0.0
        while await asyncio.to_thread(told.recv):
            told.send(Worker(time.process_time() - begun, report.resident_mb()))
            begun = time.process_time()


def gateway(shared: Shared, workers: int, turns: int, told: Connection) -> None:
    """Until `PEOPLE` have had their turns, as fast as they are answered: tells when it begins, and what it took."""
    process.begin()
    process.run(_gateway(shared, workers, turns, told))


async def _gateway(shared: Shared, workers: int, turns: int, told: Connection) -> None:
    texts = Texts(seed=workers)
    async with opened(shared.settings("gateway"), claim=Claim("bench", shares=True, works=False)) as house:
        await shared_out(house, workers)
        for agent in range(PEOPLE):
            await house.turn(agent, texts.said())
        told.send(None)
        told.send(await talk(house, turns, people=PEOPLE, postmaster=shared.postmaster))


async def shared_out(house: House, workers: int) -> None:
    """Until all of them think, for as many agents each."""
    while True:
        shares = [each.shares for each in await house.app.memory.store.holders() if each.shares]
        if len(shares) == workers and sum(shares) == SHARES:
            return
        await asyncio.sleep(_LOOK_S)


def measure(shared: Shared, workers: int, turns: int) -> tuple[Taken, list[Worker]]:
    """What the gateway took (and the database), and each of the workers."""
    with ExitStack() as stack:
        ends = [_begun(stack, work, shared, number) for number in range(workers)]
        stack.callback(_end, ends)
        here = _begun(stack, gateway, shared, workers, turns)
        here.recv()
        _asked(ends)
        taken: Taken = here.recv()
        return taken, _asked(ends)


def _begun(stack: ExitStack, what: Callable[..., None], *given: object) -> Connection:
    """A process, waited for at the end; this end of the pipe to it."""
    here, there = _SPAWN.Pipe()
    one = _SPAWN.Process(target=what, args=(*given, there))
    one.start()
    stack.callback(one.join)
    return here


def _asked(ends: Sequence[Connection]) -> list[Worker]:
    """What each has taken since it was last asked."""
    for end in ends:
        end.send(True)
    return [end.recv() for end in ends]


def _end(ends: Sequence[Connection]) -> None:
    for end in ends:
        end.send(False)
