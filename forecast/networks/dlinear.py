"""DLinear: one linear map of the context's trend, and one of what is left; their sum.

Zeng, Chen, Zhang, Xu 2023, "Are Transformers effective for time series forecasting?",
https://arxiv.org/abs/2205.13504. The trend is a centred moving average, whose ends repeat the first
and the last value. A context of 12 steps has 26 parameters for one step ahead.
"""

from typing import Any

import numpy as np
from keras import ops

from forecast.config.models import DLinearOptions
from forecast.networks.layers import Layers
from forecast.networks.shape import Shape
from forecast.windows import Inputs


def connect(inputs: Inputs, shape: Shape, options: DLinearOptions, layers: Layers) -> Any:
    """Two `Dense` layers on the whole context."""
    context = layers.flat(inputs.past)
    features = context.shape[-1] // shape.context_length
    averages = np.kron(_averages(shape.context_length, options.kernel_size), np.eye(features))
    trend = ops.matmul(context, averages.T.astype(np.float32))
    return layers.dense(trend, shape.outputs, "trend") + layers.dense(
        context - trend, shape.outputs, "remainder"
    )


def _averages(length: int, kernel_size: int) -> Any:
    """The moving average as a matrix `(length, length)`: a row of weights for each step."""
    weights = np.zeros((length, length))
    before = (kernel_size - 1) // 2
    for step in range(length):
        steps = np.clip(np.arange(kernel_size) + step - before, 0, length - 1)
        np.add.at(weights[step], steps, 1 / kernel_size)
    return weights
