"""`everbot mcp`: one person's memory as an MCP server, over standard input and output."""

from __future__ import annotations

import os

from bot.backends.clock import SystemClock
from bot.backends.media import choose_moderator, refusing
from bot.backends.memory import open_memory
from bot.cli.screen import warn
from bot.mcp.own_memory import NotLetIn, OwnMemory, Parts
from bot.mcp.serving import server
from bot.safety.masking import Masking
from bot.safety.writing import Writing
from bot.settings import Settings
from memory.extras import how_to_have, lacks

VARIABLE = "EVERBOT_TOKEN"


async def serve(settings: Settings, persona: str) -> int:
    """Serve until standard input ends. Returns the exit code."""
    token = os.environ.get(VARIABLE, "").strip()
    if not token:
        warn(f"everbot mcp: set {VARIABLE} to a token that /connect program gave you.")
        return 1
    if lacks("mcp"):
        warn(f"everbot mcp: {how_to_have('mcp')}.")
        return 1
    clock = SystemClock()
    async with open_memory(settings) as memory:
        moderator = choose_moderator(settings, clock)
        masking = Masking(settings.safety.secrets == "mask")
        parts = Parts(
            store=memory.store,
            recall=memory.recall,
            archival=memory.archival,
            clock=clock,
            writing=Writing(masking, refusing(settings, moderator, clock)),
        )
        own = OwnMemory(parts, token, persona)
        try:
            await own.check()
            await server(own).run_stdio_async()
        except NotLetIn as error:
            warn(f"everbot mcp: {error}")
            return 1
        finally:
            if moderator is not None:
                await moderator.aclose()
    return 0
