"""One-time codes, and the accounts that an admin let in."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from memory.records import Code, Welcomed


class Codes(Protocol):
    """``purpose`` is ``pair`` or ``link`` (see `memory.records.Code`)."""

    async def put(self, code: Code) -> None:
        """Replaces the account's former code of that purpose, and any code of the same letters."""
        ...

    async def get(self, purpose: str, code: str, now: datetime) -> Code | None:
        """None when there is no such code, or it has expired."""
        ...

    async def of(self, purpose: str, account: str, now: datetime) -> Code | None:
        """The account's own, unless it has expired."""
        ...

    async def all(self, purpose: str, now: datetime) -> list[Code]:
        """Those that can be entered still, the last to expire first."""
        ...

    async def drop(self, code: str) -> None: ...
    async def knows(self, account: str) -> bool:
        """Whether `forget` would find anything."""
        ...

    async def forget(self, account: str) -> None:
        """Drop the codes that name the account, and that it was let in."""
        ...

    async def expire(self, now: datetime) -> int:
        """Drop what can be entered no more: how many it were."""
        ...

    async def welcome(self, account: str, now: datetime) -> None:
        """The account is let in. Idempotent."""
        ...

    async def is_welcome(self, account: str) -> bool: ...
    async def unwelcome(self, account: str) -> bool:
        """The account is let in no more. False: it was not."""
        ...

    async def welcomed(self) -> list[Welcomed]:
        """Who was let in, the newest first."""
        ...
