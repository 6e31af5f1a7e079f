"""The layers that networks are made of, and what each is as plain Keras.

A kind of network is written once, against `Layers`. `KerasLayers` turns it into the Keras model
that is kept and exported; `forecast.networks.members.MemberLayers` runs the same network for many
members at once, each with weights of its own.
"""

from collections.abc import Callable
from typing import Any, Protocol

import keras
from keras import ops

from forecast.networks.recurrence import Recurrence


class Layers(Protocol):
    """Each maps values `(..., batch, features)`, of which the leading axis may count members.

    Names tell the layers of a network apart, and its weights. What a layer does between training
    steps depends on its inputs and weights alone.
    """

    def dense(
        self,
        values: Any,
        units: int,
        name: str,
        *,
        activation: str | None = None,
        zeros: bool = False,
    ) -> Any:
        """`activation(values @ kernel + bias)`; the kernel begins at random, or at zero."""

    def patches(self, context: Any, size: int) -> Any:
        """A context `(..., steps, features)` cut up: `(..., steps / size, size * features)`."""

    def flat(self, context: Any, name: str = "context_flat") -> Any:
        """A context `(..., steps, features)` as `(..., steps * features)`."""

    def steps(self, values: Any, steps: int) -> Any:
        """Values `(..., steps * features)` as `(..., steps, features)`."""

    def together(self, parts: list[Any]) -> Any:
        """Parts `(..., features)` as one, the features of all of them side by side."""

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
        """The last state `(..., units)` after steps `(..., steps, features)`, or all of them.

        Where a mask `(..., steps)` is false the state stays as it is; None is true everywhere. Only
        first steps may be false, and the states beside them are zero. A layer that goes backwards
        begins with the last step: its last state is that of the first one. `initial_state`
        `(..., units)` is the one to begin with, or zero.
        """

    def dropout(self, values: Any, rate: float, name: str) -> Any:
        """Zeros in place of this share of the values while training."""

    def layer_norm(self, values: Any, name: str) -> Any:
        """Values of mean 0 and deviation 1 over the last axis, then times gamma, plus beta."""

    def convolution(
        self, steps: Any, filters: int, kernel_size: int, name: str, *, dilation_rate: int = 1
    ) -> Any:
        """A causal convolution of steps `(..., steps, features)`: `(..., steps, filters)`."""

    def attention(
        self, queries: Any, values: Any, heads: int, name: str, *, mask: Any = None
    ) -> Any:
        """Each of the queries `(..., steps, width)` as a mixture of values `(..., others, width)`.

        Scaled dot products in `heads` heads of `width // heads`, as in Vaswani et al. 2017,
        https://arxiv.org/abs/1706.03762. Values whose mask `(..., others)` is false have no part.
        """

    def model(self, build: Callable[[], keras.Model], inputs: dict[str, Any], name: str) -> Any:
        """A whole Keras model of named inputs as one layer, for what is not written in layers.

        Members run through it one after another.
        """


class KerasLayers:
    """Plain Keras layers, by name."""

    def dense(
        self,
        values: Any,
        units: int,
        name: str,
        *,
        activation: str | None = None,
        zeros: bool = False,
    ) -> Any:
        """A `Dense` layer."""
        return keras.layers.Dense(
            units,
            activation=activation,
            kernel_initializer="zeros" if zeros else "glorot_uniform",
            name=name,
        )(values)

    def patches(self, context: Any, size: int) -> Any:
        """A `Reshape` layer."""
        shape = (-1, size * context.shape[-1])
        return keras.layers.Reshape(shape, name="patches")(context)

    def flat(self, context: Any, name: str = "context_flat") -> Any:
        """A `Flatten` layer."""
        return keras.layers.Flatten(name=name)(context)

    def steps(self, values: Any, steps: int) -> Any:
        """A `Reshape` layer."""
        return keras.layers.Reshape((steps, values.shape[-1] // steps), name="steps")(values)

    def together(self, parts: list[Any]) -> Any:
        """A concatenation."""
        return ops.concatenate(parts, axis=-1)

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
        """`GRU`, `LSTM` or `SimpleRNN`.

        Two of them, where Keras has `Bidirectional`: that would load TensorFlow on any backend.
        """
        layer = recurrence.layer(name, return_sequences=return_sequences, go_backwards=go_backwards)
        states = layer(steps, mask=mask, initial_state=initial_state)
        return in_order(states, mask) if return_sequences and go_backwards else states

    def dropout(self, values: Any, rate: float, name: str) -> Any:
        """A `Dropout` layer."""
        return keras.layers.Dropout(rate, name=name)(values)

    def layer_norm(self, values: Any, name: str) -> Any:
        """A `LayerNormalization` layer."""
        return keras.layers.LayerNormalization(epsilon=EPSILON, name=name)(values)

    def convolution(
        self, steps: Any, filters: int, kernel_size: int, name: str, *, dilation_rate: int = 1
    ) -> Any:
        """A causal `Conv1D` layer."""
        return keras.layers.Conv1D(
            filters, kernel_size, padding="causal", dilation_rate=dilation_rate, name=name
        )(steps)

    def attention(
        self, queries: Any, values: Any, heads: int, name: str, *, mask: Any = None
    ) -> Any:
        """A `MultiHeadAttention` layer."""
        layer = keras.layers.MultiHeadAttention(heads, queries.shape[-1] // heads, name=name)
        return layer(queries, values, attention_mask=None if mask is None else mask[..., None, :])

    def model(self, build: Callable[[], keras.Model], inputs: dict[str, Any], name: str) -> Any:
        """The model itself, with its layers inside."""
        return build()(inputs)


def in_order(states: Any, mask: Any) -> Any:
    """The states of a layer that went backwards in the order of the steps, as `recurrent` has them.

    They have the shape `(..., steps, units)`, the mask `(..., steps)`.
    """
    states = ops.flip(states, axis=-2)
    return states if mask is None else ops.where(mask[..., None], states, 0.0)


EPSILON = 1e-3
"""What layer normalisation adds to the variance: Keras's default."""
