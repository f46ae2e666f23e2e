"""Who an event is from: account, user, agent, conversation. First contact creates what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.cache import Cache
from bot.errors import AgentNotFound, PersonaError
from bot.events import LOCAL, MessageReceived, Origin, platform_of
from bot.language import ENGLISH, gettext, nearest
from bot.language.dates import moment
from bot.language.guess import guessed
from bot.personas.personas import Personas
from bot.runtime import Runtime
from bot.settings import AgentSettings
from memory.ports import MISSED, Session
from memory.records import Agent, Block, Conversation, Persona, User

_KEPT = 2_000
_NOBODYS = "UTC"  # the zone of who did not say
_CHANGED = "identity"  # what processes tell each other
_LOCALE = 35  # characters of a locale (RFC 5646, 4.4.1)


@dataclass(frozen=True)
class Identity:
    """An event's or a command's place in memory. ``zone_sure``: the person's time zone is known, not assumed."""

    user: User
    persona: Persona
    agent: Agent
    conversation: Conversation
    zone_sure: bool = False

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.user.timezone)

    @property
    def language(self) -> str:
        """That the person reads."""
        return language_of(self.user)

    def when(self, at: datetime) -> str:
        """A moment as the person is told it; with the name of its zone, unless that is surely theirs."""
        told = moment(at.astimezone(self.zone))
        return told if self.zone_sure else f"{told} {self.zone.key}"

    def timed(self) -> dict[str, Any]:
        """The common fields of an event there that nobody sent."""
        place = self.conversation
        return {
            "account": f"{platform_of(place.address)}:timer",
            "name": self.user.name,
            "address": place.address,
            "audience": place.audience,
            "persona": self.persona.name,
        }


