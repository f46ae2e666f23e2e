"""`memory.ports.Leases`: what only one of several processes does, and by what all of them go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from memory.ports import Alone, Cluster, Lease, Leases
from tests.fakes.leases import Office
from tests.fakes.postgres_server import asked, lacking
from tests.fakes.stores import Postgres
from tests.patience import PATIENCE_S

LONG_S = 10_000.0


class Processes(Protocol):
    def one_more(self) -> Leases: ...

    async def cut_off(self, number: int) -> None:
        """The connection of the process that came so many before breaks."""
        ...


class Faked(Office):
    one_more = Office.desk

    async def cut_off(self, number: int) -> None:
        self.lose(self.members[number])


class OnPostgres:
    def __init__(self, url: str, group: asyncio.TaskGroup, clusters: list[Cluster]) -> None:
        self._url, self._group, self._clusters = url, group, clusters
        self._lives: list[asyncio.Task[None]] = []

    def one_more(self) -> Leases:
        cluster = self._clusters[len(self._lives)]
        self._lives.append(self._group.create_task(cluster.run()))
        return cluster.leases

    async def cut_off(self, number: int) -> None:
        ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1"
        async with asked(self._url) as connection:
            await connection.execute(ending, f"everbot p{number},%")

    def end(self) -> None:
        for life in self._lives:
            life.cancel()


@asynccontextmanager
async def on_postgres(folder: Path) -> AsyncIterator[Processes]:
    made = Postgres(folder)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(made.gone)
        store = await made.open()
        stack.push_async_callback(store.close)
        clusters = [store.cluster(f"p{number}", works=False) for number in range(3)]
        async with asyncio.TaskGroup() as group:
            processes = OnPostgres(await made.database.url(), group, clusters)
            try:
                yield processes
            finally:
                processes.end()


@pytest.fixture(params=["faked", pytest.param("postgres", marks=pytest.mark.postgres)])
async def processes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Processes]:
    if request.param == "faked":
        yield Faked()
        return
    if why := lacking():
        pytest.skip(why)
    async with on_postgres(tmp_path) as made, asyncio.timeout(PATIENCE_S):
        yield made


async def taken(leases: Leases, number: int, kind: str = "bell") -> Lease:
    """As soon as it can be had."""
    async with asyncio.timeout(PATIENCE_S):
        while (lease := await leases.take(kind, number)) is None:
            await leases.news()
    return lease


async def shared(leases: Leases, total: int) -> int:
    """The part of whoever is connected."""
    async with asyncio.timeout(PATIENCE_S):
        while not (part := await leases.part("bell", total)):
            await leases.news()
    return part


async def test_who_is_alone_has_all() -> None:
    alone = Alone()
    assert await alone.part("bell", 7) == 7
    for _ in range(2):
        lease = await alone.take("bell", 3)
        assert lease is not None
        await lease.give()
        assert await alone.passed("gate", LONG_S)
    assert await alone.agreed("bells", 7) == 7
    assert await alone.agreed("bells", 9, least=8) == 9


async def test_each_has_an_equal_part(processes: Processes) -> None:
    one = processes.one_more()
    assert await shared(one, 4) == 4
    two, three = processes.one_more(), processes.one_more()
    for leases in (two, three):
        await shared(leases, 4)
    assert [await leases.part("bell", 4) for leases in (one, two, three)] == [2, 2, 2]


async def test_what_is_taken_is_taken_until_it_is_given_back(processes: Processes) -> None:
    one, two = processes.one_more(), processes.one_more()
    lease = await taken(one, 0)
    await taken(two, 1)
    assert await two.take("bell", 0) is None
    assert await one.take("bell", 0) is None
    assert await one.take("bell", 1) is None
    other = await taken(two, 0, "lamp")  # of another kind
    await lease.give()
    again = await taken(two, 0)
    await lease.give()  # it was given back already
    assert await one.take("bell", 0) is None
    await again.give()
    await other.give()
    await taken(one, 0)


async def test_what_a_broken_connection_held_is_lost_and_anybodys(processes: Processes) -> None:
    one, two = processes.one_more(), processes.one_more()
    leases = [await taken(one, number) for number in range(2)]
    kept = await taken(two, 2)
    await processes.cut_off(0)
    async with asyncio.timeout(PATIENCE_S):
        for lease in leases:
            await lease.lost()
    new = await taken(two, 0)
    assert await one.take("bell", 0) is None
    for lease in leases:
        await lease.give()  # of what is another's by now nothing is given
    assert await one.take("bell", 0) is None
    await new.give()
    await taken(one, 0)
    keeping = asyncio.ensure_future(kept.lost())
    await asyncio.sleep(0)
    assert not keeping.done()
    keeping.cancel()


async def test_one_passes_a_gate_in_so_long(processes: Processes) -> None:
    one, two = processes.one_more(), processes.one_more()
    await taken(one, 0)
    await taken(two, 1)  # both are connected
    assert await one.passed("gate", LONG_S)
    assert not await two.passed("gate", LONG_S)
    assert not await one.passed("gate", LONG_S)
    assert await two.passed("another gate", LONG_S)
    assert await two.passed("gate", 0.0)
    async with asyncio.timeout(PATIENCE_S):
        while not await one.passed("gate", 0.01):
            await asyncio.sleep(0.01)


async def test_all_go_by_what_the_first_said_as_long_as_it_will_do(processes: Processes) -> None:
    one, two = processes.one_more(), processes.one_more()
    assert await one.agreed("bells", 2) == 2
    assert await two.agreed("bells", 3) == 2
    assert await one.agreed("lamps", 5) == 5
    assert await two.agreed("bells", 4, least=3) == 4
    assert await one.agreed("bells", 2) == 4
    assert await two.agreed("bells", 9, least=4) == 4


@pytest.mark.postgres
async def test_who_comes_when_all_were_gone_is_the_first(tmp_path: Path) -> None:
    if why := lacking():
        pytest.skip(why)
    made = Postgres(tmp_path)
    store = await made.open()
    try:
        for value in (4, 2):
            cluster = store.cluster("p0", works=False)
            async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
                life = group.create_task(cluster.run())
                while (
                    await cluster.leases.agreed("bells", value) != value
                ):  # the server still hears of the other
                    await cluster.leases.news()
                life.cancel()
    finally:
        await store.close()
        await made.gone()
