"""What a command answered, shown once on the page that the browser is sent to after it."""

from __future__ import annotations

import secrets

from bot.cache import Cache
from bot.events import View

_MOST = 1_000
_FILES = 8  # views with files, which may be large


class Notices:
    """In memory alone: what a restart loses was done nevertheless."""

    def __init__(self) -> None:
        self._views: Cache[tuple[str, str], View] = Cache(_MOST)
        self._files: Cache[tuple[str, str], View] = Cache(_FILES)

    def leave(self, session: str, view: View) -> str:
        """Its name, in that session."""
        name = secrets.token_urlsafe(8)
        (self._files if view.files else self._views)[session, name] = view
        return name

    def take(self, session: str, name: str) -> View | None:
        """Once; what has files is kept, so that they can be fetched."""
        return self._views.pop((session, name), None) or self.kept(session, name)

    def kept(self, session: str, name: str) -> View | None:
        """One with files."""
        return self._files.get((session, name))
