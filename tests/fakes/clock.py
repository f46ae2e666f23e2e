"""Clocks that move when they are told to. By them others are waited for as long as it takes, however slow the machine
is; for a story of what comes too late there is `HurriedClock`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from tests.patience import PATIENCE_S


class _Patient:
    """Waits for others as long as it takes."""

    def timeout(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(PATIENCE_S)


class LeapingClock(_Patient):
    """The machine's clock, some leaps ahead: its sleepers sleep as long as they say."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


class HastyClock(LeapingClock):
    """Its sleepers sleep a twentieth of what they say: what is tried again after a pause is tried soon."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 20)


class HurriedClock(HastyClock):
    """Who may wait for at most ``most`` seconds for somebody does not wait for them at all."""

    def __init__(self, most: float) -> None:
        super().__init__()
        self.most = most

    def timeout(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(0) if seconds <= self.most else super().timeout(seconds)


class WokenClock(HastyClock):
    """Who would sleep for minutes sleeps until it is woken, and no more from then on."""

    def __init__(self) -> None:
        super().__init__()
        self._morning = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        if seconds > 60:
            await self._morning.wait()
        else:
            await super().sleep(seconds)

    def wake(self) -> None:
        self._morning.set()


class FakeClock(_Patient):
    """`sleep` returns at once in real time, having moved the clock; other tasks get to run first."""

    def __init__(self, now: datetime = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
