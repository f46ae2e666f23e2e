"""Platforms that feed a running everbot."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from bot.app import App
from bot.errors import AdapterError
from bot.ports import Adapter, Clock

log = logging.getLogger(__name__)

_LOOK_S = 1.0


class Feeding:
    """``refused`` are the platforms that refused us for good."""

    def __init__(self, app: App, adapters: Sequence[Adapter]) -> None:
        self._app = app
        self._adapters = adapters
        self._refused: list[str] = []
        self._lives: set[asyncio.Task[None]] = set()

    @property
    def refused(self) -> bool:
        """Every platform refused us for good."""
        return len(self._refused) == len(self._adapters)

    async def until(self, stopping: asyncio.Task[bool]) -> None:
        """Returns when that is done, or every platform refused us for good."""
        while not stopping.done() and not self.refused:
            lives = [life for life in self._lives if not life.done()]
            await asyncio.wait([stopping, *lives], return_when=asyncio.FIRST_COMPLETED)

    def begin(self, group: asyncio.TaskGroup, clock: Clock) -> list[asyncio.Task[None]]:
        self._lives = {group.create_task(self._run(adapter)) for adapter in self._adapters}
        return [*self._lives, group.create_task(_tell(self._adapters, clock))]

    async def _run(self, adapter: Adapter) -> None:
        """A platform that refuses us for good does not stop the others."""
        try:
            await adapter.run(self._app.inbound)
        except* AdapterError as group:  # out of the adapter's own TaskGroup, perhaps
            for error in _each(group):
                log.error("%s", error)
            self._refused.append(adapter.platform)


@asynccontextmanager
async def feeding(app: App, adapters: Sequence[Adapter], clock: Clock) -> AsyncIterator[Feeding]:
    """Run the adapters while the block runs."""
    fed = Feeding(app, adapters)
    async with asyncio.TaskGroup() as group:
        tasks = fed.begin(group, clock)
        try:
            yield fed
        finally:
            for task in tasks:
                task.cancel()


def _each(group: BaseExceptionGroup[AdapterError]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _each(error)
        else:
            yield error


async def _tell(adapters: Sequence[Adapter], clock: Clock) -> None:
    """A line when a platform becomes ready, and when it no longer is."""
    before: dict[str, str | None] = {adapter.platform: "starting" for adapter in adapters}
    while True:
        for adapter in adapters:
            now = adapter.ready()
            if (now is None) != (before[adapter.platform] is None):
                log.info("%s: %s.", adapter.platform, "ready" if now is None else f"not ready ({now})")
            before[adapter.platform] = now
        await clock.sleep(_LOOK_S)
