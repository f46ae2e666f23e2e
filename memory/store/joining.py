"""Two agents become one: the rows of the one are given keys in the other's range, and its name.

Every row keeps its audience, so that the law of privacy holds over what was joined as it held before.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from memory.records import Agent, Draft, scope_range
from memory.store import surfaced
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.numbers import Numbers
from memory.store.passages import Passages


class Joining:
    """See `memory.ports.Joining`."""

    def __init__(self, connection: Connection, numbers: Numbers) -> None:
        self._c = connection
        self._numbers = numbers

    async def join(self, into: Agent, other: Agent, now: datetime) -> None:
        with self._c.beside():
            # A tag points at its passage's key: both move, and are checked at the commit.
            await self._c.defer_foreign_keys()
            before = await self._numbers.join(into.id, other.id)
            shift = await self._move("messages", other.id, into.id, before)
            await surfaced.moved(self._c, "messages", other.id, other.id, shift)
            await self._conversations(into, other)
            await self._imports(into, other, shift)
            await self._c.execute(t.captions.delete().where(t.captions.c.agent_id == other.id))
            a = t.archives.c
            held = {
                row.id: row.last_seq
                for row in await self._c.execute(
                    sa.select(a.id, a.last_seq).where(a.id.in_([into.archive_id, other.archive_id]))
                )
            }
            after = held[into.archive_id]
            shift = await self._move("passages", other.archive_id, into.archive_id, after)
            await surfaced.moved(self._c, "passages", other.id, other.archive_id, shift)
            await self._c.execute(
                t.archives.update().where(a.id == into.archive_id).values(last_seq=sum(held.values()))
            )
            await self._blocks(into, other, now)
            turned = (t.inbox, t.turns, t.steps, t.outlays, t.outbox)
            for table in (*turned, t.wishes, t.asks, t.proposals, t.findings):
                await self._c.execute(
                    table.update().where(table.c.agent_id == other.id).values(agent_id=into.id)
                )
            shared = sa.select(t.attachments.c.archive_id).where(t.attachments.c.agent_id == into.id)
            await self._c.execute(
                t.attachments.update()
                .where((t.attachments.c.agent_id == other.id) & t.attachments.c.archive_id.not_in(shared))
                .values(agent_id=into.id)
            )
            await self._c.resealed(into.id, into.archive_id)
            await self._c.execute(t.agents.delete().where(t.agents.c.id == other.id))
            await self._c.execute(t.archives.delete().where(a.id == other.archive_id))

    async def _move(self, kind: str, source: int, target: int, after: int) -> int:
        """Give a scope's rows, their terms, vectors and tags the keys that follow ``after`` in another: how much higher
        they are."""
        low, high = scope_range(source)
        shift = scope_range(target)[0] + after - low
        await self._c.full_text(kind).move(source, shift)
        tables = [t.metadata.tables[kind], t.vectors[kind]]
        if kind == "passages":
            tables.append(t.passage_tags)
        for table in tables:
            key = table.c.key
            await self._c.execute(table.update().where(key.between(low, high)).values(key=key + shift))
        return shift

    async def _imports(self, into: Agent, other: Agent, shift: int) -> None:
        """They stay, each read as far as it was; a file that both took over is one, read anew."""
        i = t.imports.c
        theirs = sa.select(i.name).where(i.agent_id == other.id)
        mine = sa.select(i.name).where(i.agent_id == into.id)
        both = (await self._c.execute(theirs.where(i.name.in_(mine.scalar_subquery())))).scalars()
        await self._c.execute(t.imports.delete().where((i.agent_id == other.id) & i.name.in_(both)))
        await self._c.execute(
            t.imports.update().where((i.agent_id == into.id) & i.name.in_(both)).values(read_to=0)
        )
        moved = sa.case((i.read_to > 0, i.read_to + shift), else_=0)
        await self._c.execute(
            t.imports.update().where(i.agent_id == other.id).values(agent_id=into.id, read_to=moved)
        )

    async def _conversations(self, into: Agent, other: Agent) -> None:
        """They stay, each with its queue; where both talked in one place, the younger's queue is let go."""
        c = t.conversations.c
        twin = t.conversations.alias()
        both = await self._c.execute(
            sa.select(c.id.label("other"), twin.c.id.label("into"))
            .join(twin, (twin.c.address == c.address) & (twin.c.audience == c.audience))
            .where((c.agent_id == other.id) & (twin.c.agent_id == into.id))
        )
        for pair in both.all():
            m = t.messages.c
            await self._c.execute(
                t.messages.update()
                .where(m.conversation_id == pair.other)
                .values(conversation_id=pair.into, queued=False, rendered="")
            )
            for table in (t.inbox, t.turns, t.outbox, t.wishes, t.asks):
                moved = table.update().where(table.c.conversation_id == pair.other)
                await self._c.execute(moved.values(conversation_id=pair.into))
            await self._c.execute(t.conversations.delete().where(c.id == pair.other))
        await self._c.execute(t.conversations.update().where(c.agent_id == other.id).values(agent_id=into.id))

    async def _blocks(self, into: Agent, other: Agent, now: datetime) -> None:
        b = t.blocks.c
        mine, theirs = f"agent:{into.id}", f"agent:{other.id}"
        twin = t.blocks.alias()
        both = await self._c.execute(
            sa.select(
                t.blocks,
                twin.c.id.label("their_id"),
                twin.c.value.label("their_value"),
                twin.c.updated_at.label("their_time"),
            )
            .join(twin, (twin.c.label == b.label) & (twin.c.audience == b.audience))
            .where((b.owner == mine) & (twin.c.owner == theirs))
        )
        for row in both.all():
            texts = [row.value, row.their_value]
            if row.their_time > row.updated_at:
                texts.reverse()
            joined = "\n".join(text for text in texts if text)
            kept, rest = _cut(joined, row.limit)
            if kept != row.value:
                await self._c.execute(
                    t.block_history.insert().values(
                        block_id=row.id, version=row.version + 1, before=row.value, after=kept, at=now
                    )
                )
                await self._c.execute(
                    t.blocks.update()
                    .where(b.id == row.id)
                    .values(value=kept, version=row.version + 1, updated_at=now)
                )
            if rest:
                await self._passage(into, rest, row.audience, now)
            # What the younger one's block once read is kept as the history of the joined one.
            await self._c.execute(
                t.block_history.update()
                .where(t.block_history.c.block_id == row.their_id)
                .values(block_id=row.id)
            )
            await self._c.execute(t.blocks.delete().where(b.id == row.their_id))
        await self._c.execute(t.blocks.update().where(b.owner == theirs).values(owner=mine))

    async def _passage(self, into: Agent, text: str, audience: str, now: datetime) -> None:
        draft = Draft(text=text, audience=audience, tags=("core memory",))
        await Passages(self._c).insert(into.archive_id, [draft], now)


def _cut(text: str, limit: int) -> tuple[str, str]:
    """The text up to ``limit`` characters, cut at a line's end where there is one, and the rest."""
    if len(text) <= limit:
        return text, ""
    at = text.rfind("\n", 0, limit + 1)
    at = at if at > limit // 2 else limit
    return text[:at].rstrip(), text[at:].lstrip()
