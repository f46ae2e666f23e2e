"""Recall storage, and the FIFO queues that are its newest part."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from memory.records import ALL_SAID, Audiences, Lines, Message, Outlines, Summary

POSTINGS = 2_000
"""Rows of a term that a search looks at, at most."""


class Messages(Protocol):
    """Rows are in order of their keys, which is the order in which they were stored, where nothing else is said."""

    async def append(
        self, agent_id: int, messages: Sequence[Message], *, fenced: bool = False
    ) -> list[Message]:
        """Store, in order; each ``key`` is given here and returned. Searchable by words at once. ``fenced``: as
        `memory.ports.Agents.fence`, too."""
        ...

    async def rows(
        self, agent_id: int, audiences: Audiences, *, after: int = 0, limit: int = 1_000
    ) -> list[Message]:
        """Every row beyond the key ``after``, also those without a text; the first ``limit`` of them."""
        ...

    async def get(self, agent_id: int, keys: Collection[int], audiences: Audiences) -> list[Message]:
        """The rows of ``keys`` that this agent may see in ``audiences``, in the order of ``keys``."""
        ...

    async def queue(self, conversation_id: int) -> list[Message]:
        """The FIFO queue, oldest first."""
        ...

    async def evict(self, conversation_id: int, keys: Collection[int]) -> None:
        """Take rows out of the queue. Their texts stay; how they were rendered is forgotten."""
        ...

    async def of_turn(self, turn_id: str) -> list[Message]: ...
    async def taken(self, event_keys: Collection[str]) -> set[str]:
        """Those of the keys that some message has."""
        ...

    async def by_event(self, event_key: str) -> Message | None:
        """The first that has it."""
        ...

    async def rewrite(self, key: int, text: str, rendered: str, tokens: int) -> None:
        """Another text: its terms are of the new one at once, its vector is gone and waits to be made anew."""
        ...

    async def rerender(self, key: int, rendered: str, tokens: int) -> None:
        """Show the message differently; its text stays."""
        ...

    async def delete(self, keys: Collection[int]) -> None:
        """The rows with their terms and vectors."""
        ...

    async def said(
        self, agent_id: int, audiences: Audiences, of: Lines = ALL_SAID, *, offset: int = 0, limit: int = 50
    ) -> list[Message]:
        """Messages with a text, as `Lines` tells."""
        ...

    async def count(self, agent_id: int, audiences: Audiences, of: Lines = ALL_SAID) -> int:
        """Of what `said` gives."""
        ...

    async def paced(
        self, agent_id: int, audiences: Audiences, since: datetime, span: timedelta
    ) -> dict[int, int]:
        """How many were said in each ``span`` from ``since`` on, by the span's number; nothing for none."""
        ...

    async def postings(
        self, agent_id: int, terms: Sequence[str], audiences: Audiences, *, limit: int = POSTINGS
    ) -> dict[str, Any]:
        """Keys (int64) of the rows that hold each term, newest first, at most ``limit`` a term. A term that ends
        in ``*`` stands for all that begin so.

        Only this agent's rows in ``audiences`` are looked at, so the lengths are document frequencies
        of what the searcher may see, and of nothing else. A term that no row holds is left out.
        """
        ...

    async def terms(self, keys: Collection[int]) -> dict[int, str]:
        """The analysed texts of rows that `postings` gave."""
        ...

    async def around(
        self, agent_id: int, keys: Collection[int], audiences: Audiences, reach: int
    ) -> Outlines:
        """The rows of ``keys``, and those with a text that stand up to ``reach`` positions beside one.

        A row that the searcher may not read is not among them.
        """
        ...

    async def following(
        self, agent_id: int, keys: Collection[int], audiences: Audiences, reach: int, lines: int
    ) -> Outlines:
        """The rows of ``keys``, and behind each the next ``lines`` of its conversation that have a text, up to
        ``reach`` positions further on. A row that the searcher may not read is not among them."""
        ...

    async def within(
        self, agent_id: int, audiences: Audiences, since: datetime, until: datetime, limit: int
    ) -> list[int]:
        """Keys of the newest rows with a text from ``since`` until before ``until``, newest first."""
        ...

    async def authors(self, agent_id: int, audiences: Audiences, among: int) -> list[str]:
        """Who said the newest ``among`` rows with a text, each once."""
        ...

    async def extent(self, agent_id: int) -> int:
        """How many rows there are, at most (the newest sequence number)."""
        ...

    async def summary(self, conversation_id: int) -> Summary | None: ...
    async def put_summary(self, summary: Summary) -> None:
        """Replaces the conversation's."""
        ...

    async def drop_summary(self, conversation_id: int) -> None: ...
