"""Queries on core memory blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from memory.records import PRIVATE, Agent, Audience, Audiences, Block, BlockEdit
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.dialects import ALL, among
from memory.store.prepared import Prepared
from memory.store.rows import record

# Asked at every step: built once.
_SHARED = t.blocks.c.owner == sa.bindparam("persona")
_OWN = t.blocks.c.owner == sa.bindparam("agent")
_ALL = Prepared(sa.select(t.blocks).where(_SHARED | _OWN).order_by(t.blocks.c.id))
# A community sees only its own block.
_HERE = Prepared(
    sa.select(t.blocks)
    .where(_SHARED | (_OWN & (t.blocks.c.audience == sa.bindparam("here"))))
    .order_by(t.blocks.c.id)
)
_NEWEST_EDIT = Prepared(sa.select(sa.func.max(t.block_history.c.id)))
_OWNERS = {
    kind: Prepared(sa.select(table.c.id).where(table.c.id == sa.bindparam("owner")))
    for kind, table in (("agent", t.agents), ("persona", t.personas))
}
_CREATE = Prepared(t.blocks.insert())
_ONE = t.blocks.c.id == sa.bindparam("block")
_BEFORE = Prepared(sa.select(t.blocks.c.value, t.blocks.c.version).where(_ONE))
_NOTE = Prepared(t.block_history.insert())
_PUT = Prepared(
    t.blocks.update()
    .where(_ONE)
    .values(value=sa.bindparam("after"), version=sa.bindparam("next"), updated_at=sa.bindparam("now"))
)


def _owned(query: sa.Select[Any], restricted: bool) -> sa.Select[Any]:
    """Those of an owner, readable from some ``audiences``, if it is ``restricted`` to them."""
    owned = query.where(t.blocks.c.owner == sa.bindparam("owner"))
    return owned.where(among(t.blocks.c.audience, "audiences")) if restricted else owned


_EDITS = (
    sa.select(t.block_history, t.blocks.c.label, t.blocks.c.audience)
    .join(t.blocks, t.blocks.c.id == t.block_history.c.block_id)
    .order_by(t.block_history.c.id.desc())
)
_OF = {some: Prepared(_owned(sa.select(t.blocks).order_by(t.blocks.c.id), some)) for some in (False, True)}
_HISTORY = {some: Prepared(_owned(_EDITS.limit(sa.bindparam("most")), some)) for some in (False, True)}


class Blocks:
    """See `memory.ports.Blocks`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def visible(self, agent: Agent, audience: Audience) -> list[Block]:
        owners = {"persona": f"persona:{agent.persona_id}", "agent": f"agent:{agent.id}"}
        if audience == PRIVATE:
            rows = await self._c.execute(_ALL, owners)
        else:
            rows = await self._c.execute(_HERE, {**owners, "here": audience})
        blocks = [record(Block, row) for row in rows]
        shared = [x for x in blocks if x.owner.startswith("persona:")]
        own = [x for x in blocks if not x.owner.startswith("persona:")]
        here = [x for x in own if x.audience == audience]
        # In private the blocks of other places are shown too, under a name of their own, read-only.
        elsewhere = [
            replace(x, label=f"{x.label}@{x.audience}", read_only=True) for x in own if x.audience != audience
        ]
        return shared + here + elsewhere

    async def newest_edit(self) -> int:
        return int((await self._c.execute(_NEWEST_EDIT)).scalar_one() or 0)

    async def as_after(self, blocks: Sequence[Block], edit: int) -> list[Block]:
        h = t.block_history.c
        query = (
            sa.select(h.block_id, h.before, h.turn_id)
            .where(h.block_id.in_([block.id for block in blocks]) & (h.id > edit))
            .order_by(h.id.desc())
        )
        later = list(await self._c.execute(query))
        changed = {row.block_id for row in later if row.turn_id is None}
        before = {row.block_id: row.before for row in later if row.block_id not in changed}
        return [replace(block, value=before.get(block.id, block.value)) for block in blocks]

    async def create(self, block: Block, now: datetime) -> Block:
        kind, _, owner_id = block.owner.partition(":")
        # A late write for an owner that was deleted must fail: nothing would ever delete it again.
        (await self._c.execute(_OWNERS[kind], {"owner": int(owner_id)})).one()
        values = {
            "owner": block.owner,
            "label": block.label,
            "audience": block.audience,
            "value": block.value,
            "limit": block.limit,
            "description": block.description,
            "read_only": block.read_only,
            "version": 1,
            "updated_at": now,
        }
        result = await self._c.execute(_CREATE, values)
        return replace(block, id=result.inserted_id, version=1)

    async def of(self, owner: str, audiences: Audiences) -> list[Block]:
        rows = await self._c.execute(_OF[audiences is not None], _owner(owner, audiences))
        return [record(Block, row) for row in rows]

    async def restore(self, block: Block, edits: Sequence[BlockEdit], now: datetime) -> None:
        made = await self.create(block, now)
        b = t.blocks.c
        await self._c.execute(t.blocks.update().where(b.id == made.id).values(version=block.version))
        values = [
            {
                "block_id": made.id,
                "version": edit.version,
                "before": edit.before,
                "after": edit.after,
                "turn_id": edit.turn_id,
                "at": edit.at,
            }
            for edit in edits
        ]
        if values:
            await self._c.execute(t.block_history.insert(), values)

    async def put(self, block_id: int, value: str, turn_id: str | None, now: datetime) -> None:
        before = (await self._c.execute(_BEFORE, {"block": block_id})).one()
        version = before.version + 1
        edit = {
            "block_id": block_id,
            "version": version,
            "before": before.value,
            "after": value,
            "turn_id": turn_id,
            "at": now,
        }
        await self._c.execute(_NOTE, edit)
        await self._c.execute(_PUT, {"block": block_id, "after": value, "next": version, "now": now})

    async def reshape(self, block_id: int, limit: int, description: str) -> None:
        await self._c.execute(
            t.blocks.update().where(t.blocks.c.id == block_id).values(limit=limit, description=description)
        )

    async def delete(self, block_id: int) -> None:
        await self._c.execute(t.blocks.delete().where(t.blocks.c.id == block_id))

    async def history(self, owner: str, audiences: Audiences, limit: int | None = 100) -> list[BlockEdit]:
        values = _owner(owner, audiences) | {"most": ALL if limit is None else limit}
        rows = await self._c.execute(_HISTORY[audiences is not None], values)
        return [record(BlockEdit, row) for row in rows]

    async def unlearn(self, block_id: int, gone: Callable[[str], bool]) -> list[dict[str, Any]]:
        h = t.block_history.c
        query = sa.select(t.block_history).where(h.block_id == block_id).order_by(h.id)
        found = []
        for row in (await self._c.execute(query)).all():
            before, after = _without(row.before, gone), _without(row.after, gone)
            if (before, after) == (row.before, row.after):
                continue
            found.append({**row._mapping, "at": t.microseconds(row.at)})
            here = h.id == row.id
            if before == after:
                await self._c.execute(t.block_history.delete().where(here))
            else:
                await self._c.execute(t.block_history.update().where(here).values(before=before, after=after))
        return found

    async def relearn(self, entries: Sequence[dict[str, Any]]) -> None:
        for entry in entries:
            block = sa.select(t.blocks.c.id).where(t.blocks.c.id == entry["block_id"])
            if (await self._c.execute(block)).first() is None:
                continue
            await self._c.execute(t.block_history.delete().where(t.block_history.c.id == entry["id"]))
            await self._c.execute(t.block_history.insert(), [{**entry, "at": t.moment(entry["at"])}])

    async def edits_of(self, turn_id: str) -> list[BlockEdit]:
        rows = await self._c.execute(_EDITS.where(t.block_history.c.turn_id == turn_id))
        return [record(BlockEdit, row) for row in rows]


def _owner(owner: str, audiences: Audiences) -> dict[str, Any]:
    return {"owner": owner} | ({} if audiences is None else {"audiences": list(audiences)})


def _without(text: str, gone: Callable[[str], bool]) -> str:
    return "\n".join(line for line in text.splitlines() if not gone(line))
