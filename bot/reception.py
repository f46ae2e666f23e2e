"""The front door: what adapters hear comes in here, is judged, given to its agent, and committed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.agent.locks import Locks
from bot.agent.queue_manager import QueueManager
from bot.commands.table import Commands
from bot.delivery.heartbeat import Heartbeat
from bot.delivery.mailboxes import Mailboxes
from bot.events import (
    Address,
    Command,
    CommandSpec,
    CommunityJoined,
    CommunityLeft,
    DocumentUploaded,
    Event,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    ReactionAdded,
    View,
    cleaned,
)
from bot.ownership.departures import Departures
from bot.ownership.erasure import Erasure
from bot.people.access import Access, Turned
from bot.people.allowance import Allowance
from bot.people.identities import Identities, Identity
from bot.ports import Clock
from bot.settings import EventSettings
from memory.indexer import Indexer
from memory.ports import Session, Store
from memory.records import Agent, Conversation, InboxRow, Passage, User, scope_of

_NOT_ALLOWED = "I may not talk with you here. Whoever runs me decides that."


class Reception:
    """`bot.ports.Inbound`, and what commands may do to agents as a whole."""

    def __init__(
        self,
        store: Store,
        mailboxes: Mailboxes,
        identities: Identities,
        access: Access,
        commands: Commands,
        queues: QueueManager,
        locks: Locks,
        indexer: Indexer,
        clock: Clock,
        heartbeat: Heartbeat,
        erasure: Erasure,
        departures: Departures,
        allowance: Allowance,
        events: EventSettings,
    ) -> None:
        self._store = store
        self._mailboxes = mailboxes
        self._identities = identities
        self._access = access
        self._commands = commands
        self._queues = queues
        self._locks = locks
        self._indexer = indexer
        self._clock = clock
        self._heartbeat = heartbeat
        self._erasure = erasure
        self._departures = departures
        self._allowance = allowance
        self._events = events

    # What adapters call

    async def submit(self, event: Event) -> View | None:
        event = cleaned(event)
        if isinstance(event, MessageEdited | MessageDeleted):
            await self._amend(event)
            return None
        if isinstance(event, CommunityLeft):
            await self._departures.left(event.community)
            return None
        if isinstance(event, CommunityJoined):
            await self._departures.returned(event.community)
            return None
        if await self._erasure.is_forgotten(event.key):
            return None
        if isinstance(event, DocumentUploaded) and not self._events.documents:
            return None
        if isinstance(event, ReactionAdded) and not self._events.reactions:
            return None
        try:
            await self._access.check(event, followed=await self._follows(event))
            if isinstance(event, ReactionAdded):
                place = await self._posted(event)
                if place is None:
                    return None
                event = replace(event, address=place.address, audience=place.audience)
                identity = await self._identities.at(place)  # whoever speaks there by now
                if identity is None:
                    return None
            else:
                identity = await self._identities.of(event)
            await self._access.spend(event, identity)
        except Turned as turned:
            return turned.view
        await self._mailboxes.receive(event, identity)
        return None

    async def awaits(self, event: Event) -> bool:
        try:
            await self._access.check(event, followed=await self._follows(event), ask=True)
        except Turned:
            return False
        return True

    async def submit_to(self, agent: Agent, event: Event) -> None:
        """`submit` for an agent that is known already, in a conversation that exists."""
        async with self._store.read() as session:
            conversation = await session.agents.conversation_at(agent.id, event.address, event.audience)
        assert conversation is not None
        identity = await self._identities.at(conversation)
        assert identity is not None
        await self._mailboxes.receive(cleaned(event), identity)

    async def invoke(self, command: Command) -> View:
        command = cleaned(command)
        try:
            await self._access.check(command)
        except Turned as turned:
            return turned.view or View(text=_NOT_ALLOWED, kind="error")
        identity = await self._identities.of(command)
        return await self._commands.run(command, identity, self)

    async def settled(self, address: Address | None = None) -> bool:
        return await self._mailboxes.settled(address)

    async def interrupt(self, address: Address, account: str | None = None) -> None:
        if account is None:
            await self._mailboxes.interrupt(address)
            return
        async with self._store.read() as session:
            agents = await _agents(session, account)
        await self._mailboxes.interrupt(address, [agent.id for agent in agents])

    async def newest_keys(self, platform: str) -> Mapping[Address, str]:
        async with self._store.read() as session:
            return await session.mailbox.newest_keys(platform)

    @property
    def commands(self) -> Sequence[CommandSpec]:
        return self._commands.specs

    # What commands call

    async def delete(self, agent: Agent) -> None:
        """Call off what the agent is at, and delete it with all that it remembers."""
        await self._erasure.agent(agent)

    async def forget(self, user: User) -> None:
        """Everything of a person, everywhere."""
        await self._erasure.user(user)

    async def forget_here(self, who: Identity) -> None:
        """What was said in one place."""
        await self._erasure.conversation(who)

    async def withdraw(self, user: User, lore: Sequence[Passage]) -> None:
        """A person takes back what they told for a whole community."""
        await self._erasure.lore(user, lore)

    async def reword(self, agent: Agent, passage: Passage, text: str) -> None:
        """A passage reads otherwise now, or (with an empty text) is forgotten."""
        await self._erasure.passage(agent, passage, text)

    async def beat(self, who: Identity) -> None:
        """A heartbeat at once."""
        await self._heartbeat.beat_now(who)

    async def join(self, keep: User, other: User) -> None:
        """Two users are one person: per persona the older agent takes over what the younger one holds."""
        async with self._store.read() as session:
            ours = {agent.persona_id: agent for agent in await session.agents.agents_of(keep.id)}
            theirs = {agent.persona_id: agent for agent in await session.agents.agents_of(other.id)}
        agents = [*ours.values(), *theirs.values()]
        async with self._mailboxes.still(*(agent.id for agent in agents)):
            now = self._clock.now()
            async with self._store.write() as session:
                for persona, agent in theirs.items():
                    mine = ours.get(persona)
                    if mine is None:
                        await session.agents.give(agent.id, keep.id)
                        continue
                    older, younger = sorted((mine, agent), key=lambda a: a.id)
                    await session.joining.join(older, younger, now)
                    await session.agents.give(older.id, keep.id)
                for account in await session.agents.accounts_of(other.id):
                    await session.agents.move_account(account, keep.id)
            for agent in agents:
                self._identities.forget(agent.id)
                await self._indexer.refresh(agent)

    async def separate(self, account: str, name: str) -> None:
        """The account is a new, empty user's from now on."""
        async with self._store.read() as session:
            before = await session.agents.user_of(account)
        assert before is not None
        await self._allowance.separating(account, before)
        async with self._store.write() as session:
            await session.agents.create_user(account, name, before.timezone, self._clock.now())
            agents = await session.agents.agents_of(before.id)
        for agent in agents:
            self._identities.forget(agent.id)

    async def _follows(self, event: Event) -> bool:
        """Whether the person has talked with us in that thread before."""
        if not isinstance(event, MessageReceived) or event.addressed or not event.thread:
            return False
        async with self._store.read() as session:
            for agent in await _agents(session, event.account):
                place = await session.agents.conversation_at(agent.id, event.address, event.audience)
                if place is not None and await session.mailbox.has_events(place.id):
                    return True
        return False

    async def _posted(self, event: ReactionAdded) -> Conversation | None:
        """Where the person's own agent said what they react to; None when it was not theirs."""
        async with self._store.read() as session:
            for agent in await _agents(session, event.account):
                row = await session.mailbox.posted(agent.id, event.target)
                if row is not None:
                    return await session.agents.conversation(row.conversation_id)
        return None

    async def _amend(self, event: MessageEdited | MessageDeleted) -> None:
        """A message was edited or deleted where it was written: memory follows."""
        async with self._store.read() as session:
            rows = await session.mailbox.events_from(event.target)
        if not rows:
            await self._erasure.quoted(event.target)
        for row in rows:
            if isinstance(event, MessageDeleted):
                await self._reword(row, "")
            elif row.key == event.target:
                await self._reword(row, event.text)

    async def _reword(self, row: InboxRow, text: str) -> None:
        if row.payload.get("text") == text:
            return  # a link's preview was added, or the event came twice
        async with self._locks.of(row.agent_id), self._store.write() as session:
            await session.mailbox.replace_event(row.key, {**row.payload, "text": text})
            if not text:
                await session.mailbox.drop_event(row.key)
            message = await session.messages.by_event(row.key)
            if message is not None:
                await self._queues.amend(session, message, text)
                row = replace(row, agent_id=scope_of(message.key))
            await self._erasure.message(session, message, row.key, row.agent_id)
        self._mailboxes.restart(row.agent_id, row.key)


async def _agents(session: Session, account: str) -> list[Agent]:
    """The agents of whom the account is; oldest first."""
    user = await session.agents.user_of(account)
    return await session.agents.agents_of(user.id) if user else []
