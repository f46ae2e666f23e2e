"""Standing by: several `everbot run` share a database; one works, and another takes over when it cannot any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

from bot.backends.platforms import connections
from bot.backends.store import open_store
from bot.cli.operating import show
from bot.health import health
from bot.settings import Settings
from memory.errors import StoreError
from memory.records import Holder

log = logging.getLogger(__name__)

_LOOK_S = 0.5
_NOT_SHARED = "The database is in data_dir: one process uses it, and no other can (docs/scale.md)."
_NOBODY = "No everbot runs on this database."


class CalledOff(Exception):
    """It was to end before its turn came."""


class Standby:
    """Waits for a database that another process has, and answers on the health port meanwhile: alive, and not ready.
    ``stop``: it is not to wait any longer."""

    def __init__(self, listen: str, stop: asyncio.Event) -> None:
        self._listen = listen
        self._stop = stop
        self._told = ""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.over()

    async def waits(self, why: StoreError) -> None:
        """As `memory.ports.Busy`. Raises `CalledOff`."""
        if not self._told:
            await self._stack.enter_async_context(health(self._listen, (), {"standby": lambda: self._told}))
        if str(why) != self._told:
            log.warning("Standing by: %s", why)
        self._told = str(why)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await self._stop.wait()
        if self._stop.is_set():
            raise CalledOff

    async def over(self) -> None:
        """The database is ours, or is not waited for. Idempotent."""
        if self._told:
            log.warning("Standing by is over.")
        self._told = ""
        await self._stack.aclose()


async def workers(settings: Settings, *, as_json: bool) -> None:
    """Print who shares the database."""
    store = await open_store(settings)
    try:
        found = await store.holders()
        connected = await connections(store)
    finally:
        await store.close()
    shared = bool(connected) or any(each.shares for each in found)
    rows = [
        {
            "process": each.name,
            "since": each.since,
            "state": _state(each, connected.get(each.name, ()), shared=shared),
        }
        for each in found
    ]
    show(rows, _NOBODY if settings.store.url else _NOT_SHARED, as_json=as_json)


def _state(holder: Holder, connected: Sequence[str], *, shared: bool) -> str:
    if not shared:
        return "works" if holder.works else "stands by"
    parts = ["leads"] if holder.works else []
    parts += connected
    parts += [f"thinks for {holder.shares} shares of the agents"] if holder.shares else []
    return ", ".join(parts) or "stands by"
