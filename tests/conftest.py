from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from memory.index.minilm import MiniLM


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MiniLM's graph in it, built once for all tests. Not to be changed."""
    folder = tmp_path_factory.mktemp("models")

    async def build() -> None:
        embedder = MiniLM(folder)
        await embedder.embed(["build"])
        await embedder.close()

    asyncio.run(build())
    return folder
