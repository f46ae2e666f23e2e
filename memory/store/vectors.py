"""Queries on int8 vectors and on what still waits for one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from memory.ports import Audiences
from memory.records import Audience, scope_range
from memory.store import driver
from memory.store import tables as t
from memory.store.fulltext import slices


class Vectors:
    """See `memory.ports.Vectors`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._c = connection

    async def unindexed(
        self, kind: str, scope: int | None, limit: int
    ) -> list[tuple[int, str, Audience, str]]:
        rows = t.metadata.tables[kind]
        uid = rows.c.uid if "uid" in rows.c else sa.literal("")
        condition = ~rows.c.indexed
        if scope is not None:
            condition &= rows.c.key.between(*scope_range(scope))
        query = (
            sa.select(rows.c.key, uid, rows.c.audience, rows.c.text)
            .where(condition)
            .order_by(rows.c.key)
            .limit(limit)
        )
        return [(row[0], row[1], row[2], row[3]) for row in await self._c.execute(query)]

    async def count_unindexed(self) -> int:
        counts = [
            sa.select(sa.func.count()).where(~t.metadata.tables[kind].c.indexed).scalar_subquery()
            for kind in t.vectors
        ]
        return sum((await self._c.execute(sa.select(*counts))).one())

    async def mark_indexed(self, kind: str, texts: Mapping[int, str]) -> None:
        rows = t.metadata.tables[kind]
        same = (rows.c.key == sa.bindparam("of")) & (rows.c.text == sa.bindparam("read"))
        values = [{"of": key, "read": text} for key, text in texts.items()]
        if values:
            await self._c.execute(rows.update().where(same).values(indexed=True), values)

    async def mark_unindexed(self, kind: str, scope: int) -> None:
        rows, held = t.metadata.tables[kind], t.vectors[kind]
        with driver.beside(self._c):
            within = rows.c.key.between(*scope_range(scope)) & (rows.c.text != "")
            await self._c.execute(rows.update().where(within).values(indexed=False))
            await self._c.execute(held.delete().where(held.c.key.between(*scope_range(scope))))

    async def mark_all_unindexed(self) -> None:
        with driver.beside(self._c):
            for kind, table in t.vectors.items():
                rows = t.metadata.tables[kind]
                await self._c.execute(rows.update().where(rows.c.text != "").values(indexed=False))
                await self._c.execute(table.delete())

    async def put(self, kind: str, embedder: str, rows: Sequence[tuple[int, Audience, bytes]]) -> None:
        table = t.vectors[kind]
        statement = upsert(table)
        statement = statement.on_conflict_do_update(
            index_elements=["key"],
            set_={name: statement.excluded[name] for name in ("audience", "embedder", "data")},
        )
        # A row may have been deleted while its vector was being made: no vector outlives its text.
        # Or it was changed to something that wants none.
        texts = t.metadata.tables[kind].c
        alive: set[int] = set()
        for part in slices([key for key, _, _ in rows]):
            alive.update(
                (
                    await self._c.execute(sa.select(texts.key).where(texts.key.in_(part) & ~texts.indexed))
                ).scalars()
            )
        values = [
            {"key": k, "audience": a, "embedder": embedder, "data": d} for k, a, d in rows if k in alive
        ]
        if values:
            await self._c.execute(statement, values)

    async def load(
        self, kind: str, embedder: str, scope: int, audiences: Audiences
    ) -> list[tuple[int, bytes]]:
        v = t.vectors[kind].c
        condition = v.key.between(*scope_range(scope)) & (v.embedder == embedder)
        if audiences is not None:
            condition &= v.audience.in_(audiences)
        with driver.beside(self._c):
            rows = await self._c.execute(sa.select(v.key, v.data).where(condition).order_by(v.key))
        return [(row[0], row[1]) for row in rows]

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
