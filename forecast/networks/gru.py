"""GRU, Dropout, Dense; before it, on demand, segments of the context, and beside it a linear map.

With input `x` and state `h`, the gates of a step are, in the notation of Keras
(`*` elementwise, `@` the matrix product):

    z = sigmoid(x @ W_z + h @ U_z + b_z)           update gate
    r = sigmoid(x @ W_r + h @ U_r + b_r)           reset gate
    c = tanh(x @ W_c + (r * h) @ U_c + b_c)        candidate, reset_after: false
    c = tanh(x @ W_c + b_c + r * (h @ U_c + d_c))  candidate, reset_after: true
    h = z * h + (1 - z) * c                        new state

Mind the meaning of `z`: in Keras it is the share of the OLD state that is kept, as in
https://arxiv.org/abs/1406.1078 (Cho et al. 2014). Much literature, https://arxiv.org/abs/1412.3555
(Chung et al. 2014) among it, gives `z` to the candidate instead: h = (1 - z) * h + z * c.

`reset_after: true` has a bias for the recurrent product too, for each gate: 3 * units more
parameters. With one feature and 50 units the GRU has 7,950 parameters, and 7,800 without.

Segments are those of SegRNN, https://arxiv.org/abs/2308.11200 (Lin et al. 2023).
"""

from typing import Any

import keras
import numpy as np

from forecast.config.schema import GRUOptions


def connect(context: Any, options: GRUOptions, horizon: int, season_length: int, seed: int) -> Any:
    """Map a context `(batch, context_length, 1)` to `(batch, horizon)`.

    Each random part has a seed of its own, derived from `seed`.
    """
    kernel, recurrent, dropout, dense, segment = (
        int(word) for word in np.random.SeedSequence(seed).generate_state(5) >> 1
    )
    size = season_length if options.segment == "season" else options.segment
    steps = context
    if size > 1:
        steps = keras.layers.Reshape((-1, size), name="segments")(context)
        steps = _dense(options.units, segment, "segment", activation="relu")(steps)
    state = keras.layers.GRU(
        options.units,
        activation=options.activation,
        reset_after=options.reset_after,
        kernel_initializer=keras.initializers.GlorotUniform(kernel),
        recurrent_initializer=keras.initializers.Orthogonal(seed=recurrent),
        name="gru",
    )(steps)
    state = keras.layers.Dropout(options.dropout, seed=dropout, name="dropout")(state)
    forecast = _dense(horizon, dense, "forecast")(state)
    if options.linear:
        whole = keras.layers.Flatten(name="context_flat")(context)
        # It begins at zero: a network that corrects a simple forecast then begins as that forecast.
        linear = keras.layers.Dense(horizon, kernel_initializer="zeros", name="linear")
        forecast = forecast + linear(whole)
    return forecast


def _dense(units: int, seed: int, name: str, activation: str | None = None) -> keras.layers.Dense:
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=keras.initializers.GlorotUniform(seed),
        name=name,
    )
