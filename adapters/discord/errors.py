"""What goes wrong on the way to Discord, beside `discord.DiscordException`."""

from __future__ import annotations

import aiohttp

BROKEN = (aiohttp.ClientError, OSError, TimeoutError, RuntimeError)  # RuntimeError: "Session is closed"
UNREAD = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
)  # of discord.py, for shapes that it does not know
