"""What every page of the desk stands on: who works at it, its rooms, how a page is shown and an act is named."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from bot.errors import EverbotError
from bot.events import View
from bot.operations.operator import Operator
from bot.people.prices import Prices
from bot.web.desk.tables import Table
from bot.web.pages import page
from bot.web.visitors import visitor_of
from bot.web.website import website

ROOMS = (
    ("/desk", "Now"),
    ("/desk/people", "People"),
    ("/desk/pairing", "Pairing"),
    ("/desk/personas", "Personas"),
    ("/desk/sources", "Sources"),
    ("/desk/usage", "Usage"),
    ("/desk/budgets", "Budgets"),
    ("/desk/health", "Health"),
    ("/desk/errors", "Errors"),
    ("/desk/reports", "Reports"),
    ("/desk/log", "Log"),
)
"""The desk's pages, as its navigation has them."""
NOT_THERE = "There is no such one any more."
_OURS = re.compile(r"/desk(/[a-z0-9]+)*")
Fields = Mapping[str, str]
"""What a form sent, without the space around it; what it did not send is empty."""
Act = Callable[[web.Request, Fields], Awaitable[str]]
"""Does what a button says, and tells what came of it. Raises `EverbotError` for what cannot be done."""


def operator(request: web.Request) -> Operator:
    """Whoever is signed in."""
    site, visitor = website(request), visitor_of(request)
    assert visitor is not None
    return Operator(site.app.memory.store, site.app.clock, Prices(site.settings.prices), visitor.key.account)


def desk(request: web.Request, title: str, template: str, **values: Any) -> web.Response:
    """A page of the desk."""
    return page(request, f"desk/{template}", title=title, rooms=ROOMS, **values)


def shown(request: web.Request, title: str, tables: Sequence[Table], **more: Any) -> web.Response:
    """A page of tables, with the form or line above them that ``more`` names."""
    values: dict[str, Any] = {"more": "", "like": "", "by": "", "days": 30, "kinds": (), **more}
    return desk(request, title, "tables.html", tables=tables, **values)


def told(request: web.Request, text: str, back: str, *, failed: bool = False) -> web.StreamResponse:
    """Sends the browser back to a page of the desk, which tells what came of it."""
    site, visitor = website(request), visitor_of(request)
    assert visitor is not None
    view = View(text=text, kind="error" if failed else "notice")
    notice = site.notices.leave(visitor.key.id, view)
    path = back if _OURS.fullmatch(back) else "/desk"
    raise web.HTTPSeeOther(f"{site.root}{path}?notice={notice}")


def number(text: str) -> int:
    """As a form sent it. Raises `EverbotError` for what is none."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise EverbotError(f"{text!r} is not a number.")
    return int(text)
