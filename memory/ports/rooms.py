"""What is said in rooms that remember: whose it is, and who is kept out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from memory.records import Agent, Audiences, Message


class Rooms(Protocol):
    """A community's room has an agent of its own, that never thinks: its recall storage is what was said there."""

    async def keeper(self, community: str) -> Agent | None:
        """The room's agent; None where nothing is kept."""
        ...

    async def said(self, key: int, user_id: int, name: str) -> None:
        """That message of a room's is this person's, who goes by that name there."""
        ...

    async def numbers(self, agent_id: int, keys: Collection[int]) -> dict[int, int]:
        """Of those of a room's messages that are by one of several people of one name, the how-manieth of them: from 1,
        in the order in which they first spoke there, and always the same."""
        ...

    async def lines(
        self, user_id: int, audiences: Audiences, *, offset: int = 0, limit: int | None = None
    ) -> list[Message]:
        """What rooms keep of a person, the newest first."""
        ...

    async def count(self, user_id: int, audiences: Audiences) -> int: ...

    async def told(self, user_id: int) -> None:
        """The person knows now that rooms keep what they say."""
        ...

    async def keep_out(self, user_id: int, accounts: Collection[str], now: datetime) -> None:
        """No room keeps anything of these accounts any more, not even when they are forgotten."""
        ...

    async def let_in(self, user_id: int, accounts: Collection[str]) -> None: ...

    async def out(self, accounts: Collection[str]) -> set[str]:
        """Those of them that are kept out."""
        ...

    async def names_out(self) -> list[str]:
        """How people are called who are kept out, as far as they are known."""
        ...
