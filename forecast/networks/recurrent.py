"""Recurrent layer, Dropout, Dense: what all recurrent kinds share.

Before the layer, on demand, patches of the context, as in SegRNN, https://arxiv.org/abs/2308.11200
(Lin et al. 2023); beside it a linear map of the whole context.
"""

from collections.abc import Callable
from typing import Any

from forecast.networks.layers import Layers
from forecast.networks.recurrence import Recurrence
from forecast.networks.shape import Connect, Shape
from forecast.windows import Inputs


def connect_with(recurrence: Callable[[Any], Recurrence]) -> Connect:
    """The kind of network that has this recurrent layer."""

    def connect(inputs: Inputs, shape: Shape, options: Any, layers: Layers) -> Any:
        size = options.steps_per_patch(shape.season_length)
        # Only first steps may lack: of a patch some are there if the last is.
        mask = None if inputs.present is None else inputs.present[..., size - 1 :: size, 0]
        steps = inputs.past
        if size > 1:
            steps = layers.patches(steps, size)
            steps = layers.dense(steps, options.units, "patch", activation="relu")
        state = layers.recurrent(steps, mask, recurrence(options), options.kind)
        state = layers.dropout(state, options.dropout, "dropout")
        output = layers.dense(state, shape.outputs, "forecast")
        if options.linear:
            # It begins at zero: a network that corrects a simple forecast begins as that forecast.
            context = layers.flat(inputs.past)
            output = output + layers.dense(context, shape.outputs, "linear", zeros=True)
        return output

    return connect
