"""Recurrent layer, Dropout, Dense: what all recurrent kinds share.

Before the layer, on demand, patches of the context, as in SegRNN, https://arxiv.org/abs/2308.11200
(Lin et al. 2023); beside it a linear map of the whole context.
"""

from collections.abc import Callable
from typing import Any

from forecast.networks.layers import Layers
from forecast.networks.recurrence import Recurrence

Connect = Callable[[Any, Any, Any, int, int, Layers], Any]
"""What a kind of network is: a map to the output `(..., batch, width)` from a context in window
units `(..., batch, context_length, 1)`, which of its steps are there (the same shape; None for all,
and only the first may lack, which are 0), options, width, the season's length and the layers."""


def connect_with(recurrence: Callable[[Any], Recurrence]) -> Connect:
    """The kind of network that has this recurrent layer."""

    def connect(
        context: Any, present: Any, options: Any, width: int, season_length: int, layers: Layers
    ) -> Any:
        size = options.steps_per_patch(season_length)
        # Only first steps may lack: of a patch some are there if the last is.
        mask = None if present is None else present[..., size - 1 :: size, 0]
        steps = context
        if size > 1:
            steps = layers.patches(context, size)
            steps = layers.dense(steps, options.units, "patch", relu=True)
        state = layers.recurrent(steps, mask, recurrence(options), options.kind)
        state = layers.dropout(state, options.dropout, "dropout")
        output = layers.dense(state, width, "forecast")
        if options.linear:
            # It begins at zero: a network that corrects a simple forecast begins as that forecast.
            output = output + layers.dense(layers.flat(context), width, "linear", zeros=True)
        return output

    return connect
