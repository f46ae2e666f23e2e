"""What was taken over from other programs, and what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from memory.records import Agent, Conversation, Finding, Import, Message, Turn


class Imports(Protocol):
    """Its messages are rows of recall storage like any other; each exchange is a turn that has ended."""

    async def begin(self, imported: Import) -> None:
        """One of that name that the agent has already stays as it is."""
        ...

    async def add_turns(self, turns: Sequence[Turn]) -> None:
        """Turns that have ended."""
        ...

    async def place(self, agent_id: int, address: str, now: datetime) -> Conversation:
        """The agent's private conversation of that address, made if need be."""
        ...

    async def all(self, agent_id: int) -> list[Import]:
        """Oldest first."""
        ...

    async def named(self, name: str) -> list[Import]:
        """Those of all agents that have that name."""
        ...

    async def told(self, imported: Import) -> tuple[int, str, datetime, datetime] | None:
        """How many messages it has, the program that they are from, and when the first and the last of them was said;
        None when it has none."""
        ...

    async def unread(self, imported: Import, limit: int) -> list[Message]:
        """Its next messages that no reflection has read, in their order."""
        ...

    async def count_unread(self, imported: Import) -> int: ...
    async def spend(self, imported: Import, tokens: int) -> None:
        """So many more (or, below zero, fewer) were spent on reading it."""
        ...

    async def note_read(self, imported: Import, key: int, findings: Sequence[Finding]) -> None:
        """It was read up to that message, and this was found; ids are given here."""
        ...

    async def findings(self, agent_id: int) -> list[Finding]:
        """What waits to be decided on, oldest first."""
        ...

    async def settle(self, agent_id: int, ids: Sequence[int]) -> None:
        """These were decided on."""
        ...

    async def drop(self, agent: Agent, name: str, now: datetime) -> list[int]:
        """The import with all its messages, the notes that came of it, and what it put into core memory. The keys of
        the passages that went are returned."""
        ...
