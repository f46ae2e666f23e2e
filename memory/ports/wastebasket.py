"""What was forgotten at a person's wish, for as long as it can be brought back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from memory.records import Audience, Audiences, Waste


class Wastebasket(Protocol):
    """No search, view or export reads it: what is in it is gone for everybody but who brings it back."""

    async def put(
        self, agent_id: int, audience: Audience, turn_id: str, contents: dict[str, Any], now: datetime
    ) -> int:
        """Its id. ``contents`` must be JSON."""
        ...

    async def newest(self, agent_id: int, audiences: Audiences, since: datetime) -> Waste | None:
        """The newest of ``audiences`` that was forgotten at ``since`` or after it."""
        ...

    async def of(self, agent_id: int | None) -> list[Waste]:
        """All of an agent, or (None) of everybody, oldest first."""
        ...

    async def of_turn(self, turn_id: str) -> list[Waste]:
        """Oldest first."""
        ...

    async def get(self, waste_id: int) -> Waste | None: ...
    async def update(self, waste_id: int, contents: dict[str, Any]) -> None:
        """Other contents; it stays as old as it is."""
        ...

    async def drop(self, waste_id: int) -> None:
        """It can't be brought back any more."""
        ...
