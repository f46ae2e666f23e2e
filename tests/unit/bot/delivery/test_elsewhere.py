"""A process that is not connected asks, and shows, through the one that is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bot.delivery.elsewhere import Connected, Elsewhere
from bot.errors import DeliveryError
from bot.events import Address
from bot.ports import Draft, Plain
from memory.ports import Single
from memory.ports.cluster import Heard
from tests.patience import PATIENCE_S


class Linked(Single):
    """Two processes in one: each hears at once what the other tells."""

    single = False

    def __init__(self) -> None:
        self.other: Linked | None = None
        self.heard: dict[str, Heard] = {}

    def tell(self, word: str, **what: object) -> None:
        heard = self.other.heard.get(word) if self.other else None
        if heard is not None:
            heard(**what)

    def hear(self, word: str, heard: Heard) -> None:
        self.heard[word] = heard


class Platform(Plain):
    platform = "here"

    def __init__(self) -> None:
        self.shown: list[Address] = []
        self.down = False

    @asynccontextmanager
    async def thinking(self, address: Address) -> AsyncIterator[Draft | None]:
        self.shown.append(address)
        try:
            yield None
        finally:
            self.shown.remove(address)

    async def sees(self, account: str, address: Address) -> bool:
        if self.down:
            raise DeliveryError("it is down")
        return account == "here:ada"


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0)


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[Elsewhere, Platform]]:
    platform, here, there = Platform(), Linked(), Linked()
    here.other, there.other = there, here
    async with asyncio.TaskGroup() as group:
        connected = group.create_task(Connected({"here": platform}, here).run())  # type: ignore[dict-item]
        await asyncio.sleep(0)
        yield Elsewhere(platform, there), platform  # type: ignore[arg-type]
        connected.cancel()


async def test_what_is_thought_there_is_shown_while_it_is() -> None:
    async with linked() as (elsewhere, platform):
        async with elsewhere.thinking("here:x"):
            await until(lambda: platform.shown == ["here:x"])
        await until(lambda: platform.shown == [])


async def test_who_sees_a_place_is_asked_of_who_is_connected() -> None:
    async with linked() as (elsewhere, platform):
        assert await elsewhere.sees("here:ada", "here:x")
        assert not await elsewhere.sees("here:bob", "here:x")
        platform.down = True
        with pytest.raises(DeliveryError, match="it is down"):
            await elsewhere.sees("here:ada", "here:x")
