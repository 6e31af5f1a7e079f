"""Encoder and decoder: a GRU reads the context, and another goes on from its state, step by step.

Cho et al. 2014, https://arxiv.org/abs/1406.1078, and Sutskever et al. 2014,
https://arxiv.org/abs/1409.3215. The decoder is told which step it is at and what is known of it,
and not its own forecasts: errors do not add up, and all steps are fitted at once (Wen et al. 2017,
https://arxiv.org/abs/1711.11053). With attention each of its states looks at all states of the
encoder (Luong et al. 2015, https://arxiv.org/abs/1508.04025).
"""

from typing import Any

import numpy as np
from keras import ops

from forecast.config.models import Seq2SeqOptions
from forecast.networks.context import plus_linear, read
from forecast.networks.gru import Recurrence
from forecast.networks.layers import Layers
from forecast.networks.shape import Shape
from forecast.windows import Inputs


def connect(inputs: Inputs, shape: Shape, options: Seq2SeqOptions, layers: Layers) -> Any:
    """Two GRUs, and a dense layer that all steps of the horizon share."""
    steps, mask = read(inputs, shape, options, layers)
    if options.steps_per_patch(shape.season_length) > 1:
        steps = layers.dense(steps, options.units, "patch", activation="relu")
    recurrence = Recurrence(options.gru)
    seen = layers.recurrent(steps, mask, recurrence, "encoder", return_sequences=True)
    state = seen[..., -1, :]
    ahead = layers.recurrent(
        _ahead(inputs, shape, state, layers),
        None,
        recurrence,
        "decoder",
        return_sequences=True,
        initial_state=state,
    )
    if options.attention:
        mixed = layers.attention(ahead, seen, 1, "attention", mask=mask)
        both = layers.together([ahead, mixed])
        ahead = layers.dense(both, options.units, "attended", activation="tanh")
    ahead = layers.dropout(ahead, options.dropout, "dropout")
    output = shape.flat(layers.dense(ahead, shape.each, "forecast"))
    return plus_linear(output, inputs, shape, options, layers)


def _ahead(inputs: Inputs, shape: Shape, state: Any, layers: Layers) -> Any:
    """What the decoder reads `(..., horizon, features)`: which step it is, and what is known of it.

    `state` `(..., units)` has the leading axes.
    """
    which = np.eye(shape.horizon, dtype=np.float32)
    parts = [ops.zeros_like(state[..., None, :1]) + which]
    parts += [] if inputs.future is None else [inputs.future]
    if inputs.static is not None:
        parts.append(ops.repeat(inputs.static[..., None, :], shape.horizon, axis=-2))
    return layers.together(parts)
