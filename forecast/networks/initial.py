"""First weights: those of Keras's defaults, drawn by NumPy.

So that they follow from a member's seed alone, whatever the backend, and that those of hundreds of
members take no time.
"""

import keras
import numpy as np
from numpy.random import Generator

from forecast.data.panel import FloatArray
from forecast.networks.members import Layout, Weights


def initial(model: keras.Model, layout: Layout, random: Generator) -> Weights:
    """First weights of one member `(parameters,)`, as the model's own initializers would have them.

    Kernels are uniform (Glorot, Bengio 2010), recurrent kernels orthogonal (Saxe et al. 2014),
    biases zero, but for one of the LSTM's forget gate (Jozefowicz et al. 2015).
    """
    layers = [model.get_layer(name) for name, _ in layout.layers]
    parts = [
        _first(layer, weight.name, weight.shape, random).ravel()
        for layer in layers
        for weight in layer.trainable_weights
    ]
    return np.concatenate(parts).astype(np.float32)


def _first(
    layer: keras.layers.Layer, name: str, shape: tuple[int, ...], random: Generator
) -> FloatArray:
    values = np.zeros(shape)
    if name == "bias":
        if getattr(layer, "unit_forget_bias", False):
            values[layer.units : 2 * layer.units] = 1
        return values
    if name == "recurrent_kernel":
        return _orthogonal(shape, random)
    if isinstance(layer.kernel_initializer, keras.initializers.Zeros):
        return values
    limit = np.sqrt(6 / (shape[0] + shape[1]))
    return random.uniform(-limit, limit, shape)


def _orthogonal(shape: tuple[int, ...], random: Generator) -> FloatArray:
    """Of a matrix with more columns than rows, orthonormal rows."""
    q, r = np.linalg.qr(random.normal(size=shape[::-1]))
    # The signs make it uniform over all such matrices.
    orthogonal: FloatArray = (q * np.sign(np.diag(r))).T
    return orthogonal
