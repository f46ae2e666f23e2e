"""Every page, and who answers it: a new room's are added here."""

from __future__ import annotations

from aiohttp import web

from bot.web import entrance, home
from bot.web.pages import FILES
from bot.web.website import STATIC

ROUTES: tuple[web.AbstractRouteDef, ...] = (
    web.static(STATIC, FILES),
    *entrance.ROUTES,
    *home.ROUTES,
)
