"""Transformer: an encoder of the context, whose steps look at each other by attention.

Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, with the normalisation before each part
(Xiong et al. 2020, https://arxiv.org/abs/2002.04745), and patches of the context in the place of
words as in PatchTST, https://arxiv.org/abs/2211.14730 (Nie et al. 2023):

    x = x + attention(norm(x))
    x = x + dense(relu(dense(norm(x))))
"""

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from forecast.config.models import TransformerOptions
from forecast.networks.context import plus_linear, read
from forecast.networks.layers import Layers
from forecast.networks.shape import Shape
from forecast.windows import Inputs


def connect(inputs: Inputs, shape: Shape, options: TransformerOptions, layers: Layers) -> Any:
    """Patches with positions, blocks of attention and dense layers, a dense layer on all steps."""
    steps, mask = read(inputs, shape, options, layers)
    steps = layers.dense(steps, options.units, "patch")
    steps = steps + positions(steps.shape[-2], options.units)
    for i in range(1, options.num_layers + 1):
        normal = layers.layer_norm(steps, f"attention_norm_{i}")
        mixed = layers.attention(normal, normal, options.num_heads, f"attention_{i}", mask=mask)
        steps = steps + layers.dropout(mixed, options.dropout, f"attention_dropout_{i}")
        hidden = layers.layer_norm(steps, f"feedforward_norm_{i}")
        hidden = layers.dense(
            hidden, options.feedforward_units, f"feedforward_{i}", activation="relu"
        )
        hidden = layers.dense(hidden, options.units, f"feedforward_output_{i}")
        steps = steps + layers.dropout(hidden, options.dropout, f"feedforward_dropout_{i}")
    steps = layers.layer_norm(steps, "norm")
    if mask is not None:
        steps = ops.where(mask[..., None], steps, 0.0)
    output = layers.dense(layers.flat(steps, "steps_flat"), shape.outputs, "forecast")
    return plus_linear(output, inputs, shape, options, layers)


def positions(steps: int, width: int) -> NDArray[np.float32]:
    """Sines and cosines `(steps, width)` by which a step knows how far before the last it lies.

    Vaswani et al. 2017, section 3.5, counted backwards: a longer context changes nothing for the
    steps that a shorter one has.
    """
    back = np.arange(steps - 1, -1, -1)[:, None]
    waves = np.arange(width)
    angles = back / 10_000 ** (2 * (waves // 2) / width)
    return np.where(waves % 2 == 0, np.sin(angles), np.cos(angles)).astype(np.float32)
