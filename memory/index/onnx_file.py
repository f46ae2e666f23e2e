"""ONNX files, as far as our encoders need them: messages and numbers of fields are those of ONNX's ``onnx.proto``.

The package ``onnx`` takes 30 MB to do it; ``protobuf`` is there anyway, because onnxruntime stands on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOAT, UINT8, INT8, INT64, BOOL = 1, 2, 3, 7, 9
"""Kinds of numbers (TensorProto.DataType)."""

_DTYPES = {FLOAT: "<f4", UINT8: "u1", INT8: "i1", INT64: "<i8", BOOL: "?"}
_KINDS = {"float32": FLOAT, "uint8": UINT8, "int8": INT8, "int64": INT64}
_ATTRIBUTES = {
    float: ("f", 1),
    int: ("i", 2),
    list: ("ints", 7),
}  # the field, and AttributeProto.AttributeType

_MESSAGES = {
    "Model": "ir_version 1 int64, graph 7 Graph, opset_import 8 OperatorSetId*",
    "OperatorSetId": "domain 1 string, version 2 int64",
    "Graph": "node 1 Node*, name 2 string, initializer 5 Tensor*, input 11 ValueInfo*, output 12 ValueInfo*",
    "Node": "input 1 string*, output 2 string*, op_type 4 string, attribute 5 Attribute*",
    "Attribute": "name 1 string, f 2 float, i 3 int64, ints 8 int64*, type 20 int32",
    "Tensor": "dims 1 int64*, data_type 2 int32, name 8 string, raw_data 9 bytes",
    "ValueInfo": "name 1 string, type 2 Type",
    "Type": "tensor_type 1 TensorType",
    "TensorType": "elem_type 1 int32, shape 2 TensorShape",
    "TensorShape": "dim 1 Dimension*",
    "Dimension": "dim_value 1 int64, dim_param 2 string",
}
"""Each message's fields: name, number, type, and a star where it is repeated."""


def node(kind: str, inputs: Sequence[str], output: str, attributes: Mapping[str, Any]) -> Any:
    """A node of a graph. Attributes are floats, integers or lists of integers."""
    made = _message("Node", input=inputs, output=[output], op_type=kind)
    for name, value in sorted(attributes.items()):
        field, number = _ATTRIBUTES[type(value)]
        made.attribute.add(name=name, type=number, **{field: value})
    return made


def constant(name: str, value: NDArray[Any]) -> Any:
    """A constant of a graph: float32, uint8, int8 or int64."""
    data = value.astype(value.dtype.newbyteorder("<")).tobytes()
    return _message("Tensor", name=name, dims=value.shape, data_type=_KINDS[value.dtype.name], raw_data=data)


def model(
    nodes: Sequence[Any],
    constants: Sequence[Any],
    inputs: Mapping[str, tuple[int, Sequence[str | int]]],
    outputs: Mapping[str, tuple[int, Sequence[str | int]]],
    *,
    opset: int,
    ir: int,
) -> bytes:
    """The whole file. Inputs and outputs are, by name, a kind of numbers and a shape, in which a name stands for any
    size."""
    made = _message("Model", ir_version=ir)
    made.opset_import.add(domain="", version=opset)
    made.graph.name = "encoder"
    made.graph.node.extend(nodes)
    made.graph.initializer.extend(constants)
    for values, all_of in ((inputs, made.graph.input), (outputs, made.graph.output)):
        for name, (kind, shape) in values.items():
            tensor = all_of.add(name=name).type.tensor_type
            tensor.elem_type = kind
            for size in shape:
                tensor.shape.dim.add(**{"dim_param" if isinstance(size, str) else "dim_value": size})
    return bytes(made.SerializeToString())


def constants_of(path: Path) -> dict[str, NDArray[Any]]:
    """The constants of a file whose SHA-256 is known, by name."""
    import numpy as np

    read = _message("Model")
    read.ParseFromString(path.read_bytes())
    return {
        tensor.name: np.frombuffer(tensor.raw_data, _DTYPES[tensor.data_type]).reshape(tensor.dims)
        for tensor in read.graph.initializer
    }


def _message(kind: str, /, **fields: Any) -> Any:
    return _classes()[kind](**fields)


@cache
def _classes() -> dict[str, Any]:
    """Protobuf's classes for `_MESSAGES`."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="encoder.proto", package="encoder", syntax="proto2")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for field in fields.split(", "):
            name, number, kind = field.split()
            repeated = types.LABEL_REPEATED if kind.endswith("*") else types.LABEL_OPTIONAL
            added = described.field.add(name=name, number=int(number), label=repeated)
            kind = kind.rstrip("*")
            added.type = types.TYPE_MESSAGE if kind in _MESSAGES else types.Type.Value(f"TYPE_{kind.upper()}")
            if kind in _MESSAGES:
                added.type_name = f".encoder.{kind}"
    pool = descriptor_pool.DescriptorPool()  # our own: another program's idea of ONNX is not touched
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"encoder.{name}"))
        for name in _MESSAGES
    }
