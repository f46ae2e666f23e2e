"""A room's memory: what is said in a community's public places, where its admins switched that on.

Everybody is told once, before anything of theirs is kept, and may be kept out (``/privacy off``): then nothing of
theirs is kept, nor what others say of them by name. What somebody quotes is not their own word, and is never kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bot.events import MessageReceived
from bot.language import marked
from bot.people.identities import Identities, Identity
from bot.personas.personas import Personas
from bot.runtime import Runtime
from bot.safety.notices import Place, notice
from bot.safety.secrets import masked
from memory.ports import Also, Session
from memory.records import ROOM, Agent, Message, OutboxRow, Role, User, public_in

_TOLD = marked(
    "What is said in public here is kept as this community's memory, from your next message on: its admins switched "
    "that on, and everybody here can ask me about it. `/privacy off` keeps yours out for good; `/memory rooms` shows "
    "and deletes it."
)
_QUOTED = re.compile(r"^\s*(?:>|&gt;).*$", re.MULTILINE)
_BROUGHT = re.compile(r"^\((?:forwarded|quoted|embed|attached|e-mail)[^)\n]*\)", re.MULTILINE)
_SHORTEST = 3  # letters of a name that is looked for
_LONGEST = 4_000  # characters of a line


class RoomMemory:
    """``wake`` tells the courier that there is something to post."""

    def __init__(
        self, runtime: Runtime, identities: Identities, personas: Personas, wake: Callable[[], None]
    ) -> None:
        self._store, self._clock, self._indexer = runtime.store, runtime.clock, runtime.indexer
        self._identities = identities
        self._personas = personas
        self._wake = wake

    async def hear(self, event: MessageReceived, admit: Also) -> None:
        """Keep what somebody says where it is kept; the first time they are told, and it is not. ``admit`` raises,
        first in the unit of work, when it is not to be kept any more."""
        community, text = public_in(event.audience), own_words(event.text)
        if community is None or event.bot or not text:
            return
        async with self._store.read() as session:
            keeper = await session.rooms.keeper(community)
            if keeper is None or await session.rooms.out([event.account]):
                return
            if speaks_of(text, await session.rooms.names_out()):
                return
        who = await self._identities.of(event)
        language = await self._identities.language_of(event, who)
        async with self._store.write() as session:
            await admit(session)
            if await session.rooms.out([event.account]):
                return  # since we looked
            standing = (await session.agents.user(who.user.id)).rooms
            if not standing:
                await session.rooms.told(who.user.id)
                await session.mailbox.post([self._notice(event, who, language)])
            elif standing == "told":
                await self._keep(session, keeper, event, who.user, masked(text[:_LONGEST]).text)
        self._wake() if not standing else self._indexer.wake()

    async def _keep(
        self, session: Session, keeper: Agent, event: MessageReceived, user: User, text: str
    ) -> None:
        key = f"{ROOM}{event.key}"
        if await session.messages.by_event(key) is not None:
            return  # told again
        place = await session.agents.conversation_at(keeper.id, event.address, event.audience)
        if place is None:
            place = await session.agents.create_conversation(
                keeper.id, event.address, event.audience, event.at
            )
        line = Message(
            key=0,
            conversation_id=place.id,
            audience=event.audience,
            role=Role.USER,
            author=event.name,
            text=text,
            rendered="",
            tokens=0,
            created_at=event.at,
            turn_id=key,
            event_key=key,
            queued=False,
        )
        [stored] = await session.messages.append(keeper.id, [line])
        await session.rooms.said(stored.key, user.id, stored.author)

    def _notice(self, event: MessageReceived, who: Identity, language: str) -> OutboxRow:
        place = Place(
            agent=who.agent,
            conversation_id=who.conversation.id,
            address=who.conversation.address,
            language=language,
            key=event.key,
        )
        return notice(f"{ROOM}{who.user.id}", place, _TOLD, self._clock.now())

    async def switch_on(self, community: str) -> bool:
        """False: it was on."""
        async with self._store.write() as session:
            if await session.rooms.keeper(community) is not None:
                return False
            now, name = self._clock.now(), f"{ROOM}{community}"
            persona = await self._personas.named(session, self._identities.default)
            user = await session.agents.create_user(name, name, "UTC", now)
            await session.agents.create_agent(user.id, persona.id, name, now)
        return True

    async def keeper_of(self, community: str) -> User | None:
        """Whom to forget so that the room forgets all."""
        async with self._store.read() as session:
            return await session.agents.user_of(f"{ROOM}{community}")

    async def without_the_kept_out(self, event: MessageReceived) -> MessageReceived:
        """The event without what it shows of people who are kept out."""
        shown = [*event.context, *([event.reply_to] if event.reply_to else [])]
        if not shown:
            return event
        async with self._store.read() as session:
            out = await session.rooms.out({quote.account for quote in shown})
        if not out:
            return event
        reply_to = event.reply_to if event.reply_to and event.reply_to.account not in out else None
        context = tuple(quote for quote in event.context if quote.account not in out)
        return replace(event, context=context, reply_to=reply_to)


def own_words(text: str) -> str:
    """What somebody says without what they quote or bring along."""
    return _QUOTED.sub("", _BROUGHT.split(text, maxsplit=1)[0]).strip()


def speaks_of(text: str, names: list[str]) -> bool:
    """Whether the text names one of these people, by their whole name."""
    folded = text.casefold()
    return any(
        len(name) >= _SHORTEST and re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", folded)
        for name in names
    )
