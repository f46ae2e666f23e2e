"""Puts a memory back that `bot.ownership.export` took out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TypeVar
from uuid import uuid4

from bot.agent.queue_manager import QueueManager
from bot.errors import AgentExists
from bot.ownership import rows
from bot.ownership.export import BEAT, BLOCK, MOMENTS
from bot.ownership.memory_file import MemoryFile
from bot.people.identities import new_agent
from bot.personas.personas import Personas
from bot.runtime import Runtime
from bot.safety.masking import Masking
from memory.ports import Session
from memory.records import (
    Agent,
    Beat,
    Block,
    BlockEdit,
    Conversation,
    Draft,
    Import,
    Message,
    Summary,
    Turn,
    TurnState,
    User,
    Wish,
    import_of,
    unique,
)
from memory.search.terms import digest_words

T = TypeVar("T")
_BATCH = 1_000


class Restore:
    """Into one installation."""

    def __init__(self, runtime: Runtime, personas: Personas, queues: QueueManager, masking: Masking) -> None:
        self._masking = masking
        self._store, self._clock = runtime.store, runtime.clock
        self._personas = personas
        self._queues = queues

    async def of(self, parts: Sequence[bytes], account: str | None) -> Agent:
        """Put a memory back: for ``account``, or the accounts that it names. It is one unit of work.

        Raises `BundleError` for what is no such file, `AgentExists` when the person has a memory with that persona
        here, or is others here, `PersonaError` when there is no such persona. Nothing was written then.
        """
        file = MemoryFile(parts, self._clock.now(), masks=self._masking.on)
        async with self._store.write() as session:
            restoring = _Restoring(session, self._personas, self._queues, self._clock.now())
            return await restoring.all(file, account)


class _Restoring:
    """One import, in the caller's unit of work."""

    def __init__(self, session: Session, personas: Personas, queues: QueueManager, now: datetime) -> None:
        self._session = session
        self._personas = personas
        self._queues = queues
        self._now = now
        self._turns: dict[str, str] = {}
        self._uids: dict[str, str] = {}
        self._closed: list[tuple[int, rows.PassageRow]] = []

    async def all(self, file: MemoryFile, account: str | None) -> Agent:
        who = file.person
        agent = await self._agent(who, [account] if account else who.accounts)
        places = [await self._conversation(agent, row) for row in file.places]
        for name in unique(filter(None, (import_of(place.address) for place in places))):
            await self._session.imports.begin(Import(agent_id=agent.id, name=name, at=self._now))
        for turn in file.each(rows.TurnRow):
            await self._turn(agent, turn, places)
        for block in file.each(rows.BlockRow):
            await self._block(agent, block)
        for messages in _batches(file.each(rows.MessageRow)):
            await self._messages(agent, messages, places)
        for passages in _batches(file.each(rows.PassageRow)):
            await self._passages(agent, passages)
        for key, note in self._closed:
            if note.until is not None and note.replaced_by in self._uids:
                await self._session.passages.close([key], note.until, self._uids[note.replaced_by])
        for wish in file.each(rows.WishRow):
            await self._wish(agent, wish, places)
        beat = Beat(agent_id=agent.id, **{name: getattr(who.heartbeat, name) for name in (*BEAT, *MOMENTS)})
        await self._session.schedule.put_beat(
            replace(beat, last_at=self._past(beat.last_at), heard_at=self._past(beat.heard_at))
        )
        return agent

    async def _agent(self, who: rows.Person, accounts: Sequence[str]) -> Agent:
        agents = self._session.agents
        persona = await self._personas.named(self._session, who.persona)
        owner = await self._known(accounts)
        if owner is None:
            owner = await agents.create_user(accounts[0], who.name, who.timezone, self._now)
            await agents.set_language(owner.id, who.language)
            await agents.set_locale(owner.id, who.locale)
            await agents.set_keeps_secrets(owner.id, who.keeps_secrets)
            for account in accounts[1:]:
                await agents.add_account(account, owner.id)
        elif await agents.agent_of(owner.id, persona.id) is not None:
            raise AgentExists(
                f"{accounts[0]} has a memory with {persona.name} here. It must be forgotten first "
                f"(everbot forget --user {accounts[0]})."
            )
        agent = await new_agent(self._session, owner, persona, accounts[0], self._now)
        for source in who.sources:
            archive = await self._session.passages.archive_named(source)
            if archive is not None:
                await self._session.passages.attach(agent.id, archive.id)
        return agent

    async def _known(self, accounts: Sequence[str]) -> User | None:
        """Who the accounts are here; None for nobody yet. A file makes nobody here another's: whoever is here, is all
        of them."""
        users = {account: await self._session.agents.user_of(account) for account in accounts}
        here = [account for account, user in users.items() if user is not None]
        if not here:
            return None
        if len({user.id if user else None for user in users.values()}) == 1:
            return users[here[0]]
        others = [account for account in accounts if account != here[0]]
        raise AgentExists(
            f"{here[0]} is known here, and not as one person with {', '.join(others)}, as the file has it. Nothing was "
            f"changed. Either they link these accounts here first (/link), or --user names the one account that gets "
            f"this memory, or {here[0]} is forgotten first (everbot forget --user {here[0]})."
        )

    async def _conversation(self, agent: Agent, row: rows.Place) -> Conversation:
        session = self._session
        place = await session.agents.create_conversation(agent.id, row.address, row.audience, self._now)
        if row.warned:
            await session.agents.warn(place.id, True)
        told = row.summary
        if told is not None:
            summary = Summary(
                conversation_id=place.id,
                text=told.text,
                rendered=told.rendered,
                tokens=self._queues.window.cost(told.rendered),  # as it is counted here
                messages=told.messages,
                since=told.since,
                created_at=told.at,
            )
            await session.messages.put_summary(summary)
        return place

    async def _turn(self, agent: Agent, row: rows.TurnRow, places: Sequence[Conversation]) -> None:
        turn = Turn(
            id=self._turn_id(row.id),
            agent_id=agent.id,
            conversation_id=places[row.conversation - 1].id,
            kind=row.kind,
            state=TurnState.RUNNING,
            steps=0,
            started_at=row.at,
        )
        await self._session.mailbox.begin(turn, [])
        await self._session.mailbox.finish(turn.id, turn.started_at)

    async def _block(self, agent: Agent, row: rows.BlockRow) -> None:
        values = {name: getattr(row, name) for name in BLOCK}
        block = Block(id=0, owner=f"agent:{agent.id}", **values)
        edits = [
            BlockEdit(
                block_id=0,
                label=block.label,
                audience=block.audience,
                version=edit.version,
                before=edit.before,
                after=edit.after,
                turn_id=self._turn_id(edit.turn) if edit.turn else None,
                at=edit.at,
            )
            for edit in row.history
        ]
        await self._session.blocks.restore(block, edits, self._now)

    async def _messages(
        self, agent: Agent, batch: Sequence[rows.MessageRow], places: Sequence[Conversation]
    ) -> None:
        taken = await self._session.messages.taken([row.event for row in batch if row.event])
        await self._session.messages.append(agent.id, [self._message(row, places, taken) for row in batch])

    def _message(
        self, row: rows.MessageRow, places: Sequence[Conversation], taken: Collection[str]
    ) -> Message:
        return Message(
            key=0,
            conversation_id=places[row.conversation - 1].id,
            audience=row.audience,
            role=row.role,
            author=row.author,
            text=row.text,
            rendered=row.rendered,
            tokens=self._queues.window.cost(row.rendered) if row.rendered else 0,
            created_at=row.at,
            turn_id=self._turn_id(row.turn),
            step=row.step,
            event_key=None if row.event in taken else row.event,
            queued=bool(row.rendered),
            origin=row.origin,
        )

    async def _passages(self, agent: Agent, batch: Sequence[rows.PassageRow]) -> None:
        passages = self._session.passages
        taken = await passages.keys_of([row.uid for row in batch])
        drafts = [
            Draft(
                text=row.text,
                audience=row.audience,
                tags=tuple(row.tags),
                source=row.source,
                position=row.position,
                turn_id=self._turn_id(row.turn) if row.turn else None,
                digest=digest_words(row.text),
                created_at=row.at,
                uid="" if row.uid in taken else row.uid,
                since=row.since,
                until=row.until,
                origin=row.origin,
                doubtful=row.doubtful,
                file=row.file or "",
            )
            for row in batch
        ]
        stored = await passages.insert(agent.archive_id, drafts, self._now)
        self._uids |= {row.uid: passage.uid for row, passage in zip(batch, stored, strict=True)}
        for row in batch:
            if row.copy_of is not None:
                await passages.link(self._uids[row.uid], self._uids[row.copy_of])
        self._closed += [
            (passage.key, row) for row, passage in zip(batch, stored, strict=True) if row.replaced_by
        ]

    async def _wish(self, agent: Agent, row: rows.WishRow, places: Sequence[Conversation]) -> None:
        wish = Wish(
            id=uuid4().hex[:8],
            agent_id=agent.id,
            conversation_id=places[row.conversation - 1].id,
            about=row.about,
            rule=row.rule,
            turn_id=self._turn_id(row.turn),
            next_at=row.next_at,
            created_at=row.at,
        )
        await self._session.schedule.put_wish(wish)

    def _past(self, at: datetime | None) -> datetime | None:
        """What has been, by the clock here."""
        return at and min(at, self._now)

    def _turn_id(self, name: str) -> str:
        """A turn's id here: nobody else's, whatever the file says."""
        return self._turns.setdefault(name, uuid4().hex)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while batch := list(islice(left, _BATCH)):
        yield batch
