from __future__ import annotations

import asyncio

from adapters.discord.order import Order
from tests.patience import PATIENCE_S


async def test_nobody_is_overtaken_and_what_was_missed_goes_ahead() -> None:
    order, passed = Order(), []

    async def live(channel: int, word: str) -> None:
        async with order.behind(channel):
            passed.append(word)

    order.shut(60)
    early = [asyncio.create_task(live(1, f"early {number}")) for number in range(3)]
    await asyncio.sleep(0)
    async with order.ahead(1):
        passed.append("missed")
    order.open()
    late = asyncio.create_task(live(1, "late"))  # the way is free, and others stand in it
    await asyncio.gather(*early, late)
    assert passed == ["missed", "early 0", "early 1", "early 2", "late"]


async def test_one_channel_waits_for_no_other() -> None:
    order, passed = Order(), []

    async def slow() -> None:
        async with order.behind(1):
            await held.wait()
            passed.append("slow")

    async def quick() -> None:
        async with order.behind(2):
            passed.append("quick")

    held = asyncio.Event()
    order.open()
    waiting = asyncio.create_task(slow())
    await asyncio.sleep(0)
    await quick()
    held.set()
    await waiting
    assert passed == ["quick", "slow"]


async def test_it_opens_by_itself() -> None:
    order = Order()
    order.shut(0.01)
    async with asyncio.timeout(PATIENCE_S), order.behind(1):
        pass
