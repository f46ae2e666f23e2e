"""The configured servers of tools, and the connections with them: one for everybody, or one a person."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import partial
from typing import Protocol

from bot.agent.tools.outside import Asker
from bot.events import workspace_of
from bot.mcp.connection import Connection
from bot.mcp.transport import Credentials
from bot.mcp.vault import EVERYBODY
from bot.ports import Clock
from bot.settings import McpServerSettings
from memory.ports import Store
from memory.records import community_of

_IDLE = timedelta(minutes=15)  # after which a person's own connection is closed
_MOST = 200  # people's own connections at once


class Vault(Protocol):
    """Where credentials are kept."""

    async def has(self, server: str, user_id: int) -> bool: ...
    async def credentials(self, server: str, user_id: int) -> Credentials: ...


class Servers:
    """Use `run` inside the application's TaskGroup: without it nothing is connected."""

    def __init__(
        self, servers: Mapping[str, McpServerSettings], store: Store, vault: Vault, clock: Clock
    ) -> None:
        self.servers = servers
        self._store = store
        self._vault = vault
        self._clock = clock
        self._connections: dict[tuple[str, int], Connection] = {}
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Hold the connections until cancelled; each is a task of its own."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for name, server in self.servers.items():
                    if not server.per_person and server.auth != "oauth":
                        group.create_task(self._connection(name, EVERYBODY).ready(group))
                await asyncio.Event().wait()
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
            lacking = (server.per_person or server.auth == "oauth") and not await self._vault.has(name, whose)
            found.append((name, None if lacking else self._connection(name, whose)))
        group = self._group
        await asyncio.gather(*(connection.ready(group) for _, connection in found if connection))
        return found

    async def call(self, connection: Connection, tool: str, arguments: Mapping[str, object], key: str) -> str:
        """As `Connection.call`."""
        assert self._group is not None
        return await connection.call(self._group, tool, arguments, key)

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

    async def close_all(self, user_id: int) -> None:
        """A person's own."""
        for name, whose in list(self._connections):
            if whose == user_id:
                await self.close(name, whose)

    def whose(self, name: str, user_id: int) -> int:
        """Whose connection somebody uses."""
        return user_id if self.servers[name].per_person else EVERYBODY

    def _connection(self, name: str, user_id: int) -> Connection:
        known = self._connections.get((name, user_id))
        if known is None:
            secret = partial(self._vault.credentials, name, user_id)
            known = Connection(name, self.servers[name], secret, self._clock)
            self._connections[name, user_id] = known
        return known

    async def _sweep(self) -> None:
        """People's own connections that nobody has used for a while are closed."""
        own = [(key, one) for key, one in self._connections.items() if key[1] != EVERYBODY]
        own.sort(key=lambda pair: pair[1].used_at, reverse=True)
        now = self._clock.now()
        for number, ((name, user_id), connection) in enumerate(own):
            if number >= _MOST or now - connection.used_at > _IDLE:
                await self.close(name, user_id)


def allows(server: McpServerSettings, asker: Asker, accounts: Collection[str]) -> bool:
    """Whether the server may be used in such a turn: an empty list lets everybody."""
    home = community_of(asker.audience) or workspace_of(asker.address)
    return (
        asker.waits
        and (not server.personas or asker.persona in server.personas)
        and (not server.communities or home in server.communities)
        and (not server.people or not set(server.people).isdisjoint(accounts))
    )
