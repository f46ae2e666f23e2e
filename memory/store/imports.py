"""Queries on what was taken over from other programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from memory.records import (
    PRIVATE,
    Agent,
    Conversation,
    Finding,
    Import,
    Message,
    Turn,
    import_address,
    scope_range,
)
from memory.store import tables as t
from memory.store.agents import Agents
from memory.store.connection import Connection
from memory.store.dialects import upsert
from memory.store.erasing import Erasing
from memory.store.mailbox import begun
from memory.store.numbers import Numbers
from memory.store.rows import record


class Imports:
    """See `memory.ports.Imports`."""

    def __init__(self, connection: Connection, numbers: Numbers) -> None:
        self._c = connection
        self._numbers = numbers

    async def begin(self, imported: Import) -> None:
        await self._c.execute(upsert(t.imports).on_conflict_do_nothing(), vars(imported))

    async def add_turns(self, turns: Sequence[Turn]) -> None:
        values = [{**begun(turn), "ended_at": turn.started_at} for turn in turns]
        if values:
            await self._c.execute(t.turns.insert(), values)

    async def place(self, agent_id: int, address: str, now: datetime) -> Conversation:
        agents = Agents(self._c, self._numbers)
        found = await agents.conversation_at(agent_id, address, PRIVATE)
        return found or await agents.create_conversation(agent_id, address, PRIVATE, now)

    async def all(self, agent_id: int) -> list[Import]:
        return await self._select(t.imports.c.agent_id == agent_id)

    async def named(self, name: str) -> list[Import]:
        return await self._select(t.imports.c.name == name)

    async def told(self, imported: Import) -> tuple[int, str, datetime, datetime] | None:
        m = t.messages.c
        query = sa.select(
            sa.func.count(), sa.func.max(m.origin), sa.func.min(m.created_at), sa.func.max(m.created_at)
        )
        with self._c.beside():
            count, origin, first, last = (await self._c.execute(query.where(_of(imported)))).one()
        return (count, origin, first, last) if count else None

    async def unread(self, imported: Import, limit: int) -> list[Message]:
        query = sa.select(t.messages).where(_unread(imported)).order_by(t.messages.c.key).limit(limit)
        with self._c.beside():
            rows = await self._c.execute(query)
        return [record(Message, row) for row in rows]

    async def count_unread(self, imported: Import) -> int:
        with self._c.beside():
            query = sa.select(sa.func.count()).where(_unread(imported))
            return int((await self._c.execute(query)).scalar_one())

    async def spend(self, imported: Import, tokens: int) -> None:
        i = t.imports.c
        await self._c.execute(_row(imported).values(spent=i.spent + tokens))

    async def note_read(self, imported: Import, key: int, findings: Sequence[Finding]) -> None:
        await self._c.execute(_row(imported).values(read_to=key))
        values = [{n: v for n, v in vars(finding).items() if n != "id"} for finding in findings]
        if values:
            await self._c.execute(t.findings.insert(), values)

    async def findings(self, agent_id: int) -> list[Finding]:
        query = sa.select(t.findings).where(t.findings.c.agent_id == agent_id).order_by(t.findings.c.id)
        return [record(Finding, row) for row in await self._c.execute(query)]

    async def settle(self, agent_id: int, ids: Sequence[int]) -> None:
        f = t.findings.c
        for id_ in ids:
            await self._c.execute(t.findings.delete().where((f.agent_id == agent_id) & (f.id == id_)))

    async def drop(self, agent: Agent, name: str, now: datetime) -> list[int]:
        places = _places(agent.id, name)
        await self._numbers.touch(agent.id)
        with self._c.beside():
            noted = await Erasing(self._c, self._numbers).said(agent, places, now)
            await self._c.execute(t.turns.delete().where(t.turns.c.conversation_id.in_(places)))
            await self._c.execute(t.conversations.delete().where(_named(agent.id, name)))
            f, i = t.findings.c, t.imports.c
            await self._c.execute(
                t.findings.delete().where((f.agent_id == agent.id) & (f.import_name == name))
            )
            await self._c.execute(t.imports.delete().where((i.agent_id == agent.id) & (i.name == name)))
        return noted

    async def _select(self, condition: sa.ColumnElement[bool]) -> list[Import]:
        query = sa.select(t.imports).where(condition).order_by(t.imports.c.at, t.imports.c.name)
        return [record(Import, row) for row in await self._c.execute(query)]


def _row(imported: Import) -> sa.Update:
    i = t.imports.c
    return t.imports.update().where((i.agent_id == imported.agent_id) & (i.name == imported.name))


def _named(agent_id: int, name: str) -> sa.ColumnElement[bool]:
    c = t.conversations.c
    return (c.agent_id == agent_id) & c.address.startswith(import_address(name, ""), autoescape=True)


def _places(agent_id: int, name: str) -> sa.Select[Any]:
    return sa.select(t.conversations.c.id).where(_named(agent_id, name))


def _of(imported: Import) -> sa.ColumnElement[bool]:
    m = t.messages.c
    mine = m.key.between(*scope_range(imported.agent_id))
    return mine & (m.text != "") & m.conversation_id.in_(_places(imported.agent_id, imported.name))


def _unread(imported: Import) -> sa.ColumnElement[bool]:
    return _of(imported) & (t.messages.c.key > imported.read_to)
