"""GRU, Dropout, Dense.

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
"""

from typing import Any

import keras
import numpy as np

from forecast.config.schema import GRUOptions


def connect(context: Any, options: GRUOptions, horizon: int, seed: int) -> Any:
    """Map a context `(batch, context_length, features)` to `(batch, horizon)`.

    Each random part has a seed of its own, derived from `seed`.
    """
    kernel, recurrent, dropout, dense = (
        int(word) for word in np.random.SeedSequence(seed).generate_state(4) >> 1
    )
    state = keras.layers.GRU(
        options.units,
        activation=options.activation,
        reset_after=options.reset_after,
        kernel_initializer=keras.initializers.GlorotUniform(kernel),
        recurrent_initializer=keras.initializers.Orthogonal(seed=recurrent),
        name="gru",
    )(context)
    state = keras.layers.Dropout(options.dropout, seed=dropout, name="dropout")(state)
    return keras.layers.Dense(
        horizon, kernel_initializer=keras.initializers.GlorotUniform(dense), name="forecast"
    )(state)
