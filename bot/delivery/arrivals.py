"""What an agent is told before a person's message: that it meets them, or meets them again after long."""

from __future__ import annotations

from datetime import timedelta

from bot.events import (
    LOCAL,
    DocumentUploaded,
    Event,
    MessageReceived,
    UserJoined,
    UserReturned,
    origin_of,
    platform_of,
)
from bot.people.beats import Beats
from bot.people.identities import Identity
from bot.personas.cards.macros import rendered
from bot.personas.definition import cast, parsed
from bot.ports import Clock
from bot.settings import EventSettings
from memory.ports import Session
from memory.records import PRIVATE


class Arrivals:
    """Notes when people are heard, and what follows from it."""

    def __init__(self, beats: Beats, clock: Clock, settings: EventSettings) -> None:
        self._beats = beats
        self._clock = clock
        self._settings = settings

    async def before(self, session: Session, event: Event, identity: Identity) -> list[Event]:
        """The events that go before this one, in the unit of work that commits it."""
        if not event.from_person:
            return []
        now, told = self._clock.now(), self._settings
        away = await self._beats.heard(session, identity, now)
        if not isinstance(event, MessageReceived | DocumentUploaded) or platform_of(event.account) == LOCAL:
            return []
        facts = origin_of(event)
        if told.first_contact and away is None and not await session.messages.extent(identity.agent.id):
            # Its key is the agent's: this comes once, however many messages come before the first turn.
            greeting = await self._greeting(session, identity)
            key = f"joined:{identity.agent.id}"
            return [UserJoined(**facts, key=key, at=event.at, greeting=greeting)]
        if away is not None and told.return_after_days and away >= timedelta(days=told.return_after_days):
            return [UserReturned(**facts, key=f"{event.key}/returned", at=event.at, days=away.days)]
        return []

    async def _greeting(self, session: Session, identity: Identity) -> str:
        definition = parsed(await session.personas.definition(identity.persona.id))
        private = identity.conversation.audience == PRIVATE
        text = definition.greeting(identity.agent.id, private=private)
        return rendered(text, cast(definition, identity.persona.name, identity.user.name))
