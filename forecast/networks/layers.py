"""The layers that networks are made of, and what each is as plain Keras.

A kind of network is written once, against `Layers`. `KerasLayers` turns it into the Keras model
that is kept and exported; `forecast.networks.members.MemberLayers` runs the same network for many
members at once, each with weights of its own.
"""

from typing import Any, Protocol

import keras

from forecast.networks.recurrence import Recurrence


class Layers(Protocol):
    """Each maps values `(..., batch, features)`, of which the leading axis may count members."""

    def dense(
        self, values: Any, units: int, name: str, *, relu: bool = False, zeros: bool = False
    ) -> Any:
        """`values @ kernel + bias`; the kernel begins at random, or at zero."""

    def patches(self, context: Any, size: int) -> Any:
        """A context `(..., steps, 1)` cut into pieces: `(..., steps / size, size)`."""

    def flat(self, context: Any) -> Any:
        """A context `(..., steps, 1)` without its last axis."""

    def recurrent(self, steps: Any, mask: Any, recurrence: Recurrence, name: str) -> Any:
        """The last state `(..., units)` after steps `(..., steps, features)`.

        Where a mask `(..., steps)` is false the state stays as it is; None is true everywhere.
        """

    def dropout(self, values: Any, rate: float, name: str) -> Any:
        """Zeros in place of this share of the values while training."""


class KerasLayers:
    """Plain Keras layers, by name."""

    def dense(
        self, values: Any, units: int, name: str, *, relu: bool = False, zeros: bool = False
    ) -> Any:
        """A `Dense` layer."""
        return keras.layers.Dense(
            units,
            activation="relu" if relu else None,
            kernel_initializer="zeros" if zeros else "glorot_uniform",
            name=name,
        )(values)

    def patches(self, context: Any, size: int) -> Any:
        """A `Reshape` layer."""
        return keras.layers.Reshape((-1, size), name="patches")(context)

    def flat(self, context: Any) -> Any:
        """A `Flatten` layer."""
        return keras.layers.Flatten(name="context_flat")(context)

    def recurrent(self, steps: Any, mask: Any, recurrence: Recurrence, name: str) -> Any:
        """`GRU`, `LSTM` or `SimpleRNN`."""
        return recurrence.layer(name)(steps, mask=mask)

    def dropout(self, values: Any, rate: float, name: str) -> Any:
        """A `Dropout` layer."""
        return keras.layers.Dropout(rate, name=name)(values)
