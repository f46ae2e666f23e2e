"""Vectors of the rows that are searched exactly, and the list of what no index holds yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from memory.records import Audience, Audiences


class Vectors(Protocol):
    """Vectors are int8 (see `memory.index.exact`). ``kind`` is ``messages`` or ``passages``; vectors of two embedders
    never meet in one answer. All that marks, puts or removes is idempotent."""

    async def unindexed(
        self, kind: str, scope: int | None, limit: int
    ) -> list[tuple[int, str, Audience, str]]:
        """(key, uid, audience, text) of rows waiting for a vector, by key; a message's uid is empty. ``scope`` None: of
        all."""
        ...

    async def count_unindexed(self) -> int:
        """Of both kinds."""
        ...

    async def waiting(self, kind: str, scope: int) -> int:
        """How many rows of one archive, or agent, have no vector yet."""
        ...

    async def mark_indexed(self, kind: str, texts: Mapping[int, str]) -> None:
        """The rows of these keys have their vector, or can have none, unless their text is another by now."""
        ...

    async def count_indexed(self, archive_id: int) -> int: ...
    async def indexed_uids(self, archive_id: int) -> dict[str, int]:
        """Keys, by uid, of all passages of an archive that are marked as indexed."""
        ...

    async def mark_unindexed(self, kind: str, scope: int) -> None:
        """Forget the vectors of one scope: its indexing starts from the texts."""
        ...

    async def mark_lost(self, keys: Collection[int]) -> None:
        """These passages of shared archives wait for their vectors again."""
        ...

    async def mark_all_unindexed(self) -> None:
        """Forget every vector: the next indexing starts from the texts."""
        ...

    async def put(
        self, kind: str, embedder: str, rows: Sequence[tuple[int, Audience, str, bytes]]
    ) -> set[int]:
        """Store vectors (key, audience, text, data) and mark their rows as indexed; gives their keys.

        A row that is gone, or has another text by now, is passed over.
        """
        ...

    async def load(
        self, kind: str, embedder: str, scope: int, audiences: Audiences, *, after: int = 0
    ) -> list[tuple[int, bytes]]:
        """(key, vector), by key; of keys behind that one only."""
        ...

    async def remove(self, kind: str, keys: Collection[int]) -> None: ...
    async def embedder(self) -> str | None:
        """Name of the embedder that made the present vectors."""
        ...

    async def set_embedder(self, name: str) -> None: ...
