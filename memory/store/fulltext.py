"""Full-text postings of one scope, shared by messages and passages: what is the same in both databases.

Each term is looked up in one scope only, so that the cost is that of the agent's own rows, and document frequencies
are the agent's own.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa

from memory.records import Audiences, scope_range
from memory.search.terms import VERSION, indexed
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.dialects import among
from memory.store.prepared import Prepared

K = TypeVar("K")

_LONG = 4_000  # characters that are analysed beside the event loop
WEIGHED = 20_000  # characters of a row's terms that are weighed when it was found
QUICK = 3_000  # rows of a scope that are read on the event loop
_CHUNK = 500  # bound parameters in one IN


WORDS = {kind: t.terms(kind) for kind in t.FULL_TEXT}


def _newest(key: sa.Column[int]) -> sa.Select[Any]:
    low: sa.BindParameter[int] = sa.bindparam("low", type_=sa.BigInteger)
    return sa.select(sa.func.max(key)).where(key.between(low, sa.bindparam("high")))


# For every question: built once.
_NEWEST = {kind: Prepared(_newest(t.metadata.tables[kind].c.key)) for kind in t.FULL_TEXT}
_TERMS = {
    kind: Prepared(
        sa.select(words.c.rowid, sa.func.substr(words.c.terms, 1, WEIGHED)).where(
            among(words.c.rowid, "keys")
        )
    )
    for kind, words in WORDS.items()
}


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Terms that are looked up in a scope: at most ``limit`` rows of each. ``rows`` is how many the scope has, at
    most. A term that ends with ``*`` stands for all that begin so."""

    scope: int
    terms: Sequence[str]
    audiences: Audiences
    tags: Sequence[str] = ()
    limit: int
    rows: int


class FullText(ABC):
    """The words of a kind of rows, on one connection."""

    def __init__(self, connection: Connection, kind: str) -> None:
        self._c = connection
        self._kind = kind
        self._words = WORDS[kind]

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
                await self.add_analysed(values)

    @abstractmethod
    async def add_analysed(self, values: Sequence[dict[str, Any]]) -> None:
        """New rows (``rowid``, ``terms``), at least one."""

    async def remove(self, keys: Collection[int]) -> None:
        for part in slices(keys):
            await self._drop(self._words.c.rowid.in_(part))

    @abstractmethod
    async def _drop(self, condition: sa.ColumnElement[bool]) -> None: ...

    @abstractmethod
    async def purge(self, condition: sa.ColumnElement[bool]) -> None:
        """Remove many rows at once, by a condition on their rowid."""

    @abstractmethod
    async def move(self, source: int, shift: int) -> None:
        """Give the rows of a scope keys that are higher by ``shift``."""

    @abstractmethod
    async def postings(self, asked: Lookup) -> dict[str, Any]:
        """Of each term that occurs: the keys of its newest rows, newest first."""

    async def terms(self, keys: Collection[int]) -> dict[int, str]:
        return dict(await _TERMS[self._kind].rows(self._c, keys=list(keys)))

    async def extent(self, scope: int) -> int:
        low, high = scope_range(scope)
        ((newest,),) = await _NEWEST[self._kind].rows(self._c, low=low, high=high)
        return 0 if newest is None else int(newest) - low


_VERSION = Prepared(sa.select(t.meta.c.value).where(t.meta.c.name == "terms"))


async def is_current(connection: Connection) -> bool:
    """Whether the terms were made by this version of the analysis."""
    return bool((await connection.execute(_VERSION)).scalar() == str(VERSION))


async def renew(connection: Connection) -> None:
    """Make the terms of all rows anew."""
    for kind in t.FULL_TEXT:
        rows, words = t.metadata.tables[kind], connection.full_text(kind)
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
    """Numbers that came over as one value (`memory.store.dialects.joined`)."""
    return np.fromstring(numbers or "", kind, sep=",")


def slices(keys: Collection[K]) -> list[list[K]]:
    """The keys in portions that fit one statement."""
    ordered = list(keys)
    return [ordered[i : i + _CHUNK] for i in range(0, len(ordered), _CHUNK)]
