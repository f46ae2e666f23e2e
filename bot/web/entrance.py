"""Where people sign in, by a link that `/memory web` gave them, and out."""

from __future__ import annotations

import logging

from aiohttp import web

from bot.errors import AdapterError
from bot.language import gettext
from bot.ports import SignIn
from bot.web.awaited import LIFE
from bot.web.pages import page
from bot.web.visitors import cookie_name, signed_in, visitor_of
from bot.web.website import Website, website

log = logging.getLogger(__name__)

_AWAITED = "everbot_in"
SENT_HERE = "everbot_asked"
"""The cookie of a browser in which a window waits for somebody to sign in."""


async def sign_in(request: web.Request) -> web.StreamResponse:
    if visitor_of(request) is not None:
        raise web.HTTPSeeOther(f"{website(request).root}/")
    return page(
        request, "sign_in.html", title=gettext("Sign in"), link="", sign_ins=website(request).sign_ins
    )


async def link(request: web.Request) -> web.StreamResponse:
    """What a link leads to: a button, so that programs which look at links before people do use none up."""
    given = request.match_info["link"]
    return page(request, "sign_in.html", title=gettext("Sign in"), link=given, sign_ins=())


async def enter(request: web.Request) -> web.StreamResponse:
    fields = await request.post()
    site = website(request)
    secret = await site.sessions.enter(str(fields.get("link", "")), request.headers.get("User-Agent", ""))
    if secret is None:
        told = gettext(
            "That link was used already, or is older than ten minutes. /memory web gives a new one."
        )
        return _not_in(request, told)
    return welcome(request, secret)


async def away(request: web.Request) -> web.StreamResponse:
    """Send the browser to a platform, to be asked who it is."""
    site, provider = website(request), _provider(request)
    sent = site.awaited.send(provider.platform)
    address = provider.address(sent.state, sent.nonce, sent.challenge, _redirect(site, provider))
    response = web.Response(status=303, headers={"Location": address})
    response.set_cookie(
        _AWAITED,
        sent.browser,
        max_age=int(LIFE.total_seconds()),
        path="/",
        secure=site.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


async def back(request: web.Request) -> web.StreamResponse:
    """The browser is back from a platform, with a code that tells who it is."""
    site, provider = website(request), _provider(request)
    sent = site.awaited.back(
        provider.platform, request.query.get("state", ""), request.cookies.get(_AWAITED, "")
    )
    if sent is None or "code" not in request.query:
        return _not_in(request, gettext("You were not signed in. Try again."))
    try:
        account = await provider.account(
            request.query["code"], sent.verifier, sent.nonce, _redirect(site, provider)
        )
    except AdapterError as error:
        log.warning("%s", error)
        return _not_in(request, gettext("You were not signed in. Try again."))
    secret = await site.sessions.begin(account, "", request.headers.get("User-Agent", ""))
    if secret is None:
        return _not_in(request, gettext("I know nothing of you yet."))
    response = welcome(request, secret)
    response.del_cookie(_AWAITED, path="/", secure=site.is_secure, httponly=True, samesite="Lax")
    return response


def _provider(request: web.Request) -> SignIn:
    named = (one for one in website(request).sign_ins if one.platform == request.match_info["platform"])
    found = next(named, None)
    if found is None:
        raise web.HTTPNotFound
    return found


def _redirect(site: Website, provider: SignIn) -> str:
    return f"{site.url}/in/{provider.platform}"


def _not_in(request: web.Request, told: str) -> web.Response:
    return page(request, "wrong.html", title=gettext("Sign in"), status=403, told=told)


def welcome(request: web.Request, secret: str) -> web.Response:
    """The browser is signed in from now on."""
    site = website(request)
    if SENT_HERE in request.cookies:
        told = gettext("You are signed in. Go back to the window that you came from.")
        response = page(request, "wrong.html", title=gettext("Sign in"), told=told)
        response.del_cookie(SENT_HERE, path="/", secure=site.is_secure, httponly=True, samesite="Lax")
    else:
        response = web.Response(status=303, headers={"Location": f"{site.root}/"})
    response.set_cookie(
        cookie_name(site),
        secret,
        max_age=int(site.sessions.life.total_seconds()),
        path="/",
        secure=site.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


@signed_in
async def sign_out(request: web.Request) -> web.StreamResponse:
    site, visitor = website(request), visitor_of(request)
    assert visitor is not None
    await site.sessions.end(visitor)
    response = web.Response(status=303, headers={"Location": f"{site.root}/in"})
    forget_browser(response, site)
    return response


def forget_browser(response: web.StreamResponse, site: Website) -> None:
    """Take its cookie away."""
    response.del_cookie(cookie_name(site), path="/", secure=site.is_secure, httponly=True, samesite="Lax")


ROUTES = (
    web.get("/in/with/{platform}", away),
    web.get(r"/in/{platform:[a-z]+}", back),
    web.get("/in", sign_in),
    web.post("/in", enter),
    web.get("/in/by/{link}", link),
    web.post("/out", sign_out),
)
