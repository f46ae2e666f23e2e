"""What a command answered, shown once on the page that the browser is sent to after it."""

from __future__ import annotations

import secrets

from bot.cache import Cache
from bot.events import View

_MOST = 200


class Notices:
    """In memory alone: what a restart loses was done nevertheless."""

    def __init__(self) -> None:
        self._views: Cache[tuple[str, str], View] = Cache(_MOST)

    def leave(self, session: str, view: View) -> str:
        """Its name, in that session."""
        name = secrets.token_urlsafe(8)
        self._views[session, name] = view
        return name

    def take(self, session: str, name: str) -> View | None:
        """Once; what has files is kept, so that they can be fetched."""
        view = self._views.pop((session, name), None)
        if view is not None and view.files:
            self._views[session, name] = view
        return view

    def kept(self, session: str, name: str) -> View | None:
        """One with files."""
        return self._views.get((session, name))
