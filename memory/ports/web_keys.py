"""Links to the memory page, and who is signed in there."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from memory.records import WebKey, WebPass, WebWrite


class WebKeys(Protocol):
    """A person's go with the person. A key whose account is another person's by now lets nobody in."""

    async def put(self, key: WebKey) -> None:
        """A new one. Fails when the person is gone."""
        ...

    async def get(self, kind: WebPass, digest: str, now: datetime) -> WebKey | None:
        """None when there is none, or it lets in no more."""
        ...

    async def of(self, user_id: int, kind: WebPass, now: datetime) -> list[WebKey]:
        """Those of a person that let in, newest first."""
        ...

    async def see(self, key_id: str, now: datetime) -> None:
        """It was used."""
        ...

    async def drop(self, user_id: int, ids: Collection[str]) -> int:
        """These of the person's let in no more: how many it were."""
        ...

    async def expire(self, now: datetime) -> int:
        """Drop what lets in no more: how many it were."""
        ...

    async def note_write(self, write: WebWrite) -> None:
        """It goes with its key. Fails when there is one of that name already, or the key is gone."""
        ...

    async def write(self, key_id: str, name: str) -> WebWrite | None: ...
    async def expire_writes(self, before: datetime) -> None:
        """Drop those that are older."""
        ...
