"""Queries on the durable inbox, turns, steps and outbox."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from memory.errors import StaleAgent
from memory.records import (
    Audiences,
    Conversation,
    Delivery,
    InboxRow,
    OutboxRow,
    Surfaced,
    Turn,
    TurnState,
    Usage,
)
from memory.store import surfaced
from memory.store import tables as t
from memory.store.agents import digest_of, forget_keys
from memory.store.connection import Connection
from memory.store.dialects import among, arrival, place_of, upsert
from memory.store.prepared import Prepared
from memory.store.rows import record

_STEPS = sa.select(sa.func.count()).where(t.steps.c.turn_id == t.turns.c.id).scalar_subquery().label("steps")
_POSTED = (
    sa.select(sa.func.count())
    .where(
        (t.outbox.c.turn_id == t.turns.c.id)
        & sa.or_(*(t.outbox.c.kind == kind for kind in ("reply", "reaction", "file", "voice")))
    )
    .scalar_subquery()
    .label("outbox")
)
_TURN = sa.select(t.turns, _STEPS, _POSTED)
_SAID = ("message", "document_uploaded")  # kinds of events that a platform's message makes

# What every turn asks is built once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_NOW: sa.BindParameter[datetime] = sa.bindparam("now")
_RECEIVE = Prepared(upsert(t.inbox).on_conflict_do_nothing())
_BEGIN = Prepared(t.turns.insert())
_STEP = Prepared(t.steps.insert())
_POST = Prepared(t.outbox.insert())
_TAKE = Prepared(
    t.inbox.update()
    .where(among(t.inbox.c.id, "events") & t.inbox.c.turn_id.is_(None) & ~t.inbox.c.done)
    .values(turn_id=sa.bindparam("turn"))
)
_FINISH = Prepared(
    t.turns.update().where(t.turns.c.id == sa.bindparam("turn")).values(state=TurnState.DONE, ended_at=_NOW)
)
_DONE = Prepared(t.inbox.update().where(t.inbox.c.turn_id == sa.bindparam("turn")).values(done=True))
_CLAIM = Prepared(
    t.outbox.update()
    .where(among(t.outbox.c.id, "rows") & (t.outbox.c.state == Delivery.READY))
    .values(state=Delivery.SENDING, claimed_at=_NOW)
    .returning(t.outbox.c.id)
)
_WITHOUT_FILES = Prepared(t.outbox_files.delete().where(among(t.outbox_files.c.outbox_id, "rows")))
_IS_FORGOTTEN = Prepared(sa.select(t.forgotten.c.digest).where(t.forgotten.c.digest == sa.bindparam("of")))
_ANY_FORGOTTEN = Prepared(sa.select(t.forgotten.c.digest).limit(1))
_HERE = t.inbox.c.conversation_id == sa.bindparam("place")
_HAS_EVENTS = Prepared(sa.select(t.inbox.c.id).where(_HERE).limit(1))
_LAST_HEARD = Prepared(
    sa.select(t.inbox)
    .where(
        _HERE
        & (t.inbox.c.id > sa.bindparam("behind"))
        & sa.or_(*(t.inbox.c.kind == kind for kind in _SAID))
        & t.inbox.c.payload["account"].as_string().is_not(None)  # what was undone is empty
    )
    .order_by(t.inbox.c.id.desc())
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
_SETTLE = Prepared(
    t.outbox.update()
    .where(t.outbox.c.id == sa.bindparam("row"))
    .values(state=sa.bindparam("to"), receipt=sa.bindparam("proof"), sent_at=_NOW)
)


class Mailbox:
    """See `memory.ports.Mailbox`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def receive(
        self, key: str, place: Conversation, kind: str, payload: Mapping[str, Any], now: datetime
    ) -> bool:
        values = {
            "key": key,
            "agent_id": place.agent_id,
            "conversation_id": place.id,
            "kind": kind,
            "payload": dict(payload),
            "received_at": now,
            "done": False,
        }
        return bool((await self._c.execute(_RECEIVE, values)).rowcount)

    async def waiting(self, agent_id: int, platforms: Collection[str]) -> list[InboxRow]:
        rows = await self._c.execute(_waiting(tuple(platforms)), {"agent": agent_id})
        return [record(InboxRow, row) for row in rows]

    async def events_from(self, key: str) -> list[InboxRow]:
        k = t.inbox.c.key
        return await self._events((k == key) | ((k > f"{key}/") & (k < f"{key}0")))  # "0" follows "/"

    async def event(self, row_id: int) -> InboxRow | None:
        found = await self._events(t.inbox.c.id == row_id)
        return found[0] if found else None

    async def with_pictures(
        self,
        agent_id: int,
        audiences: Audiences,
        limit: int,
        *,
        until: int | None = None,
        since: int | None = None,
    ) -> list[InboxRow]:
        i, which = t.inbox.c, _pictured(agent_id, audiences)
        if until is not None:
            which &= i.id <= until
        if since is not None:
            which &= i.id >= since
        order = i.id.desc() if since is None else i.id.asc()
        rows = await self._c.execute(sa.select(t.inbox).where(which).order_by(order).limit(limit))
        return sorted((record(InboxRow, row) for row in rows), key=lambda row: row.id, reverse=True)

    async def has_pictures(self, agent_id: int, audiences: Audiences) -> bool:
        query = sa.select(sa.literal(1)).where(_pictured(agent_id, audiences)).limit(1)
        return (await self._c.execute(query)).first() is not None

    async def replace_event(self, key: str, payload: Mapping[str, Any]) -> None:
        await self._c.execute(t.inbox.update().where(t.inbox.c.key == key).values(payload=dict(payload)))

    async def drop_event(self, key: str) -> None:
        unclaimed = (t.inbox.c.key == key) & t.inbox.c.turn_id.is_(None)
        await self._c.execute(t.inbox.update().where(unclaimed).values(done=True))

    async def busy_agents(self, platforms: Collection[str]) -> list[int]:
        return sorted((await self._c.execute(_busy(tuple(platforms)))).scalars())

    async def begin(
        self, turn: Turn, event_ids: Collection[int], surfaced_then: Surfaced | None = None
    ) -> None:
        await self._c.execute(_BEGIN, begun(turn) | {"surfaced": surfaced.written(surfaced_then)})
        if event_ids:
            taken = await self._c.execute(_TAKE, {"events": list(event_ids), "turn": turn.id})
            if taken.rowcount != len(event_ids):
                raise StaleAgent(f"agent {turn.agent_id}: another process has begun with its events.")

    async def unfinished(
        self, agent_id: int, platforms: Collection[str], *, apart_from: Collection[str] = ()
    ) -> Turn | None:
        values = {"agent": agent_id, "apart": list(apart_from)}
        row = (await self._c.execute(_unfinished(tuple(platforms)), values)).first()
        return record(Turn, row) if row else None

    async def turn(self, turn_id: str) -> Turn | None:
        row = (await self._c.execute(_TURN.where(t.turns.c.id == turn_id))).first()
        return record(Turn, row) if row else None

    async def surfaced(self, turn_id: str) -> Surfaced | None:
        text = (await self._c.execute(sa.select(t.turns.c.surfaced).where(t.turns.c.id == turn_id))).scalar()
        return surfaced.read(text or "")

    async def surfacing(
        self, messages: Collection[int], passages: Collection[int], turns: Collection[str]
    ) -> dict[str, str]:
        n = t.turns.c
        own = sa.select(n.id, n.surfaced).where(n.id.in_(turns) & (n.surfaced != ""))
        found = {row.id: row.surfaced for row in await self._c.execute(own)}
        found |= await surfaced.mentioning(self._c, "messages", messages)
        return found | await surfaced.mentioning(self._c, "passages", passages)

    async def surface_again(self, turn_id: str, kept: str) -> None:
        await surfaced.put(self._c, turn_id, await surfaced.held(self._c, kept))

    async def turns_of(self, agent_id: int) -> list[Turn]:
        c = t.turns.c
        query = _TURN.where((c.agent_id == agent_id) & (c.state == TurnState.DONE))
        rows = await self._c.execute(query.order_by(c.started_at, arrival()))
        return [record(Turn, row) for row in rows]

    async def events_of(self, turn_id: str) -> list[InboxRow]:
        return await self._events(t.inbox.c.turn_id == turn_id)

    async def commit_step(
        self, turn_id: str, step: int, model: str, usage: Usage, now: datetime, *, agent_id: int
    ) -> None:
        values = {
            "turn_id": turn_id,
            "step": step,
            "agent_id": agent_id,
            "model": model,
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "cached_tokens": usage.cached,
            "at": now,
        }
        await self._c.execute(_STEP, values)

    async def spend(
        self, agent_id: int, conversation_id: int, model: str, usage: Usage, now: datetime
    ) -> None:
        values = {
            "agent_id": agent_id,
            "conversation_id": conversation_id,
            "model": model,
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "cached_tokens": usage.cached,
            "pictures": usage.pictures,
            "characters": usage.characters,
            "seconds": usage.seconds,
            "at": now,
        }
        await self._c.execute(t.outlays.insert().values(values))

    async def last_model(self, agent_id: int) -> str | None:
        s = t.steps.c
        # For people, who ask which model answered them: the index on (agent, at) gives it in one step.
        query = (
            sa.select(s.model)
            .where(s.agent_id == agent_id)
            .join(t.turns, t.turns.c.id == s.turn_id)
            .order_by(s.at.desc(), arrival().desc(), s.step.desc())
            .limit(1)
        )
        model: str | None = (await self._c.execute(query)).scalar()
        return model

    async def finish(self, turn_id: str, now: datetime) -> None:
        await self._c.execute(_FINISH, {"turn": turn_id, "now": now})
        await self._c.execute(_DONE, {"turn": turn_id})

    async def notify(self, turn_id: str) -> None:
        await self._c.execute(t.turns.update().where(t.turns.c.id == turn_id).values(notified=True))

    async def last_turns(self, conversation_id: int, n: int) -> list[Turn]:
        c = t.turns.c
        query = (
            _TURN.where((c.conversation_id == conversation_id) & (c.state == TurnState.DONE))
            .order_by(c.started_at.desc(), arrival().desc())
            .limit(n)
        )
        return [record(Turn, row) for row in await self._c.execute(query)]

    async def forget_turn(self, turn_id: str) -> None:
        # The inbox rows stay, so that a platform's late redelivery still ends at their keys.
        await self._c.execute(t.inbox.update().where(t.inbox.c.turn_id == turn_id).values(payload={}))
        await self._c.execute(t.turns.delete().where(t.turns.c.id == turn_id))

    async def received_lately(self, user_id: int, account: str, since: datetime) -> dict[str, datetime]:
        i = t.inbox.c
        ours = sa.select(t.agents.c.id).where(t.agents.c.user_id == user_id)
        theirs = i.payload["account"].as_string() == account
        theirs &= (i.kind == "message") & ~i.key.contains("~", autoescape=True)
        query = sa.select(i.key, i.payload["at"].as_string().label("at"))
        rows = await self._c.execute(query.where(i.agent_id.in_(ours) & (i.received_at >= since) & theirs))
        return {row.key: datetime.fromisoformat(row.at) for row in rows}

    async def newest_keys(self, platform: str) -> dict[str, str]:
        query = (
            sa.select(t.conversations.c.address, t.inbox.c.key)
            .select_from(t.conversations)
            .join(t.inbox, t.inbox.c.id == newest_said())
            .where(on_platforms([platform], t.conversations.c.address))
            .order_by(t.inbox.c.id)
        )
        return {row.address: row.key for row in await self._c.execute(query)}

    async def is_forgotten(self, key: str) -> bool:
        return (await self._c.execute(_IS_FORGOTTEN, {"of": digest_of(key)})).first() is not None

    async def obey(self, key: str, now: datetime) -> bool:
        new = upsert(t.typed_commands).values(digest=digest_of(key), created_at=now)
        return bool((await self._c.execute(new.on_conflict_do_nothing())).rowcount)

    async def is_obeyed(self, key: str) -> bool:
        query = sa.select(sa.literal(1)).where(t.typed_commands.c.digest == digest_of(key))
        return (await self._c.execute(query)).first() is not None

    async def expire_obeyed(self, before: datetime) -> None:
        old = t.typed_commands.c.created_at < before
        await self._c.execute(t.typed_commands.delete().where(old))

    async def forget_keys(self, keys: Collection[str], now: datetime) -> None:
        await forget_keys(self._c, dict.fromkeys(keys, now))

    async def any_forgotten(self) -> bool:
        return (await self._c.execute(_ANY_FORGOTTEN)).first() is not None

    async def last_receipt(self, address: str) -> str | None:
        o = t.outbox.c
        sent = (o.address == address) & (o.state == Delivery.SENT) & o.receipt.is_not(None)
        query = sa.select(o.receipt).where(sent).order_by(o.seq.desc()).limit(1)
        receipt: str | None = (await self._c.execute(query)).scalar()
        return receipt

    async def heard(self, conversation_id: int) -> InboxRow | None:
        rows = await self.last_heard(conversation_id, 1)
        return rows[0] if rows else None

    async def last_heard(self, conversation_id: int, n: int, *, after: int = 0) -> list[InboxRow]:
        values = {"place": conversation_id, "behind": after, "most": n}
        return [record(InboxRow, row) for row in (await self._c.execute(_LAST_HEARD, values)).all()][::-1]

    async def has_events(self, conversation_id: int) -> bool:
        return (await self._c.execute(_HAS_EVENTS, {"place": conversation_id})).first() is not None

    async def posted(self, agent_id: int, receipt: str) -> OutboxRow | None:
        o = t.outbox.c
        query = sa.select(t.outbox).where((o.agent_id == agent_id) & (o.receipt == receipt))
        row = (await self._c.execute(query)).first()
        return record(OutboxRow, row) if row else None

    async def posts_at(self, agent_id: int, address: str) -> list[OutboxRow]:
        o = t.outbox.c
        query = sa.select(t.outbox).where((o.agent_id == agent_id) & (o.address == address)).order_by(o.seq)
        return [record(OutboxRow, row) for row in await self._c.execute(query)]

    async def redirect(self, post_id: str, address: str) -> None:
        there = t.outbox.update().where(t.outbox.c.id == post_id)
        await self._c.execute(there.values(address=address, state=Delivery.READY, claimed_at=None))

    async def usage_since(self, agents: Collection[int] | None, since: datetime) -> Usage:
        total = Usage()
        for table in (t.steps, t.outlays):
            c = table.c
            sums = [
                sa.func.coalesce(sa.func.sum(column), 0)
                for column in (c.prompt_tokens, c.completion_tokens, c.cached_tokens)
            ]
            query = sa.select(*sums).where(c.at >= since)
            if agents is not None:
                query = query.where(c.agent_id.in_(agents))
            prompt, completion, cached = (await self._c.execute(query)).one()
            total += Usage(prompt=prompt, completion=completion, cached=cached)
        return total

    async def post(self, rows: Sequence[OutboxRow]) -> None:
        if rows:
            await self._c.execute(_POST, [vars(row) for row in rows])

    async def put_file(self, post_id: str, name: str, data: bytes) -> None:
        await self._c.execute(t.outbox_files.insert().values(outbox_id=post_id, name=name, data=data))

    async def file_of(self, post_id: str, agent_id: int | None = None) -> tuple[str, bytes] | None:
        f, o = t.outbox_files.c, t.outbox.c
        query = sa.select(f.name, f.data).where(f.outbox_id == post_id)
        if agent_id is not None:
            query = query.join(t.outbox, o.id == f.outbox_id).where(o.agent_id == agent_id)
        row = (await self._c.execute(query)).first()
        return (row.name, bytes(row.data)) if row else None

    async def drop_files(self, agent_id: int) -> None:
        o = t.outbox.c
        sent = sa.select(o.id).where((o.agent_id == agent_id) & o.state.not_in(["ready", "sending"]))
        await self._c.execute(t.outbox_files.delete().where(t.outbox_files.c.outbox_id.in_(sent)))

    async def has_post(self, post_id: str) -> bool:
        found = await self._c.execute(sa.select(t.outbox.c.seq).where(t.outbox.c.id == post_id))
        return found.first() is not None

    async def last_posts(self, agent_id: int, conversation_id: int, n: int) -> list[OutboxRow]:
        o = t.outbox.c
        stays = (o.turn_id == "") | sa.exists().where(t.turns.c.id == o.turn_id)  # a notice is of no turn
        here = (o.agent_id == agent_id) & (o.conversation_id == conversation_id) & stays
        query = sa.select(t.outbox).where(here).order_by(o.seq.desc()).limit(n)
        return [record(OutboxRow, row) for row in (await self._c.execute(query)).all()][::-1]

    async def replies(self, turn_id: str) -> dict[str, str]:
        o = t.outbox.c
        over = (o.turn_id == turn_id) & o.state.not_in(["ready", "sending"])
        return {row.id: row.text for row in await self._c.execute(sa.select(o.id, o.text).where(over))}

    async def reword(self, texts: Mapping[str, str]) -> None:
        for post_id, text in texts.items():
            await self._c.execute(t.outbox.update().where(t.outbox.c.id == post_id).values(text=text))

    async def ready(
        self, platforms: Collection[str], limit: int = 64, *, apart_from: Collection[str] = ()
    ) -> list[OutboxRow]:
        return await self._outbox(platforms, Delivery.READY, limit, apart_from)

    async def claim(self, ids: Collection[str], now: datetime) -> set[str]:
        if not ids:
            return set()
        return set((await self._c.execute(_CLAIM, {"rows": list(ids), "now": now})).scalars())

    async def unclaim(self, row_id: str, claimed_at: datetime) -> None:
        o = t.outbox.c
        ours = (o.id == row_id) & (o.state == Delivery.SENDING) & (o.claimed_at == claimed_at)
        await self._c.execute(t.outbox.update().where(ours).values(state=Delivery.READY, claimed_at=None))

    async def in_doubt(self, platforms: Collection[str]) -> list[OutboxRow]:
        return await self._outbox(platforms, Delivery.SENDING, None)

    async def settle(self, receipts: Sequence[tuple[str, Delivery, str | None]], now: datetime) -> None:
        values = [{"row": row, "to": state, "proof": proof, "now": now} for row, state, proof in receipts]
        if values:
            await self._c.execute(_SETTLE, values)
            over = [row for row, state, proof in receipts if state is not Delivery.READY and proof != row]
            await self._c.execute(_WITHOUT_FILES, {"rows": over})

    async def unsent(self, conversation_id: int | None = None) -> int:
        query = sa.select(sa.func.count()).where(sa.text("outbox.state IN ('ready', 'sending')"))
        query = query.select_from(t.outbox)
        if conversation_id is not None:
            query = query.where(t.outbox.c.conversation_id == conversation_id)
        return int((await self._c.execute(query)).scalar_one())

    async def _outbox(
        self, platforms: Collection[str], state: Delivery, limit: int | None, apart_from: Collection[str] = ()
    ) -> list[OutboxRow]:
        values = {"wanted": state, "busy": list(apart_from)}
        rows = await self._c.execute(_open(tuple(platforms), limit), values)
        return [record(OutboxRow, row) for row in rows]

    async def _events(self, condition: sa.ColumnElement[bool]) -> list[InboxRow]:
        rows = await self._c.execute(sa.select(t.inbox).where(condition).order_by(t.inbox.c.id))
        return [record(InboxRow, row) for row in rows]


