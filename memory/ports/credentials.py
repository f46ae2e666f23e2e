"""People's credentials for services outside, sealed by whoever puts them here."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Credentials(Protocol):
    """They go with their person, and are in no export."""

    async def put(self, user_id: int, service: str, sealed: bytes, now: datetime) -> None:
        """Replaces what the person had there."""
        ...

    async def get(self, user_id: int, service: str) -> bytes | None: ...
    async def drop(self, user_id: int, service: str) -> None: ...
