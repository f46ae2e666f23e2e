"""Who asks for a page: a person who is signed in, whoever runs the bot, a stranger, or a program."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.language import ENGLISH, nearest, spoken
from bot.people.identities import language_of
from bot.web.sessions import Visitor
from bot.web.website import STATIC, Website, website

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MACHINES = ("/v1/", "/metrics", "/healthz", "/readyz")
"""How the paths begin that programs ask."""
_WIDGETS = re.compile(r"/widget(/(guest|token|out))?|/\d+/(chat(/.*)?|made/.*)")
"""The paths that the widget asks."""
_VISITOR = web.RequestKey("visitor", Visitor)


def is_machine(request: web.Request) -> bool:
    return request.path.startswith(MACHINES)


def cookie_name(site: Website) -> str:
    """A browser takes the prefix only of us, and over HTTPS (RFC 6265bis, 4.1.3)."""
    return "__Host-everbot" if site.is_secure else "everbot"


def widget_cookie(site: Website) -> str:
    """Of the widget on another's site: apart from one's own, which browsers do not send there."""
    return f"{cookie_name(site)}-widget"


def site_of(request: web.Request) -> str:
    """The site whose widget a path is of, as its address says; empty if none, or none that may show it."""
    told = request.query.get("site", "")
    return told if told in website(request).settings.web.widget.origins else ""


@web.middleware
async def visitors(request: web.Request, handler: Handler) -> web.StreamResponse:
    visitor = None
    if not is_machine(request) and not request.path.startswith(STATIC):
        visitor = await _on_the_page(request) or await _in_the_widget(request)
    if visitor is not None:
        request[_VISITOR] = visitor
    with spoken(language_of(visitor.user) if visitor else asked_language(request)):
        return await handler(request)


async def _on_the_page(request: web.Request) -> Visitor | None:
    site = website(request)
    secret = request.cookies.get(cookie_name(site), "")
    found = await site.sessions.visitor(secret) if secret else None
    return found if found and not found.key.site else None


async def _in_the_widget(request: web.Request) -> Visitor | None:
    """Whoever is signed in there is so on that one site, while it may show the widget, and for the talk alone."""
    site = website(request)
    secret = request.cookies.get(widget_cookie(site), "")
    if not secret or not _WIDGETS.fullmatch(request.path):
        return None
    found = await site.sessions.visitor(secret)
    if found is None or not found.key.site:
        return found
    is_framed = request.path.startswith("/widget")
    allowed = (site_of(request),) if is_framed else site.settings.web.widget.origins
    return found if found.key.site in allowed else None


def visitor_of(request: web.Request) -> Visitor | None:
    """Who is signed in; None for a stranger."""
    return request.get(_VISITOR)


def signed_in(handler: Handler) -> Handler:
    """A page of somebody's: strangers are sent to where one signs in."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        if visitor_of(request) is None:
            raise web.HTTPSeeOther(f"{website(request).root}/in")
        return await handler(request)

    return guarded


def owners_only(handler: Handler) -> Handler:
    """A page of whoever runs the bot (``access.owners``): for others there is none."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        visitor = visitor_of(request)
        if visitor is None or not is_owner(request):
            raise web.HTTPNotFound
        with spoken(
            ENGLISH
        ):  # as are the command line and the log: what is for whoever runs the bot is not translated
            return await handler(request)

    return signed_in(guarded)


def is_owner(request: web.Request) -> bool:
    """Whether one of the visitor's accounts is of whoever runs the bot."""
    visitor = visitor_of(request)
    owners = website(request).settings.access.owners
    return visitor is not None and not set(owners).isdisjoint(visitor.accounts)


def asked_language(request: web.Request) -> str:
    """The first that the browser wishes and everbot speaks."""
    wished = request.headers.get("Accept-Language", "")[:200].split(",")
    return next(filter(None, (nearest(one.partition(";")[0].strip()) for one in wished)), ENGLISH)
