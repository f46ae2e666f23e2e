"""A person connects their own account with a server of tools, by a token or by consent in a browser."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from bot.agent.tools.outside import Asker
from bot.mcp.connection import Connection
from bot.mcp.oauth import Consents, asking
from bot.mcp.servers import Servers, allows, is_connected_by_people
from bot.mcp.transport import Credentials
from bot.mcp.vault import CredentialVault
from bot.ports import Clock
from bot.settings import McpServerSettings
from memory.ports import Store

_TRIED_S = 1.5  # that a form's sender waits for: Slack gives three seconds in all
_LED_S = 10.0


@dataclass(frozen=True)
class Connectable:
    """A server as the person sees it: ``own``: they connect their own account with it; ``tools`` is how many it has for
    them, ``why`` is why it cannot be used now."""

    name: str
    server: McpServerSettings
    connected: bool
    tools: int
    why: str


class Connecting:
    """``callback`` is where browsers come back to; empty where there is no page for them."""

    def __init__(
        self, servers: Servers, vault: CredentialVault, store: Store, clock: Clock, callback: str
    ) -> None:
        self._servers = servers
        self._vault = vault
        self._store = store
        self._clock = clock
        self.callback = callback
        self.consents = Consents()

    async def all(self, asker: Asker) -> list[Connectable]:
        """What the person may use there."""
        accounts = await self._accounts(asker)
        return [
            await self._shown(name, server, asker)
            for name, server in self._servers.servers.items()
            if allows(server, asker, accounts)
        ]

    async def one(self, name: str, asker: Asker) -> McpServerSettings | None:
        """The server of that name, if the person may connect with it there."""
        server = self._servers.servers.get(name)
        if server is None or not is_connected_by_people(server):
            return None
        return server if allows(server, asker, await self._accounts(asker)) else None

    async def by_token(self, name: str, user_id: int, token: str) -> Connection | None:
        """Keep it, and try it; None where that takes a while. What the server refuses is not kept."""
        await self._vault.put(name, user_id, {"token": token})
        connection: Connection | None = None
        try:
            async with self._clock.timeout(_TRIED_S):
                connection = await self._servers.try_anew(name, user_id)
        except TimeoutError:
            return None
        if connection.denied:
            await self.drop(name, user_id)
        return connection

    async def by_consent(self, name: str, user_id: int) -> str:
        """Where the person is to consent; empty when the server could not be asked. Then they are connected."""
        led: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        server = self._servers.servers[name]

        def show(url: str) -> None:
            if not led.done():
                led.set_result(url)

        auth = asking(name, server, self._vault, user_id, self.callback, self.consents, show)
        trying = self._servers.begin(self._consent(name, user_id, Credentials(auth=auth)))
        try:
            async with self._clock.timeout(_LED_S):
                waited: list[asyncio.Future[Any]] = [led, trying]
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            trying.cancel()
        return led.result() if led.done() else ""

    async def _consent(self, name: str, user_id: int, credentials: Credentials) -> None:
        if await self._servers.consented(name, credentials):
            await self._servers.try_anew(name, user_id)

    async def drop(self, name: str, user_id: int) -> bool:
        """The person's credentials are forgotten; False where there were none."""
        known = await self._vault.has(name, user_id)
        await self._vault.drop(name, user_id)
        await self._servers.close(name, user_id)
        return known

    def whose(self, name: str, asker: Asker) -> int:
        return self._servers.whose(name, asker.agent.user_id)

    async def _shown(self, name: str, server: McpServerSettings, asker: Asker) -> Connectable:
        whose = self._servers.whose(name, asker.agent.user_id)
        connected = not is_connected_by_people(server) or await self._vault.has(name, whose)
        known = self._servers.known(name, whose)
        return Connectable(
            name, server, connected, len(known.tools) if known else 0, known.why if known else ""
        )

    async def _accounts(self, asker: Asker) -> list[str]:
        async with self._store.read() as session:
            return await session.agents.accounts_of(asker.agent.user_id)
