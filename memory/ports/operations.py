"""What operators decide and did, orders to the process that runs, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from memory.records import Deed, FaultCount, Order, Report, Restriction


class Operations(Protocol):
    async def restrictions(self) -> list[Restriction]:
        """All, by subject."""
        ...

    async def restriction(self, subject: str) -> Restriction | None: ...
    def unrestricted(self, subject: str, now: datetime) -> Restriction:
        """One that restricts nothing yet."""
        ...

    async def restrict(self, restriction: Restriction) -> None:
        """Replaces the subject's former one; one that restricts nothing is dropped."""
        ...

    async def order(self, what: str, about: str, now: datetime) -> None: ...
    async def take_orders(self) -> list[Order]:
        """Those that were given since the last time, oldest first; they are taken with that."""
        ...

    async def has_orders(self) -> bool: ...
    async def note(self, deed: Deed) -> None: ...
    async def deeds(self, limit: int) -> list[Deed]:
        """Newest first."""
        ...

    async def report(self, report: Report) -> None:
        """It is there until its author is forgotten."""
        ...

    async def reports(self, limit: int) -> list[Report]:
        """Newest first."""
        ...

    async def add_faults(self, faults: Sequence[FaultCount]) -> None:
        """Add to what is counted of the same day, kind, platform and model."""
        ...

    async def faults(self, since: datetime) -> list[FaultCount]:
        """From the day of ``since`` on, newest day first, then most."""
        ...

    async def forget_faults(self, before: datetime) -> None:
        """Drop the days before that one."""
        ...
