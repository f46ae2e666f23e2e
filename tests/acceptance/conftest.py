"""What the stories share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # pytest's own process imports this, too, for which all workers wait
    from tests.fakes.discord_server import DiscordServer


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    """A Discord on loopback."""
    from tests.fakes.discord_server import DiscordServer
    from tests.fakes.town import FAST

    async with DiscordServer(**FAST) as server:
        yield server
