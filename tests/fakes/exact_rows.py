"""An exact index together with the rows that it is an index of, for tests of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memory.index.exact import ExactIndex
from memory.ports import VectorIndex
from memory.records import SHARED, Draft, VectorEntry
from memory.store.sqlite.database import Database
from tests.fakes.empty_database import lay
from tests.fakes.memory_rows import NOW, newcomer

EMBEDDER = "circle-1"


class _Opening:
    """The index on a database that is opened when it is first asked: worlds are made without a loop."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store: Database | None = None

    async def store(self) -> Database:
        if self._store is None:
            self._store = await Database.open(lay(self.path))
        return self._store

    async def close(self) -> None:
        if self._store is not None:
            await self._store.close()
        self._store = None


class ExactWorld:
    """Scopes are the archives of new agents, as they are where an exact index is used."""

    index: VectorIndex

    def __init__(self, path: Path) -> None:
        self._opening = _Opening(path)
        self._agents = 0

    async def scope(self) -> int:
        store = await self._opening.store()
        if not self._agents:
            self.index = ExactIndex(store, "passages", EMBEDDER)
        self._agents += 1
        async with store.write() as session:
            return (await newcomer(session, f"user{self._agents}")).archive_id

    async def entries(self, scope: int, vectors: Any, audience: str = SHARED) -> list[VectorEntry]:
        store = await self._opening.store()
        drafts = [Draft(text="row", audience=audience)] * len(vectors)
        async with store.write() as session:
            rows = await session.passages.insert(scope, drafts, NOW)
        return [
            VectorEntry(key=row.key, uid=row.uid, audience=row.audience, text=row.text, vector=vector)
            for row, vector in zip(rows, vectors, strict=True)
        ]

    async def forget(self, entries: Sequence[VectorEntry]) -> None:
        async with (await self._opening.store()).write() as session:
            await session.passages.delete([entry.key for entry in entries])

    async def waiting(self, scope: int) -> list[int]:
        async with (await self._opening.store()).read() as session:
            return [row[0] for row in await session.vectors.unindexed("passages", scope, 99)]

    async def reopen(self) -> None:
        await self._opening.close()
        self.index = ExactIndex(await self._opening.store(), "passages", EMBEDDER)

    async def close(self) -> None:
        await self._opening.close()
