"""What the agent can call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from bot.agent.tools import correcting, manners, messaging, sending
from bot.agent.tools import memory as memory_tools
from bot.agent.tools import time as time_tools
from bot.agent.tools.custom import custom_tools
from bot.agent.tools.registry import Registry, Tool
from bot.people.paid_media import PaidMedia
from bot.settings import Settings

TOOL_GROUPS: tuple[Sequence[Tool], ...] = (
    messaging.TOOLS,
    sending.TOOLS,
    manners.TOOLS,
    memory_tools.TOOLS,
    correcting.TOOLS,
    time_tools.TOOLS,
    memory_tools.LEAN_TOOLS,
    correcting.LEAN_TOOLS,
)


def registry_of(settings: Settings, media: PaidMedia | None = None) -> Registry:
    """Raises `SettingsError` for tools of one's own that cannot be."""
    pictures = sending.picture_tools(media)
    return Registry([*chain(*TOOL_GROUPS), *pictures, *custom_tools(settings.agent.tools)])
