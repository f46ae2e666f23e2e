"""All pages as one application, and how it is served."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from bot.app import App
from bot.backends.platforms import sign_ins
from bot.health import listening
from bot.ports import OpenPages
from bot.settings import Settings
from bot.web.api.routes import ROUTES as API
from bot.web.awaited import Awaited
from bot.web.desk.examination import Examination, Examine
from bot.web.guard import guard
from bot.web.notices import Notices
from bot.web.routes import ROUTES
from bot.web.sessions import Sessions
from bot.web.website import WEBSITE, Website
from bot.web.widget.codes import Codes

_LARGEST = 4 * 2**20  # bytes of a request, but for files that are sent


def application(
    app: App,
    settings: Settings,
    more: Sequence[web.RouteDef] = (),
    open_pages: OpenPages | None = None,
    examine: Examine | None = None,
) -> web.Application:
    """All pages, with ``more`` that others answer. People talk there, if there are ``open_pages``; an owner
    may ``examine`` at the desk whether everything is in order."""
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
        codes=Codes(app.clock),
        open_pages=open_pages,
        examination=Examination(app.clock, examine),
    )
    guard(made)
    made.on_shutdown.append(_close)
    made.add_routes([*ROUTES, *(API if settings.web.programs else ()), *more])
    return made


async def _close(made: web.Application) -> None:
    """Whoever waits for news hears that there will be no more: the server waits for them to end."""
    if (open_pages := made[WEBSITE].open_pages) is not None:
        open_pages.close()


@asynccontextmanager
async def serving(
    app: App,
    settings: Settings,
    more: Sequence[web.RouteDef] = (),
    open_pages: OpenPages | None = None,
    examine: Examine | None = None,
) -> AsyncIterator[None]:
    """Serve the pages while the block runs. Raises `SettingsError` where ``web.listen`` cannot be listened on."""
    assert settings.web.listen is not None
    made = application(app, settings, more, open_pages, examine)
    async with listening(made, settings.web.listen, "web.listen"):
        yield