def _pictured(agent_id: int, audiences: Audiences) -> sa.ColumnElement[bool]:
    """Messages that brought pictures."""
    i, c = t.inbox.c, t.conversations.c
    places = sa.select(c.id).where(c.agent_id == agent_id)  # have an index
    if audiences is not None:
        places = places.where(c.audience.in_(audiences))
    own = i.conversation_id.in_(places) & (i.agent_id == agent_id) & (i.kind == "message")
    # As `bot.events.to_json` writes an image; in what people write quotation marks are escaped.
    return own & sa.cast(i.payload, sa.Text).like('%"image": "data:image/%')


@lru_cache(maxsize=16)
def _open(platforms: tuple[str, ...], limit: int | None) -> Prepared:
    o = t.outbox.c
    # Two conditions on the state: the literal one lets SQLite use the partial index.
    unsent = sa.text("outbox.state IN ('ready', 'sending')") & (o.state == sa.bindparam("wanted"))
    free = ~among(o.address, "busy")
    return Prepared(
        sa.select(t.outbox)
        .where(unsent & free & on_platforms(platforms, o.address))
        .order_by(o.seq)
        .limit(limit)
    )


@lru_cache(maxsize=16)
def _busy(platforms: tuple[str, ...]) -> Prepared:
    here = places(platforms)
    i = t.inbox.c
    waiting = sa.select(i.agent_id).where(~i.done & i.conversation_id.in_(here))
    running = sa.select(t.turns.c.agent_id).where(
        sa.text("turns.state = 'running'") & t.turns.c.conversation_id.in_(here)
    )
    return Prepared(sa.union(waiting, running))


