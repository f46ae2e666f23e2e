"""Heartbeat times, and what people asked to hear of at a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from memory.records import Beat, Spent, Wish


class Schedule(Protocol):
    """A beat is the agent's own; a wish is what a person asked to hear of."""

    async def beat(self, agent_id: int) -> Beat:
        """A fresh one for an agent that has none yet."""
        ...

    async def put_beat(self, beat: Beat) -> None:
        """Add or replace the agent's."""
        ...

    async def due_beats(self, now: datetime, limit: int) -> list[Beat]:
        """Longest overdue first."""
        ...

    async def clamp_beats(self, latest: datetime) -> None:
        """No beat is due later than that (the clock was set back)."""
        ...

    async def home(self, agent_id: int, platforms: Collection[str]) -> int | None:
        """The conversation where the agent last heard of the person: a private one, if there is any. None: nowhere."""
        ...

    async def spent(self, agent_id: int, since: datetime) -> Spent:
        """By turns that began since then."""
        ...

    async def wish(self, wish_id: str) -> Wish | None: ...
    async def wishes(self, agent_id: int) -> list[Wish]:
        """Soonest first."""
        ...

    async def put_wish(self, wish: Wish) -> None:
        """Add or replace."""
        ...

    async def drop_wish(self, wish_id: str) -> None: ...
    async def reminded(self, agents: Collection[int], since: datetime) -> int:
        """How many wishes of these agents came due: turns that began since then, and those that wait for theirs."""
        ...

    async def wishes_of(self, turn_id: str) -> list[Wish]:
        """Those that the turn made, soonest first."""
        ...

    async def intervals_after(self, now: datetime) -> list[Wish]:
        """Those that come every so often (their rule begins with "every"), and not before then."""
        ...

    async def due_wishes(
        self, now: datetime, platforms: Collection[str], limit: int, *, apart_from: Collection[str] = ()
    ) -> list[Wish]:
        """Longest overdue first, of conversations on these platforms; those of these ids left out."""
        ...
