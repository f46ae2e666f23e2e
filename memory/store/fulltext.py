"""Full-text postings of one scope: shared by messages and passages.

Each term is looked up in the scope's range of rowids only, so that the cost is that of the agent's own
rows, and document frequencies are the agent's own (measured: 0.3 ms where FTS5's bm25() over everybody's
rows takes 58).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from memory.ports import POSTINGS, Audiences
from memory.records import scope_range
from memory.store import driver
from memory.store import tables as t
from memory.terms import analyse

K = TypeVar("K")

_LONG = 50_000  # characters that are analysed beside the event loop
_LARGE = 32 << 20  # bytes of terms that a large removal gathers before it writes
_CHUNK = 500  # bound parameters in one IN


_ADD = {kind: t.terms(kind).insert() for kind in t.FULL_TEXT}  # built once


class FullText:
    def __init__(self, connection: AsyncConnection, kind: str) -> None:
        self._c = connection
        self._rows = t.metadata.tables[kind]
        self._words = t.terms(kind)
        self._add = _ADD[kind]
        self._name = f"{kind}_terms"

    async def add(self, rows: Sequence[tuple[int, str]]) -> None:
        """(key, text) of new rows."""
        if sum(len(text) for _, text in rows) > _LONG:
            analysed = await asyncio.to_thread(lambda: [analyse(text) for _, text in rows])
        else:
            analysed = [analyse(text) for _, text in rows]
        values = [{"rowid": key, "terms": terms} for (key, _), terms in zip(rows, analysed, strict=True)]
        if values:
            await self._c.execute(self._add, values)

    async def remove(self, keys: Collection[int]) -> None:
        for part in slices(keys):
            await self._c.execute(self._words.delete().where(self._words.c.rowid.in_(part)))

    async def purge(self, condition: sa.ColumnElement[bool]) -> None:
        """Remove many rows at once, by a condition on their rowid.

        The index is not merged meanwhile, and gathers more before it writes: that halves the time. What it
        still holds of them goes when it is optimized (`memory.store.database.Database.scrub`).
        """
        await self._configure(automerge=0, hashsize=_LARGE)
        await self._c.execute(self._words.delete().where(condition))
        await self._configure(automerge=4, hashsize=1 << 20)  # FTS5's own defaults

    async def _configure(self, **values: int) -> None:
        for option, value in values.items():
            row = sa.table(self._name, sa.column(self._name), sa.column("rank"))
            await self._c.execute(row.insert().values({self._name: option, "rank": value}))

    async def postings(
        self, scope: int, terms: Sequence[str], audiences: Audiences, tagged: sa.Select[tuple[int]] | None
    ) -> dict[str, list[int]]:
        low, high = scope_range(scope)
        rowid = self._words.c.rowid
        found: dict[str, list[int]] = {}
        with driver.beside(self._c):
            for term in terms:
                query = (
                    sa.select(rowid)
                    .where(sa.text(f"{self._name} MATCH :term").bindparams(term=f'"{term}"'))
                    .where(rowid.between(low, high))
                    .order_by(rowid.desc())
                    .limit(POSTINGS)
                )
                if audiences is not None:
                    k = self._rows.c
                    allowed = sa.select(k.key).where(k.key.between(low, high) & k.audience.in_(audiences))
                    query = query.where(rowid.in_(allowed))
                if tagged is not None:
                    query = query.where(rowid.in_(tagged))
                keys = [int(key) for key in (await self._c.execute(query)).scalars()]
                if keys:
                    found[term] = keys
        return found

    async def terms(self, keys: Collection[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for part in slices(keys):
            w = self._words.c
            rows = await self._c.execute(sa.select(w.rowid, w.terms).where(w.rowid.in_(part)))
            found.update((int(key), str(terms)) for key, terms in rows)
        return found

    async def extent(self, scope: int) -> int:
        low, high = scope_range(scope)
        k = self._rows.c.key
        newest = (await self._c.execute(sa.select(sa.func.max(k)).where(k.between(low, high)))).scalar()
        return 0 if newest is None else int(newest) - low


def slices(keys: Collection[K]) -> list[list[K]]:
    """The keys in portions that fit one statement."""
    ordered = list(keys)
    return [ordered[i : i + _CHUNK] for i in range(0, len(ordered), _CHUNK)]
