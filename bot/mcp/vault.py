"""People's own credentials for servers of tools, sealed: no model, log, export or backup shows them."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

from bot.mcp.sealing import Seal, Unreadable
from bot.ports import Clock
from memory.ports import Store

log = logging.getLogger(__name__)

EVERYBODY = 0
"""In place of a user's id: what one connected for all."""


class CredentialVault:
    """``user_id`` may be `EVERYBODY`."""

    def __init__(self, store: Store, seal: Seal, clock: Clock) -> None:
        self._store = store
        self._seal = seal
        self._clock = clock

    async def has(self, server: str, user_id: int) -> bool:
        return await self._sealed(server, user_id) is not None

    async def get(self, server: str, user_id: int) -> dict[str, Any] | None:
        """What was put; None for nothing, or what cannot be read any more."""
        sealed = await self._sealed(server, user_id)
        if sealed is None:
            return None
        try:
            kept: dict[str, Any] = json.loads(self._seal.open(sealed, server))
            return kept
        except Unreadable:
            log.error("Credentials for %s were sealed with another key: they must be connected anew.", server)
            return None

    async def put(self, server: str, user_id: int, secret: dict[str, Any]) -> None:
        sealed = self._seal.close(json.dumps(secret), server)
        async with self._store.write() as session:
            if user_id == EVERYBODY:
                await session.meta.put(_name(server), base64.b64encode(sealed).decode())
            else:
                await session.credentials.put(user_id, server, sealed, self._clock.now())

    async def drop(self, server: str, user_id: int) -> None:
        async with self._store.write() as session:
            if user_id == EVERYBODY:
                await session.meta.put(_name(server), "")
            else:
                await session.credentials.drop(user_id, server)

    async def _sealed(self, server: str, user_id: int) -> bytes | None:
        async with self._store.read() as session:
            if user_id != EVERYBODY:
                return await session.credentials.get(user_id, server)
            kept = await session.meta.get(_name(server))
        return base64.b64decode(kept) if kept else None


def _name(server: str) -> str:
    return f"credentials {server}"
