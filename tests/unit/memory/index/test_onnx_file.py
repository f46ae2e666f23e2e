"""ONNX files that we write are what onnxruntime takes them for, and what it reads we read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]

from memory.index.onnx_file import FLOAT, constant, constants_of, model, node


def test_a_graph_is_run_as_it_was_meant() -> None:
    shape = ("rows", 2)
    file = model(
        [
            node("Mul", ["x", "twice"], "doubled", {}),
            node("ReduceSum", ["doubled", "last"], "sums", {"keepdims": 0}),
            node("LeakyRelu", ["sums"], "y", {"alpha": 0.5}),
        ],
        [constant("twice", np.full(2, 2, np.float32)), constant("last", np.array([1], np.int64))],
        {"x": (FLOAT, shape)},
        {"y": (FLOAT, shape[:1])},
        opset=20,
        ir=10,
    )
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [(tensor.name, tensor.shape) for tensor in session.get_inputs()] == [("x", ["rows", 2])]
    [found] = session.run(None, {"x": np.array([[1, 2], [-3, 1]], np.float32)})
    assert found.tolist() == [6.0, -2.0]


def test_lists_of_numbers_reach_the_graph() -> None:
    nodes = [node("Transpose", ["x"], "y", {"perm": [2, 0, 1]})]
    file = model(nodes, [], {"x": (FLOAT, (1, 2, 3))}, {"y": (FLOAT, (3, 1, 2))}, opset=20, ir=10)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    given = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    assert np.array_equal(session.run(None, {"x": given})[0], given.transpose(2, 0, 1))


def test_constants_are_read_back(tmp_path: Path) -> None:
    given = {
        "floats": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3),
        "bytes": np.array([-127, 0, 127], np.int8),
        "unsigned": np.array([[128]], np.uint8),
        "wide": np.array([-(2**60), 2**60], np.int64),
        "single": np.array(0.5, np.float32),
    }
    file = model([], [constant(name, value) for name, value in given.items()], {}, {}, opset=20, ir=10)
    (tmp_path / "x.onnx").write_bytes(file)
    found = constants_of(tmp_path / "x.onnx")
    assert found.keys() == given.keys()
    for name, value in given.items():
        assert found[name].dtype == value.dtype
        assert np.array_equal(found[name], value)
        assert found[name].shape == value.shape
