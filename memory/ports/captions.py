"""What pictures show, as a model said it: each is described once."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Captions(Protocol):
    """Each agent's own, by the digest of the picture; they are forgotten with the event that brought it."""

    async def get(self, agent_id: int, digest: str) -> str | None: ...

    async def open(self, agent_id: int) -> list[str]:
        """Keys of the events that brought what is still to be described (put without a text), oldest first."""
        ...

    async def put(
        self, agent_id: int, digest: str, text: str, conversation_id: int, event_key: str, now: datetime
    ) -> None:
        """Replaces what was known of that picture; an empty text: it is still to be described."""
        ...

    async def close(self, agent_id: int, digest: str) -> None:
        """That picture is not to be described any more."""
        ...

    async def drop(self, event_key: str, digest: str | None = None) -> None:
        """What came with that event is forgotten, or that one picture of it."""
        ...
