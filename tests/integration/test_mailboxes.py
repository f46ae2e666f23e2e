"""Mailboxes: what they wait for, and what they keep."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.events import Reply
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House, opened, parrot

AHEAD = [3_600, 400 * 86_400]


class Watched(FakeClock):
    """Tells how long everbot slept, and what happens while it does."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []
        self.set_back = 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(seconds)
        self.advance(-self.set_back)
        self.set_back = 0.0


def said(reply: Reply) -> list[str]:
    """The messages that it answers."""
    return [key for key in reply.in_reply_to if key.startswith("parlour:")]


@pytest.mark.parametrize("ahead", AHEAD)
async def test_a_clock_that_is_set_back_in_a_debounce_delays_no_answer(tmp_path: Path, ahead: float) -> None:
    clock = Watched()
    async with opened(tmp_path, parrot, clock=clock, debounce_s=2) as house:
        clock.set_back = ahead
        (reply,) = await house.say("ada", "first")
        assert reply.text == "You said: first"
    assert sum(clock.slept) <= 2


@pytest.mark.parametrize("ahead", AHEAD)
async def test_nor_does_a_clock_that_was_set_right_while_everbot_was_away(
    tmp_path: Path, ahead: float
) -> None:
    fast = Watched()
    fast.advance(ahead)
    held = asyncio.Event()

    async def never(seconds: float) -> None:
        held.set()
        await asyncio.Event().wait()

    fast.sleep = never  # type: ignore[method-assign]
    async with opened(tmp_path, parrot, clock=fast, debounce_s=30) as house:
        await house.app.inbound.submit(house.message("ada", "first"))
        await held.wait()  # it is killed while it waits for more
    clock = Watched()
    async with opened(tmp_path, parrot, clock=clock, debounce_s=2) as house:
        await house.settled("parlour:ada")
        assert [reply.text for reply in house.parlour.posted] == ["You said: first"]
    assert sum(clock.slept) <= 2


async def test_a_burst_is_still_waited_for(tmp_path: Path) -> None:
    class Burst(FakeClock):
        house: House
        left = 2

        async def sleep(self, seconds: float) -> None:
            self.advance(seconds / 2)
            if self.left:
                self.left -= 1
                await self.house.app.inbound.submit(self.house.message("ada", f"more {self.left}"))
            await super().sleep(seconds / 2)

    clock = Burst()
    async with opened(tmp_path, parrot, clock=clock, debounce_s=2) as house:
        clock.house = house
        began = clock.now()
        (reply,) = await house.say("ada", "first")
        assert len(said(reply)) == 3
        assert clock.now() - began >= timedelta(seconds=3)  # a second after the first, two after the last


async def test_nothing_is_kept_in_memory_of_people_who_are_silent(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot) as house:
        for number in range(30):
            assert await house.say(f"stranger {number}", "Hello")
        kept = house.app.mailboxes
        assert (kept._mailboxes, kept._places) == ({}, {})
        assert await house.say("stranger 3", "It is me again")
        assert await house.app.inbound.settled()


async def test_a_place_is_settled_only_when_the_next_message_is_answered_too(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot) as house:
        for number in range(20):
            await house.app.inbound.submit(house.message("ada", f"message {number}"))
            if number % 3 == 0:
                await asyncio.sleep(0)
        await house.settled("parlour:ada")
        answered = [key for reply in house.parlour.posted for key in said(reply)]
        assert len(answered) == len(set(answered)) == 20
