"""Attention with several heads, as Keras computes it, in products of ONNX.

Vaswani et al. 2017, https://arxiv.org/abs/1706.03762: softmax(q @ k / sqrt(width)) @ v.
"""

from collections.abc import Sequence

import numpy as np

from forecast.networks import Weights
from forecast.training.onnx.call import Call
from forecast.training.onnx.graph import UnknownOperationError, Value

_NOTHING = np.float32(-1e9)  # its exponential is zero


def attention(call: Call) -> list[str]:
    """Queries `(windows, steps, width)` as mixtures of values `(windows, others, width)`."""
    call.require(use_bias=True, use_gate=False, output_shape=None, sliding_window=None)
    call.require(attention_axes=(1,))
    named = dict(call.named)
    mask = named.pop("attention_mask", None)
    if named or len(call.args) != 2:
        raise UnknownOperationError(f"attention with {', '.join(named) or 'keys of its own'}")
    graph, (queries, values) = call.graph, call.args
    weights = [call.weights[i : i + 2] for i in range(0, 8, 2)]
    scale = np.float32(1 / np.sqrt(call.config["key_dim"]))
    asked = graph.one("Mul", _heads(call, queries, weights[0], (0, 2, 1, 3)), graph.constant(scale))
    scores = graph.one("MatMul", asked, _heads(call, values, weights[1], (0, 2, 3, 1)))
    if mask is not None:
        there = graph.one("Unsqueeze", mask.name, graph.integers(1))
        scores = graph.one("Where", there, scores, graph.constant(_NOTHING))
    shares = graph.one("Softmax", scores, axis=-1)
    mixed = graph.one("MatMul", shares, _heads(call, values, weights[2], (0, 2, 1, 3)))
    kernel, bias = weights[3]
    flat = kernel.reshape(len(kernel), -1, kernel.shape[-1])
    mixed = graph.one("Transpose", mixed, perm=[0, 2, 1, 3])
    mixed = graph.one("Reshape", mixed, graph.integers(0, 0, -1))
    product = graph.one("MatMul", mixed, call.parameter(flat))
    return call.graph.node("Add", product, call.parameter(bias))


def _heads(call: Call, value: Value, weights: Sequence[Weights], order: tuple[int, ...]) -> str:
    """A value as `(windows, steps, heads, width)`, its axes then in an order."""
    (kernel, bias), graph = weights, call.graph
    *_, heads, width = kernel.shape
    product = graph.one("MatMul", value.name, call.parameter(kernel.reshape(*kernel.shape[:2], -1)))
    parted = graph.one("Reshape", product, graph.integers(0, 0, heads, width))
    return graph.one("Transpose", graph.one("Add", parted, call.parameter(bias)), perm=list(order))
