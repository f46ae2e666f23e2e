"""What an operator sees of all people: counts, names and times, never a text."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal, Protocol

from memory.records import Depths, PersonSeen, Undelivered, Underway, Used

By = Literal["day", "model", "persona", "community", "person"]


class Overview(Protocol):
    async def depths(self, now: datetime) -> Depths:
        """How much waits now. Quick: it reads what is open alone."""
        ...

    async def people(self, like: str, limit: int, offset: int = 0) -> list[PersonSeen]:
        """Those whose name or an account holds that text, newest first."""
        ...

    async def underway(self) -> list[Underway]:
        """Turns that have begun and not ended, then events that wait, oldest first."""
        ...

    async def undelivered(self, limit: int) -> list[Undelivered]:
        """Replies that wait or are being sent, are in doubt, or were refused: newest first."""
        ...

    async def send_again(self, post_id: str) -> bool:
        """A reply in doubt, or refused, is to be sent once more. False: there is no such one."""
        ...

    async def used(self, by: By, since: datetime) -> list[Used]:
        """Of all steps from ``since`` on, by key and model. A community is empty for direct messages of no
        workspace; a person is named by their first account; a day is its date (UTC)."""
        ...

    async def used_by(self, agents: Collection[int], since: datetime) -> list[Used]:
        """Of these agents, by model; the key is empty."""
        ...

    async def used_in(self, community: str, since: datetime) -> list[Used]:
        """Of a community, or of a workspace's direct messages too; by model."""
        ...
