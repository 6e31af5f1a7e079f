"""An ONNX graph that is being written: constants, nodes, and their names.

https://onnx.ai/onnx/operators says what each operator does. Names are numbers in the order of
writing, so that equal networks are equal bytes.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

# The oldest whose reductions all take their axes as an input; ONNX Runtime 1.20 knows it.
_OPSET = 18
_IR_VERSION = 8
_TYPES = {"float32": onnx.TensorProto.FLOAT, "bool": onnx.TensorProto.BOOL}

Dimension = int | str | None


class UnknownOperationError(Exception):
    """What a network is made of can not be said in ONNX here."""


@dataclass(frozen=True)
class Value:
    """A tensor of the graph: its name, and what is known of its shape and type."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass
class Graph:
    """Nodes and constants. What is written twice is there once."""

    prefix: str = ""
    """Of all names: those of a graph within another have to differ from the outer ones."""
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    _nodes: list[onnx.NodeProto] = field(default_factory=list)
    _constants: list[onnx.TensorProto] = field(default_factory=list)
    _constant_names: dict[Hashable, str] = field(default_factory=dict)
    _outputs: dict[Hashable, list[str]] = field(default_factory=dict)

    def input(self, name: str, shape: Sequence[Dimension], dtype: str = "float32") -> str:
        """An input of the graph; a dimension may have a name, or none."""
        self.inputs.append(_info(name, shape, dtype))
        return name

    def constant(self, array: NDArray[Any] | np.generic) -> str:
        """A constant."""
        array = np.asarray(array)
        key = array.tobytes(), array.shape, array.dtype.str
        if key not in self._constant_names:
            name = f"{self.prefix}constant_{len(self._constants)}"
            self._constants.append(numpy_helper.from_array(array, name))
            self._constant_names[key] = name
        return self._constant_names[key]

    def integers(self, *numbers: int) -> str:
        """A constant of one axis: axes, shapes, where slices begin."""
        return self.constant(np.array(numbers, np.int64))

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """What an operator makes of its inputs; of those it may leave out the name is empty."""
        key = operator, inputs, outputs, repr(attributes)
        if key not in self._outputs:
            place = len(self._nodes)
            name = f"{self.prefix}{operator}_{place}"
            names = [name, *(f"{name}_{i}" for i in range(1, outputs))]
            self._nodes.append(helper.make_node(operator, inputs, names, **attributes))
            self._outputs[key] = names
        return self._outputs[key]

    def one(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """The one output of an operator that has one."""
        return self.node(operator, *inputs, **attributes)[0]

    def flipped(self, tensor: str, axis: int) -> str:
        """A tensor in the opposite order along an axis."""
        end, step = self.integers(np.iinfo(np.int64).min), self.integers(-1)
        return self.one("Slice", tensor, self.integers(-1), end, self.integers(axis), step)

    def proto(self, output: str, name: str, shape: Sequence[Dimension]) -> onnx.GraphProto:
        """The graph, whose output has this name and shape and is float32."""
        nodes = [*self._nodes, helper.make_node("Identity", [output], [name])]
        info = _info(name, shape, "float32")
        return helper.make_graph(nodes, "network", self.inputs, [info], self._constants)


def model_bytes(graph: onnx.GraphProto) -> bytes:
    """The file of a graph."""
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(
        graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="forecast"
    )
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def onnx_type(dtype: str) -> int:
    """ONNX's number of a type. Raises `UnknownOperationError` for one that no network here has."""
    if dtype not in _TYPES:
        raise UnknownOperationError(f"values of the type {dtype}")
    return _TYPES[dtype]


def _info(name: str, shape: Sequence[Dimension], dtype: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx_type(dtype), list(shape))
