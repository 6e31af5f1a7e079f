"""The context as a network reads it, and a linear map of it beside the network."""

from typing import Any

from forecast.networks.layers import Layers
from forecast.networks.shape import Shape
from forecast.windows import Inputs


def read(inputs: Inputs, shape: Shape, options: Any, layers: Layers) -> tuple[Any, Any]:
    """The steps of the context, or patches of them, and which of these are there.

    The former have the shape `(..., steps, features)`, or `(..., patches, patch_length *
    features)`; the latter `(..., steps)`, or they are None where all are.
    """
    size = options.steps_per_patch(shape.season_length)
    # Only first steps may lack: of a patch some are there if the last is.
    mask = None if inputs.present is None else inputs.present[..., size - 1 :: size, 0]
    return (layers.patches(inputs.past, size) if size > 1 else inputs.past), mask


def plus_linear(output: Any, inputs: Inputs, shape: Shape, options: Any, layers: Layers) -> Any:
    """The output `(..., outputs)`, and on demand a linear map of the whole context added to it.

    It begins at zero: a network that corrects a simple forecast begins as that forecast.
    """
    if not options.linear:
        return output
    return output + layers.dense(layers.flat(inputs.past), shape.outputs, "linear", zeros=True)
