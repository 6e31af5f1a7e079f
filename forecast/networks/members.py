"""Many networks of one kind as one computation: every weight has a leading axis of members.

All weights of a member lie in one row of a flat array `(members, parameters)`. So the optimizer
has one array to change and not nine, and a member is taken out, frozen or put back as a row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from forecast.networks.layers import EPSILON, in_order
from forecast.networks.recurrence import Cell, Recurrence, run

Weights = NDArray[np.float32]

# A score of which nothing is left after softmax, and which is a number all the same.
_NEVER = -1e9


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
                (layer.name, tuple(tuple(weight.shape) for weight in layer.trainable_weights))
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

    def arrays(self, rows: Weights) -> dict[str, list[Weights]]:
        """The weights of each layer, `(members, ...)`, of rows `(members, parameters)`."""
        parts = iter(np.split(rows, self.borders, axis=1))
        return {
            name: [next(parts).reshape(len(rows), *shape) for shape in shapes]
            for name, shapes in self.layers
        }

    def assign(self, model: keras.Model, row: Weights) -> None:
        """Give a plain model the weights of one member."""
        for name, weights in self.arrays(row[None]).items():
            for variable, [weight] in zip(
                model.get_layer(name).trainable_weights, weights, strict=True
            ):
                variable.assign(weight)

    def row(self, model: keras.Model) -> Weights:
        """The weights of a plain model as those of one member."""
        weights = [w for name, _ in self.layers for w in model.get_layer(name).trainable_weights]
        return np.concatenate([ops.convert_to_numpy(weight).ravel() for weight in weights])


@dataclass(frozen=True)
class Dropping:
    """What decides which values each member drops in a step of training."""

    rates: Any
    """Shares, `(members,)`."""
    seeds: Any
    """`(members,)`, uint32."""
    steps: Any
    """Steps that each member has been trained for, `(members,)`, uint32."""
    first: Any = 0
    """The place in the batch of the first value."""

    def apply(self, values: Any, layer: int) -> Any:
        """Zeros for a share of the values `(members, batch, ..., width)`, the others larger.

        What a member drops follows from its seed, its step and the place of the layer among those
        that drop, whatever the other members do, and is the same on every backend: no generator of
        Keras has a seed for each member.
        """
        rates = ops.reshape(self.rates, (-1, *(1,) * (len(values.shape) - 1)))
        return ops.where(self._uniform(values.shape, layer) >= rates, values / (1 - rates), 0.0)

    def mask(self, shape: tuple[int, ...], rate: float, layer: int) -> Any:
        """What values of this shape would be multiplied by, at a rate that all members share."""
        return ops.where(self._uniform(shape, layer) >= rate, 1 / (1 - rate), 0.0)

    def _uniform(self, shape: tuple[int, ...], layer: int) -> Any:
        """Numbers from 0 to 1 for values of this shape `(members, batch, ..., width)`."""
        each = np.prod(shape[2:])  # numbers of one window
        count = shape[1] * each
        places = np.arange(count).reshape(1, *shape[1:])
        places = ops.cast(places + self.first * each, "uint32")
        keys = _mixed(self.seeds + _mixed(self.steps))
        if layer:
            keys = _mixed(keys + np.uint32(layer))
        axes = (-1, *(1,) * (len(shape) - 1))
        return ops.cast(_mixed(ops.reshape(keys, axes) + _mixed(places)), "float32") / 2.0**32


def _mixed(words: Any) -> Any:
    """A hash of 32 bits, of which every bit depends on every bit of the word.

    C. Wellons' "lowbias32", https://nullprogram.com/blog/2018/07/31/
    """
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        words = ops.bitwise_xor(words, ops.right_shift(words, np.uint32(shift)))
        words = words * np.uint32(factor)
    return ops.bitwise_xor(words, ops.right_shift(words, np.uint32(16)))


class MemberLayers:
    """The layers of `forecast.networks.layers`, run for all members at once.

    Values have the shape `(members, batch, ..., features)`; one set of them may serve all members.
    """

    def __init__(
        self,
        weights: dict[str, list[Any]],
        dropping: Dropping | None,
        *,
        differentiable: bool,
        template: keras.Model | None = None,
    ) -> None:
        """`weights` of each layer `(members, ...)`; without `dropping` nothing is dropped.

        `template` is the same network in Keras, for models that are layers of it.
        """
        self._template = template
        self._weights = weights
        self._dropping = dropping
        self._differentiable = differentiable
        self._dropped = 0

    def dense(
        self,
        values: Any,
        units: int,
        name: str,
        *,
        activation: str | None = None,
        zeros: bool = False,
    ) -> Any:
        """`(members, ..., features)` to `(members, ..., units)`, in one product."""
        kernel, bias = self._weights[name]
        return _product(values, kernel, bias, activation)

    def patches(self, context: Any, size: int) -> Any:
        """`(members, batch, steps, features)` to `(members, batch, steps / size, ...)`."""
        members, _, steps, features = context.shape
        return ops.reshape(context, (members, -1, steps // size, size * features))

    def flat(self, context: Any, name: str = "context_flat") -> Any:
        """`(members, batch, steps, features)` to `(members, batch, steps * features)`."""
        members, _, steps, features = context.shape
        return ops.reshape(context, (members, -1, steps * features))

    def steps(self, values: Any, steps: int) -> Any:
        """`(members, batch, steps * features)` to `(members, batch, steps, features)`."""
        return ops.reshape(values, (values.shape[0], -1, steps, values.shape[-1] // steps))

    def together(self, parts: list[Any]) -> Any:
        """What serves all members is repeated beside what each has of its own."""
        members = max(part.shape[0] for part in parts)
        return ops.concatenate(
            [p if p.shape[0] == members else ops.repeat(p, members, axis=0) for p in parts], axis=-1
        )

    def recurrent(
        self,
        steps: Any,
        mask: Any,
        recurrence: Recurrence,
        name: str,
        *,
        return_sequences: bool = False,
        go_backwards: bool = False,
        initial_state: Any = None,
    ) -> Any:
        """`(members, batch, steps, features)` to `(members, batch, units)`, or that by step."""
        there = mask
        if go_backwards:
            steps = ops.flip(steps, axis=2)
            there = None if mask is None else ops.flip(mask, axis=2)
        states = self._states(
            name,
            recurrence.cell(tuple(self._weights[name]), self._dropped_states(recurrence, steps)),
            steps,
            there,
            initial_state,
            every=return_sequences,
            backwards=go_backwards,
        )
        return in_order(states, mask) if return_sequences and go_backwards else states

    def _dropped_states(self, recurrence: Recurrence, steps: Any) -> Any:
        """What of the states a recurrent layer does not see: see `Recurrence.cell`."""
        options = recurrence.options
        if self._dropping is None or not options.recurrent_dropout:
            return None
        self._dropped += 1
        shape = (*steps.shape[:2], options.units)
        return self._dropping.mask(shape, options.recurrent_dropout, self._dropped - 1)

    def _states(
        self,
        name: str,
        cell: Cell,
        steps: Any,
        mask: Any,
        initial_state: Any,
        *,
        every: bool,
        backwards: bool,
    ) -> Any:
        """The last state of a layer, or every one, in the order in which it reads the steps.

        Those of a layer that goes backwards have been turned around.
        """
        return run(
            cell,
            steps,
            mask,
            differentiable=self._differentiable,
            return_sequences=every,
            initial_state=initial_state,
        )

    def dropout(self, values: Any, rate: float, name: str) -> Any:
        """Each member drops at its own rate."""
        self._dropped += 1
        return self._dropping.apply(values, self._dropped - 1) if self._dropping else values

    def layer_norm(self, values: Any, name: str) -> Any:
        """Over the last axis, with a gamma and a beta of each member."""
        gamma, beta = self._weights[name]
        shape = (gamma.shape[0], *(1,) * (len(values.shape) - 2), gamma.shape[-1])
        mean = ops.mean(values, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(values - mean), axis=-1, keepdims=True)
        normal = (values - mean) * ops.rsqrt(variance + EPSILON)
        return normal * ops.reshape(gamma, shape) + ops.reshape(beta, shape)

    def convolution(
        self, steps: Any, filters: int, kernel_size: int, name: str, *, dilation_rate: int = 1
    ) -> Any:
        """As one product of all steps, each beside those before it that the kernel reaches."""
        kernel, bias = self._weights[name]
        length, reach = steps.shape[2], (kernel_size - 1) * dilation_rate
        padded = ops.pad(steps, ((0, 0), (0, 0), (reach, 0), (0, 0)))
        taps = [padded[:, :, i : i + length] for i in range(0, reach + 1, dilation_rate)]
        flat = ops.reshape(kernel, (kernel.shape[0], -1, filters))
        return _product(ops.concatenate(taps, axis=-1), flat, bias)

    def attention(
        self, queries: Any, values: Any, heads: int, name: str, *, mask: Any = None
    ) -> Any:
        """Products of a batch for each member and head."""
        weights = self._weights[name]
        q, k, v = (
            self._heads(part, *weights[2 * i : 2 * i + 2])
            for i, part in enumerate((queries, values, values))
        )
        scores = ops.einsum("kbqhd,kbvhd->kbhqv", q / np.sqrt(q.shape[-1]), k)
        if mask is not None:
            scores = ops.where(mask[:, :, None, None], scores, _NEVER)
        mixed = ops.einsum("kbhqv,kbvhd->kbqhd", ops.softmax(scores), v)
        kernel, bias = weights[6:]
        members, _, length = mixed.shape[:3]
        flat = ops.reshape(kernel, (kernel.shape[0], -1, kernel.shape[-1]))
        return _product(ops.reshape(mixed, (members, -1, length, flat.shape[1])), flat, bias)

    def model(self, build: Callable[[], keras.Model], inputs: dict[str, Any], name: str) -> Any:
        """Member after member, without touching the model's own weights."""
        if self._template is None:
            raise ValueError("a model that is a layer needs the same network in Keras")
        model, weights, outputs = self._template.get_layer(name), self._weights[name], []
        for i in range(weights[0].shape[0]):
            own = {name: part[min(i, part.shape[0] - 1)] for name, part in inputs.items()}
            output, _ = model.stateless_call(
                [weight[i] for weight in weights],
                self._seeds(i, model.non_trainable_variables),
                own,
                training=self._dropping is not None,
            )
            outputs.append(output)
        return ops.stack(outputs)

    def _seeds(self, member: int, generators: list[keras.Variable]) -> list[Any]:
        """States of Keras's generators that follow from a member's seed and step."""
        if self._dropping is None:
            return [generator.value for generator in generators]
        dropping = self._dropping
        key = _mixed(dropping.seeds + _mixed(dropping.steps))[member]
        place = ops.cast(dropping.first, "uint32")
        return [
            ops.cast(ops.stack([_mixed(key + np.uint32(i)), place]), generator.dtype)
            for i, generator in enumerate(generators)
        ]

    def _heads(self, values: Any, kernel: Any, bias: Any) -> Any:
        """`(members, batch, steps, width)` to `(members, batch, steps, heads, width / heads)`."""
        members, width, heads, size = kernel.shape
        flat = _product(
            values,
            ops.reshape(kernel, (members, width, heads * size)),
            ops.reshape(bias, (members, heads * size)),
        )
        return ops.reshape(flat, (members, -1, values.shape[2], heads, size))


def _product(values: Any, kernel: Any, bias: Any, activation: str | None = None) -> Any:
    """The activation of `values @ kernel + bias`, whatever lies between members and features."""
    flat = ops.reshape(values, (values.shape[0], -1, values.shape[-1]))
    output = keras.activations.get(activation)(ops.matmul(flat, kernel) + bias[:, None])
    return ops.reshape(output, (kernel.shape[0], -1, *values.shape[2:-1], kernel.shape[-1]))
