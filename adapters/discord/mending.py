"""Events of the gateway that discord.py could not read, cut down to what it needs. Pure."""

from __future__ import annotations

from adapters.discord.wire import Json


def mended(name: str, told: Json) -> Json | None:
    """The event without what is needless, for another try; None when there is nothing to try."""
    return None
