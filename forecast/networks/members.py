"""Many networks of one kind as one computation: every weight has a leading axis of members.

All weights of a member lie in one row of a flat array `(members, parameters)`. So the optimizer
has one array to change and not nine, and a member is taken out, frozen or put back as a row.
"""

from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from forecast.networks.recurrence import Recurrence, run

Weights = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """Where each weight of a plain Keras model lies in a row of the flat array."""

    layers: tuple[tuple[str, tuple[tuple[int, ...], ...]], ...]
    """The name of each layer that has weights, and their shapes in Keras's order."""

    @classmethod
    def of(cls, model: keras.Model) -> "Layout":
        """The layout of a model of which every layer is built."""
        return cls(
            tuple(
                (layer.name, tuple(weight.shape for weight in layer.trainable_weights))
                for layer in model.layers
                if layer.trainable_weights
            )
        )

    @property
    def sizes(self) -> list[int]:
        """Numbers in each weight."""
        return [prod(shape) for _, shapes in self.layers for shape in shapes]

    @property
    def borders(self) -> list[int]:
        """Where one weight ends and the next begins."""
        return list(accumulate(self.sizes))[:-1]

    def split(self, flat: Any) -> dict[str, list[Any]]:
        """The weights of each layer, `(members, ...)`, of flat ones `(members, parameters)`."""
        parts = iter(ops.split(flat, self.borders, axis=1))
        return {
            name: [ops.reshape(next(parts), (flat.shape[0], *shape)) for shape in shapes]
            for name, shapes in self.layers
        }

    def assign(self, model: keras.Model, row: Weights) -> None:
        """Give a plain model the weights of one member."""
        parts = iter(np.split(row, self.borders))
        for name, shapes in self.layers:
            weights = [next(parts).reshape(shape) for shape in shapes]
            model.get_layer(name).set_weights(weights)

    def row(self, model: keras.Model) -> Weights:
        """The weights of a plain model as those of one member."""
        weights = [w for name, _ in self.layers for w in model.get_layer(name).get_weights()]
        return np.concatenate([weight.ravel() for weight in weights])


@dataclass(frozen=True)
class Dropping:
    """What decides which values each member drops in a step of training."""

    rates: Any
    """Shares, `(members,)`."""
    seeds: Any
    """`(members,)`, uint32."""
    steps: Any
    """Steps that each member has learned from, `(members,)`, uint32."""
    first: Any = 0
    """The place in the batch of the first value."""

    def apply(self, values: Any) -> Any:
        """Zeros in place of a share of the values `(members, batch, width)`, the others larger.

        What a member drops follows from its seed and its step alone, whatever the other members
        do, and is the same on every backend: no generator of Keras has a seed for each member.
        """
        width, whole = values.shape[-1], np.prod(values.shape[1:])
        places = ops.cast(np.arange(whole).reshape(1, -1, width) + self.first * width, "uint32")
        keys = _mixed(self.seeds + _mixed(self.steps))
        uniform = ops.cast(_mixed(keys[:, None, None] + _mixed(places)), "float32") / 2.0**32
        rates = self.rates[:, None, None]
        return ops.where(uniform >= rates, values / (1 - rates), 0.0)


def _mixed(words: Any) -> Any:
    """A hash of 32 bits, of which every bit depends on every bit of the word.

    C. Wellons' "lowbias32", https://nullprogram.com/blog/2018/07/31/
    """
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        words = ops.bitwise_xor(words, ops.right_shift(words, np.uint32(shift)))
        words = words * np.uint32(factor)
    return ops.bitwise_xor(words, ops.right_shift(words, np.uint32(16)))


class MemberLayers:
    """The layers of `forecast.networks.layers`, run for all members at once."""

    def __init__(
        self, weights: dict[str, list[Any]], dropping: Dropping | None, *, differentiable: bool
    ) -> None:
        """`weights` of each layer `(members, ...)`; without `dropping` nothing is dropped."""
        self._weights = weights
        self._dropping = dropping
        self._differentiable = differentiable

    def dense(
        self, values: Any, units: int, name: str, *, relu: bool = False, zeros: bool = False
    ) -> Any:
        """`(members, ..., features)` to `(members, ..., units)`, in one product."""
        kernel, bias = self._weights[name]
        flat = ops.reshape(values, (values.shape[0], -1, values.shape[-1]))
        output = ops.matmul(flat, kernel) + bias[:, None]
        output = ops.relu(output) if relu else output
        return ops.reshape(output, (kernel.shape[0], -1, *values.shape[2:-1], units))

    def patches(self, context: Any, size: int) -> Any:
        """`(members, batch, steps, 1)` to `(members, batch, steps / size, size)`."""
        members, _, steps, _ = context.shape
        return ops.reshape(context, (members, -1, steps // size, size))

    def flat(self, context: Any) -> Any:
        """`(members, batch, steps, 1)` to `(members, batch, steps)`."""
        return context[..., 0]

    def recurrent(self, steps: Any, mask: Any, recurrence: Recurrence, name: str) -> Any:
        """`(members, batch, steps, features)` to `(members, batch, units)`."""
        cell = recurrence.cell(tuple(self._weights[name]))
        return run(cell, steps, mask, differentiable=self._differentiable)

    def dropout(self, values: Any, rate: float, name: str) -> Any:
        """Each member drops at its own rate."""
        return self._dropping.apply(values) if self._dropping else values
