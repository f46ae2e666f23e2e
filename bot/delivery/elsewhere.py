"""Places that another process is connected to: turns are held here for them, and what only a platform knows, or shows,
is asked of the process that has it (`memory.ports.Cluster`)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import uuid4

from bot.errors import DeliveryError
from bot.events import Address, Reply, platform_of
from bot.ports import Adapter, Draft, Found, Inbound
from memory.ports import Cluster

_AGAIN_S = 20.0  # between two words that a turn still runs
_OVER_S = 60.0  # after the last of them it is over
_ANSWER_S = 10.0
# What processes tell each other.
_THINKING, _SEES, _SEEN = "thinking", "sees", "seen"


class Elsewhere:
    """An `Adapter` in a process that is not connected: ``adapter`` says what needs no connection."""

    several = False

    def __init__(self, adapter: Adapter, cluster: Cluster) -> None:
        self.platform = adapter.platform
        self._adapter = adapter
        self._cluster = cluster
        self._asked: dict[str, asyncio.Future[bool | str]] = {}
        cluster.hear(_SEEN, self._answered)

    async def run(self, inbound: Inbound) -> None:
        """Nothing comes here."""

    def ready(self) -> str | None:
        return "another process is connected"

    async def send(self, reply: Reply) -> str:
        raise DeliveryError(self._not_here)

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        raise DeliveryError(self._not_here)

    async def sees(self, account: str, address: Address) -> bool:
        question = uuid4().hex
        answer = self._asked[question] = asyncio.get_running_loop().create_future()
        self._cluster.tell(_SEES, question=question, account=account, address=address)
        try:
            async with asyncio.timeout(_ANSWER_S):
                said: bool | str = await answer
        except TimeoutError:
            raise DeliveryError(self._not_here) from None
        finally:
            del self._asked[question]
        if isinstance(said, str):
            raise DeliveryError(said)
        return said

    def split(self, text: str) -> list[str]:
        return self._adapter.split(text)

    def thread_from(self, address: Address, key: str) -> Address | None:
        return self._adapter.thread_from(address, key)

    @asynccontextmanager
    async def thinking(self, address: Address) -> AsyncIterator[Draft | None]:
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(self._tell_on(address))
            try:
                yield None
            finally:
                telling.cancel()
                self._cluster.tell(_THINKING, address=address, over=True)

    async def _tell_on(self, address: Address) -> None:
        while True:
            self._cluster.tell(_THINKING, address=address, over=False)
            await asyncio.sleep(_AGAIN_S)

    def _answered(self, question: str, answer: bool | str) -> None:
        waiting = self._asked.get(question)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    @property
    def _not_here(self) -> str:
        return f"no process that is connected to {self.platform} answers"


class Connected:
    """The process that is connected, for all others."""

    def __init__(self, adapters: Mapping[str, Adapter], cluster: Cluster) -> None:
        self._adapters = adapters
        self._cluster = cluster
        self._group: asyncio.TaskGroup | None = None
        self._shown: dict[Address, asyncio.Event] = {}  # set: it is still so
        cluster.hear(_THINKING, self._thinks)
        cluster.hear(_SEES, self._asked)

    async def run(self) -> None:
        """Answer, until cancelled."""
        if self._cluster.single:
            return
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await asyncio.Event().wait()
            finally:
                self._group = None

    def _thinks(self, address: Address, *, over: bool) -> None:
        known = self._shown.pop(address, None) if over else self._shown.get(address)
        if known is not None:
            known.set()
        elif not over and self._group is not None and platform_of(address) in self._adapters:
            self._shown[address] = asyncio.Event()
            self._group.create_task(self._show(address, self._shown[address]))

    async def _show(self, address: Address, word: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with self._adapters[platform_of(address)].thinking(address):
                while self._shown.get(address) is word:
                    word.clear()
                    async with asyncio.timeout(_OVER_S):
                        await word.wait()
        if self._shown.get(address) is word:
            del self._shown[address]

    def _asked(self, question: str, account: str, address: Address) -> None:
        if self._group is not None and platform_of(address) in self._adapters:
            self._group.create_task(self._answer(question, account, address))

    async def _answer(self, question: str, account: str, address: Address) -> None:
        answer: bool | str
        try:
            answer = await self._adapters[platform_of(address)].sees(account, address)
        except DeliveryError as error:
            answer = str(error)
        self._cluster.tell(_SEEN, question=question, answer=answer)
