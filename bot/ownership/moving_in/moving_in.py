"""Takes over what a person and an earlier bot of theirs said: as recall storage, with its dates, and marked.

The same file twice adds nothing, and one that was broken off goes on: each message is known by a digest of its name in
its source.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from uuid import uuid4
from zoneinfo import ZoneInfo

from bot.errors import BundleError
from bot.events import clean, printable
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Format, Left, Line, Talk, Whose
from bot.people.identities import new_agent
from bot.personas.personas import Personas
from bot.runtime import Runtime
from bot.safety.masking import Masking
from memory.ports import Session
from memory.records import (
    IMPORTED_TURN,
    PRIVATE,
    Agent,
    Conversation,
    Import,
    Message,
    Role,
    Turn,
    TurnState,
    User,
    import_address,
)

_BATCH = 250  # messages of a unit of work
_MOST = 500_000  # messages of an import
_LONGEST = 100_000  # characters of a message; the rest is left out
_TITLE = 80  # characters of a talk's title that are kept
_NAME = 200  # ... and of an author's name


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Whose it becomes (``account``, with that ``persona``), and whose talks of the file it is (`Whose`)."""

    account: str
    persona: str
    partner: str = ""
    me: str = ""


@dataclass
class Taken:
    """What came of an import, so far. ``name`` is what `everbot imports --undo` takes."""

    name: str
    agent: Agent | None = None
    added: int = 0
    known: int = 0  # messages that were there already
    talks: int = 0
    first: datetime | None = None
    last: datetime | None = None
    left: Left = field(default_factory=Left)


@dataclass(frozen=True)
class _Said:
    """A line of the talk of that number; ``at`` is told, or the nearest that is."""

    talk: int
    title: str
    line: Line
    text: str
    at: datetime


class MovingIn:
    """Into one installation. ``keep`` is how long messages are kept (none: for ever), ``zone`` that of newcomers."""

    def __init__(
        self, runtime: Runtime, personas: Personas, keep: timedelta, zone: str, masking: Masking
    ) -> None:
        self._masking = masking
        self._store, self._clock, self._locks = runtime.store, runtime.clock, runtime.locks
        self._indexer = runtime.indexer
        self._personas = personas
        self._keep = keep
        self._zone = zone

    async def of(
        self,
        source: Source,
        form: Format,
        wanted: Wanted,
        progress: Callable[[Taken], None] = lambda taken: None,
    ) -> Taken:
        """Take all of it. Raises `BundleError` where it cannot be read (what was taken until then stays),
        `PersonaError` when there is no such persona."""
        now = self._clock.now()
        digest = await asyncio.to_thread(source.digest)
        taken = Taken(_digest(form.what, digest)[:8])
        async with self._store.read() as session:
            user = await session.agents.user_of(wanted.account)
        zone = ZoneInfo(user.timezone if user else self._zone)
        whose = Whose(zone=zone, partner=wanted.partner, me=wanted.me)
        said = _spoken(form.read(source, whose, taken.left), taken.left, now, self._keep)
        taking = _Taking(form.what, wanted, taken, self._personas, self._zone, self._masking)
        while batch := await asyncio.to_thread(lambda: list(islice(said, _BATCH))):
            if taken.added + taken.known + len(batch) > _MOST:
                raise BundleError(f"It has more than {_MOST:,} messages: they were taken, and no more.")
            async with self._store.write() as session:
                await taking.batch(session, batch, now)
            self._indexer.wake()
            progress(taken)
        return taken


