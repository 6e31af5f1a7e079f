"""What each layer and each operation of Keras is in ONNX, by the name of its class."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from forecast.training.onnx.attention import attention
from forecast.training.onnx.call import Call
from forecast.training.onnx.graph import Graph, UnknownOperationError, Value, onnx_type
from forecast.training.onnx.recurrent import recurrent

_LAST = np.iinfo(np.int64).max  # where a slice ends that has no end

Operation = Callable[[Call], list[str]]

_ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softplus": "Softplus"}


def _activated(graph: Graph, tensor: str, activation: Any) -> str:
    if activation in (None, "linear"):
        return tensor
    if not isinstance(activation, str) or activation not in _ACTIVATIONS:
        raise UnknownOperationError(f"the activation {activation}")
    return graph.one(_ACTIVATIONS[activation], tensor)


def _elementwise(operator: str) -> Operation:
    """An operator whose arguments are one, two or three tensors or numbers."""
    return lambda call: call.graph.node(operator, *call.tensors(call.args))


def _where(call: Call) -> list[str]:
    condition, *choices = call.args
    return call.graph.node("Where", *call.tensors([condition]), *call.tensors(choices))


def _identity(call: Call) -> list[str]:
    """Dropout, which drops nothing after training."""
    return [call.first.name]


def _zeros(call: Call) -> list[str]:
    return call.graph.node("ConstantOfShape", call.graph.one("Shape", call.first.name))


def _square(call: Call) -> list[str]:
    return call.graph.node("Mul", call.first.name, call.first.name)


def _cast(call: Call) -> list[str]:
    return call.graph.node("Cast", call.first.name, to=onnx_type(call.config["dtype"]))


def _reduction(operator: str) -> Operation:
    def operation(call: Call) -> list[str]:
        keep = int(call.config["keepdims"])
        return call.graph.node(operator, call.first.name, _axes(call), keepdims=keep)

    return operation


def _axes(call: Call) -> str:
    axis = call.config["axis"]
    if axis is None:
        raise UnknownOperationError(f"{call.config['name']} over all axes")
    return call.graph.integers(*(axis if isinstance(axis, list | tuple) else (axis,)))


def _deviation(call: Call) -> list[str]:
    graph, value, axes = call.graph, call.first.name, _axes(call)
    distance = graph.one("Sub", value, graph.one("ReduceMean", value, axes, keepdims=1))
    square = graph.one("Mul", distance, distance)
    keep = int(call.config["keepdims"])
    return graph.node("Sqrt", graph.one("ReduceMean", square, axes, keepdims=keep))


def _concatenation(call: Call) -> list[str]:
    return call.graph.node("Concat", *call.tensors(call.args[0]), axis=call.config["axis"])


def _stack(call: Call) -> list[str]:
    axis = call.config["axis"]
    place = call.graph.integers(axis)
    parts = [call.graph.one("Unsqueeze", part, place) for part in call.tensors(call.args[0])]
    return call.graph.node("Concat", *parts, axis=axis)


def _split(call: Call) -> list[str]:
    axis, sections = call.config["axis"], call.config["indices_or_sections"]
    size = call.first.shape[axis]
    if size is None or not isinstance(sections, int):
        raise UnknownOperationError(f"a split at {sections}")
    sizes = call.graph.integers(*[size // sections] * sections)
    return call.graph.node("Split", call.first.name, sizes, outputs=sections, axis=axis)


def _repeat(call: Call) -> list[str]:
    axis, repeats = call.config["axis"], call.config["repeats"]
    size = None if axis is None else call.first.shape[axis]
    if size is None or not isinstance(repeats, int):
        raise UnknownOperationError(f"{repeats} repeats over the axis {axis}")
    places = call.graph.integers(*np.repeat(np.arange(size), repeats).tolist())
    return call.graph.node("Gather", call.first.name, places, axis=axis)


def _flip(call: Call) -> list[str]:
    axis = call.config["axis"]
    if not isinstance(axis, int):
        raise UnknownOperationError(f"a flip of the axes {axis}")
    return [call.graph.flipped(call.first.name, axis)]


def _reshape(call: Call) -> list[str]:
    """To a shape without that of the windows, which stays."""
    shape = call.graph.integers(0, *call.config["target_shape"])
    return call.graph.node("Reshape", call.first.name, shape)


def _flatten(call: Call) -> list[str]:
    return call.graph.node("Reshape", call.first.name, call.graph.integers(0, -1))


def _dense(call: Call) -> list[str]:
    graph, tensor = call.graph, call.first.name
    kernel, *bias = (call.parameter(weight) for weight in call.weights)
    product = graph.one("MatMul", tensor, kernel)
    for own in bias:
        product = graph.one("Add", product, own)
    return [_activated(graph, product, call.config["activation"])]


def _convolution(call: Call) -> list[str]:
    """Of steps that each see those before them: ONNX has the features before the steps."""
    graph, config = call.graph, call.config
    call.require(padding="causal", data_format="channels_last", groups=1, use_bias=True)
    [[stride], [dilation]] = config["strides"], config["dilation_rate"]
    if stride != 1:
        raise UnknownOperationError(f"a convolution with a stride of {stride}")
    kernel, bias = call.weights
    output = graph.one(
        "Conv",
        graph.one("Transpose", call.first.name, perm=[0, 2, 1]),
        call.parameter(np.swapaxes(kernel, 1, 3)),
        call.parameter(bias),
        dilations=[dilation],
        pads=[(kernel.shape[1] - 1) * dilation, 0],
    )
    output = graph.one("Transpose", output, perm=[0, 2, 1])
    return [_activated(graph, output, config["activation"])]


def _layer_normalization(call: Call) -> list[str]:
    call.require(center=True, scale=True, rms_scaling=False)
    if call.config["axis"] not in (-1, [-1], [len(call.first.shape) - 1]):
        raise UnknownOperationError(f"a normalisation over {call.config['axis']}")
    scale, shift = (call.parameter(weight) for weight in call.weights)
    epsilon = call.config["epsilon"]
    return call.graph.node("LayerNormalization", call.first.name, scale, shift, epsilon=epsilon)


def _item(call: Call) -> list[str]:
    """`value[..., 1:, 0, None]`: slices first, then places, then new axes."""
    graph, value = call.graph, call.first
    key = _whole_key(call.args[1], len(value.shape))
    tensor = _sliced(graph, value.name, [part for part in key if part is not None])
    kept = [part for part in key if not isinstance(part, int)]
    new = [axis for axis, part in enumerate(kept) if part is None]
    return [graph.one("Unsqueeze", tensor, graph.integers(*new)) if new else tensor]


def _whole_key(key: Any, axes: int) -> list[Any]:
    """A part of the key for each axis, and None for a new one."""
    parts = key if isinstance(key, list) else [key]
    if any(isinstance(part, Value | np.ndarray | bool) for part in parts):
        raise UnknownOperationError("an item at places that are computed")
    there = sum(part is not None and part is not ... for part in parts)
    rest = [slice(None)] * (axes - there)
    if ... not in parts:
        return [*parts, *rest]
    place = parts.index(...)
    return [*parts[:place], *rest, *parts[place + 1 :]]


def _sliced(graph: Graph, tensor: str, key: Sequence[slice | int]) -> str:
    """What a slice or a place takes of each axis; that of a place is gone then."""
    slices = {
        axis: part
        for axis, part in enumerate(key)
        if isinstance(part, slice) and part != slice(None)
    }
    if any((part.step or 1) < 0 for part in slices.values()):
        raise UnknownOperationError("a slice that goes backwards")
    if slices:
        begins = graph.integers(*(part.start or 0 for part in slices.values()))
        ends = graph.integers(
            *(_LAST if part.stop is None else part.stop for part in slices.values())
        )
        steps = graph.integers(*(part.step or 1 for part in slices.values()))
        tensor = graph.one("Slice", tensor, begins, ends, graph.integers(*slices), steps)
    for axis, part in reversed(list(enumerate(key))):
        if isinstance(part, int):
            tensor = graph.one("Gather", tensor, graph.constant(np.int64(part)), axis=axis)
    return tensor


_LAYERS: dict[str, Operation] = {
    "Conv1D": _convolution,
    "Dense": _dense,
    "Dropout": _identity,
    "Flatten": _flatten,
    "GRU": recurrent("GRU"),
    "LSTM": recurrent("LSTM"),
    "LayerNormalization": _layer_normalization,
    "MultiHeadAttention": attention,
    "Reshape": _reshape,
    "SimpleRNN": recurrent("SimpleRNN"),
}

_OPERATIONS: dict[str, Operation] = {
    "Absolute": _elementwise("Abs"),
    "Add": _elementwise("Add"),
    "Cast": _cast,
    "Concatenate": _concatenation,
    "Flip": _flip,
    "GetItem": _item,
    "Greater": _elementwise("Greater"),
    "Matmul": _elementwise("MatMul"),
    "Maximum": _elementwise("Max"),
    "Mean": _reduction("ReduceMean"),
    "Multiply": _elementwise("Mul"),
    "Relu": _elementwise("Relu"),
    "Repeat": _repeat,
    "Softplus": _elementwise("Softplus"),
    "Split": _split,
    "Sqrt": _elementwise("Sqrt"),
    "Square": _square,
    "Stack": _stack,
    "Std": _deviation,
    "Subtract": _elementwise("Sub"),
    "Sum": _reduction("ReduceSum"),
    "TrueDivide": _elementwise("Div"),
    "Where": _where,
    "ZerosLike": _zeros,
}


def operation_of(module: str, name: str) -> Operation:
    """What a class of Keras is in ONNX. Raises `UnknownOperationError`."""
    known = {}
    if module == "keras.layers":
        known = _LAYERS
    elif module.startswith("keras.src.ops."):
        known = _OPERATIONS
    if name not in known:
        raise UnknownOperationError(f"{module}.{name}")
    return known[name]
