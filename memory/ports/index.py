"""Indexes of vectors: the nearest rows to a question."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from memory.records import Audiences, VectorEntry


class Nearness(Protocol):
    """How near a scope's rows are to one vector: of the nearest or of more, by their ``keys`` (int64, ascending).

    Cosines of one embedder mean other things than those of another. So nearness is standardised: by mean and spread
    of the cosines in the scope, to those that ranking was trained with. ``scale`` is what a difference of cosines is
    of one of nearness; ``best`` is the highest cosine, as it is.
    """

    keys: Any
    nearness: Any
    best: float
    scale: float

    def of(self, keys: Any) -> Any:
        """Nearness of these rows; where none is known, the most that it can be."""
        ...

    def likeness(self, keys: Any, others: Any) -> Any:
        """How like each of these rows is to each of the others, as cosines, give or take a tenth: an array of (keys,
        others). 0 where it is not known."""
        ...


class VectorIndex(Protocol):
    """Nearest neighbours by cosine within one scope (an agent's recall storage, or an archive).

    Raises `memory.errors.StoreUnavailable` when it cannot be used now; nothing is lost then.
    """

    name: str
    """Of where the vectors lie: what one index holds is nothing to another."""

    async def add(self, scope: int, entries: Sequence[VectorEntry]) -> None:
        """Add or replace, by key, and mark the rows as indexed. Idempotent. The rows must be committed."""
        ...

    async def search(
        self, scope: int, vector: Any, audiences: Audiences, limit: int
    ) -> list[tuple[int, float]]:
        """(key, cosine) of the nearest rows of ``scope`` in ``audiences``, best first."""
        ...

    async def compare(self, scope: int, vector: Any, audiences: Audiences, limit: int) -> Nearness:
        """How near the rows are that may be read, of which the ``limit`` nearest are wanted."""
        ...

    async def remove(self, scope: int, keys: Collection[int]) -> None:
        """Removed rows are in no later answer. Idempotent."""
        ...

    async def drop(self, scope: int) -> None:
        """Remove all of a scope. Idempotent."""
        ...

    def reread(self, scope: int) -> None:
        """Another process may have changed or deleted rows: nothing is kept of them in memory."""
        ...

    async def lost(self, scope: int) -> list[int]:
        """Keys of the rows that are marked as indexed and have no vector here: a server may lose what it held."""
        ...

    async def renew(self) -> bool:
        """Begin anew with nothing, because what is there is damaged or another index's. False where there is nothing
        that this index could delete."""
        ...
