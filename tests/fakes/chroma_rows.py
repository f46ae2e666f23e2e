"""A Chroma index together with the rows that it is an index of, for tests of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import numpy as np

from memory.index.chroma import ChromaIndex
from memory.records import SEQ_BITS, SHARED, Archive, Audiences, Passage, VectorEntry, scope_of

CANARY = "xylophone-marmalade"
"""In every text, tag and name that Chroma must never see."""


class Shelf:
    """The few queries of `memory.ports.Store` that an index of shared archives asks."""

    def __init__(self) -> None:
        self.names: dict[int, Archive] = {}
        self.rows: dict[int, Passage] = {}
        self.indexed: set[int] = set()

    @property
    def passages(self) -> Shelf:
        return self

    @property
    def vectors(self) -> Shelf:
        return self

    async def mark_indexed(self, kind: str, texts: Mapping[int, str]) -> None:
        assert kind == "passages"
        self.indexed |= {key for key, text in texts.items() if self.rows[key].text == text}

    async def count_indexed(self, archive_id: int) -> int:
        return len(await self.indexed_uids(archive_id))

    async def indexed_uids(self, archive_id: int) -> dict[str, int]:
        rows = [self.rows[key] for key in self.indexed if key in self.rows]
        return {row.uid: row.key for row in rows if scope_of(row.key) == archive_id}

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Shelf]:
        yield self

    write = read

    async def archive(self, archive_id: int) -> Archive:
        return self.names[archive_id]

    async def keys_of(self, uids: Collection[str]) -> dict[str, int]:
        return {row.uid: row.key for row in self.rows.values() if row.uid in set(uids)}

    async def get(self, scope: int, keys: Collection[int], audiences: Audiences) -> list[Passage]:
        rows = [self.rows[key] for key in keys if key in self.rows and scope_of(key) == scope]
        return [row for row in rows if audiences is None or row.audience in audiences]


class ChromaWorld:
    def __init__(self, **where: Any) -> None:
        self.shelf = Shelf()
        self.where = where
        self.index = ChromaIndex(self.shelf, **where)

    async def scope(self) -> int:
        number = len(self.shelf.names) + 1
        self.shelf.names[number] = Archive(
            id=number, kind="source", name=CANARY, collection=f"c{uuid4().hex}"
        )
        return number

    async def entries(self, scope: int, vectors: Any, audience: str = SHARED) -> list[VectorEntry]:
        first = (scope << SEQ_BITS) + len(self.shelf.rows)
        rows = [
            Passage(
                key=first + n,
                uid=uuid4().hex,
                audience=audience,
                text=f"{CANARY} {n}",
                tags=(CANARY,),
                created_at=datetime(2026, 11, 21, tzinfo=UTC),
            )
            for n in range(len(vectors))
        ]
        self.shelf.rows |= {row.key: row for row in rows}
        return [
            VectorEntry(key=row.key, uid=row.uid, audience=row.audience, text=row.text, vector=vector)
            for row, vector in zip(rows, vectors, strict=True)
        ]

    async def forget(self, entries: Sequence[VectorEntry]) -> None:
        for entry in entries:
            del self.shelf.rows[entry.key]

    async def waiting(self, scope: int) -> list[int]:
        return [key for key in self.shelf.rows if scope_of(key) == scope and key not in self.shelf.indexed]

    async def reopen(self) -> None:
        await self.index.close()
        self.index = ChromaIndex(self.shelf, **self.where)

    async def close(self) -> None:
        await self.index.close()


def circle(n: int, dimensions: int = 16, turn: float = 1.5) -> Any:
    """Unit vectors at even angles from the first axis, so that the k-th is the k-th nearest to the first."""
    angles = np.linspace(0.0, turn, n)
    vectors = np.zeros((n, dimensions), np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    return vectors
