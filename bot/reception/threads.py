"""Threads in which somebody goes on talking with their agent, unasked."""

from __future__ import annotations

from dataclasses import replace

from bot.cache import Cache
from bot.events import VOICE, Event, MessageReceived, Quote
from bot.people.identities import Identity, agents_of
from bot.safety.masking import Masking
from memory.ports import Store

_SAID = 2_000  # characters of a post that opened a thread
_KEPT = 2_000


class Threads:
    def __init__(self, store: Store, masking: Masking) -> None:
        self._store, self._masking = store, masking
        self._begun: Cache[int, bool] = Cache(
            _KEPT
        )  # conversations in which something was received: it stays so

    async def follows(self, event: Event) -> bool:
        """Whether the person has talked with us in that thread before."""
        if not isinstance(event, MessageReceived) or event.addressed or not event.thread:
            return False
        async with self._store.read() as session:
            for agent in await agents_of(session, event.account):
                place = await session.agents.conversation_at(agent.id, event.address, event.audience)
                if place is not None and await session.mailbox.has_events(place.id):
                    return True
                if await session.mailbox.posts_at(agent.id, event.address):  # it was made for them
                    return True
        return False

    async def begun(self, event: MessageReceived, who: Identity) -> MessageReceived:
        """The first message in a thread that was made for the person: with what was said to them there."""
        place = who.conversation.id
        if not event.thread or place in self._begun:
            return event
        async with self._store.read() as session:
            if await session.mailbox.has_events(place):
                self._begun[place] = True
                return event
            posts = await session.mailbox.posts_at(who.agent.id, event.address)
        name = who.persona.name
        said = [
            Quote(
                key=post.id,
                account=event.account,
                text=self._masking.text(None, f"{name} (you): {post.text[:_SAID]}"),
            )
            for post in posts
            if post.kind in ("reply", VOICE)
        ]
        return replace(event, context=(*said, *event.context)) if said else event
