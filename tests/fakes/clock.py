"""Clocks that move when they are told to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class LeapingClock:
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


class FakeClock:
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
