"""Puts a memory back that `bot.ownership.export` took out."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from bot import bundle
from bot.agent import context
from bot.agent.queue_manager import QueueManager
from bot.bundle import Row, Tables
from bot.errors import AgentExists, BundleError
from bot.ownership.export import BEAT, BLOCK, FORMAT, MOMENTS
from bot.personas.personas import Personas
from bot.runtime import Runtime
from memory.ports import Session
from memory.records import (
    Agent,
    Audience,
    Beat,
    Block,
    BlockEdit,
    Conversation,
    Draft,
    Message,
    Role,
    Summary,
    Turn,
    TurnState,
    Wish,
    readable_from,
)
from memory.search.terms import digest_words

_BATCH = 1_000


class Restore:
    """Into one installation."""

    def __init__(self, runtime: Runtime, personas: Personas, queues: QueueManager) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._personas = personas
        self._queues = queues

    async def of(self, parts: Sequence[bytes], account: str | None) -> Agent:
        """Put a memory back: for ``account``, or the accounts that it names. It is one unit of work.

        Raises `BundleError` for what is no such file, `AgentExists` when the person has a memory with that
        persona here, `PersonaError` when there is no such persona.
        """
        _, tables = bundle.unpack(parts, FORMAT)
        try:
            async with self._store.write() as session:
                return await _Restoring(session, self._personas, self._queues, self._clock.now()).all(
                    tables, account
                )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise BundleError(f"Its contents are not as the format says ({type(error).__name__}).") from None


class _Restoring:
    """One import, in the caller's unit of work."""

    def __init__(self, session: Session, personas: Personas, queues: QueueManager, now: datetime) -> None:
        self._session = session
        self._personas = personas
        self._queues = queues
        self._now = now
        self._turns: dict[str, str] = {}

    async def all(self, tables: Tables, account: str | None) -> Agent:
        [who] = tables["agent"]
        agent = await self._agent(who, [account] if account else list(map(str, who["accounts"])))
        places = [await self._conversation(agent, row) for row in tables.get("conversations", ())]
        for row in tables.get("turns", ()):
            await self._turn(agent, row, places)
        for row in tables.get("blocks", ()):
            await self._block(agent, row)
        await self._messages(agent, tables.get("messages", []), places)
        await self._passages(agent, tables.get("passages", []))
        for row in tables.get("schedules", ()):
            await self._wish(agent, row, places)
        beat = {name: who["heartbeat"][name] for name in BEAT}
        moments: dict[str, Any] = {name: _moment(who["heartbeat"][name]) for name in MOMENTS}
        await self._session.schedule.put_beat(Beat(agent_id=agent.id, **beat, **moments))
        return agent

    async def _agent(self, who: Row, accounts: Sequence[str]) -> Agent:
        agents = self._session.agents
        persona = await self._personas.named(self._session, str(who["persona"]))
        users = [user for a in accounts if (user := await agents.user_of(a)) is not None]
        for user in users:
            if await agents.agent_of(user.id, persona.id) is not None:
                raise AgentExists(
                    f"{accounts[0]} has a memory with {persona.name} here. It must be forgotten first "
                    f"(everbot forget --user {accounts[0]})."
                )
        owner = (
            users[0]
            if users
            else await agents.create_user(accounts[0], str(who["name"]), _zone(who["timezone"]), self._now)
        )
        for account in accounts:
            if await agents.user_of(account) is None:
                await agents.move_account(account, owner.id)
        name = f"{accounts[0]}/{persona.name}"
        if await agents.agent_named(name) is not None:
            name = f"{name}~{owner.id}"
        agent = await agents.create_agent(owner.id, persona.id, name, self._now)
        for source in who["sources"]:
            archive = await self._session.passages.archive_named(str(source))
            if archive is not None:
                await self._session.passages.attach(agent.id, archive.id)
        return agent

    async def _conversation(self, agent: Agent, row: Row) -> Conversation:
        session, audience = self._session, _audience(row["audience"])
        place = await session.agents.create_conversation(agent.id, str(row["address"]), audience, self._now)
        if row["warned"]:
            await session.agents.warn(place.id, True)
        told = row["summary"]
        if told is not None:
            summary = Summary(
                conversation_id=place.id,
                text=str(told["text"]),
                rendered=_rendered(told["rendered"], Role.USER),
                tokens=int(told["tokens"]),
                messages=int(told["messages"]),
                since=_at(told["since"]),
                created_at=_at(told["at"]),
            )
            await session.messages.put_summary(summary)
        return place

    async def _turn(self, agent: Agent, row: Row, places: Sequence[Conversation]) -> None:
        turn = Turn(
            id=self._turn_id(row["id"]) or "",
            agent_id=agent.id,
            conversation_id=places[int(row["conversation"]) - 1].id,
            kind=str(row["kind"]),
            state=TurnState.RUNNING,
            steps=0,
            started_at=_at(row["at"]),
        )
        await self._session.mailbox.begin(turn, [])
        await self._session.mailbox.finish(turn.id, turn.started_at)

    async def _block(self, agent: Agent, row: Row) -> None:
        values = {name: row[name] for name in BLOCK}
        block = Block(id=0, owner=f"agent:{agent.id}", **{**values, "audience": _audience(row["audience"])})
        edits = [
            BlockEdit(
                block_id=0,
                label=block.label,
                audience=block.audience,
                version=int(edit["version"]),
                before=str(edit["before"]),
                after=str(edit["after"]),
                turn_id=self._turn_id(edit["turn"]),
                at=_at(edit["at"]),
            )
            for edit in row["history"]
        ]
        await self._session.blocks.restore(block, edits, self._now)

    async def _messages(self, agent: Agent, rows: Sequence[Row], places: Sequence[Conversation]) -> None:
        keys = [str(row["event"]) for row in rows if row["event"]]
        taken = await self._session.messages.taken(keys)
        for start in range(0, len(rows), _BATCH):
            part = [self._message(row, places, taken) for row in rows[start : start + _BATCH]]
            await self._session.messages.append(agent.id, part)

    def _message(self, row: Row, places: Sequence[Conversation], taken: Collection[str]) -> Message:
        role = Role(row["role"])
        rendered = _rendered(row["rendered"], role) if row["rendered"] else ""
        return Message(
            key=0,
            conversation_id=places[int(row["conversation"]) - 1].id,
            audience=_audience(row["audience"]),
            role=role,
            author=str(row["author"]),
            text=str(row["text"]),
            rendered=rendered,
            tokens=self._queues.window.cost(rendered) if rendered else 0,
            created_at=_at(row["at"]),
            turn_id=self._turn_id(row["turn"]) or "",
            step=int(row["step"]),
            event_key=None if row["event"] is None or row["event"] in taken else str(row["event"]),
            queued=bool(rendered),
        )

    async def _passages(self, agent: Agent, rows: Sequence[Row]) -> None:
        passages = self._session.passages
        taken = await passages.keys_of([str(row["uid"]) for row in rows])
        drafts = [
            Draft(
                text=str(row["text"]),
                audience=_audience(row["audience"]),
                tags=tuple(map(str, row["tags"])),
                source=str(row["source"]),
                position=int(row["position"]),
                turn_id=self._turn_id(row["turn"]),
                digest=digest_words(str(row["text"])),
                created_at=_at(row["at"]),
                uid="" if row["uid"] in taken else str(row["uid"]),
            )
            for row in rows
        ]
        stored = await passages.insert(agent.archive_id, drafts, self._now)
        known = {row["uid"]: passage.uid for row, passage in zip(rows, stored, strict=True)}
        for row in rows:
            if row["copy_of"] in known:
                await passages.link(known[row["uid"]], known[row["copy_of"]])

    async def _wish(self, agent: Agent, row: Row, places: Sequence[Conversation]) -> None:
        wish = Wish(
            id=uuid4().hex[:8],
            agent_id=agent.id,
            conversation_id=places[int(row["conversation"]) - 1].id,
            about=str(row["about"]),
            rule=str(row["rule"]),
            turn_id=self._turn_id(row["turn"]) or "",
            next_at=_at(row["next_at"]),
            created_at=_at(row["at"]),
        )
        await self._session.schedule.put_wish(wish)

    def _turn_id(self, name: str | None) -> str | None:
        """A turn's id here: nobody else's, whatever the file says."""
        return None if name is None else self._turns.setdefault(str(name), uuid4().hex)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else _at(text)


def _at(text: Any) -> datetime:
    at = datetime.fromisoformat(str(text))
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at


def _audience(text: Any) -> Audience:
    readable_from(str(text))  # raises ValueError for what is none
    return str(text)


def _zone(name: Any) -> str:
    return ZoneInfo(str(name)).key


def _rendered(text: Any, role: Role) -> str:
    """A rendered message, if it is one of that role."""
    message = json.loads(str(text))
    if message.get("role") != role.value:
        raise ValueError("a message of another role")
    if role is Role.USER:
        context.told(message)
    kept = ("role", "content", "tool_calls", "tool_call_id", "name")
    if set(message) <= set(kept):
        return str(text)
    return context.to_json({name: message[name] for name in kept if name in message})
