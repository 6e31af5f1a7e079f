"""Temporal convolutional network: causal convolutions whose taps lie further and further apart.

Bai, Kolter, Koltun 2018, https://arxiv.org/abs/1803.01271, without its weight normalisation. Each
block has two convolutions of one dilation and a link around them:

    y = dropout(relu(convolution(dropout(relu(convolution(x))))))
    x = relu(x + y)

A causal convolution sees no step after its own, so that the last step has seen them all.
"""

from typing import Any

from keras import ops

from forecast.config.models import TCNOptions
from forecast.networks.context import plus_linear, read
from forecast.networks.layers import Layers
from forecast.networks.shape import Shape
from forecast.windows import Inputs


def connect(inputs: Inputs, shape: Shape, options: TCNOptions, layers: Layers) -> Any:
    """Blocks one after another, and a dense layer on what the last step has become."""
    steps, mask = read(inputs, shape, options, layers)
    for i, dilation in enumerate(options.dilations_of(steps.shape[-2]), start=1):
        steps = _block(steps, mask, dilation, str(i), options, layers)
    output = layers.dense(steps[..., -1, :], shape.outputs, "forecast")
    return plus_linear(output, inputs, shape, options, layers)


def _block(
    steps: Any, mask: Any, dilation: int, name: str, options: TCNOptions, layers: Layers
) -> Any:
    linked = steps
    if steps.shape[-1] != options.filters:
        linked = layers.dense(steps, options.filters, f"link_{name}")
    for part in ("a", "b"):
        steps = layers.convolution(
            steps,
            options.filters,
            options.kernel_size,
            f"convolution_{name}{part}",
            dilation_rate=dilation,
        )
        steps = layers.dropout(ops.relu(steps), options.dropout, f"dropout_{name}{part}")
        steps = _where(mask, steps)
    return _where(mask, ops.relu(linked + steps))


def _where(mask: Any, steps: Any) -> Any:
    """Steps that are there, and zeros elsewhere, as a convolution sees before the first step."""
    return steps if mask is None else ops.where(mask[..., None], steps, 0.0)
