"""LSTM, with the gates of Keras.

With input `x` and state `h` (`*` elementwise, `@` the matrix product):

    i, f, o = sigmoid(x @ W + h @ U + b)    input, forget and output gate, weights of its own each
    g = tanh(x @ W_g + h @ U_g + b_g)       candidate
    c = f * c + i * g                       memory
    h = o * tanh(c)                         new state

Hochreiter and Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735; the forget gate is
that of Gers et al. 2000, whose bias begins at 1 so that the memory is kept at first. With one
feature and 50 units it has 10,400 parameters.
"""

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from forecast.config.models import LSTMOptions
from forecast.networks.recurrence import Cell, KerasCell, Tensors, keras_options, transposed
from forecast.networks.recurrent import connect_with


@dataclass(frozen=True)
class Recurrence:
    """An LSTM with its options."""

    options: LSTMOptions

    def layer(self, name: str, **options: bool) -> keras.layers.Layer:
        """Keras's own."""
        return keras.layers.LSTM(name=name, **keras_options(self.options), **options)

    def cell(self, weights: Tensors, dropped: Any = None) -> Cell:
        """For members."""
        return _LSTMCell(weights, self.options, dropped)


connect = connect_with(Recurrence)


class _LSTMCell(KerasCell):
    states = 2
    keeps: tuple[str, ...] = ("input", "forget", "candidate", "output", "shown_memory")
    state_names: tuple[str, ...] = ("state", "memory")

    def shown(self, kept: Tensors) -> dict[str, Any]:
        names = ("input_gate", "forget_gate", "candidate", "output_gate")
        return dict(zip(names, kept[:4], strict=True))

    def step(self, projected: Any, states: Tensors, weights: Tensors) -> tuple[Tensors, Tensors]:
        h, memory = states
        i, f, g, o = ops.split(projected + ops.matmul(self.seen(h), weights[0]), 4, axis=-1)
        i, f, o, g = ops.sigmoid(i), ops.sigmoid(f), ops.sigmoid(o), self.activation(g)
        memory = f * memory + i * g
        shown = self.activation(memory)
        return (o * shown, memory), (i, f, g, o, shown)

    def backward(
        self, gradients: Tensors, states: Tensors, kept: Tensors, weights: Tensors
    ) -> tuple[Tensors, Any, Tensors]:
        (dh, dmemory), (_, memory), (i, f, g, o, shown) = gradients, states, kept
        dmemory = dmemory + dh * o * self.slope(shown)
        signal = ops.concatenate(
            [
                dmemory * g * i * (1 - i),
                dmemory * memory * f * (1 - f),
                dmemory * i * self.slope(g),
                dh * shown * o * (1 - o),
            ],
            -1,
        )
        dh = self.seen(ops.matmul(signal, transposed(weights[0])))
        return (dh, dmemory * f), signal, (signal,)
