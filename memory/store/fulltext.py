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
from itertools import product
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa

from memory.records import Audiences, scope_range
from memory.search.terms import VERSION, indexed
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.prepared import Prepared

K = TypeVar("K")

_LONG = 4_000  # characters that are analysed beside the event loop
_WEIGHED = 20_000  # characters of a row's terms that are weighed when it was found
QUICK = 3_000  # rows of a scope that are read on the event loop
_LARGE = 32 << 20  # bytes of terms that a large removal gathers before it writes
_CHUNK = 500  # bound parameters in one IN


_WORDS = {kind: t.terms(kind) for kind in t.FULL_TEXT}
_ADD = {kind: Prepared(words.insert()) for kind, words in _WORDS.items()}  # built once


def _postings(kind: str, restricted: bool, tagged: bool, cut: bool) -> sa.Select[Any]:
    """Each of ``terms``, with the numbers of one scope's rows that hold it, as one value.

    One statement for all of them, and one value for each: thousands of rows cost more in coming over than in being
    found. ``restricted`` to some ``audiences``, ``tagged`` with one of ``tags``; ``cut`` to the ``most`` newest, newest
    first, which costs FTS5 three times as much as all of a small scope in their order.
    """
    rowid = _WORDS[kind].c.rowid
    asked = sa.func.json_each(sa.bindparam("terms")).table_valued("value", name="asked")
    low: sa.BindParameter[int] = sa.bindparam("low", type_=sa.BigInteger)
    rows = (
        sa.select((rowid - low).label("seq"))
        .where(sa.text(f"{kind}_terms MATCH asked.value"))
        .where(rowid.between(low, sa.bindparam("high")))
    )
    if cut:
        rows = rows.order_by(rowid.desc()).limit(sa.bindparam("most"))
    if restricted:
        k = t.metadata.tables[kind].c
        rows = rows.where(sa.exists().where((k.key == rowid) & k.audience.in_(each("audiences"))))
    if tagged:
        g = t.passage_tags.c
        rows = rows.where(sa.exists().where((g.key == rowid) & g.tag.in_(each("tags"))))
    found = rows.correlate(asked).subquery()
    return sa.select(asked.c.value, sa.select(sa.func.group_concat(found.c.seq)).scalar_subquery())


def _newest(key: sa.Column[int]) -> sa.Select[Any]:
    return sa.select(sa.func.max(key)).where(key.between(sa.bindparam("low"), sa.bindparam("high")))


def each(name: str) -> sa.Select[Any]:
    """The values of a list that is bound as one, in JSON: nothing is compiled anew for another count."""
    return sa.select(sa.func.json_each(sa.bindparam(name)).table_valued("value").c.value)


# For every question: built once.
_POSTINGS = {
    (kind, *how): Prepared(_postings(kind, *how))
    for kind in t.FULL_TEXT
    for how in product((False, True), repeat=3)
}
_NEWEST = {kind: Prepared(_newest(t.metadata.tables[kind].c.key)) for kind in t.FULL_TEXT}
_TERMS = {
    kind: Prepared(
        sa.select(words.c.rowid, sa.func.substr(words.c.terms, 1, _WEIGHED)).where(
            words.c.rowid.in_(each("keys"))
        )
    )
    for kind, words in _WORDS.items()
}


class FullText:
    def __init__(self, connection: Connection, kind: str) -> None:
        self._c = connection
        self._rows = t.metadata.tables[kind]
        self._words = _WORDS[kind]
        self._add = _ADD[kind]
        self._name = f"{kind}_terms"

    async def add(self, rows: Sequence[tuple[int, str]]) -> None:
        """(key, text) of new rows."""
        long = sum(len(text) for _, text in rows) > _LONG
        if long:
            analysed = await asyncio.to_thread(lambda: [indexed(text) for _, text in rows])
        else:
            analysed = [indexed(text) for _, text in rows]
        values = [{"rowid": key, "terms": terms} for (key, _), terms in zip(rows, analysed, strict=True)]
        if values:
            with self._c.beside() if long else nullcontext():
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
        self,
        scope: int,
        terms: Sequence[str],
        audiences: Audiences,
        tags: Sequence[str],
        *,
        limit: int,
        rows: int,
    ) -> dict[str, Any]:
        """``rows`` is how many the scope has, at most."""
        low, high = scope_range(scope)
        asked = json.dumps([f'"{term[:-1]}"*' if term.endswith("*") else f'"{term}"' for term in terms])
        values: dict[str, Any] = {"low": low, "high": high, "most": limit, "terms": asked}
        if audiences is not None:
            values["audiences"] = json.dumps(list(audiences))
        if tags:
            values["tags"] = json.dumps(list(tags))
        cut = rows > limit
        query = _POSTINGS[self._rows.name, audiences is not None, bool(tags), cut]
        with self._c.beside() if rows > QUICK else nullcontext():
            found = await query.rows(self._c, **values)
        held = {term: column(numbers) for term, (_, numbers) in zip(terms, found, strict=True) if numbers}
        return {term: low + (numbers if cut else numbers[::-1]) for term, numbers in held.items()}

    async def terms(self, keys: Collection[int]) -> dict[int, str]:
        return dict(await _TERMS[self._rows.name].rows(self._c, keys=json.dumps(list(keys))))

    async def extent(self, scope: int) -> int:
        low, high = scope_range(scope)
        ((newest,),) = await _NEWEST[self._rows.name].rows(self._c, low=low, high=high)
        return 0 if newest is None else int(newest) - low


_VERSION = sa.select(t.meta.c.value).where(t.meta.c.name == "terms")


async def is_current(connection: Connection) -> bool:
    """Whether the terms were made by this version of the analysis."""
    return bool((await connection.execute(_VERSION)).scalar() == str(VERSION))


async def renew(connection: Connection) -> None:
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


def beside(keys: Collection[int], reach: int) -> list[int]:
    """The keys and those up to ``reach`` before and after each, ascending."""
    near = np.add.outer(np.array(list(keys), np.int64), np.arange(-reach, reach + 1))
    found: list[int] = np.unique(near).tolist()
    return found


def column(numbers: str | None, kind: Any = np.int64) -> Any:
    """Numbers that came over as one value, by SQLite's ``group_concat``."""
    return np.fromstring(numbers or "", kind, sep=",")


def slices(keys: Collection[K]) -> list[list[K]]:
    """The keys in portions that fit one statement."""
    ordered = list(keys)
    return [ordered[i : i + _CHUNK] for i in range(0, len(ordered), _CHUNK)]
