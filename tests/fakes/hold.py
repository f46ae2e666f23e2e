"""Requests that are held until they may go on, so that a story can tell what happens meanwhile."""

from __future__ import annotations

import asyncio

from bot.ports import ModelReply, ModelRequest
from tests.fakes.parlour import whole
from tests.fakes.scripted_model import calls, say


class Hold:
    """``met`` returns when so many requests are held."""

    def __init__(self) -> None:
        self._held = 0
        self._news = asyncio.Condition()
        self._gate = asyncio.Event()

    async def met(self, times: int = 1) -> None:
        async with self._news:
            await self._news.wait_for(lambda: self._held >= times)

    def go(self) -> None:
        self._gate.set()

    async def passed(self) -> None:
        """For the server: returns when the request may go on."""
        async with self._news:
            self._held += 1
            self._news.notify_all()
        await self._gate.wait()

    async def between(self, request: ModelRequest) -> ModelReply:
        """For the model: it says "First.", is held, and says "Then."."""
        if "First." not in whole(request):
            note = {"content": "They said hello.", "request_heartbeat": True}
            return calls(("send_message", {"message": "First."}), ("archival_memory_insert", note))
        await self.passed()
        return say("Then.")
