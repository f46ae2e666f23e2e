"""Calls that wait for a person's word."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from memory.records import Ask


class Asks(Protocol):
    async def put(self, ask: Ask) -> None:
        """A new one."""
        ...

    async def get(self, ask_id: str) -> Ask | None: ...
    async def waiting(self, agent_id: int) -> list[Ask]:
        """The agent's, oldest first."""
        ...

    async def drop(self, ask_id: str) -> None:
        """It was answered."""
        ...

    async def drop_turn(self, turn_id: str) -> None:
        """The turn is undone, and what it asked with it."""
        ...

    async def expire(self, before: datetime) -> int:
        """Drop what was asked before that: how many it were."""
        ...