class _Taking:
    """One import, batch by batch, each in the caller's unit of work."""

    def __init__(
        self, what: str, wanted: Wanted, taken: Taken, personas: Personas, zone: str, masking: Masking
    ) -> None:
        self._masking = masking
        self._what = what
        self._wanted = wanted
        self._taken = taken
        self._personas = personas
        self._zone = zone
        self._user: User | None = None
        self._place: tuple[int, Conversation] | None = None
        self._turn: Turn | None = None
        self._by_person = False

    async def batch(self, session: Session, batch: list[_Said], now: datetime) -> None:
        taken = self._taken
        agent = taken.agent = taken.agent or await self._agent(session, now)
        keys = [f"imported:{agent.id}:{_digest(self._what, said.line.id)}" for said in batch]
        known = await session.messages.taken(keys)
        turns: list[Turn] = []
        messages: list[Message] = []
        for key, said in zip(keys, batch, strict=True):
            if key in known:
                taken.known += 1
                continue
            known.add(key)
            place = await self._conversation(session, agent, said, now)
            turn = self._exchange(said, place)
            if turn is not self._turn:
                turns.append(turn)
                self._turn = turn
            messages.append(self._message(said, place, turn, key))
        if messages:
            await session.imports.begin(Import(agent_id=agent.id, name=taken.name, at=now))
        await session.imports.add_turns(turns)
        await session.messages.append(agent.id, messages)
        taken.added += len(messages)
        times = [message.created_at for message in messages]
        taken.first = min([*times, *([taken.first] if taken.first else [])], default=None)
        taken.last = max([*times, *([taken.last] if taken.last else [])], default=None)

    async def _agent(self, session: Session, now: datetime) -> Agent:
        account, agents = self._wanted.account, session.agents
        persona = await self._personas.named(session, self._wanted.persona)
        self._user = await agents.user_of(account)
        if self._user is None:
            name = self._wanted.me or account.partition(":")[2]
            self._user = await agents.create_user(account, name, self._zone, now)
        agent = await agents.agent_of(self._user.id, persona.id)
        return agent or await new_agent(session, self._user, persona, account, now)

    async def _conversation(self, session: Session, agent: Agent, said: _Said, now: datetime) -> Conversation:
        if self._place is None or self._place[0] != said.talk:
            title = " ".join(printable(clean(said.title)).split())[:_TITLE]
            address = import_address(self._taken.name, f"{said.talk} {title}".strip())
            self._place = (said.talk, await session.imports.place(agent.id, address, now))
            self._turn = None
            self._taken.talks += 1
        return self._place[1]

    def _exchange(self, said: _Said, place: Conversation) -> Turn:
        """What the person said, and what was answered, is a turn, as it is here."""
        mine = not said.line.author
        if self._turn is not None and not (mine and not self._by_person):
            self._by_person = mine
            return self._turn
        self._by_person = mine
        return Turn(
            id=uuid4().hex,
            agent_id=place.agent_id,
            conversation_id=place.id,
            kind=IMPORTED_TURN,
            state=TurnState.DONE,
            steps=0,
            started_at=said.at,
        )

    def _message(self, said: _Said, place: Conversation, turn: Turn, key: str) -> Message:
        assert self._user is not None
        author = " ".join(printable(clean(said.line.author)).split())[:_NAME]
        if author.casefold() == self._user.name.casefold():
            author = f"{author} (bot)"  # "I" is the person alone
        return Message(
            key=0,
            conversation_id=place.id,
            audience=PRIVATE,
            role=Role.ASSISTANT if said.line.author else Role.USER,
            author=author or self._user.name,
            text=self._masking.text(self._user, said.text),
            rendered="",
            tokens=0,
            created_at=said.at,
            turn_id=turn.id,
            event_key=key,
            queued=False,
            origin=self._what,
        )


def _spoken(talks: Iterator[Talk], left: Left, now: datetime, keep: timedelta) -> Iterator[_Said]:
    """What was said, of all talks; without what is empty, or older than messages are kept."""
    for number, talk in enumerate(talks, 1):
        nearest = talk.at or now
        for line in talk.lines:
            nearest = min(line.at or nearest, now)
            text = clean(line.text).strip()
            if len(text) > _LONGEST:
                left.out(f"the rest of a message beyond {_LONGEST:,} characters")
                text = text[:_LONGEST]
            if not any(map(str.isalnum, text)):
                left.out("a message without words")
            elif keep and nearest < now - keep:
                left.out("a message that is older than messages are kept here (privacy.keep_messages_days)")
            else:
                yield _Said(number, talk.title, line, text, nearest)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
