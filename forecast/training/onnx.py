"""Networks as ONNX graphs, by way of TensorFlow: the one backend that keeps their loops.

Run as a module it does so for a process with another backend: `python -m forecast.training.onnx
WEIGHTS FOLDER`, with what `Architecture.description` gives on stdin.
"""

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf2onnx
from keras import ops
from pydantic import BaseModel

from forecast.config.schema import EnsembleOptions, ModelOptions, WindowOptions
from forecast.networks import Architecture, Weights, combine, combined


class _Description(BaseModel):
    """What a network is built from."""

    model: ModelOptions
    window: WindowOptions
    season_length: int
    ensemble: EnsembleOptions
    members: dict[str, int]


def write(
    network: Architecture, weights: Mapping[str, Weights], options: EnsembleOptions, folder: Path
) -> None:
    """Write the members of each name as a graph, for any number of contexts, and a Keras model.

    Of local networks there is the graph alone.
    """
    with warnings.catch_warnings():
        # Keras and tf2onnx mend themselves for NumPy 2 in a way that NumPy warns of.
        warnings.simplefilter("ignore", FutureWarning)
        for name, own in weights.items():
            path = folder / f"{name}.onnx"
            if network.is_local:
                _write_local(network, own, options, path)
                continue
            model = combine([network.model(row) for row in own], options)
            model.save(path.with_suffix(".keras"))
            model(np.zeros((1, *model.input_shape[1:]), np.float32))  # only what ran is exported
            model.export(path, format="onnx", verbose=False)


def _write_local(
    network: Architecture, weights: Weights, options: EnsembleOptions, path: Path
) -> None:
    """Networks of a series each as one graph: `(series, windows, context_length, 1)` at once."""
    size = options.size

    def forward(context: Any) -> Any:
        each = [network.forward(weights[i::size], context).value for i in range(size)]
        return combined(ops.stack(each), options)

    shape = len(weights) // size, None, *network.keras_model.input_shape[1:]
    signature = [tf.TensorSpec(shape, tf.float32, name="context")]
    function = tf.function(forward, signature, autograph=False)
    tf2onnx.convert.from_function(function, input_signature=signature, output_path=str(path))


def main() -> None:
    """Read a description and weights, write a graph."""
    description = _Description.model_validate_json(sys.stdin.read())
    network = Architecture(description.model, description.window, description.season_length)
    counts = description.members
    parts = np.split(np.load(sys.argv[1]), np.cumsum(list(counts.values()))[:-1])
    weights = dict(zip(counts, parts, strict=True))
    write(network, weights, description.ensemble, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
