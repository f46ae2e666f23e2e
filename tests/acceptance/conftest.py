"""What the stories share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.discord_server import DiscordServer
from tests.fakes.town import FAST


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    """A Discord on loopback."""
    async with DiscordServer(**FAST) as server:
        yield server
