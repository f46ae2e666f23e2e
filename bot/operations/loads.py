"""Files that were sent to the desk, loaded one after the other, beside the turns; whoever sent them sees how far."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.operations.library import Library
from bot.operations.loading import Count, Loading
from bot.runtime import Runtime
from memory.documents.reader import Reader
from memory.errors import DocumentError, where
from memory.records import Audience

log = logging.getLogger(__name__)

_SHOWN = 20  # that are over


@dataclass
class Load:
    """A file on its way. ``told`` says how it ended, or what it waits for; ``done`` of ``total`` pieces are there."""

    folder: TemporaryDirectory[str] = field(repr=False)
    path: Path
    name: str
    into: str
    archive_id: int
    audience: Audience
    library: Library = field(repr=False)
    told: str = "waits"
    over: bool = False
    failed: bool = False
    loading: Loading | None = field(default=None, repr=False)

    @property
    def reached(self) -> tuple[int, int]:
        return self.loading.reached if self.loading else (0, 0)


class Loads:
    """In memory: what a restart ends is sent again, and goes on where it was. Files are known as if they were in the
    folder ``kept``: one of the same name that is sent again replaces what it said before."""

    def __init__(self, runtime: Runtime, count: Count, kept: Path) -> None:
        self._runtime, self._count = runtime, count
        self._kept = kept
        self._coming: asyncio.Queue[Load] = asyncio.Queue()
        self._seen: deque[Load] = deque(maxlen=_SHOWN)

    def add(self, load: Load) -> None:
        """Its folder goes when it is loaded."""
        self._seen.appendleft(load)
        self._coming.put_nowait(load)

    @property
    def seen(self) -> list[Load]:
        """The newest first: those that wait, run, or are over."""
        return list(self._seen)

    async def settled(self) -> None:
        """Until all that were added are over."""
        await self._coming.join()

    async def run(self) -> None:
        """Load them as they come, until cancelled."""
        try:
            while True:
                load = await self._coming.get()
                try:
                    await self._load(load)
                finally:
                    await asyncio.to_thread(load.folder.cleanup)
                    self._coming.task_done()
        finally:
            while not self._coming.empty():
                self._coming.get_nowait().folder.cleanup()

    async def _load(self, load: Load) -> None:
        load.told = "is being read"
        try:
            async with Reader() as reader:
                load.loading = await Loading.begin(
                    self._runtime, self._count, reader, load.archive_id, load.audience
                )
                await load.loading.file(load.path, self._kept / load.name)
            self._runtime.indexer.wake()
            await load.library.note_loaded(load.name, load.archive_id)
            load.told = f"is loaded: {load.loading.told}"
        except DocumentError as error:
            load.told, load.failed = str(error).replace(str(load.path), load.name), True
        except Exception as error:
            log.error("A file could not be loaded into %s: %s", load.into, where(error))
            load.told, load.failed = "could not be loaded: the log says why", True
        finally:
            load.over = True
