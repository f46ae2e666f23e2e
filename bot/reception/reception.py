"""The front door: what adapters hear comes in here, is judged, given to its agent, and committed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial

from bot.agent.tools.unwanted import Unwanted
from bot.commands.table import Commands
from bot.delivery.heartbeat import Heartbeat
from bot.delivery.mailboxes import Mailboxes
from bot.errors import CommandError
from bot.events import (
    LOCAL,
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
    Origin,
    ReactionAdded,
    Suggestion,
    View,
    cleaned,
    origin_of,
    platform_of,
)
from bot.language import gettext, language, marked, spoken
from bot.observer import Heard
from bot.ownership.rights import Rights
from bot.ownership.underway import Gone
from bot.people.access import Access
from bot.people.identities import Identities, Identity, agents_of
from bot.people.pace import NotForUs, Turned
from bot.people.programs import Programs
from bot.reception.judging import Judging, Kept, refused
from bot.reception.threads import Threads
from bot.runtime import Runtime
from bot.safety.masking import TOLD
from bot.safety.refusing import Verdict
from memory.errors import StaleAgent
from memory.ports import Leases, Session
from memory.records import Agent, Audience, Conversation, Message, Passage, User

_ALWAYS = ("stop", "help")  # whatever else was commanded in this minute
_REUSED = marked(
    "That id stood for another message already, so I have let this one go. Give each message an id of its own."
)
_NOT_ALLOWED = marked("I may not talk with you here. Whoever runs me decides that.")


class _Obeyed(Exception):
    """The command was carried out before."""


class Reception:
    """`bot.ports.Inbound`, and what commands may do to agents as a whole."""

    def __init__(
        self,
        runtime: Runtime,
        access: Access,
        identities: Identities,
        judging: Judging,
        commands: Commands,
        rights: Rights,
        mailboxes: Mailboxes,
        heartbeat: Heartbeat,
    ) -> None:
        self._store, self._clock, self._observer = runtime.store, runtime.clock, runtime.observer
        self._programs = Programs(runtime.store, runtime.clock, identities.default)
        self._leases = runtime.cluster.leases
        self._threads = Threads(runtime.store, judging.masking)
        self._access = access
        self._identities = identities
        self._judging = judging
        self._commands = commands
        self._rights = rights
        self._mailboxes = mailboxes
        self._heartbeat = heartbeat

    # What adapters call

    async def submit(self, event: Event) -> View | None:
        event = cleaned(event)
        heard = Heard(platform=platform_of(event.account), kind=event.kind, key=event.key)
        with self._observer.during(heard), spoken(self._identities.heard(event)):
            return await self._submit(event)

    async def _submit(self, event: Event) -> View | None:
        if isinstance(event, MessageEdited | MessageDeleted):
            return await self._amend(event)
        if isinstance(event, CommunityLeft):
            await self._rights.departures.left(event.community)
            return None
        if isinstance(event, CommunityJoined):
            await self._rights.departures.returned(event.community)
            return None
        # A file came with a message, and its key is that message's with the file's behind it.
        said = event.key.rpartition("/")[0] if isinstance(event, DocumentUploaded) else event.key
        erasure, underway = self._rights.erasure, self._rights.erasure.underway
        await underway.expect(event.account, event.address, said)
        if await erasure.is_forgotten(said) or await erasure.is_forgotten(event.key):
            return underway.word_of(said)
        if not self._judging.hears(event):
            return None
        try:
            if isinstance(event, ReactionAdded):
                place = await self._posted(event)
                if place is None:
                    return None
                event = replace(event, address=place.address, audience=place.audience)
                await self._access.check(event)  # by the rules of the place where we said it
                identity = await self._identities.at(place)  # whoever speaks there by now
                if identity is None:
                    return None
            else:
                await self._access.check(event, followed=await self._threads.follows(event))
                identity = await self._identities.of(event)
            with spoken(await self._identities.language_of(event, identity)):
                await self._access.pace.spend(event, identity)
                await self._judging.fit(event, identity)
                kept = await self._judging.judged(event, identity)
        except Turned as turned:
            if isinstance(turned, NotForUs):
                await self._overhear(event)
            if said == event.key:
                underway.arrived(said)
            return turned.view
        try:
            new, event = await self._receive(event, identity, kept, said)
        except Gone:
            await erasure.let_go(said)
            return underway.word_of(said)
        if said == event.key:
            underway.arrived(said)
        return None if new else await self._reused(event)

    async def _receive(self, event: Event, identity: Identity, kept: Kept, said: str) -> tuple[bool, Event]:
        """As `Mailboxes.receive`, and what was received. Raises `Gone`."""
        admit = partial(self._rights.erasure.underway.admit, said)
        if isinstance(event, MessageReceived):
            await self._rights.rooms.hear(event, admit)
        event = kept.event
        if isinstance(event, MessageReceived):
            event = await self._threads.begun(await self._rights.rooms.without_the_kept_out(event), identity)
        try:
            return await self._mailboxes.receive(event, identity, kept.notices, admit), event
        except StaleAgent:
            self._identities.drop(identity.agent.id)
            raise

    def reading(self, account: str, address: Address, key: str) -> AbstractAsyncContextManager[None]:
        return self._rights.erasure.underway.reading(account, address, key)

    async def awaits(self, event: Event) -> bool:
        try:
            await self._access.check(event, followed=await self._threads.follows(event), ask=True)
        except Turned:
            return False
        await self._rights.erasure.underway.expect(event.account, event.address, event.key)
        return True

    async def submit_to(self, agent: Agent, event: Event) -> None:
        """`submit` for an agent that is known already, in a conversation that exists."""
        async with self._store.read() as session:
            conversation = await session.agents.conversation_at(agent.id, event.address, event.audience)
        assert conversation is not None
        identity = await self._identities.at(conversation)
        assert identity is not None
        with spoken(identity.language):
            kept = await self._judging.kept(cleaned(event), identity)
        await self._mailboxes.receive(kept.event, identity, kept.notices)

    async def invoke(self, command: Command) -> View:
        return await self._invoke(command, nullcontext())

    async def typed(self, command: Command, key: str) -> View | None:
        async with self._store.read() as session:
            if await session.mailbox.is_obeyed(key):
                return None
        try:
            return await self._invoke(command, self._once(key))
        except _Obeyed:
            return None  # another process was quicker

    @asynccontextmanager
    async def _once(self, key: str) -> AsyncIterator[None]:
        """With the first change that is made in the block it is noted that it was; or after it. Raises `_Obeyed`, and
        nothing is changed, when it was before."""

        async def note(session: Session) -> None:
            if not await session.mailbox.obey(key, self._clock.now()):
                raise _Obeyed

        with self._store.first(note) as first:
            yield
        if not first.done:
            async with self._store.write() as session:
                await note(session)

    async def _invoke(self, command: Command, during: AbstractAsyncContextManager[None]) -> View:
        """``during`` holds while the command is carried out."""
        command = cleaned(command)
        with spoken(self._identities.heard(command)):
            try:
                await self._access.check(command)
                if command.command not in _ALWAYS:
                    self._access.pace.command(command)
            except Turned as turned:
                return _told(turned)
            identity = await self._identities.of(command)
            with spoken(await self._identities.language_of(command, identity)):
                try:
                    kept = await self._judging.command(command, identity.user)
                except Turned as turned:
                    return _told(turned)
                async with during:
                    view = await self._commands.run(kept, identity, self)
                return view if kept is command else replace(view, text=f"{view.text}\n\n{gettext(TOLD)}")

    async def admit(self, who: Origin, *, writes: bool = False) -> Identity:
        """Whose agent it is that somebody looks at (or, ``writes``, changes): judged as a command is, but not answered,
        and counted only if it changes something. Raises `Turned`."""
        await self._access.check(who, ask=True)
        if writes:
            self._access.pace.command(who)
        return await self._identities.of(who)

    async def suggest(self, command: Command, blank: str) -> Sequence[Suggestion]:
        command = cleaned(command)
        try:
            await self._access.check(command, ask=True)
        except Turned:
            return ()
        async with self._store.read() as session:
            if await session.agents.user_of(command.account) is None:
                return ()  # there is nothing yet, and asking makes nothing
        identity = await self._identities.of(command)
        with spoken(await self._identities.language_of(command, identity)):
            return await self._commands.suggest(command, identity, blank)

    async def settled(self, address: Address | None = None) -> bool:
        return await self._mailboxes.settled(address)

    async def interrupt(self, address: Address, account: str | None = None) -> None:
        if account is None:
            await self._mailboxes.interrupt(address)
            return
        async with self._store.read() as session:
            agents = await agents_of(session, account)
        await self._mailboxes.interrupt(address, [agent.id for agent in agents])

    @property
    def leases(self) -> Leases:
        return self._leases

    @property
    def programs(self) -> Programs:
        return self._programs

    async def newest_keys(self, platform: str) -> Mapping[Address, str]:
        async with self._store.read() as session:
            return await session.mailbox.newest_keys(platform)

    @property
    def commands(self) -> Sequence[CommandSpec]:
        return self._commands.specs

    # What commands call

    async def delete(self, agent: Agent) -> None:
        """Call off what the agent is at, and delete it with all that it remembers."""
        await self._rights.erasure.agent(agent)

    async def forget(self, user: User) -> None:
        """Everything of a person, everywhere."""
        await self._rights.erasure.user(user)

    async def forget_here(self, who: Identity) -> None:
        """What was said in one place."""
        await self._rights.erasure.conversation(who)

    async def withdraw(self, user: User, lore: Sequence[Passage]) -> None:
        """A person takes back what they told for a whole community."""
        await self._rights.erasure.lore(user, lore)

    async def close(self, agent: Agent, copy: Passage) -> None:
        """As `Erasure.copy`."""
        await self._rights.erasure.copy(agent, copy)

    async def unwanted(self, who: Identity, audience: Audience, unwanted: Unwanted) -> None:
        """As `Erasure.unwanted`."""
        await self._rights.erasure.unwanted(who, audience, unwanted)

    async def keep_out(self, user: User) -> None:
        """As `Erasure.keep_out`."""
        await self._rights.erasure.keep_out(user)

    async def drop_lines(self, lines: Sequence[Message]) -> None:
        """As `Erasure.lines`."""
        await self._rights.erasure.lines(lines)

    async def reword_lore(self, entry: Passage, text: str) -> None:
        """An entry of a community's lore reads otherwise now, or (with an empty text) is deleted."""
        await self._rights.erasure.entry(entry, text)

    async def beat(self, who: Identity) -> bool:
        """A heartbeat at once; False: not any more today."""
        return await self._heartbeat.beat_for(who)

    async def afford(self, command: Command, who: Identity) -> None:
        """The command makes the agent think: it counts as a message. Raises `CommandError` beyond a limit."""
        try:
            await self._access.pace.question(command, who)
            await self._judging.fit(command, who)
        except Turned as turned:
            raise CommandError(turned.view.text if turned.view else gettext(_NOT_ALLOWED)) from None

    async def again(self, event: Event, who: Identity) -> None:
        """Think about an event as if it came now; it was judged before."""
        await self._mailboxes.receive(cleaned(event), who)

    async def join(self, keep: User, other: User) -> None:
        """Two users are one person."""
        await self._rights.accounts.join(keep, other)

    async def separate(self, account: str, name: str) -> None:
        """The account is a new, empty user's from now on."""
        await self._rights.accounts.separate(account, name)

    async def _overhear(self, event: Event) -> None:
        """A room may keep what was said in it, but never what is refused."""
        if isinstance(event, MessageReceived) and await self._judging.overheard(event):
            with suppress(Gone):
                await self._rights.rooms.hear(event, partial(self._rights.erasure.underway.admit, event.key))

    async def _amend(self, event: MessageEdited | MessageDeleted) -> View | None:
        """A message reads otherwise now, or is gone: so is one that reads what is refused."""
        verdict = await self._judging.edited(event) if isinstance(event, MessageEdited) else Verdict.PASSES
        if verdict is Verdict.PASSES:
            await self._rights.amendments.follow(event)
            return None
        gone = MessageDeleted(**origin_of(event), key=event.key, at=event.at, target=event.target)
        await self._rights.amendments.follow(gone)
        return refused(verdict)

    async def _reused(self, event: Event) -> View | None:
        """What is to be said to a program that gives two messages one id: none is lost without a word."""
        if platform_of(event.account) != LOCAL or not isinstance(event, MessageReceived):
            return None  # a platform that tells again what it told
        async with self._store.read() as session:
            rows = await session.mailbox.events_from(event.key)
        texts = [row.payload.get("text") for row in rows if row.key == event.key]
        return (
            View(text=gettext(_REUSED), kind="error")
            if texts and texts[0] not in (None, event.text)
            else None
        )

    async def _posted(self, event: ReactionAdded) -> Conversation | None:
        """Where the person's own agent said what they react to; None when it was not theirs."""
        async with self._store.read() as session:
            for agent in await agents_of(session, event.account):
                row = await session.mailbox.posted(agent.id, event.target)
                if row is not None:
                    return await session.agents.conversation(row.conversation_id)
        return None


def _told(turned: Turned) -> View:
    return replace(turned.view or View(text=gettext(_NOT_ALLOWED), kind="error"), language=language())
