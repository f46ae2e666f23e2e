"""What an installation has learned of itself."""

from __future__ import annotations

from typing import Protocol


class Meta(Protocol):
    """Short texts by name. Nothing that people said is among them."""

    async def get(self, name: str) -> str | None: ...
    async def put(self, name: str, value: str) -> None: ...
