"""Multilayer perceptron: dense layers on the whole context, each with its activation and dropout.

A context of 12 steps and layers of 64 and 64 units have 5,057 parameters for one step ahead.
"""

from typing import Any

from forecast.config.models import MLPOptions
from forecast.networks.layers import Layers
from forecast.networks.shape import Shape
from forecast.windows import Inputs


def connect(inputs: Inputs, shape: Shape, options: MLPOptions, layers: Layers) -> Any:
    """Dense layers one after another, and one without activation that gives the outputs."""
    values = layers.flat(inputs.past)
    for i, units in enumerate(options.layers, start=1):
        values = layers.dense(values, units, f"dense_{i}", activation=options.activation)
        values = layers.dropout(values, options.dropout, f"dropout_{i}")
    return layers.dense(values, shape.outputs, "forecast")
