"""Elman's recurrent network: h = tanh(x @ W + h @ U + b).

Elman 1990, https://doi.org/10.1207/s15516709cog1402_1. With one feature and 50 units it has 2,600
parameters.
"""

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from forecast.config.models import SimpleRNNOptions
from forecast.networks.recurrence import Cell, KerasCell, Tensors, keras_options, transposed
from forecast.networks.recurrent import connect_with


@dataclass(frozen=True)
class Recurrence:
    """A SimpleRNN with its options."""

    options: SimpleRNNOptions

    def layer(self, name: str, **options: bool) -> keras.layers.Layer:
        """Keras's own."""
        return keras.layers.SimpleRNN(name=name, **keras_options(self.options), **options)

    def cell(self, weights: Tensors, dropped: Any = None) -> Cell:
        """For members."""
        return _ElmanCell(weights, self.options, dropped)


connect = connect_with(Recurrence)


class _ElmanCell(KerasCell):
    states = 1
    keeps: tuple[str, ...] = ("state",)

    def step(self, projected: Any, states: Tensors, weights: Tensors) -> tuple[Tensors, Tensors]:
        h = self.activation(projected + ops.matmul(self.seen(states[0]), weights[0]))
        return (h,), (h,)

    def backward(
        self, gradients: Tensors, states: Tensors, kept: Tensors, weights: Tensors
    ) -> tuple[Tensors, Any, Tensors]:
        signal = gradients[0] * self.slope(kept[0])
        dh = self.seen(ops.matmul(signal, transposed(weights[0])))
        return (dh,), signal, (signal,)
