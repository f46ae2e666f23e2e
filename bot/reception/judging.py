"""What comes in, as it may be kept: not at all where it is refused, and without secrets; and what is told beside it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.events import (
    Command,
    DocumentUploaded,
    Event,
    MessageEdited,
    MessageReceived,
    Origin,
    ReactionAdded,
    View,
    quotes_of,
)
from bot.language import language
from bot.ownership.erasure import Erasure
from bot.people.adults import Adults
from bot.people.identities import Identity
from bot.people.pace import Turned
from bot.personas.definition import parsed
from bot.runtime import Runtime
from bot.safety.crisis import Crisis
from bot.safety.masking import Masking, aside, told
from bot.safety.notices import Place
from bot.safety.refusing import Refusing, Verdict, why_not
from bot.settings import EventSettings
from memory.records import OutboxRow, User

_CARRY = ("persona", "rethink", "rewrite")
"""Commands with a text for memory; what /memory writes is judged where it is written."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What is set for the whole installation."""

    events: EventSettings
    masking: Masking
    refusing: Refusing
    crisis: Crisis
    adults: Adults


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An event as it is kept, and what the person is told beside the answer."""

    event: Event
    notices: Sequence[OutboxRow]


class Judging:
    def __init__(self, runtime: Runtime, erasure: Erasure, rules: Rules) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._erasure = erasure
        self.masking, self._refusing = rules.masking, rules.refusing
        self._crisis, self._adults = rules.crisis, rules.adults
        self._events = rules.events

    def hears(self, event: Event) -> bool:
        """Whether events of that kind are heard here at all."""
        if isinstance(event, DocumentUploaded):
            return self._events.documents
        return self._events.reactions or not isinstance(event, ReactionAdded)

    async def fit(self, event: Origin, who: Identity) -> None:
        """Raises `Turned` where the persona may not speak."""
        async with self._store.read() as session:
            definition = parsed(await session.personas.definition(who.persona.id))
        if why := self._adults.why_not(who.persona.name, definition, event):
            raise Turned("for adults only", View(text=why, kind="error"))

    async def judged(self, event: Event, who: Identity) -> Kept:
        """As `kept`, without what others said beside it that was refused, or would be.

        Raises `Turned` for what is refused: it is as if it had been forgotten, also when it is told again. What is
        judged leaves the house, perhaps: it has no secrets, but of who insists on keeping them."""
        masked = await self._masked(event, who.user)
        if not isinstance(event, MessageReceived) or not isinstance(masked, MessageReceived):
            return self._kept(event, masked, who)
        if self._refusing.hears:
            texts = (masked.text, *(attached.text for attached in masked.attachments))
            verdict = await self._refusing.heard(*texts)
            if verdict is Verdict.REFUSED:
                await self._erasure.let_go(event.key)
            _pass(verdict)
            masked = _without(masked, await self._refused_beside(event))
        return self._kept(event, masked, who)

    async def kept(self, event: Event, who: Identity) -> Kept:
        """Without secrets, but of who insists."""
        return self._kept(event, await self._masked(event, who.user), who)

    async def command(self, command: Command, user: User) -> Command:
        """The command as it is carried out; the very same, if there is no secret in it. Raises `Turned` for a text that
        may not be kept."""
        size = len(command.argument) + len(command.value)
        kept = await aside(size, self.masking.command, command, user)
        if command.command in _CARRY:
            _pass(await self._refusing.heard(kept.argument, kept.value))
        return kept

    async def overheard(self, event: MessageReceived) -> bool:
        """Whether a room may keep what was said in it to others."""
        text = await aside(len(event.text), self.masking.text, None, event.text)
        return await self._refusing.heard(text) is Verdict.PASSES

    async def edited(self, event: MessageEdited) -> Verdict:
        """Whether what a message says now may be kept."""
        if not self._refusing.hears:
            return Verdict.PASSES
        async with self._store.read() as session:
            user = await session.agents.user_of(event.account)
        return await self._refusing.heard(await aside(len(event.text), self.masking.text, user, event.text))

    async def _masked(self, event: Event, user: User) -> Event:
        return await aside(_length(event), self.masking.event, event, user)

    async def _refused_beside(self, event: MessageReceived) -> set[str]:
        """The keys of what others said beside it that was refused, or would be."""
        return {
            quote.key
            for quote in quotes_of(event)
            if self._refusing.forbids(quote.text) or await self._erasure.is_forgotten(quote.key)
        }

    def _kept(self, event: Event, masked: Event, who: Identity) -> Kept:
        now = self._clock.now()
        notices = []
        place = Place(
            agent=who.agent,
            conversation_id=who.conversation.id,
            address=who.conversation.address,
            language=language(),
            key=event.key,
        )
        own = _own(masked) != _own(event) if isinstance(event, MessageReceived) else masked is not event
        if own:  # not only others' words
            notices.append(told(place, now))
        if isinstance(event, MessageReceived):
            line = self._crisis.line(event.text, who.user, event.locale, place, now)
            notices += [line] if line else []
        return Kept(event=masked, notices=notices)


def refused(verdict: Verdict) -> View:
    return View(text=why_not(verdict), kind="error")


def _pass(verdict: Verdict) -> None:
    """Raises `Turned` for what does not."""
    if verdict is not Verdict.PASSES:
        raise Turned("refused", refused(verdict))


def _without(event: MessageReceived, gone: Collection[str]) -> MessageReceived:
    reply = None if event.reply_to and event.reply_to.key in gone else event.reply_to
    return replace(
        event, reply_to=reply, context=tuple(quote for quote in event.context if quote.key not in gone)
    )


def _length(event: Event) -> int:
    """Characters of what was said, and came with it."""
    if isinstance(event, MessageReceived):
        return len(event.text) + sum(len(attached.text) for attached in event.attachments)
    return 0


def _own(event: Event) -> object:
    """The person's own words in a message."""
    return (event.text, event.attachments) if isinstance(event, MessageReceived) else None
