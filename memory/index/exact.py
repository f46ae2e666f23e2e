"""Exact nearest neighbours over one agent's own vectors, kept as int8 in SQL.

One row per vector, keyed (scope, seq): a search reads one agent's range and nothing else, and compares
all of it. Measured against Chroma with a collection per agent: 0.1 ms for 97, 45 MB resident for 5.4 GB.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from memory.ports import Audiences, Store
from memory.records import VectorEntry, scope_of

_BIG = 256  # rows from which a scope's matrix is worth keeping
_BLOCK = 1_024  # rows turned into floats at once: they stay in the processor's cache
_KEPT = 400_000  # rows kept in all (x 384 bytes)

_ROOM = 1.25  # of a kept matrix, so that rows can be added to it


class _Matrix:
    """Keys (int64, ascending) and vectors (int8) of a scope; rows are only ever added behind."""

    def __init__(self, keys: Any, vectors: Any) -> None:
        self._keys, self._vectors, self._count = keys, vectors, len(keys)

    def __len__(self) -> int:
        return self._count

    @property
    def keys(self) -> Any:
        return self._keys[: self._count]

    @property
    def vectors(self) -> Any:
        return self._vectors[: self._count]

    def add(self, rows: Sequence[tuple[int, bytes]]) -> bool:
        """False when they do not come behind what is there."""
        if not rows:
            return True
        if not self._count or rows[0][0] <= self._keys[self._count - 1]:
            return False
        count = self._count + len(rows)
        if count > len(self._keys):
            room = int(count * _ROOM)
            self._keys = np.concatenate([self.keys, np.zeros(room - self._count, np.int64)])
            more = np.zeros((room - self._count, self._vectors.shape[1]), np.int8)
            self._vectors = np.concatenate([self.vectors, more])
        self._keys[self._count : count] = [key for key, _ in rows]
        for place, (_, data) in enumerate(rows, self._count):
            self._vectors[place] = np.frombuffer(data, np.int8)
        self._count = count
        return True


class ExactIndex:
    """`memory.ports.VectorIndex` in the store's own tables.

    ``kind`` is ``messages`` or ``passages``; ``embedder`` names the model: vectors of another one are
    never read.
    """

    def __init__(self, store: Store, kind: str, embedder: str) -> None:
        self._store = store
        self._kind = kind
        self._embedder = embedder
        self._matrices: OrderedDict[tuple[int, frozenset[str] | None], _Matrix] = OrderedDict()
        self._changes: Counter[int] = Counter()

    async def add(self, scope: int, entries: Sequence[VectorEntry]) -> None:
        before = self._changes[scope]
        rows = [(entry.key, entry.audience, quantise(entry.vector)) for entry in entries]
        async with self._store.write() as session:
            stored = await session.vectors.put(self._kind, self._embedder, rows)
        if self._changes[scope] != before:  # rows went meanwhile, these among them perhaps
            self._forget(scope)
        self._changes[scope] += 1
        rows = sorted(row for row in rows if row[0] in stored)
        for name in [name for name in self._matrices if name[0] == scope]:
            readable = [(key, data) for key, audience, data in rows if name[1] is None or audience in name[1]]
            if not self._matrices[name].add(readable):
                del self._matrices[name]

    async def search(
        self, scope: int, vector: Any, audiences: Audiences, limit: int
    ) -> list[tuple[int, float]]:
        keys, cosines = await self.compare(scope, vector, audiences, limit)
        best = np.argsort(-cosines, kind="stable")[:limit]
        return [(int(keys[i]), float(cosines[i])) for i in best]

    async def compare(self, scope: int, vector: Any, audiences: Audiences, limit: int) -> tuple[Any, Any]:
        """Of all the rows: to know a row's neighbours costs nothing more."""
        matrix = await self._matrix(scope, audiences)
        keys, vectors = matrix.keys, matrix.vectors
        # int8 rows times a float32 query: the cosine, for rows quantised at 127.
        query = np.asarray(vector, np.float32) / 127
        cosines = np.empty(len(keys), np.float32)
        for first in range(0, len(keys), _BLOCK):
            part = slice(first, first + _BLOCK)
            np.dot(vectors[part].astype(np.float32), query, out=cosines[part])
        return keys, cosines

    async def remove(self, scope: int, keys: Collection[int]) -> None:
        async with self._store.write() as session:
            await session.vectors.remove(self._kind, [key for key in keys if scope_of(key) == scope])
        self._forget(scope)

    async def drop(self, scope: int) -> None:
        matrix = await self._matrix(scope, None)
        await self.remove(scope, [int(key) for key in matrix.keys])

    def _forget(self, scope: int) -> None:
        self._changes[scope] += 1
        for known in [k for k in self._matrices if k[0] == scope]:
            del self._matrices[known]

    async def _matrix(self, scope: int, audiences: Audiences) -> _Matrix:
        name = (scope, None if audiences is None else frozenset(audiences))
        if name in self._matrices:
            self._matrices.move_to_end(name)
            return self._matrices[name]
        change = self._changes[scope]
        async with self._store.read() as session:
            rows = await session.vectors.load(self._kind, self._embedder, scope, audiences)
        keys = np.fromiter((key for key, _ in rows), np.int64, len(rows))
        width = len(rows[0][1]) if rows else 0
        vectors = np.frombuffer(b"".join(data for _, data in rows), np.int8).reshape(len(rows), width)
        matrix = _Matrix(keys, vectors)
        if len(rows) >= _BIG and change == self._changes[scope]:
            self._matrices[name] = matrix
            while sum(map(len, self._matrices.values())) > _KEPT and len(self._matrices) > 1:
                self._matrices.popitem(last=False)
        return matrix


def quantise(vector: Any) -> bytes:
    """A unit vector as int8: 127 stands for 1.0. Recall@20 against float32 measured at 0.994."""
    return np.clip(np.rint(np.asarray(vector, np.float32) * 127), -127, 127).astype(np.int8).tobytes()
