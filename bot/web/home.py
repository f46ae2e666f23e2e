"""The first page of who is signed in."""

from __future__ import annotations

from aiohttp import web

from bot.language import gettext
from bot.web.pages import page
from bot.web.visitors import signed_in


@signed_in
async def home(request: web.Request) -> web.StreamResponse:
    return page(request, "home.html", title=gettext("My memory"))


ROUTES = (web.get("/", home),)
