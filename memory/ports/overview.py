"""What an operator sees of all people: counts, names and times, never a text."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from memory.records import Depths


class Overview(Protocol):
    async def depths(self, now: datetime) -> Depths:
        """How much waits now. Quick: it reads what is open alone."""
        ...
