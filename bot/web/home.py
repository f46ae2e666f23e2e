"""The first page of who is signed in: the memory of the persona that they last talked with."""

from __future__ import annotations

from aiohttp import web

from bot.language import gettext
from bot.web.pages import page
from bot.web.visitors import signed_in, visitor_of
from bot.web.website import website


@signed_in
async def home(request: web.Request) -> web.StreamResponse:
    site, visitor = website(request), visitor_of(request)
    assert visitor is not None
    async with site.app.memory.store.read() as session:
        agents = await session.agents.agents_of(visitor.user.id)
        here = [
            agent.id
            for agent in agents
            for place in await session.agents.conversations(agent.id)
            if place.address == visitor.key.address
        ]
    if not agents:
        return page(
            request, "wrong.html", title=gettext("My memory"), told=gettext("I know nothing of you yet.")
        )
    raise web.HTTPSeeOther(f"{site.root}/{(here or [agents[0].id])[0]}/")


ROUTES = (web.get("/", home),)
