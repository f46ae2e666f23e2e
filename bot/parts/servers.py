"""The servers of tools from outside, and how people connect with them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.agent.window import Window
from bot.errors import SettingsError
from bot.mcp.connecting import Connecting
from bot.mcp.oauth import CALLBACK
from bot.mcp.sealing import Seal
from bot.mcp.servers import Servers
from bot.mcp.toolbox import Toolbox
from bot.mcp.vault import CredentialVault
from bot.parts.given import Given
from memory.extras import how_to_have, lacks

_OF_FREE = 6
"""The part of the room beside the instructions that servers' tools may take; more of them are found by search."""


@dataclass(frozen=True, kw_only=True)
class ServerParts:
    servers: Servers
    connecting: Connecting
    toolbox: Toolbox

    @classmethod
    def of(cls, given: Given, window: Window) -> ServerParts:
        """Raises `SettingsError` where servers are set, and what speaks with them is not installed."""
        settings, runtime = given.settings, given.runtime
        if settings.mcp.servers and lacks("mcp"):
            raise SettingsError(f"mcp.servers: {how_to_have('mcp')}.")
        vault = CredentialVault(
            runtime.store, Seal(given.files.secret_key, settings.secret_key), runtime.clock
        )
        callback = f"{settings.web.url}{CALLBACK}" if settings.web.listen and settings.web.public_url else ""
        servers = Servers(settings.mcp.servers, runtime.store, vault, runtime.clock, callback)
        return cls(
            servers=servers,
            connecting=Connecting(servers, vault, runtime.store, runtime.clock, callback),
            toolbox=Toolbox(servers, settings.mcp, window.count, lambda: window.free // _OF_FREE),
        )
