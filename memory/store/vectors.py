"""Queries on int8 vectors and on what still waits for one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from memory.records import Audience, Audiences, scope_range
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.dialects import ALL, among, upsert
from memory.store.fulltext import slices
from memory.store.prepared import Prepared

_LAST = 2**63 - 1
_QUICK = 500  # vectors that are read on the event loop: most agents have no more


def _unindexed(kind: str) -> sa.Select[Any]:
    rows = t.metadata.tables[kind].c
    query = sa.select(rows.key, rows.uid if "uid" in rows else sa.literal(""), rows.audience, rows.text)
    scope = rows.key.between(sa.bindparam("low"), sa.bindparam("high"))
    return query.where(~rows.indexed & scope).order_by(rows.key).limit(sa.bindparam("most"))


def _indexed(archive_id: int) -> sa.ColumnElement[bool]:
    rows = t.passages.c
    return rows.key.between(*scope_range(archive_id)) & rows.indexed & (rows.text != "")


def _load(kind: str, restricted: bool) -> sa.Select[Any]:
    v = t.vectors[kind].c
    scope = v.key.between(sa.bindparam("low"), sa.bindparam("high")) & (
        v.embedder == sa.bindparam("embedder")
    )
    query = sa.select(v.key, v.data).where(scope).order_by(v.key).limit(sa.bindparam("most"))
    return query.where(among(v.audience, "audiences")) if restricted else query


def _put(table: sa.Table) -> sa.Insert:
    new = upsert(table)
    return new.on_conflict_do_update(
        index_elements=["key"], set_={name: new.excluded[name] for name in ("audience", "embedder", "data")}
    )


def _texts(kind: str) -> sa.Select[Any]:
    rows = t.metadata.tables[kind].c
    return sa.select(rows.key, rows.text).where(among(rows.key, "keys"))


def _held(kind: str) -> sa.Select[Any]:
    """Nobody changes them before the unit ends."""
    return _texts(kind).with_for_update()


def _mark(kind: str) -> sa.Update:
    rows = t.metadata.tables[kind]
    return rows.update().where(among(rows.c.key, "keys")).values(indexed=True)


# For every message or search: built once.
_PUT = {kind: Prepared(_put(table)) for kind, table in t.vectors.items()}
_MARK = {kind: Prepared(_mark(kind)) for kind in t.vectors}
_TEXTS = {kind: Prepared(_texts(kind)) for kind in t.vectors}
_HELD = {kind: Prepared(_held(kind)) for kind in t.vectors}
_UNINDEXED = {kind: Prepared(_unindexed(kind)) for kind in t.vectors}
_LOAD = {(kind, some): Prepared(_load(kind, some)) for kind in t.vectors for some in (False, True)}


class Vectors:
    """See `memory.ports.Vectors`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def unindexed(
        self, kind: str, scope: int | None, limit: int
    ) -> list[tuple[int, str, Audience, str]]:
        low, high = (0, _LAST) if scope is None else scope_range(scope)
        return list(await _UNINDEXED[kind].rows(self._c, low=low, high=high, most=limit))

    async def count_unindexed(self) -> int:
        counts = [
            sa.select(sa.func.count()).where(~t.metadata.tables[kind].c.indexed).scalar_subquery()
            for kind in t.vectors
        ]
        return sum((await self._c.execute(sa.select(*counts))).one())

    async def waiting(self, kind: str, scope: int) -> int:
        rows = t.metadata.tables[kind]
        waits = rows.c.key.between(*scope_range(scope)) & ~rows.c.indexed
        return int((await self._c.execute(sa.select(sa.func.count()).where(waits))).scalar_one())

    async def mark_indexed(self, kind: str, texts: Mapping[int, str]) -> None:
        now = dict(await _HELD[kind].rows(self._c, keys=list(texts)))
        same = [key for key, text in texts.items() if now.get(key) == text]
        if same:
            await self._c.execute(_MARK[kind], {"keys": same})

    async def count_indexed(self, archive_id: int) -> int:
        count = sa.select(sa.func.count()).where(_indexed(archive_id))
        return int((await self._c.execute(count)).scalar_one())

    async def indexed_uids(self, archive_id: int) -> dict[str, int]:
        rows = t.passages.c
        found = await self._c.execute(sa.select(rows.uid, rows.key).where(_indexed(archive_id)))
        return {row.uid: row.key for row in found}

    async def mark_unindexed(self, kind: str, scope: int) -> None:
        rows, held = t.metadata.tables[kind], t.vectors[kind]
        with self._c.beside():
            within = rows.c.key.between(*scope_range(scope)) & (rows.c.text != "")
            await self._c.execute(rows.update().where(within).values(indexed=False))
            await self._c.execute(held.delete().where(held.c.key.between(*scope_range(scope))))

    async def mark_lost(self, keys: Collection[int]) -> None:
        rows = t.passages
        for part in slices(keys):
            there = rows.c.key.in_(part) & (rows.c.text != "")
            await self._c.execute(rows.update().where(there).values(indexed=False))

    async def mark_all_unindexed(self) -> None:
        with self._c.beside():
            for kind, table in t.vectors.items():
                rows = t.metadata.tables[kind]
                await self._c.execute(rows.update().where(rows.c.text != "").values(indexed=False))
                await self._c.execute(table.delete())

    async def put(
        self, kind: str, embedder: str, rows: Sequence[tuple[int, Audience, str, bytes]]
    ) -> set[int]:
        # A row may have been deleted or changed while its vector was being made: no vector outlives its text.
        keys = [key for key, _, _, _ in rows]
        texts = dict(await _TEXTS[kind].rows(self._c, keys=keys))
        same = {row[0]: row for row in rows if texts.get(row[0]) == row[2]}
        values = [
            {"key": key, "audience": audience, "embedder": embedder, "data": data}
            for key, audience, _, data in same.values()
        ]
        if values:
            await self._c.execute(_PUT[kind], values)
            await self._c.execute(_MARK[kind], {"keys": list(same)})
        return set(same)

    async def load(
        self, kind: str, embedder: str, scope: int, audiences: Audiences, *, after: int = 0
    ) -> list[tuple[int, bytes]]:
        low, high = scope_range(scope)
        values = {"low": max(low, after + 1), "high": high, "embedder": embedder, "most": _QUICK}
        if audiences is not None:
            values["audiences"] = list(audiences)
        query = _LOAD[kind, audiences is not None]
        rows = await query.rows(self._c, **values)
        if len(rows) == _QUICK:
            values |= {"low": rows[-1][0] + 1, "most": ALL}
            with self._c.beside():
                rows = [*rows, *await query.rows(self._c, **values)]
        return list(rows)

    async def remove(self, kind: str, keys: Collection[int]) -> None:
        table = t.vectors[kind]
        for part in slices(keys):
            await self._c.execute(table.delete().where(table.c.key.in_(part)))

    async def embedder(self) -> str | None:
        query = sa.select(t.meta.c.value).where(t.meta.c.name == "embedder")
        value = (await self._c.execute(query)).scalar()
        return None if value is None else str(value)

    async def set_embedder(self, name: str) -> None:
        statement = upsert(t.meta).values(name="embedder", value=name)
        await self._c.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": name}))
