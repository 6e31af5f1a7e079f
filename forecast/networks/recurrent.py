"""Recurrent layers one upon the other, Dropout, Dense: what all recurrent kinds share.

Before the layers, on demand, patches of the context, as in SegRNN,
https://arxiv.org/abs/2308.11200 (Lin et al. 2023); beside them a linear map of the whole context.
Each layer may read in both directions (Schuster, Paliwal 1997,
https://doi.org/10.1109/78.650093), be linked to what entered it (He et al. 2016,
https://arxiv.org/abs/1512.03385) and be normalised (Ba, Kiros, Hinton 2016,
https://arxiv.org/abs/1607.06450).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from forecast.networks.context import plus_linear, read
from forecast.networks.layers import Layers
from forecast.networks.recurrence import Recurrence
from forecast.networks.shape import Connect, Shape
from forecast.windows import Inputs


def connect_with(recurrence: Callable[[Any], Recurrence]) -> Connect:
    """The kind of network that has this recurrent layer."""

    def connect(inputs: Inputs, shape: Shape, options: Any, layers: Layers) -> Any:
        steps, mask = read(inputs, shape, options, layers)
        if options.steps_per_patch(shape.season_length) > 1:
            steps = layers.dense(steps, options.stack[0].units, "patch", activation="relu")
        state = _last_state(steps, mask, recurrence, options, layers)
        output = layers.dense(state, shape.outputs, "forecast")
        return plus_linear(output, inputs, shape, options, layers)

    return connect


def _last_state(
    steps: Any, mask: Any, recurrence: Callable[[Any], Recurrence], options: Any, layers: Layers
) -> Any:
    """The last state of the last layer; each layer reads all states of the one below it."""
    for i, own in enumerate(options.stack, start=1):
        suffix = f"_{i}" if len(options.stack) > 1 else ""
        name, below, is_last = options.kind + suffix, steps, i == len(options.stack)
        states_of = partial(
            layers.recurrent, below, mask, recurrence(own), return_sequences=not is_last
        )
        if options.bidirectional:
            forwards, backwards = (
                states_of(f"forward_{name}"),
                states_of(f"backward_{name}", go_backwards=True),
            )
            steps = layers.together([forwards, backwards])
        else:
            steps = states_of(name)
        if options.residual and i > 1:
            steps = steps + (below[..., -1, :] if is_last else below)
        if options.layer_norm:
            steps = layers.layer_norm(steps, "layer_norm" + suffix)
        steps = layers.dropout(steps, options.dropout, "dropout" + suffix)
    return steps
