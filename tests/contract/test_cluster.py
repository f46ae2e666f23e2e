"""`memory.ports.Cluster`: who works for which agents, and what processes tell each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from memory.errors import StoreBusy, StoreShared
from memory.ports import MISSED, Cluster, Single, Store
from tests.fakes.postgres_server import asked, lacking
from tests.fakes.stores import Postgres
from tests.patience import PATIENCE_S

AGENTS = range(1, 129)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Postgres]:
    if why := lacking():
        pytest.skip(why)
    backend = Postgres(tmp_path)
    yield backend
    await backend.gone()


@pytest.fixture
async def shared(made: Postgres) -> AsyncIterator[Store]:
    store = await made.open()
    yield store
    await store.close()


@asynccontextmanager
async def taking_part(*clusters: Cluster) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        parts = [group.create_task(cluster.run()) for cluster in clusters]
        try:
            async with asyncio.timeout(PATIENCE_S):
                yield
        finally:
            for part in parts:
                part.cancel()


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


def owned(cluster: Cluster) -> set[int]:
    return {agent for agent in AGENTS if cluster.owns(agent)}


async def test_who_is_alone_owns_everybody() -> None:
    cluster = Single()
    assert owned(cluster) == set(AGENTS)
    async with cluster.still([1]), cluster.at_work(1) as ours:
        assert ours


@pytest.mark.postgres
async def test_agents_are_shared_out_and_taken_over(shared: Store) -> None:
    one, two = shared.cluster("one", works=True), shared.cluster("two", works=True)
    async with taking_part(one):
        await until(lambda: owned(one) == set(AGENTS))
        async with taking_part(two):
            await until(lambda: bool(owned(two)) and len(owned(one)) == len(AGENTS) // 2)
            await until(lambda: owned(one) | owned(two) == set(AGENTS))
            assert owned(one) & owned(two) == set()
            shares: dict[str, int] = {}
            while shares != {"everbot one": 32, "everbot two": 32}:  # what is given back is so in a moment
                shares = {each.name.split(",")[0]: each.shares for each in await shared.holders()}
        await until(lambda: owned(one) == set(AGENTS))


@pytest.mark.postgres
async def test_shares_that_are_moved_stay_as_long_as_who_has_them(shared: Store) -> None:
    one, two, three = (shared.cluster(name, works=True) for name in ("one", "two", "three"))

    async def have(*numbers: int) -> dict[str, int]:
        """Once these have so many, by their first names."""
        while sorted((found := await one.shares()).values()) != sorted(numbers):
            await asyncio.sleep(0.01)
        return {name.split(",")[0]: shares for name, shares in found.items()}

    async with taking_part(one, two):
        await until(lambda: bool(owned(one) and owned(two)))
        await have(32, 32)
        full = {name.split(",")[0]: name for name in await one.shares()}
        await one.move(full["everbot two"], 12)
        assert await have(20, 44) == {"everbot one": 20, "everbot two": 44}
        await until(lambda: len(owned(one)) == 40 and len(owned(two)) == 88)
        async with taking_part(three):  # the others share the rest
            assert (await have(10, 10, 44))["everbot two"] == 44
            await one.move(full["everbot one"], 40)  # more than is left of the rest
            assert (await have(7, 7, 50))["everbot one"] == 50
            await one.even_out()
            while max((await one.shares()).values()) > 22:
                await asyncio.sleep(0.01)
        await have(32, 32)
        await two.move(full["everbot two"], 32)
        await have(0, 64)
    async with taking_part(one):  # whom they were moved to is gone
        await until(lambda: owned(one) == set(AGENTS))


@pytest.mark.postgres
async def test_who_only_tells_and_hears_has_no_share(shared: Store) -> None:
    gateway, worker = shared.cluster("gateway", works=False), shared.cluster("worker", works=True)
    heard: list[dict[str, object]] = []
    worker.hear("news", lambda **what: heard.append(what))
    gateway.hear("news", lambda **what: heard.append({"own": what}))
    async with taking_part(gateway, worker):
        await until(lambda: owned(worker) == set(AGENTS))
        gateway.tell("news", agent=7, text="grüße")
        await gateway.told()
        await until(lambda: bool(heard))
    assert heard == [{"agent": 7, "text": "grüße"}]
    assert owned(gateway) == set()


@pytest.mark.postgres
async def test_an_agent_has_one_who_works_for_it(shared: Store) -> None:
    one, two = shared.cluster("one", works=True), shared.cluster("two", works=True)
    async with taking_part(one, two):
        await until(lambda: owned(one) | owned(two) == set(AGENTS))
        async with one.at_work(7) as first:
            async with two.at_work(7) as second:
                assert (first, second) == (True, False)
        async with two.at_work(7) as again:
            assert again


@pytest.mark.postgres
async def test_an_agent_is_still_once_its_worker_has_let_go(shared: Store) -> None:
    gateway, worker = shared.cluster("gateway", works=False), shared.cluster("worker", works=True)
    at_work, over = asyncio.Event(), asyncio.Event()
    told: list[tuple[str, int]] = []
    worker.hear("still", lambda agent: (told.append(("still", agent)), over.set()))
    worker.hear("free", lambda agent: told.append(("free", agent)))

    async def work() -> None:
        async with worker.at_work(7) as ours:
            assert ours
            at_work.set()
            await over.wait()

    async with taking_part(gateway, worker), asyncio.TaskGroup() as group:
        await until(lambda: owned(worker) == set(AGENTS))
        group.create_task(work())
        await at_work.wait()
        async with gateway.still([7]):
            assert over.is_set()
            async with worker.at_work(7) as ours:
                assert not ours
        await until(lambda: ("free", 7) in told)
        async with worker.at_work(7) as ours:
            assert ours
    assert list(dict.fromkeys(told)) == [("still", 7), ("free", 7)]


@pytest.mark.postgres
async def test_who_does_not_hear_that_an_agent_is_to_be_still_is_told_again(shared: Store) -> None:
    gateway, worker = shared.cluster("gateway", works=False), shared.cluster("worker", works=True)
    at_work, over = asyncio.Event(), asyncio.Event()
    times = 0

    def told(agent: int) -> None:
        nonlocal times
        times += 1
        if times == 2:
            over.set()

    async def work() -> None:
        async with worker.at_work(7):
            at_work.set()
            await over.wait()

    worker.hear("still", told)
    async with taking_part(gateway, worker), asyncio.TaskGroup() as group:
        await until(lambda: owned(worker) == set(AGENTS))
        group.create_task(work())
        await at_work.wait()
        async with gateway.still([7]):
            assert over.is_set()


@pytest.mark.postgres
async def test_who_loses_its_connection_is_told_and_begins_anew(shared: Store, made: Postgres) -> None:
    cluster = shared.cluster("one", works=True)
    async with taking_part(cluster):
        await until(lambda: owned(cluster) == set(AGENTS))
        await cluster.news(0.01)  # that they are ours
        async with asked(await made.database.url()) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'everbot one,%'"
            )
        while await cluster.news(PATIENCE_S):
            pass
        await until(lambda: owned(cluster) == set(AGENTS))


@pytest.mark.postgres
async def test_who_could_not_hear_for_a_moment_is_told_so(shared: Store, made: Postgres) -> None:
    cluster = shared.cluster("one", works=True)
    missed: list[str] = []
    cluster.hear(MISSED, lambda: missed.append(MISSED))
    async with taking_part(cluster):
        await until(lambda: owned(cluster) == set(AGENTS))
        missed.clear()
        async with asked(await made.database.url()) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'everbot one,%'"
            )
        await until(lambda: MISSED in missed)


@pytest.mark.postgres
async def test_who_was_stopped_in_the_middle_of_what_it_sends_holds_nobody_up(
    shared: Store, made: Postgres
) -> None:
    cluster = shared.cluster("one", works=True)
    async with asked(await made.database.url()) as stopped, taking_part(cluster):
        await stopped.execute("SET application_name = 'everbot run, process 7 on elsewhere'; BEGIN")
        await stopped.execute("SELECT pg_advisory_xact_lock(1, 2)")
        await stopped.prepare("SELECT 1")  # and what is to follow does not come
        await until(stopped.is_closed)
        assert await shared.holders()


@pytest.mark.postgres
async def test_whoever_comes_is_told_whether_the_work_is_shared(shared: Store, made: Postgres) -> None:
    other = await made.open()
    try:
        async with shared.alone("one"):
            with pytest.raises(StoreBusy) as told:
                async with other.alone("two"):
                    pass
            assert not isinstance(told.value, StoreShared)
            gateway = shared.cluster("one", works=False)
            async with taking_part(gateway):
                while not await refused(other, StoreShared):
                    pass
    finally:
        await other.close()


async def refused(store: Store, kind: type[StoreBusy]) -> bool:
    try:
        async with store.alone("two"):
            return False
    except StoreBusy as error:
        return isinstance(error, kind)
