"""An empty database, migrated once for all tests of a process: that takes longer than most of their stories."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from memory.store.sqlite.database import Database


def lay(path: Path) -> Path:
    """Put one at ``path``, unless there is something."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(_empty())
    return path


@cache
def _empty() -> bytes:
    async def make(path: Path) -> bytes:
        await (await Database.open(path)).close()
        return path.read_bytes()

    # In a thread, for there a loop can be run whoever asks.
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, make(Path(folder) / "x.db")).result()
