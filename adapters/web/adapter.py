"""The adapter: what is said on the page stays in the store, and whoever has the page open is told that it is there."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from adapters.web import attachments
from bot.events import Address, Attachment, DocumentUploaded, File, MessageReceived, Reply
from bot.ports import Inbound, Plain, Watch


class WebAdapter(Plain):
    """A `bot.ports.Adapter` and `bot.ports.OpenPages`."""

    platform = "web"

    def __init__(self, *, vision: bool = False, hearing: bool = False) -> None:
        self._vision, self._hearing = vision, hearing
        self._open: defaultdict[Address, list[Watch]] = defaultdict(list)
        self._thinking: Counter[Address] = Counter()
        self._running = False

    async def run(self, inbound: Inbound) -> None:
        self._running = True
        try:
            await asyncio.Event().wait()
        finally:
            self._running = False
            self.close()

    def ready(self) -> str | None:
        return None if self._running else "starting"

    async def send(self, reply: Reply) -> str:
        self.tell(reply.address)
        return reply.id  # it is read from the store, by the pages that are open and those that will be

    @asynccontextmanager
    async def thinking(self, address: Address) -> AsyncIterator[None]:
        self._thinking[address] += 1
        self._show(address)
        try:
            yield
        finally:
            self._thinking[address] -= 1
            if not self._thinking[address]:
                del self._thinking[address]
            self._show(address)

    # Open pages

    @contextmanager
    def watching(self, addresses: Collection[Address]) -> Iterator[Watch]:
        watch = Watch(addresses, thinking=any(address in self._thinking for address in addresses))
        for address in watch.addresses:
            self._open[address].append(watch)
        try:
            yield watch
        finally:
            for address in watch.addresses:
                self._open[address].remove(watch)
                if not self._open[address]:
                    del self._open[address]

    def many(self, address: Address) -> int:
        return len(self._open.get(address, ()))

    def tell(self, address: Address, *, anew: bool = False) -> None:
        for watch in self._open.get(address, ()):
            watch.anew |= anew
            watch.wake()

    def close(self) -> None:
        for watch in [watch for watches in self._open.values() for watch in watches]:
            watch.over = True
            watch.wake()

    def attached(
        self, said: MessageReceived, sent: Sequence[File]
    ) -> tuple[tuple[Attachment, ...], tuple[DocumentUploaded, ...]]:
        return attachments.attached(said, sent, vision=self._vision, hearing=self._hearing)

    def _show(self, address: Address) -> None:
        for watch in self._open.get(address, ()):
            watch.thinking = any(one in self._thinking for one in watch.addresses)
            watch.wake()
