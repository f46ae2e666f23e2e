"""Talking as oneself in the widget on another's site.

Browsers send no cookie of ours into a frame of another site. So the frame opens a window of ours, where the person
signs in as ever and agrees to talk on that site; the window hands a code to the frame that opened it, which alone can
turn it into a session:

- the code goes by ``postMessage`` to a window of our own origin only (WHATWG HTML, 9.3.3), so no site ever has it;
- it is good for that site, once, for a minute, and with the frame's verifier (as RFC 7636), which never left the frame;
- the frame can be shown on that very site alone (`bot.web.guard`), the window within none.

The session is a cookie of the frame, partitioned (CHIPS): no script can read it, no address holds it.
"""

from __future__ import annotations

import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.events import GUEST
from bot.language import gettext
from bot.web.entrance import SENT_HERE, forget_browser
from bot.web.pages import page
from bot.web.sessions import Visitor
from bot.web.visitors import site_of, visitor_of, widget_cookie
from bot.web.website import Website, website

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_PATIENCE = timedelta(minutes=10)


def _site(request: web.Request) -> str:
    """The one that the window, or the frame, is for. Raises HTTPNotFound where it may not show the widget."""
    site = site_of(request)
    if website(request).open_pages is None or not site:
        raise web.HTTPNotFound
    return site


def _window(request: web.Request, template: str, **values: Any) -> web.Response:
    """A page of the window: it must keep hold of the frame that opened it."""
    response = page(request, f"widget/{template}", title=gettext("Sign in"), **values)
    response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
    return response


async def ask(request: web.Request) -> web.StreamResponse:
    """Who they are, and whether they agree."""
    site, where, visitor = website(request), _site(request), visitor_of(request)
    if not _CHALLENGE.fullmatch(request.query.get("challenge", "")):
        raise web.HTTPNotFound
    if visitor is None:
        response = _window(request, "sign_in.html", sign_ins=site.sign_ins, site=where)
        response.set_cookie(
            SENT_HERE,
            "yes",
            max_age=int(_PATIENCE.total_seconds()),
            path="/",
            secure=site.is_secure,
            httponly=True,
            samesite="Lax",
        )
        return response
    return _window(
        request,
        "agree.html",
        site=where,
        address=_here(request, where),
        begun=request.query.get("begun", ""),
        until=site.app.clock.now() + site.widget_life,
    )


async def agree(request: web.Request) -> web.StreamResponse:
    """They do: a code for the frame."""
    site, where, visitor = website(request), _site(request), visitor_of(request)
    challenge = request.query.get("challenge", "")
    if visitor is None:
        raise web.HTTPSeeOther(_here(request, where))
    if not _CHALLENGE.fullmatch(challenge):
        raise web.HTTPNotFound
    code = site.codes.give(visitor.key, where, challenge)
    response = _window(request, "agreed.html", site=where, code=code, challenge=challenge)
    if (await request.post()).get("begun"):
        # They signed in for this alone: whoever sits here next finds nobody signed in on our own pages.
        await site.sessions.end(visitor)
        forget_browser(response, site)
    return response


async def another(request: web.Request) -> web.StreamResponse:
    """It is somebody else who sits here: who was signed in is so no more."""
    site, where, visitor = website(request), _site(request), visitor_of(request)
    response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": _here(request, where)})
    if visitor is not None:
        await site.sessions.end(visitor)
        forget_browser(response, site)
    return response


async def enter(request: web.Request) -> web.StreamResponse:
    """The frame has a code: it is signed in from now on, as who agreed. A guest who was there is let in no more."""
    site, where, before = website(request), _site(request), visitor_of(request)
    fields = await request.post()
    agreed = site.codes.take(str(fields.get("code", "")), where, str(fields.get("verifier", "")))
    secret = None
    if agreed is not None:
        device = request.headers.get("User-Agent", "")
        secret = await site.sessions.begin(agreed.account, agreed.address, device, site.widget_life, where)
    if secret is None:
        raise web.HTTPForbidden
    await _end(site, before)
    response = web.Response(status=HTTPStatus.NO_CONTENT)
    keep(response, site, secret, site.widget_life)
    return response


async def leave(request: web.Request) -> web.StreamResponse:
    site, where = website(request), _site(request)
    await _end(site, visitor_of(request))
    address = f"{site.root}/widget?{urlencode({'site': where, 'persona': request.query.get('persona', '')})}"
    response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})
    keep(response, site, "", timedelta(0))
    return response


def keep(response: web.StreamResponse, site: Website, secret: str, life: timedelta) -> None:
    """The frame's own cookie, in the partition of the site that shows it."""
    partitioned = "; Secure; SameSite=None; Partitioned" if site.keeps_secure else "; SameSite=Lax"
    cookie = (
        f"{widget_cookie(site)}={secret}; Path=/; Max-Age={int(life.total_seconds())}; HttpOnly{partitioned}"
    )
    response.headers.add("Set-Cookie", cookie)


async def _end(site: Website, visitor: Visitor | None) -> None:
    """Of the frame's own session; on a site of our own domain one may be signed in on our pages, too."""
    if visitor is not None and (visitor.key.site or visitor.key.account.startswith(GUEST)):
        await site.sessions.end(visitor)


def _here(request: web.Request, where: str) -> str:
    asked = {"site": where, "challenge": request.query.get("challenge", "")}
    return f"{website(request).root}/widget/in?{urlencode(asked)}"


ROUTES = (
    web.get("/widget/in", ask),
    web.post("/widget/in", agree),
    web.post("/widget/in/another", another),
    web.post("/widget/token", enter),
    web.post("/widget/out", leave),
)
