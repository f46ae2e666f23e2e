"""Where people sign in, by a link that `/memory web` gave them, and out."""

from __future__ import annotations

from aiohttp import web

from bot.language import gettext
from bot.web.pages import page
from bot.web.visitors import cookie_name, signed_in, visitor_of
from bot.web.website import website


async def sign_in(request: web.Request) -> web.StreamResponse:
    if visitor_of(request) is not None:
        raise web.HTTPSeeOther(f"{website(request).root}/")
    return page(request, "sign_in.html", title=gettext("Sign in"), link="")


async def link(request: web.Request) -> web.StreamResponse:
    """What a link leads to: a button, so that programs which look at links before people do use none up."""
    return page(request, "sign_in.html", title=gettext("Sign in"), link=request.match_info["link"])


async def enter(request: web.Request) -> web.StreamResponse:
    fields = await request.post()
    site = website(request)
    secret = await site.sessions.enter(str(fields.get("link", "")), request.headers.get("User-Agent", ""))
    if secret is None:
        told = gettext(
            "That link was used already, or is older than ten minutes. /memory web gives a new one."
        )
        return page(request, "wrong.html", title=gettext("Sign in"), status=403, told=told)
    return welcome(request, secret)


def welcome(request: web.Request, secret: str) -> web.Response:
    """The browser is signed in from now on."""
    site = website(request)
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
    response.del_cookie(cookie_name(site), path="/", secure=site.is_secure, httponly=True, samesite="Lax")
    return response


ROUTES = (
    web.get("/in", sign_in),
    web.post("/in", enter),
    web.get("/in/by/{link}", link),
    web.post("/out", sign_out),
)
