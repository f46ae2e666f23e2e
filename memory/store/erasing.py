"""Forgetting beyond single rows: what hangs on a conversation, what is too old, whose words are quoted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from memory.records import Agent, Conversation, InboxRow, Message, scope_of, scope_range
from memory.store import surfaced
from memory.store import tables as t
from memory.store.agents import digest_of, forget_keys, in_turn
from memory.store.blocks import Blocks
from memory.store.connection import Connection
from memory.store.dialects import scope_in, upsert
from memory.store.mailbox import newest_said
from memory.store.numbers import Numbers
from memory.store.passages import Passages
from memory.store.prepared import Prepared
from memory.store.rows import record

_CHORES = Prepared(sa.select(t.chores).order_by(t.chores.c.created_at, t.chores.c.name))


class Erasing:
    """See `memory.ports.Erasing`."""

    def __init__(self, connection: Connection, numbers: Numbers) -> None:
        self._c = connection
        self._numbers = numbers

    async def conversation(self, place: Conversation, agent: Agent, now: datetime) -> list[int]:
        await self._numbers.touch(agent.id)
        here = sa.select(t.conversations.c.id).where(t.conversations.c.id == place.id)
        with self._c.beside():
            noted = await self.said(agent, here, now)
            await self._events(place.id, now)
            for table in (t.outbox, t.wishes, t.asks, t.summaries, t.turns, t.outlays):
                await self._c.execute(table.delete().where(table.c.conversation_id == place.id))
            warned = t.conversations.update().where(t.conversations.c.id == place.id)
            await self._c.execute(warned.values(warned=False))
        return noted

    async def said(self, agent: Agent, places: sa.Select[Any], now: datetime) -> list[int]:
        """Delete what was said in these conversations of the agent, with the notes that came of it and the lines that
        it put into core memory; the keys of the notes."""
        turns = sa.select(t.turns.c.id).where(t.turns.c.conversation_id.in_(places))
        p, m = t.passages.c, t.messages.c
        mine = p.turn_id.in_(turns) & p.key.between(*scope_range(agent.archive_id))
        noted = [int(key) for key in (await self._c.execute(sa.select(p.key).where(mine))).scalars()]
        noted = await Passages(self._c).delete(noted)
        await self._lines(f"agent:{agent.id}", turns, now)
        await self._messages(m.key.between(*scope_range(agent.id)) & m.conversation_id.in_(places))
        await self._c.execute(t.captions.delete().where(t.captions.c.conversation_id.in_(places)))
        return noted

    async def _lines(self, owner: str, turns: sa.Select[tuple[str]], now: datetime) -> None:
        """Take the lines out of core memory that the turns put there; such a block's past goes whole."""
        h, b = t.block_history.c, t.blocks.c
        query = (
            sa.select(b.id, b.value, h.before, h.after)
            .join(t.block_history, h.block_id == b.id)
            .where((b.owner == owner) & h.turn_id.in_(turns))
        )
        values: dict[int, str] = {}
        added: dict[int, set[str]] = {}
        for row in await self._c.execute(query):
            values[row.id] = row.value
            added.setdefault(row.id, set()).update(set(row.after.splitlines()) - set(row.before.splitlines()))
        for block_id, value in values.items():
            kept = "\n".join(line for line in value.splitlines() if line not in added[block_id])
            if kept != value:
                await Blocks(self._c).put(block_id, kept, None, now)
            await self._c.execute(t.block_history.delete().where(h.block_id == block_id))

    async def _messages(self, condition: sa.ColumnElement[bool]) -> int:
        """Delete messages with their terms and vectors."""
        keys = sa.select(t.messages.c.key).where(condition)
        vectors = t.vectors["messages"]
        texts = condition & (t.messages.c.text != "")
        told = (await self._c.execute(sa.select(t.messages.c.key).where(texts))).scalars()
        await surfaced.unmind(self._c, "messages", [int(key) for key in told])
        await self._c.full_text("messages").purge(t.terms("messages").c.rowid.in_(keys))
        await self._c.execute(vectors.delete().where(vectors.c.key.in_(keys)))
        return (await self._c.execute(t.messages.delete().where(condition))).rowcount

    async def _events(self, conversation_id: int, now: datetime) -> None:
        """A conversation's events: their keys are remembered, unreadable; the newest message marks the place."""
        i = t.inbox.c
        here = i.conversation_id == conversation_id
        rows = (await self._c.execute(sa.select(i.id, i.key).where(here).order_by(i.id))).all()
        if not rows:
            return
        await forget_keys(self._c, {row.key: now for row in rows})
        newest = sa.select(newest_said()).select_from(t.conversations)
        mark = (await self._c.execute(newest.where(t.conversations.c.id == conversation_id))).scalar()
        kept = rows[-1].id if mark is None else mark
        await self._c.execute(t.inbox.delete().where(here & (i.id != kept)))
        await self._blank(i.id == kept)

    async def _blank(self, condition: sa.ColumnElement[bool]) -> None:
        emptied = t.inbox.update().where(condition).values(payload={}, done=True, turn_id=None)
        await self._c.execute(emptied)
        rows = sa.select(t.inbox.c.id).where(condition)
        await self._c.execute(t.quotes.delete().where(t.quotes.c.inbox_id.in_(rows)))

    async def expire(self, before: datetime) -> tuple[int, list[int], list[int]]:
        m, i = t.messages.c, t.inbox.c
        with self._c.beside():
            # Rows without a text that left the queue are of no use to anybody.
            old = (m.created_at < before) | (~m.queued & (m.text == ""))
            keys = (await self._c.execute(sa.select(m.key, m.conversation_id).where(old))).all()
            summaries = sa.select(t.summaries.c.conversation_id).where(t.summaries.c.since < before)
            places = set((await self._c.execute(summaries)).scalars()) | {row.conversation_id for row in keys}
            for agent_id in sorted({scope_of(row.key) for row in keys}):
                await self._numbers.touch(agent_id)
            count = await self._messages(old)
            await self._c.execute(t.summaries.delete().where(t.summaries.c.since < before))
            past = (i.received_at < before) & i.done
            mark = sa.select(newest_said().label("id")).select_from(t.conversations).subquery()
            newest = sa.select(mark.c.id).where(mark.c.id.is_not(None))
            await self._c.execute(t.inbox.delete().where(past & i.id.not_in(newest)))
            await self._blank(past)  # the newest mark how far a place was read
            await self._c.execute(
                t.outbox.delete().where(
                    (t.outbox.c.created_at < before) & t.outbox.c.state.not_in(["ready", "sending"])
                )
            )
            over = (t.turns.c.started_at < before) & (t.turns.c.state == "done")
            await self._c.execute(t.turns.delete().where(over))
            await self._c.execute(t.block_history.delete().where(t.block_history.c.at < before))
            await self._c.execute(t.outlays.delete().where(t.outlays.c.at < before))
            await self._c.execute(t.captions.delete().where(t.captions.c.created_at < before))
        return count, sorted({scope_of(row.key) for row in keys}), sorted(places)

    async def expire_documents(self, before: datetime) -> list[int]:
        own = sa.select(t.archives.c.id).where(t.archives.c.kind == "own")
        p = t.passages.c
        old = (p.created_at < before) & p.file.is_not(None) & scope_in(p.key).in_(own)
        keys = list((await self._c.execute(sa.select(p.key).where(old))).scalars())
        return await Passages(self._c).delete(keys)

    async def showing(
        self, agent_id: int | None, tools: Collection[str], before: datetime | None, *, events: bool = True
    ) -> list[Message]:
        m = t.messages.c
        shows: sa.ColumnElement[bool] = m.author.in_(tools) & (m.role == "tool")
        if events:
            shows |= (m.role == "user") & (m.step < 0)
        shows &= m.queued
        if agent_id is not None:
            shows &= m.key.between(*scope_range(agent_id))
        if before is not None:
            shows &= m.created_at < before
        return [record(Message, row) for row in await self._c.execute(sa.select(t.messages).where(shows))]

    async def quote(self, event_key: str, quotes: Mapping[str, str]) -> None:
        event = (
            await self._c.execute(sa.select(t.inbox.c.id).where(t.inbox.c.key == event_key))
        ).scalar_one()
        values = [{"inbox_id": event, "key": key, "account": account} for key, account in quotes.items()]
        await self._c.execute(t.quotes.insert(), values)

    async def quoting(self, accounts: Collection[str], keys: Collection[str]) -> list[InboxRow]:
        q = t.quotes.c
        rows = sa.select(q.inbox_id).where(q.account.in_(accounts) | q.key.in_(keys))
        found = await self._c.execute(sa.select(t.inbox).where(t.inbox.c.id.in_(rows)).order_by(t.inbox.c.id))
        return [record(InboxRow, row) for row in found]

    async def unquote(self, accounts: Collection[str], keys: Collection[str]) -> None:
        q = t.quotes.c
        await self._c.execute(t.quotes.delete().where(q.account.in_(accounts) | q.key.in_(keys)))

    async def times_forgotten(self, who: Collection[str], *, receiving: bool = False) -> dict[str, int]:
        digests = {digest_of(one): one for one in who}
        if receiving:
            await in_turn(self._c, digests, shared=True)
        known = t.times_forgotten.c.digest.in_(list(digests))
        rows = await self._c.execute(sa.select(t.times_forgotten).where(known))
        return {digests[bytes(row.digest)]: row.times for row in rows}

    async def forget_to_come(self, who: Collection[str], now: datetime) -> None:
        digests = sorted(map(digest_of, who))
        if not digests:
            return
        await in_turn(self._c, digests, shared=False)
        once = upsert(t.times_forgotten).values(
            [{"digest": d, "times": 1, "created_at": now} for d in digests]
        )
        more = {"times": t.times_forgotten.c.times + 1, "created_at": now}
        await self._c.execute(once.on_conflict_do_update(index_elements=["digest"], set_=more))

    async def expire_times(self, before: datetime) -> None:
        old = t.times_forgotten.c.created_at < before
        await self._c.execute(t.times_forgotten.delete().where(old))

    async def chores(self) -> list[tuple[str, datetime]]:
        rows = await self._c.execute(_CHORES)
        return [(row.name, row.created_at) for row in rows]

    async def add_chores(self, names: Collection[str], now: datetime) -> None:
        values: list[dict[str, Any]] = [{"name": name, "created_at": now} for name in names]
        if values:
            await self._c.execute(upsert(t.chores).on_conflict_do_nothing(), values)

    async def done(self, name: str) -> None:
        await self._c.execute(t.chores.delete().where(t.chores.c.name == name))
