"""Everbot as the benchmarks run it: the real composition root with an adapter and a stop-watch around."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

from benchmarks.history import event
from bot.app import App, Claim, open_app
from bot.backends.clock import SystemClock
from bot.backends.models import choose_model
from bot.delivery.silence import Silence
from bot.events import Address, Reply
from bot.ports import ChatModel, Found, ModelReply, ModelRequest
from bot.settings import (
    AgentSettings,
    EmbedderSettings,
    LimitSettings,
    MemorySettings,
    ModelSettings,
    Settings,
)

EmbedderKind = Literal["auto", "none"]


def settings_of(
    data_dir: Path, url: str | None, embedder: EmbedderKind, window: int = 16_384, *, surfacing: bool = True
) -> Settings:
    """Everbot's own defaults, but that nobody waits for a burst to end."""
    kind: Literal["openai", "offline"] = "openai" if url else "offline"
    return Settings(
        data_dir=data_dir,
        model=ModelSettings(kind=kind, base_url=url, context_window=window),
        embedder=EmbedderSettings(kind=embedder),
        agent=AgentSettings(debounce_s=0.0),
        memory=MemorySettings() if surfacing else MemorySettings(surface_tokens=0),
        limits=LimitSettings(messages_per_minute=0),
    )


class Place(Silence):
    """A `bot.ports.Adapter` whose people wait for their replies."""

    def __init__(self) -> None:
        super().__init__("bench")
        self._waiting: dict[Address, asyncio.Future[Reply]] = {}

    def expect(self, address: Address) -> asyncio.Future[Reply]:
        """The next reply there."""
        self._waiting[address] = asyncio.get_running_loop().create_future()
        return self._waiting[address]

    def ready(self) -> str | None:
        return None

    async def send(self, reply: Reply) -> str:
        waiting = self._waiting.pop(reply.address, None)
        if waiting is not None:
            waiting.set_result(reply)
        return reply.nonce

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        return Found.UNKNOWN


class Timed:
    """A `bot.ports.ChatModel` that times another one. It keeps the last requests, to ask them again."""

    def __init__(self, model: ChatModel) -> None:
        self.name = model.name
        self.model = model
        self.asked: list[ModelRequest] = []
        self.cpu_s = 0.0  # of the whole process while it was asked
        self._done = 0.0
        self._since: list[float] = []

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.asked = [*self.asked[-15:], request]
        start, cpu = time.perf_counter(), time.process_time()
        self._since.append(start)
        try:
            return await self.model.complete(request)
        finally:
            self._since.remove(start)
            self._done += time.perf_counter() - start
            self.cpu_s += time.process_time() - cpu

    def spent_s(self) -> float:
        """Wall time inside the model until now; of use when one turn runs at a time."""
        now = time.perf_counter()
        return self._done + sum(now - start for start in self._since)

    async def aclose(self) -> None:
        if hasattr(self.model, "aclose"):
            await self.model.aclose()


class House:
    """An everbot at work. Turns are taken by agent number."""

    def __init__(self, app: App, place: Place, model: Timed) -> None:
        self.app = app
        self.model = model
        self.heard = ""  # the last reply
        self._place = place

    async def turn(self, agent: int, text: str) -> tuple[float, float]:
        """Seconds from submit to the reply's sending: in all, and of it inside the model."""
        message = event(agent, text, uuid4().hex)
        reply = self._place.expect(message.address)
        spent, start = self.model.spent_s(), time.perf_counter()
        await self.app.inbound.submit(message)
        self.heard = (await reply).text
        return time.perf_counter() - start, self.model.spent_s() - spent

    async def beat(self, agent: int) -> None:
        """Have the agent reflect, as the operator may."""
        identity = await self.app.identities.of(event(agent, "", uuid4().hex))
        await self.app.heartbeat.beat_now(identity)

    async def settle(self, agent: int) -> None:
        """Returns when the turn has come to its end behind the reply."""
        await self.app.inbound.settled(f"bench:{agent}")

    async def backlog(self) -> int:
        """Rows that wait for a vector."""
        async with self.app.memory.store.read() as session:
            return await session.vectors.count_unindexed()


@asynccontextmanager
async def opened(
    settings: Settings, model: ChatModel | None = None, claim: str | Claim = "bench"
) -> AsyncIterator[House]:
    """Everbot on a data directory, while the block runs; with the configured model, or with ``model``."""
    place, timed = Place(), Timed(model or choose_model(settings, SystemClock()))
    async with open_app(settings, [place], claim, model=timed) as app:
        yield House(app, place, timed)
