"""Queries on recall storage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from memory.ports import Audiences
from memory.records import Message, Role, Summary, scope_range
from memory.store import driver
from memory.store import tables as t
from memory.store.fulltext import FullText, slices

_APPEND = t.messages.insert()  # built once


class Messages:
    """See `memory.ports.Messages`."""

    def __init__(self, connection: AsyncConnection, extents: dict[int, int]) -> None:
        self._c = connection
        self._extents = extents
        self._words = FullText(connection, "messages")

    async def append(self, agent_id: int, messages: Sequence[Message]) -> list[Message]:
        extent = await self.extent(agent_id)
        self._extents[agent_id] = extent + len(messages)
        first = scope_range(agent_id)[0] + extent + 1
        stored = [replace(message, key=first + i) for i, message in enumerate(messages)]
        if stored:
            await self._c.execute(_APPEND, [_values(message) for message in stored])
            await self._words.add([(m.key, m.text) for m in stored if m.text])
        return stored

    async def rows(
        self, agent_id: int, audiences: Audiences, *, after: int = 0, limit: int = 1_000
    ) -> list[Message]:
        condition = self._scope(agent_id, audiences) & (t.messages.c.key > after)
        query = sa.select(t.messages).where(condition).order_by(t.messages.c.key).limit(limit)
        with driver.beside(self._c):
            rows = await self._c.execute(query)
        return [message_of(row) for row in rows]

    async def get(self, agent_id: int, keys: Collection[int], audiences: Audiences) -> list[Message]:
        found: dict[int, Message] = {}
        for part in slices(keys):
            condition = self._scope(agent_id, audiences) & t.messages.c.key.in_(part)
            for row in await self._c.execute(sa.select(t.messages).where(condition)):
                found[row.key] = message_of(row)
        return [found[key] for key in keys if key in found]

    async def queue(self, conversation_id: int) -> list[Message]:
        m = t.messages.c
        return await self._select((m.conversation_id == conversation_id) & m.queued)

    async def evict(self, conversation_id: int, keys: Collection[int]) -> None:
        m = t.messages.c
        for part in slices(keys):
            await self._c.execute(
                t.messages.update()
                .where((m.conversation_id == conversation_id) & m.key.in_(part))
                .values(queued=False, rendered="")
            )

    async def of_turn(self, turn_id: str) -> list[Message]:
        return await self._select(t.messages.c.turn_id == turn_id)

    async def taken(self, event_keys: Collection[str]) -> set[str]:
        key = t.messages.c.event_key
        found: set[str] = set()
        for part in slices(event_keys):
            found.update((await self._c.execute(sa.select(key).where(key.in_(part)))).scalars())
        return found

    async def by_event(self, event_key: str) -> Message | None:
        found = await self._select(t.messages.c.event_key == event_key)
        return found[0] if found else None

    async def rewrite(self, key: int, text: str, rendered: str, tokens: int) -> None:
        await self._c.execute(
            t.messages.update()
            .where(t.messages.c.key == key)
            .values(text=text, rendered=rendered, tokens=tokens, indexed=not text)
        )
        await self._words.remove([key])
        vectors = t.vectors["messages"]
        await self._c.execute(vectors.delete().where(vectors.c.key == key))
        if text:
            await self._words.add([(key, text)])

    async def rerender(self, key: int, rendered: str, tokens: int) -> None:
        await self._c.execute(
            t.messages.update().where(t.messages.c.key == key).values(rendered=rendered, tokens=tokens)
        )

    async def delete(self, keys: Collection[int]) -> None:
        with driver.beside(self._c):
            await self._words.remove(keys)
            for part in slices(keys):
                for table in (t.messages, t.vectors["messages"]):
                    await self._c.execute(table.delete().where(table.c.key.in_(part)))

    async def said(
        self,
        agent_id: int,
        audiences: Audiences,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        offset: int = 0,
        limit: int = 50,
        newest_first: bool = False,
    ) -> list[Message]:
        m = t.messages.c
        order = (m.created_at.desc(), m.key.desc()) if newest_first else (m.created_at, m.key)
        query = sa.select(t.messages).where(self._said(agent_id, audiences, since, until))
        with driver.beside(self._c):
            rows = await self._c.execute(query.order_by(*order).offset(offset).limit(limit))
        return [message_of(row) for row in rows]

    async def count(
        self,
        agent_id: int,
        audiences: Audiences,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        query = sa.select(sa.func.count()).where(self._said(agent_id, audiences, since, until))
        with driver.beside(self._c):
            return int((await self._c.execute(query)).scalar_one())

    async def postings(
        self, agent_id: int, terms: Sequence[str], audiences: Audiences
    ) -> dict[str, list[int]]:
        return await self._words.postings(agent_id, terms, audiences, None)

    async def terms(self, keys: Collection[int]) -> dict[int, str]:
        return await self._words.terms(keys)

    async def extent(self, agent_id: int) -> int:
        if agent_id not in self._extents:
            found = await self._words.extent(agent_id)
            # A writer may have counted on while we looked: never go back behind it.
            self._extents[agent_id] = max(found, self._extents.get(agent_id, 0))
        return self._extents[agent_id]

    async def drop_summary(self, conversation_id: int) -> None:
        await self._c.execute(t.summaries.delete().where(t.summaries.c.conversation_id == conversation_id))

    async def summary(self, conversation_id: int) -> Summary | None:
        s = t.summaries
        row = (await self._c.execute(sa.select(s).where(s.c.conversation_id == conversation_id))).first()
        return Summary(**row._mapping) if row else None

    async def put_summary(self, summary: Summary) -> None:
        s = t.summaries
        await self._c.execute(s.delete().where(s.c.conversation_id == summary.conversation_id))
        await self._c.execute(
            s.insert().values(
                conversation_id=summary.conversation_id,
                text=summary.text,
                rendered=summary.rendered,
                tokens=summary.tokens,
                messages=summary.messages,
                since=summary.since,
                created_at=summary.created_at,
            )
        )

    async def _select(self, condition: sa.ColumnElement[bool]) -> list[Message]:
        rows = await self._c.execute(sa.select(t.messages).where(condition).order_by(t.messages.c.key))
        return [message_of(row) for row in rows]

    def _said(
        self, agent_id: int, audiences: Audiences, since: datetime | None, until: datetime | None
    ) -> sa.ColumnElement[bool]:
        m = t.messages.c
        condition = self._scope(agent_id, audiences) & (m.text != "")
        if since is not None:
            condition &= m.created_at >= since
        if until is not None:
            condition &= m.created_at < until
        return condition

    def _scope(self, agent_id: int, audiences: Audiences) -> sa.ColumnElement[bool]:
        low, high = scope_range(agent_id)
        condition: sa.ColumnElement[bool] = t.messages.c.key.between(low, high)
        if audiences is not None:
            condition &= t.messages.c.audience.in_(audiences)
        return condition


def _values(message: Message) -> dict[str, Any]:
    return {
        "key": message.key,
        "conversation_id": message.conversation_id,
        "audience": message.audience,
        "role": message.role.value,
        "author": message.author,
        "text": message.text,
        "rendered": message.rendered,
        "tokens": message.tokens,
        "created_at": message.created_at,
        "turn_id": message.turn_id,
        "step": message.step,
        "event_key": message.event_key,
        "queued": message.queued,
        "indexed": not message.text,  # nothing to index where nobody said anything
    }


def message_of(row: Any) -> Message:
    return Message(
        key=row.key,
        conversation_id=row.conversation_id,
        audience=row.audience,
        role=Role(row.role),
        author=row.author,
        text=row.text,
        rendered=row.rendered,
        tokens=row.tokens,
        created_at=row.created_at,
        turn_id=row.turn_id,
        step=row.step,
        event_key=row.event_key,
        queued=row.queued,
    )
