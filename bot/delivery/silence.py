"""An adapter that takes no posts: for a turn that is run while its platform is not connected."""

from __future__ import annotations

import asyncio
from datetime import datetime

from bot.errors import DeliveryError
from bot.events import Reply
from bot.ports import Found, Inbound, Plain


class Silence(Plain):
    """`bot.ports.Adapter`. What the agent says stays in the outbox until its platform is there; who sees a place, the
    platform itself is asked before anything is posted."""

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
