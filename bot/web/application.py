"""All pages as one application, and how it is served."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from bot.app import App
from bot.backends.platforms import sign_ins
from bot.health import listening
from bot.settings import Settings
from bot.web.awaited import Awaited
from bot.web.guard import guard
from bot.web.notices import Notices
from bot.web.routes import ROUTES
from bot.web.sessions import Sessions
from bot.web.website import WEBSITE, Website

_LARGEST = 4 * 2**20  # bytes of a request, but for files that are sent


def application(app: App, settings: Settings, more: Sequence[web.RouteDef] = ()) -> web.Application:
    """All pages, with ``more`` that others answer."""
    sessions = Sessions(app.memory.store, app.clock, settings.web.session_days)
    made = web.Application(client_max_size=_LARGEST)
    made[WEBSITE] = Website(
        app=app,
        settings=settings,
        url=settings.web.url,
        sessions=sessions,
        notices=Notices(),
        sign_ins=sign_ins(settings),
        awaited=Awaited(app.clock),
    )
    guard(made)
    made.add_routes([*ROUTES, *more])
    return made


@asynccontextmanager
async def serving(app: App, settings: Settings, more: Sequence[web.RouteDef] = ()) -> AsyncIterator[None]:
    """Serve the pages while the block runs. Raises `SettingsError` where ``web.listen`` cannot be listened on."""
    assert settings.web.listen is not None
    async with listening(application(app, settings, more), settings.web.listen, "web.listen"):
        yield
