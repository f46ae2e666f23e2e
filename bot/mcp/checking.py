"""Are the servers of tools there, and as the settings have them?"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator

from bot.data_dir import DataDir
from bot.errors import SettingsError
from bot.mcp.sealing import Seal
from bot.mcp.servers import is_connected_by_people
from bot.mcp.transport import Credentials, NotLetIn, ServerDown, opened
from bot.settings import McpServerSettings, Settings
from memory.extras import how_to_have, lacks

Finding = tuple[bool, str, str]
_LISTED = 8


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """A finding for each server, and for the key of people's credentials; none where there are no servers."""
    servers = settings.mcp.servers
    if servers and lacks("mcp"):
        yield False, "tools", f"[mcp.servers] are configured: {how_to_have('mcp')}."
        return
    for name, server in servers.items():
        good, told = await _look(name, server, settings)
        yield good, f"tools of {name}", told
    if any(map(is_connected_by_people, servers.values())):
        try:
            Seal(DataDir(settings.data_dir).secret_key, settings.secret_key).check()
        except SettingsError as error:
            yield False, "credentials", str(error)


async def _look(name: str, server: McpServerSettings, settings: Settings) -> tuple[bool, str]:
    if server.per_person and server.command is not None:
        there = shutil.which(server.command) is not None
        return (
            there,
            "each person starts it" if there else f"there is no program {server.command!r}: install it.",
        )
    consent = server.auth == "oauth" and is_connected_by_people(server)
    if consent and not (settings.web.listen and settings.web.public_url):
        return False, "people consent in a browser: set web.listen and web.public_url."
    try:
        async with asyncio.timeout(server.connect_s):
            async with opened(server, Credentials()) as session:
                tools = [tool.name for tool in await session.tools()]
    except NotLetIn as error:
        if is_connected_by_people(server) or server.auth == "oauth":
            return True, "it answers, and wants credentials" + (
                f" of each person (/connect {name})" if server.per_person else ""
            )
        return False, f"{error}: set mcp.servers.{name}.token."
    except ServerDown as error:
        return False, f"{error}: see mcp.servers.{name}."
    except TimeoutError:
        return False, f"it did not answer within {server.connect_s:g} s (mcp.servers.{name}.connect_s)."
    asked = server.ask_first if isinstance(server.ask_first, tuple) else ()
    unknown = [tool for tool in (*server.tools, *asked) if tool not in tools]
    if unknown:
        return False, f"it has no tool {unknown[0]!r} (mcp.servers.{name}); it has: {', '.join(tools)}."
    more = f" and {len(tools) - _LISTED} more" if len(tools) > _LISTED else ""
    return True, f"{', '.join(tools[:_LISTED])}{more}"
