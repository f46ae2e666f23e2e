"""Full-text postings in FTS5: each term is looked up in the scope's range of rowids only (measured: 0.3 ms where FTS5's
bm25() over everybody's rows takes 58)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import product
from typing import Any

import sqlalchemy as sa

from memory.records import scope_range
from memory.store import tables as t
from memory.store.dialects import among, joined
from memory.store.fulltext import QUICK, WORDS, FullText, Lookup, column
from memory.store.prepared import Prepared

_LARGE = 32 << 20  # bytes of terms that a large removal gathers before it writes
_ADD = {kind: Prepared(words.insert()) for kind, words in WORDS.items()}  # built once


def _postings(kind: str, restricted: bool, tagged: bool, cut: bool) -> sa.Select[Any]:
    """Each of ``terms``, with the numbers of one scope's rows that hold it, as one value.

    One statement for all of them, and one value for each: thousands of rows cost more in coming over than in being
    found. ``restricted`` to some ``audiences``, ``tagged`` with one of ``tags``; ``cut`` to the ``most`` newest, newest
    first, which costs FTS5 three times as much as all of a small scope in their order.
    """
    rowid = WORDS[kind].c.rowid
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
        rows = rows.where(sa.exists().where((k.key == rowid) & among(k.audience, "audiences")))
    if tagged:
        g = t.passage_tags.c
        rows = rows.where(sa.exists().where((g.key == rowid) & among(g.tag, "tags")))
    found = rows.correlate(asked).subquery()
    return sa.select(asked.c.value, sa.select(joined(found.c.seq)).scalar_subquery())


# For every question: built once.
_POSTINGS = {
    (kind, *how): Prepared(_postings(kind, *how))
    for kind in t.FULL_TEXT
    for how in product((False, True), repeat=3)
}


class Fts5(FullText):
    async def add_analysed(self, values: Sequence[dict[str, Any]]) -> None:
        await self._c.execute(_ADD[self._kind], values)

    async def _drop(self, condition: sa.ColumnElement[bool]) -> None:
        await self._c.execute(self._words.delete().where(condition))

    async def purge(self, condition: sa.ColumnElement[bool]) -> None:
        """The index is not merged meanwhile, and gathers more before it writes: that halves the time. What it still
        holds of them goes when it is optimized (`memory.store.sqlite.database.Database.scrub`)."""
        await self._configure(automerge=0, hashsize=_LARGE)
        await self._drop(condition)
        await self._configure(automerge=4, hashsize=1 << 20)  # FTS5's own defaults

    async def _configure(self, **values: int) -> None:
        name = f"{self._kind}_terms"
        for option, value in values.items():
            row = sa.table(name, sa.column(name), sa.column("rank"))
            await self._c.execute(row.insert().values({name: option, "rank": value}))

    async def move(self, source: int, shift: int) -> None:
        rowid = self._words.c.rowid
        within = rowid.between(*scope_range(source))
        rows = sa.select(rowid + shift, self._words.c.terms).where(within)
        await self._c.execute(self._words.insert().from_select(["rowid", "terms"], rows))
        await self._drop(within)

    async def postings(self, asked: Lookup) -> dict[str, Any]:
        low, high = scope_range(asked.scope)
        audiences, tags = asked.audiences, asked.tags
        terms = json.dumps([f'"{term[:-1]}"*' if term.endswith("*") else f'"{term}"' for term in asked.terms])
        values: dict[str, Any] = {"low": low, "high": high, "most": asked.limit, "terms": terms}
        if audiences is not None:
            values["audiences"] = audiences
        if tags:
            values["tags"] = tags
        cut = asked.rows > asked.limit
        query = _POSTINGS[self._kind, audiences is not None, bool(tags), cut]
        with self._c.beside() if asked.rows > QUICK else nullcontext():
            found = await query.rows(self._c, **values)
        held = {
            term: column(numbers) for term, (_, numbers) in zip(asked.terms, found, strict=True) if numbers
        }
        return {term: low + (numbers if cut else numbers[::-1]) for term, numbers in held.items()}
