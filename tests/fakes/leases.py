"""Leases that the gateways of one story share, as processes share a database's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.ports import Lease

_FASTER = 20  # as `tests.fakes.clock.HastyClock` sleeps


class Office:
    """Knows who has what. What was a dead one's nobody gets before it is `buried`: as a database that has not noticed
    yet."""

    def __init__(self) -> None:
        self.members: list[Desk] = []
        self.held: dict[tuple[str, int], Held] = {}
        self.passed: dict[str, float] = {}
        self.agreed: dict[str, int] = {}

    def desk(self) -> Desk:
        desk = Desk(self)
        self.members.append(desk)
        return desk

    def numbers(self, desk: Desk) -> list[int]:
        """What this one has."""
        return sorted(number for (_, number), held in self.held.items() if held.desk is desk)

    def lose(self, desk: Desk) -> None:
        """Its connection breaks: what it had is anybody's."""
        for held in [held for held in self.held.values() if held.desk is desk]:
            held.free()
            held.gone.set()

    def buried(self, desk: Desk) -> None:
        self.members.remove(desk)
        self.lose(desk)


class Held:
    """`bot.ports.Lease`."""

    def __init__(self, desk: Desk, free: Callable[[], None]) -> None:
        self.desk, self.free, self.gone = desk, free, asyncio.Event()

    async def lost(self) -> None:
        await self.gone.wait()

    async def give(self) -> None:
        if not self.desk.dead:
            self.free()


class Desk:
    """`bot.ports.Leases` of one process."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.dead = False

    async def part(self, kind: str, total: int) -> int:
        return -(-total // len(self._office.members))

    async def take(self, kind: str, number: int) -> Lease | None:
        key = (kind, number)
        if self.dead or key in self._office.held:
            return None

        def free() -> None:
            if self._office.held.get(key) is held:
                del self._office.held[key]

        held = self._office.held[key] = Held(self, free)
        return held

    async def news(self) -> None:
        await asyncio.sleep(0.01)

    async def passed(self, gate: str, seconds: float) -> bool:
        now = asyncio.get_running_loop().time()
        if seconds and now - self._office.passed.get(gate, float("-inf")) < seconds / _FASTER:
            return False
        self._office.passed[gate] = now
        return True

    async def agreed(self, name: str, value: int, least: int = 0) -> int:
        if self._office.agreed.setdefault(name, value) < least:
            self._office.agreed[name] = value
        return self._office.agreed[name]
