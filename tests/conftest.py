from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.logs import OURS
from memory.index.minilm import MINILM
from memory.index.offline import OfflineEmbedder, find_weights
from tests.program.process import COLD

MEMORY = Path("/dev/shm")  # noqa: S108 (what pytest makes there is the user's alone)
ROOM = 2 << 30  # bytes


def pytest_configure() -> None:
    """Put files into memory where that has room: waiting for a disk is half the time of many stories."""
    if not COLD and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the English embedder's graph in it, built once for all tests. Not to be changed."""
    folder = tmp_path_factory.mktemp("models")

    async def build() -> None:
        embedder = OfflineEmbedder(MINILM, folder, find_weights(MINILM))
        await embedder.embed_passages(["build"])
        await embedder.close()

    asyncio.run(build())
    return folder


@pytest.fixture(autouse=True)
def levels_of_the_log() -> Iterator[None]:
    """A test that begins a log (`bot.logs.begin`) changes what later ones of its process hear: it is put back."""
    before = {name: logging.getLogger(name).level for name in ("", *OURS)}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