@lru_cache(maxsize=16)
def _waiting(platforms: tuple[str, ...]) -> Prepared:
    i = t.inbox.c
    agent: sa.BindParameter[int] = sa.bindparam("agent")
    here = places(platforms).where(t.conversations.c.agent_id == agent)
    unclaimed = (i.agent_id == agent) & ~i.done & i.turn_id.is_(None)
    return Prepared(sa.select(t.inbox).where(unclaimed & i.conversation_id.in_(here)).order_by(i.id))


@lru_cache(maxsize=16)
def _unfinished(platforms: tuple[str, ...]) -> Prepared:
    n = t.turns.c
    agent: sa.BindParameter[int] = sa.bindparam("agent")
    here = n.conversation_id.in_(places(platforms).where(t.conversations.c.agent_id == agent))
    # The literal lets SQLite use the partial index on running turns.
    running = (n.agent_id == agent) & sa.text("turns.state = 'running'") & here
    return Prepared(_TURN.where(running & ~among(n.id, "apart")).order_by(n.started_at))


def begun(turn: Turn) -> dict[str, Any]:
    """The row of a turn of which nobody was told that it waits."""
    return {
        "id": turn.id,
        "agent_id": turn.agent_id,
        "conversation_id": turn.conversation_id,
        "kind": turn.kind,
        "state": turn.state,
        "notified": False,
        "started_at": turn.started_at,
    }


def on_platforms(platforms: Collection[str], address: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether an address is on one of them."""
    return sa.or_(
        sa.false(), *(address.startswith(f"{platform}:", autoescape=True) for platform in platforms)
    )


def newest_said() -> sa.ScalarSelect[int]:
    """Of a conversation: its newest event that is a message of the platform itself, which marks how far the
    place was read. Beats and reminders are of our own making, a reaction may be about an old message, and
    what is answered anew (``~``) has its own row from before.
    """
    said, address = t.inbox.alias(), t.conversations.c.address
    platform = sa.func.substr(address, 1, place_of(address, ":"))
    return (
        sa.select(said.c.id)
        .where(
            said.c.conversation_id == t.conversations.c.id,
            said.c.kind.in_(_SAID),
            sa.func.substr(said.c.key, 1, sa.func.length(platform)) == platform,
            sa.not_(said.c.key.contains("~", autoescape=True)),
        )
        .order_by(said.c.id.desc())
        .limit(1)
        .correlate(t.conversations)
        .scalar_subquery()
    )


def places(platforms: Collection[str]) -> sa.Select[tuple[int]]:
    """Ids of the conversations on these platforms."""
    c = t.conversations.c
    return sa.select(c.id).where(on_platforms(platforms, c.address))
