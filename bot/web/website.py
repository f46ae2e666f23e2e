"""What every page stands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from aiohttp import web

from bot.app import App
from bot.ports import OpenPages, SignIn
from bot.settings import Settings
from bot.web.awaited import Awaited
from bot.web.desk.examination import Examination
from bot.web.notices import Notices
from bot.web.sessions import Sessions
from bot.web.widget.codes import Codes

STATIC = "/static/"
"""How the paths of what browsers keep begin."""


@dataclass(frozen=True, kw_only=True)
class Website:
    """``url`` is how people reach it, without a stroke at its end. ``open_pages``: None where nobody talks."""

    app: App
    settings: Settings
    url: str
    sessions: Sessions
    notices: Notices
    sign_ins: Sequence[SignIn]
    awaited: Awaited
    codes: Codes
    open_pages: OpenPages | None
    examination: Examination
    at_work: set[str] = field(default_factory=set)  # writes of programs that are being done, by their names

    @property
    def root(self) -> str:
        """The path under which a proxy shows it; most often empty."""
        return urlsplit(self.url).path

    @property
    def origin(self) -> str:
        """As browsers name it (RFC 6454)."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def widget_life(self) -> timedelta:
        """Of a session in the widget on another's site."""
        return timedelta(days=self.settings.web.widget.session_days)

    @property
    def is_secure(self) -> bool:
        return self.url.startswith("https:")

    @property
    def keeps_secure(self) -> bool:
        """Whether browsers keep ``Secure`` cookies of it: they do of this machine, too (W3C Secure Contexts, 3.1)."""
        return self.is_secure or urlsplit(self.url).hostname in ("127.0.0.1", "::1", "localhost")


WEBSITE = web.AppKey("website", Website)


def website(request: web.Request) -> Website:
    """The one that is asked."""
    return request.app[WEBSITE]
