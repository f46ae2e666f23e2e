"""Two agents become one."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from memory.records import Agent


class Joining(Protocol):
    """For a person who had two accounts."""

    async def join(self, into: Agent, other: Agent, now: datetime) -> None:
        """All that ``other`` holds becomes ``into``'s, each row with its audience; ``other`` is deleted.

        Blocks join per audience, the newer value first; what is beyond the limit becomes a passage.
        """
        ...
