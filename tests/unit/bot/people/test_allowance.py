"""The ledger of several processes that share the work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.people.allowance import Allowance
from bot.people.forgotten_use import ForgottenUse
from bot.people.prices import Prices
from bot.people.restrictions import Restrictions
from bot.settings import LimitSettings
from memory.ports import MISSED, Single
from tests.fakes.parlour import opened, parrot
from tests.patience import PATIENCE_S


class Wired(Single):
    """One of several, which hear at once what another tells."""

    def __init__(self, others: list[Wired]) -> None:
        super().__init__()
        self._others = others
        self._hears: dict[str, Callable[..., None]] = {}
        others.append(self)
        self.processes = 3

    def tell(self, word: str, **what: Any) -> None:
        for one in self._others:
            if one is not self and word in one._hears:
                one._hears[word](**what)

    def hear(self, word: str, heard: Callable[..., None]) -> None:
        self._hears[word] = heard


async def test_each_lets_its_part_of_what_is_left_run_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot) as house, asyncio.timeout(PATIENCE_S):
        runtime = replace(house.app.runtime, cluster=Wired([]))
        restrictions = Restrictions(runtime.store, runtime.clock, Prices({}), runtime.cluster)
        ledger = Allowance(runtime, LimitSettings(tokens_per_day=900), restrictions)
        async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
            await stack.enter_async_context(ledger.reserved(1, 5_000))  # one in any case
            await stack.pop_all().aclose()
            await stack.enter_async_context(ledger.reserved(1, 100))
            large = group.create_task(asks(ledger, 250))
            await asks(ledger, 150)  # who asked before it would have gone first
            assert not large.done()
            await stack.aclose()
            await large


async def asks(ledger: Allowance, tokens: int) -> None:
    async with ledger.reserved(2, tokens):
        pass


def test_what_was_forgotten_counts_in_every_process() -> None:
    wire: list[Wired] = []
    one, two = (ForgottenUse(Wired(wire)) for _ in range(2))
    today, tomorrow = datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)
    one.begin(today)
    one.add([None, "parlour:ada"], 10)
    two.add([None, "parlour:bob"], 5)
    one.add([None, "parlour:ada"], 20)
    late = ForgottenUse(Wired(wire))  # it is told when it comes
    for each in (one, two, late):
        each.begin(today)
        assert [each.of([who]) for who in (None, "parlour:ada", "parlour:bob", "parlour:eve")] == [
            35,
            30,
            5,
            0,
        ]
        assert each.of(["parlour:ada", "parlour:bob"]) == 30
    two.begin(tomorrow)
    two.add([None], 1)
    assert [each.of([None]) for each in (one, two, late)] == [1, 1, 1]


@pytest.mark.parametrize("word", ["what it is told", MISSED])
async def test_what_operators_change_is_heeded_by_all_at_once(tmp_path: Path, word: str) -> None:
    async with opened(tmp_path, parrot) as house, asyncio.timeout(PATIENCE_S):
        lines: list[Wired] = []
        one, other = (
            Restrictions(house.app.memory.store, house.clock, Prices({}), Wired(lines)) for _ in range(2)
        )
        async with asyncio.TaskGroup() as group:
            heeding = group.create_task(other.run())
            async with house.app.memory.store.write() as session:
                new = session.operations.unrestricted("account:parlour:ada", house.clock.now())
                await session.operations.restrict(replace(new, blocked=True))
            assert not await one.blocked("parlour:ada")
            if word == MISSED:
                lines[1]._hears[MISSED]()
            else:
                await one.change()
                assert await one.blocked("parlour:ada")
            while not await other.blocked("parlour:ada"):
                await asyncio.sleep(0)
            heeding.cancel()
