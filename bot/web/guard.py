"""What is true of every page: headers, errors without a word of what is inside, no more requests than are allowed, and
nothing changed but by forms of our own (OWASP, "Cross-Site Request Forgery Prevention").

A page that people see is under all of it. What programs ask (`bot.web.visitors.MACHINES`) has no
cookie, so no form's key is wanted.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.cache import Cache
from bot.language import gettext, marked, spoken
from bot.web.api import problems
from bot.web.api.problems import Problem
from bot.web.pages import page
from bot.web.visitors import Handler, asked_language, is_machine, site_of, visitor_of, visitors
from bot.web.website import STATIC, WEBSITE, website
from memory.errors import StoreError, where

log = logging.getLogger(__name__)

FORM_KEY = "form_key"
"""The field of a form (of one with files: of its address) that shows that it is ours."""
FRAMED = ("/widget", "/widget/guest")
"""What is shown within other sites."""
_SAFE = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    # No script and no style but our own files: what a name or a message holds never runs.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # "no-referrer" would take the Origin from our own forms, too
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_KEPT = 10_000
_WRONG = {
    HTTPStatus.NOT_FOUND: marked("There is no such page."),
    HTTPStatus.FORBIDDEN: marked(
        "That form is not of this page, or too old. Go back, load the page anew, and try again."
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: marked("That file is too large."),
    HTTPStatus.TOO_MANY_REQUESTS: marked("That is faster than I can keep up with. Give me a minute."),
    HTTPStatus.SERVICE_UNAVAILABLE: marked("My memory cannot be read just now. Try again in a minute."),
}
_FAILED = marked("Something went wrong here. It is in my log.")


def guard(app: web.Application) -> None:
    """Put the application under it."""
    app.middlewares.extend([_errors, _pace(), visitors, _forms])
    app.on_response_prepare.append(_headers)


async def _headers(request: web.Request, response: web.StreamResponse) -> None:
    site = request.app[WEBSITE]
    for name, value in (_framed(request) if request.path in FRAMED else _HEADERS).items():
        response.headers.setdefault(name, value)
    if site.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    kept = "public, max-age=86400" if request.path.startswith(STATIC) else "no-store"
    response.headers.setdefault("Cache-Control", kept)
    response.headers.pop("Server", None)


def _framed(request: web.Request) -> Mapping[str, str]:
    """Of a page that the operator's own sites may show within theirs: of one of them, where its address names it."""
    if "site" in request.query:
        allowed = site_of(request) or "'none'"
    else:
        allowed = " ".join(("'self'", *website(request).settings.web.widget.origins))
    policy = _HEADERS["Content-Security-Policy"].replace(
        "frame-ancestors 'none'", f"frame-ancestors {allowed}"
    )
    rest = {name: value for name, value in _HEADERS.items() if name != "X-Frame-Options"}  # it names none
    return {**rest, "Content-Security-Policy": policy}


# Errors


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    with spoken(asked_language(request)):
        try:
            return await handler(request)
        except Problem as problem:
            return problems.answer(problem.status, str(problem), problem.headers)
        except web.HTTPException as error:
            if problems.is_told_so(request):
                return problems.answer(error.status, _told(error.status), error.headers)
            if error.status < HTTPStatus.BAD_REQUEST or is_machine(request):
                raise
            return _wrong(request, error.status)
        except StoreError as error:
            log.error("%s", error)
            return _wrong(request, HTTPStatus.SERVICE_UNAVAILABLE)
        except (ConnectionError, TimeoutError):
            raise  # the browser went away: nobody is to be told
        except Exception as error:
            log.error("The page %s failed: %s", _route(request), where(error))
            return _wrong(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def _wrong(request: web.Request, status: int) -> web.Response:
    if problems.is_told_so(request):
        return problems.answer(status, _told(status))
    if is_machine(request):
        return web.json_response({"error": {"message": HTTPStatus(status).phrase}}, status=status)
    return page(request, "wrong.html", title=HTTPStatus(status).phrase, status=status, told=_told(status))


def _told(status: int) -> str:
    known = {int(code): text for code, text in _WRONG.items()}
    return gettext(known.get(status, _FAILED if status >= 500 else _WRONG[HTTPStatus.NOT_FOUND]))


def _route(request: web.Request) -> str:
    """As it is registered: an address may hold what is nobody else's business."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "(unknown)"


# Pace


def _pace() -> Middleware:
    counts: Cache[str, tuple[int, int]] = Cache(
        _KEPT
    )  # by address: the minute, and how many there were in it

    @web.middleware
    async def pace(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(STATIC):
            site = request.app[WEBSITE]
            minute = int(site.app.clock.now().timestamp()) // 60
            address = address_of(request)
            then, many = counts.get(address, (minute, 0))
            many = many + 1 if then == minute else 1
            counts[address] = (minute, many)
            if many > site.settings.web.requests_per_minute:
                raise web.HTTPTooManyRequests(headers={"Retry-After": "60"})
        return await handler(request)

    return pace


def address_of(request: web.Request) -> str:
    """Who asks, as the outermost of our own proxies saw them."""
    proxies = website(request).settings.web.proxies
    told = [part.strip() for part in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")]
    told = [part for part in told if part]
    if proxies and told:
        return told[-min(proxies, len(told))][:64]
    return request.remote or ""


# Forms


@web.middleware
async def _forms(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.method not in _SAFE and not is_machine(request):
        site, visitor = website(request), visitor_of(request)
        origin = request.headers.get("Origin")
        if origin is not None and origin != site.origin:
            raise web.HTTPForbidden
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise web.HTTPForbidden
        if visitor is not None:
            with_files = request.content_type == "multipart/form-data"
            fields = request.query if with_files else await request.post()
            if not hmac.compare_digest(str(fields.get(FORM_KEY, "")).encode(), visitor.form_key.encode()):
                raise web.HTTPForbidden
    return await handler(request)