class Identities:
    def __init__(self, runtime: Runtime, personas: Personas, settings: AgentSettings) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._personas = personas
        self._limit = settings.block_limit
        self._timezone = settings.timezone
        self._known: Cache[tuple[str, str, str, str], Identity] = Cache(_KEPT)
        self._homes: Cache[int, Identity] = Cache(_KEPT)
        self._locales: Cache[str, str] = Cache(_KEPT)  # by account, of strangers too
        self._cluster = runtime.cluster
        self._cluster.hear(_CHANGED, self.drop)
        self._cluster.hear(MISSED, self._drop_all)

    @property
    def default(self) -> str:
        """The persona that speaks where nobody chose another."""
        return self._personas.default

    async def of(self, who: Origin) -> Identity:
        """Raises `PersonaError` for a persona that there is not."""
        name = who.persona
        if not name:
            # Not kept: a binding may change at any time, and from another process, too.
            async with self._store.read() as session:
                name = await self._personas.here(session, who)
        key = (who.account, name, who.address, who.audience)
        known = self._known.get(key)
        if known is None:
            async with self._store.write() as session:
                known = await self._resolve(session, who, name)
            self._homes[known.conversation.id] = known
        self._known[key] = known
        return known

    def heard(self, who: Origin) -> str:
        """The language of whoever this is, before that is known: by what the platform tells of them, or told last."""
        if who.locale:
            self._locales[who.account] = who.locale
        return nearest(self._locales.get(who.account) or _written(who)) or ENGLISH

    async def language_of(self, who: Origin, identity: Identity) -> str:
        """The language that the person reads. What the platform tells of it is kept: it does not always. As long as it
        has not told any, it is the one that they wrote in, if that was not English."""
        user = identity.user
        locale = who.locale[:_LOCALE] or ("" if user.locale else _written(who))
        if locale and locale != user.locale:
            async with self._store.write() as session:
                await session.agents.set_locale(user.id, locale)
            user = await self._changed(user)
        return language_of(user)

    async def choose_language(self, user: User, language: str) -> str:
        """They are spoken to in that language from now on; empty: in their platform's. Which that is."""
        async with self._store.write() as session:
            await session.agents.set_language(user.id, language)
        return language_of(await self._changed(user))

    async def keep_secrets(self, user: User, keep: bool) -> None:
        """What they say is kept with the secrets in it, from now on; or without."""
        async with self._store.write() as session:
            await session.agents.set_keeps_secrets(user.id, keep)
        await self._changed(user)

    async def _changed(self, user: User) -> User:
        async with self._store.read() as session:
            agents = await session.agents.agents_of(user.id)
            changed = await session.agents.user(user.id)
        for agent in agents:
            self.forget(agent.id)
        return changed

    def forget(self, agent_id: int) -> None:
        """The agent, or its person, changed or is gone."""
        self._cluster.tell(_CHANGED, agent_id=agent_id)
        self.drop(agent_id)

    def drop(self, agent_id: int) -> None:
        """The same, where other processes know it."""
        for key in [key for key, known in self._known.items() if known.agent.id == agent_id]:
            del self._known[key]
        for home in [key for key, known in self._homes.items() if known.agent.id == agent_id]:
            del self._homes[home]

    def _drop_all(self) -> None:
        self._known.clear()
        self._homes.clear()

    async def at(self, conversation: Conversation) -> Identity | None:
        """Whose conversation it is; None when the agent is gone."""
        home = self._homes.get(conversation.id)
        if home is None:
            async with self._store.read() as session:
                agent = await session.agents.agent(conversation.agent_id)
                if agent is None:
                    return None
                user = await session.agents.user(agent.user_id)
                persona = await session.personas.get(agent.persona_id)
            home = self._homes[conversation.id] = self._made(user, persona, agent, conversation)
        return home

    async def _resolve(self, session: Session, who: Origin, name: str) -> Identity:
        now = self._clock.now()
        user = await session.agents.user_of(who.account)
        if user is None:
            zone = who.zone or self._timezone
            user = await session.agents.create_user(who.account, who.name, zone, now)
        persona = await self._personas.named(session, name)
        agent = await session.agents.agent_of(user.id, persona.id)
        if agent is None and persona.retired:
            raise PersonaError(
                gettext("The persona {persona!r} is retired: it meets nobody new.", persona=persona.name)
            )
        if agent is None:
            agent = await new_agent(session, user, persona, who.account, now)
        conversation = await session.agents.conversation_at(agent.id, who.address, who.audience)
        if conversation is None:
            conversation = await session.agents.create_conversation(agent.id, who.address, who.audience, now)
        if who.community and who.community_name:
            await session.agents.name_community(who.community, who.community_name)
        await self.human_block(session, agent, conversation.audience)
        return self._made(user, persona, agent, conversation)

    def _made(self, user: User, persona: Persona, agent: Agent, conversation: Conversation) -> Identity:
        assumed = user.timezone in (self._timezone, _NOBODYS)
        sure = not assumed or platform_of(conversation.address) == LOCAL
        return Identity(user, persona, agent, conversation, sure)

    async def check(self, persona: str) -> None:
        """Raises `PersonaError` for a persona that there is not."""
        async with self._store.write() as session:
            await self._personas.named(session, persona)

    async def human_block(self, session: Session, agent: Agent, audience: str, value: str = "") -> None:
        """The block about the person, as known in this audience; created when it is missing."""
        blocks = await session.blocks.visible(agent, audience)
        if not any(block.label == "human" for block in blocks):
            human = Block(
                id=0,
                owner=f"agent:{agent.id}",
                label="human",
                audience=audience,
                value=value,
                limit=max(self._limit, len(value)),
                description="What you need to know of the person in every conversation.",
            )
            await session.blocks.create(human, self._clock.now())


def _written(who: Origin) -> str:
    """The language of a message that is surely not English."""
    language = guessed(who.text) if isinstance(who, MessageReceived) else ENGLISH
    return "" if language == ENGLISH else language


def language_of(user: User) -> str:
    """The one that they chose, else that of their platform; English, where it tells none that we speak."""
    return nearest(user.language) or nearest(user.locale) or ENGLISH


async def new_agent(session: Session, user: User, persona: Persona, account: str, now: datetime) -> Agent:
    """The agent that a user is to have with a persona, called after their account and it."""
    name = f"{account}/{persona.name}"
    if await session.agents.agent_named(name) is not None:
        name = f"{name}~{user.id}"  # the account was another user's before (/unlink)
    return await session.agents.create_agent(user.id, persona.id, name, now)


async def agents_of(session: Session, account: str) -> list[Agent]:
    """The agents of whom the account is; oldest first."""
    user = await session.agents.user_of(account)
    return await session.agents.agents_of(user.id) if user else []


def account_of(user: str) -> str:
    """The account that an operator means: one as it is, or a name on this machine."""
    return user if ":" in user else f"{LOCAL}:{user}"


async def find_agent(session: Session, user: str, persona: str) -> Agent:
    """The agent that ``user`` (an account, or a name on this machine) has with a persona.

    Raises `AgentNotFound`.
    """
    account = account_of(user)
    known, chosen = await session.agents.user_of(account), await session.personas.named(persona)
    agent = await session.agents.agent_of(known.id, chosen.id) if known and chosen else None
    if agent is None:
        raise AgentNotFound(f"There is no memory of {account} with the persona {persona!r}.")
    return agent
