"""First weights: those of the layers' own initializers, from a member's seed.

The usual ones are drawn by NumPy, so that the same seed gives the same weights whatever the
backend, and hundreds of members take no time; any other draws for itself, from a seed of its own.
"""

from math import prod

import keras
import numpy as np
from keras import tree
from numpy.random import Generator

from forecast.data.panel import FloatArray
from forecast.networks.members import Layout, Weights


def initial(
    model: keras.Model, layout: Layout, random: Generator, *, is_chrono: bool = False
) -> Weights:
    """First weights of one member `(parameters,)`, as the model's own initializers would have them.

    Unless they are told otherwise, kernels are uniform (Glorot, Bengio 2010), recurrent kernels
    orthogonal (Saxe et al. 2014), biases zero, but for one of the LSTM's forget gate (Jozefowicz et
    al. 2015). `is_chrono` sets the biases of gates in its place: see `_chrono`.
    """
    parts = []
    for layer in (model.get_layer(name) for name, _ in layout.layers):
        for weight in layer.trainable_weights:
            values, owner = _first(layer, weight, random), _owner(layer, weight)
            if weight.name == "bias" and getattr(owner, "unit_forget_bias", False):
                values[owner.units : 2 * owner.units] = 1
            if is_chrono and weight.name == "bias" and isinstance(layer, keras.layers.RNN):
                _chrono(values, layer, random)
            parts.append(values.ravel())
    return np.concatenate(parts).astype(np.float32)


def _chrono(bias: FloatArray, layer: keras.layers.RNN, random: Generator) -> None:
    """Let each unit of a gated layer begin to remember for 1 step up to all that it reads.

    Tallec, Ollivier 2018, https://arxiv.org/abs/1804.11188: a gate that keeps the old state has the
    bias log u, u uniform from 1 to the number of steps less 1, and so keeps for about u steps; that
    which lets in has the opposite. Of Keras's GRU the update gate does both.
    """
    steps = tree.flatten(layer.input)[0].shape[1]
    keeps = np.log(random.uniform(1, max(1, steps - 1), layer.units))
    if isinstance(layer, keras.layers.LSTM):
        bias[: layer.units], bias[layer.units : 2 * layer.units] = -keeps, keeps
    else:
        np.atleast_2d(bias)[0, : layer.units] = keeps


def _first(layer: keras.layers.Layer, weight: keras.Variable, random: Generator) -> FloatArray:
    shape = tuple(weight.shape)
    owner = _owner(layer, weight)
    initializer = getattr(owner, _ATTRIBUTES.get(weight.name, f"{weight.name}_initializer"), None)
    if initializer is None:  # a layer that keeps it to itself
        initializer = keras.initializers.get("glorot_uniform" if len(shape) > 1 else "zeros")
    if isinstance(initializer, keras.initializers.Zeros):
        return np.zeros(shape)
    if isinstance(initializer, keras.initializers.Orthogonal) and len(shape) == 2:
        return float(initializer.gain) * _orthogonal(shape, random)
    if isinstance(initializer, keras.initializers.GlorotUniform) and len(shape) > 1:
        # What comes before the last two axes counts for both, as the taps of a convolution do.
        limit = np.sqrt(6 / (prod(shape[:-2]) * sum(shape[-2:])))
        return random.uniform(-limit, limit, shape)
    if isinstance(initializer, keras.initializers.RandomUniform):
        return random.uniform(initializer.minval, initializer.maxval, shape)
    config = initializer.get_config()
    if "seed" in config:
        config["seed"] = int(random.integers(2**31))
    drawn = type(initializer).from_config(config)(shape)
    return np.array(keras.ops.convert_to_numpy(drawn), np.float64)


_ATTRIBUTES = {"recurrent_kernel": "recurrent_initializer"}


def _owner(layer: keras.layers.Layer, weight: keras.Variable) -> keras.layers.Layer:
    """The layer inside a layer that made the weight: a cell, or one that a wrapper holds."""
    for inner in layer._flatten_layers():
        if any(own is weight for own in inner._trainable_variables):
            return inner
    return layer


def _orthogonal(shape: tuple[int, ...], random: Generator) -> FloatArray:
    """Of a matrix with more columns than rows, orthonormal rows."""
    q, r = np.linalg.qr(random.normal(size=shape[::-1]))
    # The signs make it uniform over all such matrices.
    orthogonal: FloatArray = (q * np.sign(np.diag(r))).T
    return orthogonal
