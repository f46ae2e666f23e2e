"""That what comes from a channel is taken in the order in which it came, and what was missed before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from weakref import WeakValueDictionary

_Locks = WeakValueDictionary[int, asyncio.Lock]


class Order:
    """While it is shut, what comes stands in line, each in its channel, and what was missed goes ahead."""

    def __init__(self) -> None:
        self._standing: _Locks = WeakValueDictionary()
        self._passing: _Locks = WeakValueDictionary()
        self._opened = asyncio.Event()
        self._opens_at = 0.0  # by the event loop's clock

    def shut(self, seconds: float) -> None:
        """For at most so long: then it opens by itself."""
        self._opened.clear()
        self._opens_at = asyncio.get_running_loop().time() + seconds

    def open(self) -> None:
        self._opened.set()

    @asynccontextmanager
    async def behind(self, channel: int) -> AsyncIterator[None]:
        """After all that came from the channel before this was called. The place in line is taken at once: whoever
        waited for anything else first could be overtaken."""
        async with _lock(self._standing, channel):
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._opens_at):
                    await self._opened.wait()
            async with _lock(self._passing, channel):
                yield

    @asynccontextmanager
    async def ahead(self, channel: int) -> AsyncIterator[None]:
        """Before all that stands in line."""
        async with _lock(self._passing, channel):
            yield


def _lock(locks: _Locks, channel: int) -> asyncio.Lock:
    lock = locks.get(channel)
    if lock is None:
        lock = locks[channel] = asyncio.Lock()
    return lock
