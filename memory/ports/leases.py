"""Who does what that only one process may do, of all that share a database."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Lease(Protocol):
    """Something that this process alone does."""

    async def lost(self) -> None:
        """Returns when it is ours no more, though it was not given back: another process may have it now."""
        ...

    async def give(self) -> None:
        """Let others have it. Idempotent."""
        ...


class Leases(Protocol):
    """Who does what, of all processes that share a database. What there is to do has a kind and a number (0 to 65,534).
    Nothing is raised: while the database cannot be asked nothing is had, and nobody passes."""

    async def part(self, kind: str, total: int) -> int:
        """How many of so many are to be this process's: as many as any other's that asks for some of that kind."""
        ...

    async def take(self, kind: str, number: int) -> Lease | None:
        """None: it is taken. It is free again when it is given back, and when its process ends, however it ends."""
        ...

    async def news(self) -> None:
        """Returns when it is time to look again for what may be had."""
        ...

    async def passed(self, gate: str, seconds: float) -> bool:
        """Whether no process passed there for so long: then we have, now. With 0 seconds we have in any case."""
        ...

    async def agreed(self, name: str, value: int, least: int = 0) -> int:
        """By what all go that ask: what the first of them said; or, where that is less than ``least``, this value."""
        ...


class Alone:
    """The `Leases` and the one `Lease` of a process that shares with nobody: all is its own."""

    async def part(self, kind: str, total: int) -> int:
        return total

    async def take(self, kind: str, number: int) -> Lease | None:
        return self

    async def news(self) -> None:
        await asyncio.Event().wait()

    async def passed(self, gate: str, seconds: float) -> bool:
        return True

    async def agreed(self, name: str, value: int, least: int = 0) -> int:
        return value

    async def lost(self) -> None:
        await asyncio.Event().wait()

    async def give(self) -> None:
        pass
