"""What is left to do when rows are gone: files, the database's log of writes, indexes of shared archives.

A chore is noted in the unit of work that makes it needed: a process that dies in between does it at its next start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.agent.forgetting import KEPT
from bot.data_dir import DataDir
from bot.runtime import Runtime
from memory.errors import where

log = logging.getLogger(__name__)

_SCRUBS = timedelta(hours=1)  # between scrubs that nobody waits for
_REBUILDS = timedelta(hours=1)  # after which a shared archive's index is made anew
_TRIES = 100


class Chores:
    """``forget(account)`` forgets a person of whom the operator asked that from the command line, ``empty(id)`` what
    can't be brought back any more."""

    def __init__(
        self,
        runtime: Runtime,
        files: DataDir,
        forget: Callable[[str], Awaitable[None]],
        empty: Callable[[int], Awaitable[None]],
    ) -> None:
        self._empty = empty
        self._store, self._indexer, self._clock = runtime.store, runtime.indexer, runtime.clock
        self._files = files
        self._forget = forget
        self._one_at_a_time = asyncio.Lock()
        self._scrubbed: datetime | None = None

    async def do(self, *, urgent: bool = False) -> None:
        """Do those that are due; ``urgent``: somebody waits for it."""
        async with self._one_at_a_time:
            # Who is to be forgotten first, for that makes more to do; the scrub last, for all leaves rows.
            for kinds in (["user"], ["waste"], ["files", "history", "archive"], ["scrub"]):
                async with self._store.read() as session:
                    chores = await session.erasing.chores()
                for name, at in chores:
                    if name.partition(":")[0] in kinds and await self._alone(name, at, urgent=urgent):
                        async with self._store.write() as session:
                            await session.erasing.done(name)

    async def _alone(self, name: str, at: datetime, *, urgent: bool) -> bool:
        """Whether it is done. One that cannot be done now keeps no other waiting, and is tried again."""
        try:
            return await self._do(name, at, urgent=urgent)
        except Exception as error:
            log.error(
                "Of what was forgotten, %s is still to be done: %s", name.partition(":")[0], where(error)
            )
            return False

    async def _do(self, name: str, at: datetime, *, urgent: bool) -> bool:
        """Whether it is done."""
        kind, _, what = name.partition(":")
        now = self._clock.now()
        if kind == "files":
            for folder in (self._files.saves, self._files.exports):
                for file in folder.glob(f"agent-{what}-*"):
                    file.unlink(missing_ok=True)
        elif kind == "history":
            self._files.history(what).unlink(missing_ok=True)
        elif kind == "archive":
            if timedelta() <= now - at < _REBUILDS:
                return False
            await self._indexer.rebuild(int(what))
        elif kind == "waste":
            if now - at < KEPT:
                return False
            await self._empty(int(what))
        elif kind == "user":
            await self._forget(what)
        elif kind == "scrub":
            return await self._scrub(urgent=urgent)
        return True

    async def _scrub(self, *, urgent: bool) -> bool:
        now = self._clock.now()
        if not urgent and self._scrubbed is not None and timedelta() <= now - self._scrubbed < _SCRUBS:
            return False
        for _ in range(_TRIES):
            if await self._store.scrub():
                self._scrubbed = now
                return True
            await asyncio.sleep(0.02)  # until the readers that are in the way have read
        log.warning("Deleted rows could not be overwritten yet; that is tried again.")
        return False
