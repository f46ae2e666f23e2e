"""An adapter that takes no posts: for a turn that is run while its platform is not connected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from bot.errors import DeliveryError
from bot.events import Address, Reply
from bot.ports import Found, Inbound


class Silence:
    """`bot.ports.Adapter`. What the agent says stays in the outbox until its platform is there."""

    def __init__(self, platform: str) -> None:
        self.platform = platform

    async def run(self, inbound: Inbound) -> None:
        await asyncio.Event().wait()

    def ready(self) -> str | None:
        return "not connected"

    async def send(self, reply: Reply) -> str:
        raise DeliveryError("the platform is not connected")

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        raise DeliveryError("the platform is not connected")

    async def sees(self, account: str, address: Address) -> bool:
        """So that the turn is run: the platform itself is asked before anything of it is posted."""
        return True

    def split(self, text: str) -> list[str]:
        return [text]

    def thread_from(self, address: Address, key: str) -> Address | None:
        return None

    @asynccontextmanager
    async def thinking(self, address: Address) -> AsyncIterator[None]:
        yield
