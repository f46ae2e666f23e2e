"""What the Slack adapter is told at its start."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

SOCKET = "slack socket"
"""What is leased."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """With a ``signing_secret`` events come as signed HTTP requests to ``listen`` (host, port), else by Socket Mode,
    which needs the ``app_token``. ``post_interval_s`` is the least time between two posts in one place. ``vision``:
    images are fetched for the model. ``context_lines`` lines before one that was for us are shown beside it.
    ``catch_up`` is how far back is read for what came during an outage. ``sockets`` is how many of the processes that
    share the work have a Socket Mode connection at the same time."""

    bot_token: str = field(repr=False)
    app_token: str | None = field(repr=False)
    signing_secret: str | None = field(repr=False)
    listen: tuple[str, int]
    api_url: str
    post_interval_s: float
    vision: bool
    context_lines: int
    catch_up: timedelta
    hearing: bool = False
    sockets: int = 1
