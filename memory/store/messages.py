"""Queries on recall storage."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from memory.ports.messages import POSTINGS
from memory.records import ALL_SAID, Audiences, Lines, Message, Outlines, Summary, scope_of, scope_range
from memory.search.salience import salience
from memory.store import surfaced
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.dialects import among, joined, listed
from memory.store.fulltext import QUICK, Lookup, beside, column, slices
from memory.store.numbers import Numbers
from memory.store.prepared import Prepared
from memory.store.rows import record


def _get(restricted: bool) -> sa.Select[Any]:
    m = t.messages.c
    low: sa.BindParameter[int] = sa.bindparam("low", type_=sa.BigInteger)
    query = sa.select(t.messages).where(m.key.between(low, sa.bindparam("high")) & among(m.key, "keys"))
    return query.where(among(m.audience, "audiences")) if restricted else query


def _around(restricted: bool) -> sa.Select[Any]:
    """Columns, each as one value: what is near counts hundreds of rows."""
    q = _get(restricted).where(t.messages.c.text != "").subquery().c
    numbers = (q.key - sa.bindparam("low", type_=sa.BigInteger), q.conversation_id, q.created_at, q.salience)
    keys, strands, times, salience = map(joined, numbers)
    columns: list[sa.ColumnElement[Any]] = [keys, strands, listed(q.author), times, salience]
    return sa.select(*columns)


def _following(restricted: bool) -> sa.Select[Any]:
    """Of each of ``keys`` the next ``lines`` of its conversation, as one value."""
    m, n = t.messages.c, t.messages.alias().c
    behind = n.key.between(m.key + 1, m.key + sa.bindparam("reach", type_=sa.BigInteger))
    rows = sa.select(n.key).where(behind, n.conversation_id == m.conversation_id, n.text != "")
    if restricted:
        rows = rows.where(among(n.audience, "audiences"))
    found = rows.order_by(n.key).limit(sa.bindparam("lines")).correlate(t.messages).subquery()
    scope = m.key.between(sa.bindparam("low", type_=sa.BigInteger), sa.bindparam("high"))
    following = sa.select(joined(found.c.key)).scalar_subquery()
    return sa.select(following).where(scope & among(m.key, "keys"))


def _within(restricted: bool) -> sa.Select[Any]:
    m = t.messages.c
    time = sa.type_coerce(m.created_at, sa.BigInteger)
    scope = m.key.between(sa.bindparam("low"), sa.bindparam("high")) & (m.text != "")
    query = sa.select(m.key).where(scope, time >= sa.bindparam("since"), time < sa.bindparam("until"))
    query = query.order_by(m.key.desc()).limit(sa.bindparam("most"))
    return query.where(among(m.audience, "audiences")) if restricted else query


def _authors(restricted: bool) -> sa.Select[Any]:
    m = t.messages.c
    low: sa.BindParameter[int] = sa.bindparam("low", type_=sa.BigInteger)
    rows = sa.select(m.author).where(m.key.between(low, sa.bindparam("high")) & (m.text != ""))
    rows = rows.where(among(m.audience, "audiences")) if restricted else rows
    return sa.select(rows.order_by(m.key.desc()).limit(sa.bindparam("most")).subquery().c.author).distinct()


# Asked at every turn or search: built once.
_APPEND = Prepared(t.messages.insert())
_RERENDER = Prepared(t.messages.update().where(t.messages.c.key == sa.bindparam("of")))
_PLACE: sa.BindParameter[int] = sa.bindparam("place")
_QUEUE = Prepared(
    sa.select(t.messages)
    .where((t.messages.c.conversation_id == _PLACE) & t.messages.c.queued)
    .order_by(t.messages.c.key)
)
_SUMMARY = Prepared(sa.select(t.summaries).where(t.summaries.c.conversation_id == _PLACE))
_GET = {restricted: Prepared(_get(restricted)) for restricted in (False, True)}
_WITHIN = {restricted: Prepared(_within(restricted)) for restricted in (False, True)}
_AUTHORS = {restricted: Prepared(_authors(restricted)) for restricted in (False, True)}
_AROUND = {restricted: Prepared(_around(restricted)) for restricted in (False, True)}
_FOLLOWING = {restricted: Prepared(_following(restricted)) for restricted in (False, True)}


class Messages:
    """See `memory.ports.Messages`."""

    def __init__(self, connection: Connection, numbers: Numbers) -> None:
        self._c = connection
        self._numbers = numbers
        self._words = connection.full_text("messages")

    async def append(
        self, agent_id: int, messages: Sequence[Message], *, fenced: bool = False
    ) -> list[Message]:
        if not messages and not fenced:
            return []
        before = await self._numbers.give(agent_id, len(messages), fenced=fenced)
        if not messages:
            return []
        first = scope_range(agent_id)[0] + before + 1
        stored = [
            replace(message, key=first + i, salience=salience(message.text))
            for i, message in enumerate(messages)
        ]
        # Nothing is to be indexed where nobody said anything.
        await self._c.execute(_APPEND, [vars(m) | {"indexed": not m.text} for m in stored])
        await self._words.add([(m.key, m.text) for m in stored if m.text])
        return stored

    async def rows(
        self, agent_id: int, audiences: Audiences, *, after: int = 0, limit: int = 1_000
    ) -> list[Message]:
        condition = self._scope(agent_id, audiences) & (t.messages.c.key > after)
        query = sa.select(t.messages).where(condition).order_by(t.messages.c.key).limit(limit)
        with self._c.beside():
            rows = await self._c.execute(query)
        return [record(Message, row) for row in rows]

    async def get(self, agent_id: int, keys: Collection[int], audiences: Audiences) -> list[Message]:
        low, high = scope_range(agent_id)
        values = {"low": low, "high": high, "keys": list(keys)}
        if audiences is not None:
            values["audiences"] = list(audiences)
        rows = await self._c.execute(_GET[audiences is not None], values)
        found = {row.key: record(Message, row) for row in rows.all()}
        return [found[key] for key in keys if key in found]

    async def queue(self, conversation_id: int) -> list[Message]:
        return [record(Message, row) for row in await self._c.execute(_QUEUE, {"place": conversation_id})]

    async def evict(self, conversation_id: int, keys: Collection[int]) -> None:
        m = t.messages.c
        if keys:
            await self._numbers.touch_place(conversation_id)
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
        await self._numbers.touch(scope_of(key))
        await self._c.execute(
            t.messages.update()
            .where(t.messages.c.key == key)
            .values(text=text, rendered=rendered, tokens=tokens, salience=salience(text), indexed=not text)
        )
        await self._words.remove([key])
        if not text:
            await surfaced.unmind(self._c, "messages", [key])
            of = sa.select(t.messages.c.turn_id).where(
                (t.messages.c.key == key) & t.messages.c.event_key.is_not(None)
            )
            brought = t.turns.update().where(t.turns.c.id.in_(of) & (t.turns.c.surfaced != ""))
            await self._c.execute(brought.values(surfaced=""))
        vectors = t.vectors["messages"]
        await self._c.execute(vectors.delete().where(vectors.c.key == key))
        if text:
            await self._words.add([(key, text)])

    async def rerender(self, key: int, rendered: str, tokens: int) -> None:
        await self._numbers.touch(scope_of(key))
        await self._c.execute(_RERENDER, {"of": key, "rendered": rendered, "tokens": tokens})

    async def delete(self, keys: Collection[int]) -> None:
        for agent_id in sorted({scope_of(key) for key in keys}):
            await self._numbers.touch(agent_id)
        with self._c.beside():
            await self._words.remove(keys)
            await surfaced.unmind(self._c, "messages", keys)
            for part in slices(keys):
                for table in (t.messages, t.vectors["messages"]):
                    await self._c.execute(table.delete().where(table.c.key.in_(part)))

    async def said(
        self, agent_id: int, audiences: Audiences, of: Lines = ALL_SAID, *, offset: int = 0, limit: int = 50
    ) -> list[Message]:
        m = t.messages.c
        order = (m.created_at.desc(), m.key.desc()) if of.newest_first else (m.created_at, m.key)
        query = sa.select(t.messages).where(self._said(agent_id, audiences, of))
        with self._c.beside():
            rows = await self._c.execute(query.order_by(*order).offset(offset).limit(limit))
        return [record(Message, row) for row in rows]

    async def count(self, agent_id: int, audiences: Audiences, of: Lines = ALL_SAID) -> int:
        query = sa.select(sa.func.count()).where(self._said(agent_id, audiences, of))
        with self._c.beside():
            return int((await self._c.execute(query)).scalar_one())

    async def paced(
        self, agent_id: int, audiences: Audiences, since: datetime, span: timedelta
    ) -> dict[int, int]:
        at = sa.type_coerce(t.messages.c.created_at, sa.BigInteger)
        # Both are whole numbers: "//" is the databases' own division.
        number = ((at - t.microseconds(since)) // max(1, span // timedelta(microseconds=1))).label("number")
        query = sa.select(number, sa.func.count()).where(self._said(agent_id, audiences, Lines(since=since)))
        with self._c.beside():
            rows = await self._c.execute(query.group_by(number).order_by(number))
        return {int(n): int(many) for n, many in rows}

    async def postings(
        self, agent_id: int, terms: Sequence[str], audiences: Audiences, *, limit: int = POSTINGS
    ) -> dict[str, Any]:
        rows = await self.extent(agent_id)
        asked = Lookup(scope=agent_id, terms=terms, audiences=audiences, limit=limit, rows=rows)
        return await self._words.postings(asked)

    async def terms(self, keys: Collection[int]) -> dict[int, str]:
        return await self._words.terms(keys)

    async def around(
        self, agent_id: int, keys: Collection[int], audiences: Audiences, reach: int
    ) -> Outlines:
        low, high = scope_range(agent_id)
        values = {"low": low, "high": high, "keys": beside(keys, reach)}
        if audiences is not None:
            values["audiences"] = list(audiences)
        (found,) = await _AROUND[audiences is not None].rows(self._c, **values)
        return Outlines(
            column(found[0]) + low,
            column(found[1]),
            json.loads(found[2]),
            column(found[3]) / 1e6,
            column(found[4], np.float64),
        )

    async def following(
        self, agent_id: int, keys: Collection[int], audiences: Audiences, reach: int, lines: int
    ) -> Outlines:
        low, high = scope_range(agent_id)
        values: dict[str, Any] = {"low": low, "high": high, "keys": keys}
        values |= {"reach": reach, "lines": lines}
        if audiences is not None:
            values["audiences"] = audiences
        found = await _FOLLOWING[audiences is not None].rows(self._c, **values)
        behind = [key for (row,) in found for key in column(row).tolist()]
        return await self.around(agent_id, [*keys, *behind], audiences, 0)

    async def within(
        self, agent_id: int, audiences: Audiences, since: datetime, until: datetime, limit: int
    ) -> list[int]:
        low, high = scope_range(agent_id)
        values: dict[str, Any] = {"low": low, "high": high, "most": limit}
        values |= {"since": t.microseconds(since), "until": t.microseconds(until)}
        if audiences is not None:
            values["audiences"] = list(audiences)
        with self._c.beside() if await self.extent(agent_id) > QUICK else nullcontext():
            rows = await _WITHIN[audiences is not None].rows(self._c, **values)
        return [key for (key,) in rows]

    async def authors(self, agent_id: int, audiences: Audiences, among: int) -> list[str]:
        low, high = scope_range(agent_id)
        values: dict[str, Any] = {"low": low, "high": high, "most": among}
        if audiences is not None:
            values["audiences"] = list(audiences)
        return [author for (author,) in await _AUTHORS[audiences is not None].rows(self._c, **values)]

    async def extent(self, agent_id: int) -> int:
        return await self._numbers.newest(agent_id)

    async def drop_summary(self, conversation_id: int) -> None:
        await self._numbers.touch_place(conversation_id)
        await self._c.execute(t.summaries.delete().where(t.summaries.c.conversation_id == conversation_id))

    async def summary(self, conversation_id: int) -> Summary | None:
        row = (await self._c.execute(_SUMMARY, {"place": conversation_id})).first()
        return record(Summary, row) if row else None

    async def put_summary(self, summary: Summary) -> None:
        await self._numbers.touch_place(summary.conversation_id)
        s = t.summaries
        await self._c.execute(s.delete().where(s.c.conversation_id == summary.conversation_id))
        await self._c.execute(s.insert().values(**vars(summary)))

    async def _select(self, condition: sa.ColumnElement[bool]) -> list[Message]:
        rows = await self._c.execute(sa.select(t.messages).where(condition).order_by(t.messages.c.key))
        return [record(Message, row) for row in rows]

    def _said(self, agent_id: int, audiences: Audiences, of: Lines) -> sa.ColumnElement[bool]:
        m = t.messages.c
        condition = self._scope(agent_id, audiences) & (m.text != "")
        if of.since is not None:
            condition &= m.created_at >= of.since
        if of.until is not None:
            condition &= m.created_at < of.until
        if of.here:
            condition &= m.origin == ""
        return condition

    def _scope(self, agent_id: int, audiences: Audiences) -> sa.ColumnElement[bool]:
        low, high = scope_range(agent_id)
        condition: sa.ColumnElement[bool] = t.messages.c.key.between(low, high)
        if audiences is not None:
            condition &= t.messages.c.audience.in_(audiences)
        return condition
