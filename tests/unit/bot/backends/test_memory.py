"""Which embedder it is, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.backends.memory import shortcoming
from bot.settings import Settings
from memory.index.e5 import MULTILINGUAL
from memory.index.minilm import MINILM
from memory.index.offline import Model, OfflineEmbedder


@pytest.mark.parametrize(
    ("kind", "model", "told"),
    [("auto", MINILM, True), ("auto", MULTILINGUAL, False), ("english", MINILM, False)],
)
async def test_it_says_so_where_it_fell_back_to_english(
    tmp_path: Path, kind: str, model: Model, told: bool
) -> None:
    embedder = OfflineEmbedder(model, tmp_path, None)
    said = shortcoming(Settings.model_validate({"embedder": {"kind": kind}}), embedder)
    await embedder.close()
    assert bool(said) is told
    assert said.count(".") == told  # a sentence
    assert not told or "English only" in said
