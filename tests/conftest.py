from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from memory.index.minilm import MINILM
from memory.index.offline import OfflineEmbedder, find_weights


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
