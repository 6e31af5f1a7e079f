"""N-HiTS: blocks of dense layers, each on what those before it left unexplained.

Challu et al. 2023, https://arxiv.org/abs/2201.12886. A block sees the context through a pool of its
own, and gives its part of the forecast as a few knots with lines between them: the first blocks
explain what is slow, the last what is quick.

    hidden  = dense(... dense(max_pool(rest)))
    rest    = rest - dense(hidden)
    forecast = forecast + interpolate(dense(hidden))

With pools of 1 and a knot for each step it is the generic N-BEATS, https://arxiv.org/abs/1905.10437
(Oreshkin et al. 2020).
"""

from functools import reduce
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from forecast.config.models import NHiTSOptions
from forecast.networks.layers import Layers
from forecast.networks.shape import Shape
from forecast.windows import Inputs


def connect(inputs: Inputs, shape: Shape, options: NHiTSOptions, layers: Layers) -> Any:
    """The sum of all blocks' forecasts; covariates of the past enter each block as they are."""
    targets, forecasts, blocks = shape.targets, [], options.blocks_of(shape.horizon)
    rests = [inputs.past[..., i] for i in range(targets)]
    there = None if inputs.present is None else inputs.present[..., 0]
    has_beside = inputs.past.shape[-1] > targets
    beside = [layers.flat(inputs.past[..., targets:])] if has_beside else []
    for i, (pool_size, knots) in enumerate(blocks, start=1):
        hidden = layers.together([*(_pooled(rest, pool_size) for rest in rests), *beside])
        for j, units in enumerate(options.layers, start=1):
            hidden = layers.dense(hidden, units, f"dense_{i}_{j}", activation=options.activation)
            hidden = layers.dropout(hidden, options.dropout, f"dropout_{i}_{j}")
        values = layers.dense(hidden, knots * shape.each, f"forecast_{i}")
        forecasts.append(_interpolated(values, knots, shape))
        if i < len(blocks):
            explained = layers.dense(hidden, targets * shape.context_length, f"backcast_{i}")
            parts = ops.split(explained, targets, axis=-1) if targets > 1 else [explained]
            rests = [rest - part for rest, part in zip(rests, parts, strict=True)]
            rests = rests if there is None else [ops.where(there, rest, 0.0) for rest in rests]
    return sum(forecasts[1:], start=forecasts[0])


def _pooled(values: Any, size: int) -> Any:
    """The largest of each `size` steps `(..., steps)`; the first one is repeated to fill them."""
    fill = -values.shape[-1] % size
    values = ops.concatenate([values[..., :1]] * fill + [values], axis=-1)
    return reduce(ops.maximum, [values[..., i::size] for i in range(size)])


def _interpolated(values: Any, knots: int, shape: Shape) -> Any:
    """Outputs from values at knots `(..., knots * each)`, in the same order."""
    lines, numbers = _lines(knots, shape.horizon), np.eye(shape.each, dtype=np.float32)
    matrix = np.kron(lines, numbers) if shape.has_decoder else np.kron(numbers, lines)
    return ops.matmul(values, matrix)


def _lines(knots: int, horizon: int) -> NDArray[np.float32]:
    """Linear interpolation as a matrix `(knots, horizon)`: knots lie in the middle of parts."""
    places = (np.arange(horizon) + 0.5) * knots / horizon - 0.5
    rows = [np.interp(places, np.arange(knots), knot) for knot in np.eye(knots)]
    return np.array(rows, np.float32)
