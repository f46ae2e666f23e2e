"""BERT encoders as int8 ONNX graphs, made from their weights alone.

Weights are int8 with one scale per output channel (per word in the embedding table). Activations are
quantised per token, not per tensor as onnxruntime's own quantiser does it: so a text's vector does not
depend on what else is in its batch, and vectors made in bulk equal those made one by one. Weights of
matrices use 7 of their 8 bits, because processors without VNNI add pairs of products in 16 bits, which
would overflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from memory.index.onnx_file import FLOAT, INT64, constant, model, node

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HIDDEN, HEADS, EPSILON = 384, 12, 1e-12
OPSET, IR = 20, 10
FORM = "b"
"""Of the graph, whose file is built anew when it changes; the vectors are those of the forms before."""
WORDS = "embeddings.word_embeddings.weight"


def encoder_graph(weights: Mapping[str, NDArray[np.float32]], layers: int) -> bytes:
    """The serialised graph, of float32 weights by their names in BERT (Devlin et al., 2018).

    From ``ids`` (int64: texts, tokens), or without a table of words among the weights from ``embedded`` (float32:
    texts, tokens, 384; words, positions and types added up), and ``mask`` (float32: texts, tokens) to ``vectors``
    (float32: texts, 384) of unit length. Blocking: about a second and 300 MB for a moment.
    """
    encoder = _Encoder(weights, layers)
    encoder.whole()
    shape = ("texts", "tokens")
    words = {"ids": (INT64, shape)} if WORDS in weights else {"embedded": (FLOAT, (*shape, HIDDEN))}
    inputs = {**words, "mask": (FLOAT, shape)}
    outputs = {"vectors": (FLOAT, ("texts", HIDDEN))}
    return model(encoder.nodes, encoder.constants, inputs, outputs, opset=OPSET, ir=IR)


class _Encoder:
    """The graph's nodes, in order; a method adds some and returns the name of their result.

    ``w`` are the float32 weights by their names. All tokens of all texts lie below each other, a row of 384 each.
    """

    def __init__(self, w: Mapping[str, NDArray[np.float32]], layers: int) -> None:
        self.w = w
        self.layers = layers
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def whole(self) -> None:
        rows = self.add("Reshape", self.embedding(), self.constant([-1, HIDDEN], "int64"))
        x = self.norm(rows, "embeddings.LayerNorm")
        sizes = self.add("Shape", "mask")  # texts, tokens
        heads = self.add("Concat", sizes, self.constant([3, HEADS, HIDDEN // HEADS], "int64"), axis=0)
        self.middles = self.add("Expand", self.constant([128], "uint8"), self.add("Shape", x, start=0, end=1))
        outside = self.add("Sub", "mask", self.constant(1.0))
        outside = self.add("Unsqueeze", outside, self.constant([1, 2], "int64"))
        bias = self.add("Mul", outside, self.constant(1e4))  # 0 for a token, -10,000 for padding
        for layer in range(self.layers):
            key = f"encoder.layer.{layer}."
            attended = self.linear(self.attention(x, heads, bias, key), key + "attention.output.dense")
            x = self.norm(self.add("Add", attended, x), key + "attention.output.LayerNorm")
            inner = self.add("Gelu", self.linear(x, key + "intermediate.dense"))
            outer = self.linear(inner, key + "output.dense")
            x = self.norm(self.add("Add", outer, x), key + "output.LayerNorm")
        texts = self.add("Concat", sizes, self.constant([HIDDEN], "int64"), axis=0)
        mask = self.add("Unsqueeze", "mask", self.constant([-1], "int64"))
        kept = self.add("Mul", self.add("Reshape", x, texts), mask)
        # The mean over a text's tokens, but for a factor that its length of one takes out again.
        total = self.add("ReduceSum", kept, self.constant([1], "int64"), keepdims=0)
        self.add("LpNormalization", total, output="vectors", axis=-1, p=2)

    def embedding(self) -> str:
        """Word, position and type embeddings, added up."""
        import numpy as np

        if WORDS not in self.w:
            return "embedded"
        words = self.w[WORDS]
        scales = np.abs(words).max(axis=1, keepdims=True) / 127 + EPSILON
        table = self.constant(np.rint(words / scales), "int8")
        rows = self.float(self.add("Gather", table, "ids"))
        word = self.add("Mul", rows, self.add("Gather", self.constant(scales), "ids"))
        positions = self.w["embeddings.position_embeddings.weight"]
        positions = positions + self.w["embeddings.token_type_embeddings.weight"][0]
        zero = self.constant([0], "int64")
        length = self.add("Shape", "ids", start=1, end=2)
        return self.add("Add", word, self.add("Slice", self.constant(positions), zero, length, zero))

    def attention(self, x: str, heads: str, bias: str, key: str) -> str:
        """``heads`` is the shape of queries, keys and values side by side, cut into heads."""
        parts = self.linear(x, *(key + f"attention.self.{part}" for part in ("query", "key", "value")))
        parts = self.add("Reshape", parts, heads)
        parts = self.add("Transpose", parts, perm=[2, 0, 3, 1, 4])  # part, text, head, token, size
        query, keys, values = (self.add("Gather", parts, self.constant(i, "int64"), axis=0) for i in range(3))
        scores = self.add("MatMul", query, self.add("Transpose", keys, perm=[0, 1, 3, 2]))
        scores = self.add("Add", self.add("Mul", scores, self.constant((HIDDEN // HEADS) ** -0.5)), bias)
        mixed = self.add("MatMul", self.add("Softmax", scores, axis=-1), values)
        mixed = self.add("Transpose", mixed, perm=[0, 2, 1, 3])
        return self.add("Reshape", mixed, self.constant([-1, HIDDEN], "int64"))

    def linear(self, x: str, *keys: str) -> str:
        """``x @ W.T + b`` in integers, the outputs of several layers side by side."""
        import numpy as np

        weight = np.concatenate([self.w[key + ".weight"] for key in keys])
        bias = np.concatenate([self.w[key + ".bias"] for key in keys])
        scales = np.abs(weight).max(axis=1) / 63
        integers = self.constant(np.rint(weight / scales[:, None]).T, "int8")
        rows, row_scales = self.quantize(x)
        product = self.float(self.add("MatMulInteger", rows, integers, self.constant(128, "uint8")))
        scaled = self.add("Mul", self.add("Mul", product, row_scales), self.constant(scales))
        return self.add("Add", scaled, self.constant(bias))

    def quantize(self, x: str) -> tuple[str, str]:
        """``x`` as uint8 around 128, and the scale of each token."""
        largest = self.add("ReduceMax", self.add("Abs", x), self.constant([-1], "int64"), keepdims=0)
        scales = self.add("Mul", largest, self.constant(1 / 127))
        steps = self.add("QuantizeLinear", x, scales, self.middles, axis=0)
        return steps, self.add("Unsqueeze", scales, self.constant([-1], "int64"))

    def norm(self, x: str, key: str) -> str:
        gain, shift = self.constant(self.w[key + ".weight"]), self.constant(self.w[key + ".bias"])
        return self.add("LayerNormalization", x, gain, shift, axis=-1, epsilon=EPSILON)

    def float(self, x: str) -> str:
        return self.add("Cast", x, to=FLOAT)

    def constant(self, value: Any, kind: str = "float32") -> str:
        import numpy as np

        name = f"c{len(self.constants)}"
        self.constants.append(constant(name, np.asarray(value, dtype=kind, order="C")))
        return name

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"n{len(self.nodes)}"
        self.nodes.append(node(kind, inputs, output, attributes))
        return output
