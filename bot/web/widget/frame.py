"""The chat on the operator's own sites: a script that puts a button there, and the frame that it opens.

In a frame of another site browsers send no cookie of ours, but one that is partitioned (CHIPS): it is of that frame on
that site alone. So whoever talks there is a guest, or signed in there (`bot.web.widget.sign_in`), or (where the site
shares our domain) is signed in on our pages.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.events import GUEST, Origin
from bot.language import gettext, language
from bot.people.pace import Turned
from bot.web.chat.pages import talk_page
from bot.web.guard import address_of
from bot.web.memory.owned import WEB, own
from bot.web.pages import FILES, page
from bot.web.sessions import Visitor
from bot.web.visitors import site_of, visitor_of
from bot.web.website import Website, website
from bot.web.widget.sign_in import keep
from memory.records import PRIVATE


def _site(request: web.Request) -> Website:
    """Raises HTTPNotFound where there is no widget, or none on that site."""
    site = website(request)
    if site.open_pages is None or not site.settings.web.widget.origins:
        raise web.HTTPNotFound
    if "site" in request.query and not site_of(request):
        raise web.HTTPNotFound
    return site


async def script(request: web.Request) -> web.StreamResponse:
    _site(request)
    return web.FileResponse(
        FILES / "widget.js",
        headers={
            "Content-Type": "text/javascript; charset=utf-8",
            "Cache-Control": "public, max-age=3600",
            "Cross-Origin-Resource-Policy": "cross-origin",  # it is for other sites
        },
    )


async def frame(request: web.Request) -> web.StreamResponse:
    """The talk; for strangers what they agree to first."""
    site, visitor = _site(request), visitor_of(request)
    persona = await _persona(site, request.query.get("persona", ""))
    if visitor is None:
        return _welcome(request, site, persona)
    account = visitor.key.account
    place = account if account.startswith(GUEST) else f"{WEB}:of-{visitor.user.id}"
    try:
        who = await site.app.inbound.admit(_origin(account, visitor.user.name, persona, place))
    except Turned:
        return _refused(request)
    mine = await own(site, visitor, who.agent.id)
    return await talk_page(
        request, mine, "widget/talk.html", until=_until(site, visitor), **_asked(request, persona)
    )


async def guest(request: web.Request) -> web.StreamResponse:
    """A stranger begins to talk. They are told before for how long they are known."""
    site = _site(request)
    persona = await _persona(site, str((await request.post()).get("persona", "")))
    account = f"{GUEST}{secrets.token_hex(8)}"
    origin = _origin(account, gettext("Guest"), persona, account, language())
    try:
        # Asked before anybody is made: a stranger who may not talk leaves nothing behind.
        if not await site.app.guests.may_come(address_of(request)):
            return _refused(request)
        await site.app.identities.language_of(origin, await site.app.inbound.admit(origin))
    except Turned:
        return _refused(request)
    secret = await site.sessions.begin(
        account, origin.address, request.headers.get("User-Agent", ""), site.app.guests.life
    )
    assert secret is not None
    address = f"{site.root}/widget?{_asked(request, persona)['asked']}"
    response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})
    keep(response, site, secret, site.app.guests.life)
    return response


def _asked(request: web.Request, persona: str) -> dict[str, Any]:
    """What the frame's own addresses hold, and the site that it is on."""
    on_site = site_of(request)
    held = {"site": on_site, "persona": persona} if on_site else {"persona": persona}
    return {"asked": urlencode(held), "on_site": on_site}


async def _persona(site: Website, name: str) -> str:
    known = await site.app.inbound.programs.personas()
    if name and name not in known:
        raise web.HTTPNotFound
    return name or known[0]


def _origin(account: str, name: str, persona: str, place: str, locale: str = "") -> Origin:
    return Origin(account=account, name=name, address=place, audience=PRIVATE, persona=persona, locale=locale)


def _welcome(request: web.Request, site: Website, persona: str) -> web.Response:
    return page(
        request,
        "widget/welcome.html",
        title=gettext("Chat"),
        persona=persona,
        tried="tried" in request.query,
        **_asked(request, persona),
        guests=site.settings.web.widget.guests,
        until=site.app.clock.now() + site.app.guests.life,
    )


def _refused(request: web.Request) -> web.Response:
    told = gettext("I can talk with nobody new just now. Try again later.")
    values = {"told": told, "guests": False, "tried": False, **_asked(request, "")}
    return page(request, "widget/welcome.html", title=gettext("Chat"), status=403, **values)


def _until(site: Website, visitor: Visitor) -> object:
    """When a guest is forgotten; None for others."""
    return visitor.key.expires_at if visitor.key.account.startswith(GUEST) else None


ROUTES = (
    web.get("/widget.js", script),
    web.get("/widget", frame),
    web.post("/widget/guest", guest),
)
