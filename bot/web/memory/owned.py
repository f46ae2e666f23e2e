"""Whose memory a page shows: always an agent of whoever is signed in, at a place of theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from bot.events import Origin, from_json, origin_of, platform_of
from bot.language import spoken
from bot.people.identities import Identity
from bot.people.pace import Turned
from bot.web.pages import page
from bot.web.sessions import Visitor
from bot.web.visitors import Handler, signed_in, visitor_of
from bot.web.website import Website, website
from memory.ports import Session
from memory.records import PRIVATE, Agent, Conversation, User, WebKey

WEB = "web"
"""The platform of a conversation that is held on the page."""


@dataclass(frozen=True, kw_only=True)
class Owned:
    """A person's memory with one persona. ``origin`` is them, in private."""

    site: Website
    visitor: Visitor
    who: Identity
    origin: Origin
    personas: tuple[tuple[int, str], ...]  # of their agents: id, and the persona's name

    @property
    def agent(self) -> Agent:
        return self.who.agent

    @property
    def root(self) -> str:
        """How the paths of its pages begin."""
        return f"{self.site.root}/{self.agent.id}"


Answer = Callable[[web.Request, Owned], Awaitable[web.StreamResponse]]


def owned(answer: Answer) -> Handler:
    """A page of one's own memory, whose path begins with the agent's id. Of another's there is none."""

    @signed_in
    async def guarded(request: web.Request) -> web.StreamResponse:
        visitor = visitor_of(request)
        assert visitor is not None
        mine = await own(website(request), visitor, int(request.match_info["agent"]))
        with spoken(mine.who.language):
            return await answer(request, mine)

    return guarded


async def own(site: Website, visitor: Visitor, agent_id: int) -> Owned:
    """The visitor's memory with that agent. Raises HTTPNotFound where it is none of theirs."""
    async with site.app.memory.store.read() as session:
        agents = await session.agents.agents_of(visitor.user.id)
        agent = next((one for one in agents if one.id == agent_id), None)
        if agent is None:
            raise web.HTTPNotFound
        names = [(one.id, (await session.personas.get(one.persona_id)).name) for one in agents]
        origin = await private_origin(session, visitor.key, visitor.user, agent)
    try:
        who = await site.app.inbound.admit(origin)
    except Turned:
        raise web.HTTPForbidden from None
    return Owned(site=site, visitor=visitor, who=who, origin=origin, personas=tuple(names))


async def private_origin(session: Session, key: WebKey, user: User, agent: Agent) -> Origin:
    """The person in private with that agent: where they talk with it, if they do."""
    persona = await session.personas.get(agent.persona_id)
    platform = platform_of(key.account)
    places = await session.agents.conversations(agent.id)
    private = [p.address for p in places if p.audience == PRIVATE and platform_of(p.address) == platform]
    address = next((one for one in private if one == key.address), next(iter(private), ""))
    return Origin(
        account=key.account,
        name=user.name,
        address=address or f"{WEB}:{agent.id}",
        audience=PRIVATE,
        persona=persona.name,
    )


async def origin_at(session: Session, mine: Owned, place: Conversation) -> Origin:
    """The person where they talk with the agent, as they were known there when they last wrote."""
    if place.audience == PRIVATE:
        return replace(mine.origin, address=place.address)
    heard = await session.mailbox.heard(place.id)
    known = Origin(**origin_of(from_json(heard.payload))) if heard is not None else mine.origin
    return replace(
        known,
        address=place.address,
        audience=place.audience,
        community=place.home,
        persona=mine.who.persona.name,
        admin=False,  # who is one now is known to the platform alone
    )


def memory_page(
    request: web.Request, mine: Owned, template: str, *, title: str, status: int = 200, **values: Any
) -> web.Response:
    """The template with ``values``, and what every page of a memory shows."""
    return page(request, f"memory/{template}", title=title, status=status, mine=mine, who=mine.who, **values)
