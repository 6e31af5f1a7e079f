"""Networks as somebody else writes them, for `model.kind: own_networks:connect`."""

from typing import Any

import keras

from forecast.networks import Shape
from forecast.windows import Inputs


def connect(inputs: Inputs, shape: Shape, units: int = 8, dropout: float = 0.0) -> Any:
    """A GRU whose states are averaged, of which our layers know nothing."""
    states = keras.layers.GRU(units, return_sequences=True)(inputs.past)
    states = keras.layers.GlobalAveragePooling1D()(states)
    states = keras.layers.Dropout(dropout)(states)
    return keras.layers.Dense(shape.outputs)(states)


def too_wide(inputs: Inputs, shape: Shape) -> Any:
    """One output too many."""
    return keras.layers.Dense(shape.outputs + 1)(keras.layers.Flatten()(inputs.past))


def counting(inputs: Inputs, shape: Shape) -> Any:
    """Running statistics, which are no weights that are trained."""
    values = keras.layers.BatchNormalization()(keras.layers.Flatten()(inputs.past))
    return keras.layers.Dense(shape.outputs)(values)
