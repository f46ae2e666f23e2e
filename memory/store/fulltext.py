"""Full-text postings of one scope: shared by messages and passages.

Each term is looked up in the scope's range of rowids only, so that the cost is that of the agent's own
rows, and document frequencies are the agent's own (measured: 0.3 ms where FTS5's bm25() over everybody's
rows takes 58).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from memory.ports import Audiences
from memory.records import scope_range
from memory.store import driver
from memory.store import tables as t
from memory.terms import VERSION, analyse

_LONG = 50_000  # characters that are analysed beside the event loop
_QUICK = 500  # rows of a term that are read on the event loop
_CHUNK = 500  # bound parameters in one IN


_WORDS = {kind: t.terms(kind) for kind in t.FULL_TEXT}
_ADD = {kind: words.insert() for kind, words in _WORDS.items()}  # built once


def _postings(kind: str, restricted: bool) -> sa.Select[tuple[int]]:
    """Keys of one scope's rows that hold a term, newest first; ``restricted`` to some audiences."""
    rowid = _WORDS[kind].c.rowid
    low: sa.BindParameter[int] = sa.bindparam("low")
    high: sa.BindParameter[int] = sa.bindparam("high")
    query = (
        sa.select(rowid)
        .where(sa.text(f"{kind}_terms MATCH :term"))
        .where(rowid.between(low, high))
        .order_by(rowid.desc())
        .limit(sa.bindparam("most"))
    )
    if restricted:
        k = t.metadata.tables[kind].c
        readable = k.audience.in_(sa.bindparam("audiences", expanding=True))
        query = query.where(rowid.in_(sa.select(k.key).where(k.key.between(low, high) & readable)))
    return query


def _as_one(query: sa.Select[tuple[int]]) -> sa.Select[tuple[str]]:
    """The keys as one value: thousands of rows cost more in coming over than in being found."""
    return sa.select(sa.func.json_group_array(query.subquery().c[0]))


# Looked up for every word of every question: built once.
_AS_ONE = {
    (kind, restricted): _as_one(_postings(kind, restricted))
    for kind in t.FULL_TEXT
    for restricted in (False, True)
}


class FullText:
    def __init__(self, connection: AsyncConnection, kind: str) -> None:
        self._c = connection
        self._rows = t.metadata.tables[kind]
        self._words = _WORDS[kind]
        self._add = _ADD[kind]

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

    async def postings(
        self,
        scope: int,
        terms: Sequence[str],
        audiences: Audiences,
        tagged: sa.Select[tuple[int]] | None,
        limit: int,
    ) -> dict[str, list[int]]:
        low, high = scope_range(scope)
        as_one = _AS_ONE[self._rows.name, audiences is not None]
        if tagged is not None:
            query = _postings(self._rows.name, audiences is not None)
            as_one = _as_one(query.where(self._words.c.rowid.in_(tagged)))
        values: dict[str, Any] = {"low": low, "high": high, "most": limit}
        if audiences is not None:
            values["audiences"] = list(audiences)
        found: dict[str, list[int]] = {}
        with driver.beside(self._c) if limit > _QUICK else nullcontext():
            for term in terms:
                result = await self._c.execute(as_one, values | {"term": f'"{term}"'})
                keys: list[int] = json.loads(str(result.scalar_one()))
                if keys:
                    found[term] = keys
        return found

    async def terms(self, keys: Collection[int]) -> dict[int, str]:
        w = self._words.c
        rows = await self._c.execute(sa.select(w.rowid, w.terms).where(among(w.rowid, keys)))
        return {int(key): str(terms) for key, terms in rows}

    async def extent(self, scope: int) -> int:
        low, high = scope_range(scope)
        k = self._rows.c.key
        newest = (await self._c.execute(sa.select(sa.func.max(k)).where(k.between(low, high)))).scalar()
        return 0 if newest is None else int(newest) - low


_VERSION = sa.select(t.meta.c.value).where(t.meta.c.name == "terms")


async def is_current(connection: AsyncConnection) -> bool:
    """Whether the terms were made by this version of the analysis."""
    return (await connection.execute(_VERSION)).scalar() == str(VERSION)


async def renew(connection: AsyncConnection) -> None:
    """Make the terms of all rows anew."""
    for kind in t.FULL_TEXT:
        rows, words = t.metadata.tables[kind], FullText(connection, kind)
        last = 0
        while True:
            some = sa.select(rows.c.key, rows.c.text).where((rows.c.key > last) & (rows.c.text != ""))
            texts = [
                (key, text) for key, text in await connection.execute(some.order_by(rows.c.key).limit(_CHUNK))
            ]
            if not texts:
                break
            await words.remove([key for key, _ in texts])
            await words.add(texts)
            last = texts[-1][0]
    await connection.execute(t.meta.delete().where(t.meta.c.name == "terms"))
    await connection.execute(t.meta.insert().values(name="terms", value=str(VERSION)))


def among(column: sa.ColumnElement[int], keys: Collection[int]) -> sa.ColumnElement[bool]:
    """Whether a column is one of many keys, as one bound value: nothing is compiled anew for another count."""
    each = sa.func.json_each(json.dumps(list(keys))).table_valued("value")
    return column.in_(sa.select(each.c.value))


def beside(keys: Collection[int], reach: int) -> list[int]:
    """The keys and those up to ``reach`` before and after each, ascending."""
    return sorted({near for key in keys for near in range(key - reach, key + reach + 1)})


def slices(keys: Collection[int]) -> list[list[int]]:
    """The keys in portions that fit one statement."""
    ordered = list(keys)
    return [ordered[i : i + _CHUNK] for i in range(0, len(ordered), _CHUNK)]
