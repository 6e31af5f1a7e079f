"""Recurrent layers of Keras as the operators of ONNX.

Both compute the same (https://onnx.ai/onnx/operators/onnx__GRU.html): ONNX too has `z` for the
share of the old state that is kept. They differ in the order of the gates and in which axis comes
first; `linear_before_reset` is Keras's `reset_after`.
"""

from typing import Any

import numpy as np
from onnx import TensorProto

from forecast.networks import Weights
from forecast.training.onnx.call import Call
from forecast.training.onnx.graph import UnknownOperationError, Value

_OPERATORS = {"GRU": "GRU", "LSTM": "LSTM", "SimpleRNN": "RNN"}
_GATES = {"GRU": (0, 1, 2), "LSTM": (0, 3, 1, 2), "SimpleRNN": (0,)}
"""Keras's place of each gate in the order of ONNX: z, r, h of both; i, o, f, c of i, f, c, o."""
_FUNCTIONS = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid", "linear": "Affine"}


def recurrent(kind: str) -> Any:
    """How a layer of this class is written: the last state, or the states of all steps."""

    def operation(call: Call) -> list[str]:
        call.require(
            use_bias=True,
            recurrent_activation="sigmoid",
            return_state=False,
            stateful=False,
            zero_output_for_mask=False,
        )
        return [_Layer(kind, call).output()]

    return operation


class _Layer:
    """A recurrent layer with its sequence, `(steps, windows, features)` as ONNX has it."""

    def __init__(self, kind: str, call: Call) -> None:
        named = dict(call.named)
        self._mask: Value | None = named.pop("mask", None)
        begin = named.pop("initial_state", None)
        if named or len(call.args) != 1 or not isinstance(begin, Value | None):
            raise UnknownOperationError(f"{kind} with {', '.join(named) or 'several inputs'}")
        self._begin = ""
        if begin is not None:  # one state: an LSTM has two, which no network here is given
            self._begin = call.graph.one("Unsqueeze", begin.name, call.graph.integers(0))
        self._kind, self._call, self._graph, self._config = kind, call, call.graph, call.config

    def output(self) -> str:
        """`(windows, units)`, or `(windows, steps, units)` in the order of Keras's computing.

        Only first steps are masked. A sequence of ONNX has its length and what lacks behind it: so
        the steps stand in the opposite order, and are read backwards.
        """
        graph, backwards = self._graph, self._config["go_backwards"]
        steps, lengths = graph.one("Transpose", self._call.args[0].name, perm=[1, 0, 2]), ""
        if self._mask is not None:
            steps, lengths = graph.flipped(steps, 0), self._lengths(self._mask)
            backwards = not backwards
        states, last = graph.node(
            _OPERATORS[self._kind],
            steps,
            *self._weights(),
            lengths,
            self._begin,
            outputs=2,
            direction="reverse" if backwards else "forward",
            hidden_size=self._config["units"],
            **self._gating(),
        )
        if not self._config["return_sequences"]:
            return graph.one("Squeeze", last, graph.integers(0))
        states = graph.one("Squeeze", states, graph.integers(1))
        if backwards:
            states = graph.flipped(states, 0)
        elif self._mask is not None:
            states = self._kept(states, last, self._mask)
        return graph.one("Transpose", states, perm=[1, 0, 2])

    def _lengths(self, mask: Value) -> str:
        """How many steps of each window are there, `(windows,)`."""
        graph = self._graph
        there = graph.one("Cast", mask.name, to=TensorProto.INT32)
        return graph.one("ReduceSum", there, graph.integers(1), keepdims=0)

    def _kept(self, states: str, last: str, mask: Value) -> str:
        """States `(steps, windows, units)` of which the last is kept where no step is there."""
        graph = self._graph
        there = graph.one("Transpose", mask.name, perm=[1, 0])
        there = graph.one("Unsqueeze", graph.flipped(there, 0), graph.integers(2))
        return graph.one("Where", there, states, last)

    def _gating(self) -> dict[str, Any]:
        """The functions of gates and states, and what the GRU has to be told."""
        activation = self._config["activation"]
        if activation not in _FUNCTIONS:
            raise UnknownOperationError(f"the activation {activation}")
        gates = [] if self._kind == "SimpleRNN" else ["Sigmoid"]
        own = [_FUNCTIONS[activation]] * (2 if self._kind == "LSTM" else 1)
        told: dict[str, Any] = {"activations": [*gates, *own]}
        if activation == "linear":  # Affine: 1 * x + 0
            told |= {"activation_alpha": [1.0] * len(own), "activation_beta": [0.0] * len(own)}
        if self._kind == "GRU":
            told["linear_before_reset"] = int(self._config["reset_after"])
        return told

    def _weights(self) -> list[str]:
        """Kernel, recurrent kernel and biases, each `(1, gates, ...)`: ONNX counts directions."""
        kernel, recurrent, bias = self._call.weights
        biases = bias if bias.ndim == 3 else np.stack([bias, np.zeros_like(bias)], axis=1)
        matrices = [np.swapaxes(part, 1, 2) for part in (kernel, recurrent)]
        ordered = [self._ordered(part, 1) for part in matrices]
        together = self._ordered(biases, 2).reshape(len(biases), -1)
        return [self._call.parameter(part[:, None]) for part in (*ordered, together)]

    def _ordered(self, weights: Weights, axis: int) -> Weights:
        """Weights whose gates along an axis are in the order of ONNX."""
        gates = np.split(weights, len(_GATES[self._kind]), axis)
        return np.concatenate([gates[place] for place in _GATES[self._kind]], axis)
