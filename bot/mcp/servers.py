"""The configured servers of tools, and the connections with them: one for everybody, or one a person."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from bot.agent.tools.outside import Asker
from bot.events import workspace_of
from bot.mcp.connection import Connection
from bot.mcp.oauth import signing
from bot.mcp.transport import Credentials, ServerDown, opened
from bot.mcp.vault import EVERYBODY, CredentialVault
from bot.ports import Clock
from bot.settings import McpServerSettings
from memory.ports import Store
from memory.records import community_of

log = logging.getLogger(__name__)

_IDLE = timedelta(minutes=15)  # after which a person's own connection is closed
_LOOK_S = 30.0
_MOST = 200  # people's own connections at once


class Servers:
    """Use `run` inside the application's TaskGroup: without it nothing is connected."""

    def __init__(
        self,
        servers: Mapping[str, McpServerSettings],
        store: Store,
        vault: CredentialVault,
        clock: Clock,
        callback: str = "",
    ) -> None:
        self.servers = servers
        self._store = store
        self._vault = vault
        self._callback = callback
        self._clock = clock
        self._connections: dict[tuple[str, int], Connection] = {}
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Hold the connections until cancelled; each is a task of its own."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for name, server in self.servers.items():
                    if not is_connected_by_people(server):
                        group.create_task(self._connection(name, EVERYBODY).ready(group))
                while True:
                    await asyncio.sleep(_LOOK_S)  # real time: an injected clock may stand still, or run
                    await self._sweep()
            finally:
                self._group = None

    async def of(self, asker: Asker) -> list[tuple[str, Connection | None]]:
        """The servers that may be used in a turn, by name; None where the person has still to connect."""
        if not self.servers or self._group is None:
            return []
        await self._sweep()
        async with self._store.read() as session:
            accounts = await session.agents.accounts_of(asker.agent.user_id)
        found: list[tuple[str, Connection | None]] = []
        for name, server in self.servers.items():
            if not allows(server, asker, accounts):
                continue
            whose = self.whose(name, asker.agent.user_id)
            lacking = is_connected_by_people(server) and not await self._vault.has(name, whose)
            found.append((name, None if lacking else self._connection(name, whose)))
        group = self._group
        await asyncio.gather(*(connection.ready(group) for _, connection in found if connection))
        return found

    async def call(self, connection: Connection, tool: str, arguments: Mapping[str, object], key: str) -> str:
        """As `Connection.call`."""
        assert self._group is not None
        return await connection.call(self._group, tool, arguments, key)

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something that ends with the connections."""
        assert self._group is not None
        return self._group.create_task(work)

    async def consented(self, name: str, credentials: Credentials) -> bool:
        """Whether a session could be opened with these, which ask the person first: it is closed again."""
        try:
            async with opened(self.servers[name], credentials):
                return True
        except ServerDown as error:
            log.warning("Nobody is connected with the tool server %s: %s.", name, error)
            return False

    def known(self, name: str, user_id: int) -> Connection | None:
        """The connection, if one was wanted yet."""
        return self._connections.get((name, user_id))

    async def try_anew(self, name: str, user_id: int) -> Connection:
        """The connection with what is in the vault by now, whether it could be made or not."""
        await self.close(name, user_id)
        connection = self._connection(name, user_id)
        assert self._group is not None
        await connection.ready(self._group)
        return connection

    async def close(self, name: str, user_id: int) -> None:
        connection = self._connections.pop((name, user_id), None)
        if connection is not None:
            await connection.close()

    def whose(self, name: str, user_id: int) -> int:
        """Whose connection somebody uses."""
        return user_id if self.servers[name].per_person else EVERYBODY

    def _connection(self, name: str, user_id: int) -> Connection:
        known = self._connections.get((name, user_id))
        if known is None:
            secret = partial(self._secret, name, user_id)
            known = Connection(name, self.servers[name], secret, self._clock)
            self._connections[name, user_id] = known
        return known

    async def _secret(self, name: str, user_id: int) -> Credentials:
        server = self.servers[name]
        if server.auth == "oauth":
            return Credentials(auth=signing(name, server, self._vault, user_id, self._callback))
        kept = await self._vault.get(name, user_id) if server.per_person else None
        return Credentials(token=str(kept.get("token", ""))) if kept else Credentials()

    async def _sweep(self) -> None:
        """People's own connections are closed that nobody has used for a while, or whose credentials are gone."""
        own = [(key, one) for key, one in self._connections.items() if key[1] != EVERYBODY]
        own.sort(key=lambda pair: pair[1].used_at, reverse=True)
        now = self._clock.now()
        for number, ((name, user_id), connection) in enumerate(own):
            old = number >= _MOST or now - connection.used_at > _IDLE
            if old or not await self._vault.has(name, user_id):
                await self.close(name, user_id)


def is_connected_by_people(server: McpServerSettings) -> bool:
    """Whether somebody has to connect (`/connect`) before the server can be used: each person for themselves, or
    whoever runs the bot for all."""
    return server.per_person or (server.auth == "oauth" and server.client_secret is None)


def allows(server: McpServerSettings, asker: Asker, accounts: Collection[str]) -> bool:
    """Whether the server may be used in such a turn: an empty list lets everybody."""
    home = community_of(asker.audience) or workspace_of(asker.address)
    return (
        asker.waits
        and (not server.personas or asker.persona in server.personas)
        and (not server.communities or home in server.communities)
        and (not server.people or not set(server.people).isdisjoint(accounts))
    )
