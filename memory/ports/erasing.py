"""Forgetting beyond single rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from memory.records import Agent, Conversation, InboxRow, Message


class Erasing(Protocol):
    """What is outside of the tables (files, logs of writes, indexes) is a *chore*: noted in the same unit of
    work, done after it, and done again at the next start if the process died before.
    """

    async def conversation(self, place: Conversation, agent: Agent, now: datetime) -> list[int]:
        """Forget all that was said there, the notes and reminders that came of it, and what these turns put
        into core memory. The keys of the passages that went are returned; the conversation itself stays, empty."""
        ...

    async def expire(self, before: datetime) -> tuple[int, list[int], list[int]]:
        """Forget messages, events, replies, turns, summaries and edits from before: how many messages it were,
        and which agents and conversations have changed. Core memory and passages stay."""
        ...

    async def expire_documents(self, before: datetime) -> list[int]:
        """Forget documents that were sent in chat before: the keys of their pieces."""
        ...

    async def showing(
        self, agent_id: int | None, tools: Collection[str], before: datetime | None, *, events: bool = True
    ) -> list[Message]:
        """Messages in view that may show other rows' texts: results of these tools, and ``events``; None: of every
        agent, of any time."""
        ...

    async def quote(self, event_key: str, quotes: Mapping[str, str]) -> None:
        """The event shows others' words: the key of each message, with its author's account. It must exist, and show
        none of these yet."""
        ...

    async def quoting(self, accounts: Collection[str], keys: Collection[str]) -> list[InboxRow]:
        """Events that show words of these accounts, or these messages, in order of arrival."""
        ...

    async def unquote(self, accounts: Collection[str], keys: Collection[str]) -> None:
        """No event shows them any more."""
        ...

    async def times_forgotten(self, who: Collection[str], *, receiving: bool = False) -> dict[str, int]:
        """How often each of these was forgotten (accounts, or whatever names one in a place), where it was at all of
        late. ``receiving``: what is received in this unit is there for whoever forgets one of them after it."""
        ...

    async def forget_to_come(self, who: Collection[str], now: datetime) -> None:
        """They were forgotten once more: first in the unit, which sees all that was received of them."""
        ...

    async def expire_times(self, before: datetime) -> None:
        """Nobody has heard anything before, and not received it."""
        ...

    async def chores(self) -> list[tuple[str, datetime]]:
        """Name and time of what is still to be done, oldest first."""
        ...

    async def add_chores(self, names: Collection[str], now: datetime) -> None:
        """One that is noted already stays as it is."""
        ...

    async def done(self, name: str) -> None:
        """Idempotent."""
        ...
