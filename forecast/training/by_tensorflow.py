"""Networks of any kind as ONNX graphs, by way of TensorFlow: the backend that keeps their loops.

That is for what `forecast.training.onnx` can not write. Run as a module it does so for a process
with another backend: `python -m forecast.training.by_tensorflow WEIGHTS FOLDER`, with what the
networks are built from on stdin, as JSON.
"""

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf2onnx
from keras import ops, tree
from pydantic import BaseModel

from forecast.config.models import ModelOptions
from forecast.config.schema import EnsembleOptions, WindowOptions
from forecast.networks import Architecture, Weights, combine, combined
from forecast.windows import Inputs, Sizes


class _Description(BaseModel):
    """What a network is built from."""

    model: ModelOptions
    window: WindowOptions
    season_length: int
    sizes: Sizes
    ensemble: EnsembleOptions


def convert(
    architecture: Architecture,
    weights: Mapping[str, Weights],
    options: EnsembleOptions,
    folder: Path,
) -> None:
    """Write the members of each name as a graph `NAME.onnx`, for any number of windows."""
    with warnings.catch_warnings():
        # Keras and tf2onnx mend themselves for NumPy 2 in a way that NumPy warns of.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        for name, own in weights.items():
            path = folder / f"{name}.onnx"
            if architecture.is_local:
                _write_local(architecture, own, options, path)
                continue
            model = combine([architecture.model(row) for row in own[0]], options)
            model(tree.map_structure(_example, model.input))  # only what ran is exported
            model.export(path, format="onnx", verbose=False)


def _example(part: Any) -> Any:
    return np.zeros((1, *part.shape[1:]), np.float32)


def _write_local(
    architecture: Architecture, weights: Weights, options: EnsembleOptions, path: Path
) -> None:
    """Networks of a series each as one graph: inputs `(series, windows, ...)` at once."""
    shapes = architecture.input_shapes()

    def forward(*parts: Any) -> Any:
        inputs = Inputs(**dict(zip(shapes, parts, strict=True)))
        each = [architecture.forward(own, inputs).value for own in np.moveaxis(weights, 1, 0)]
        return combined(ops.stack(each), options)

    signature = [
        tf.TensorSpec((len(weights), None, *shape), tf.float32, name=name)
        for name, shape in shapes.items()
    ]
    function = tf.function(forward, signature, autograph=False)
    tf2onnx.convert.from_function(function, input_signature=signature, output_path=str(path))


def main() -> None:
    """Read a description and weights, write a graph."""
    description = _Description.model_validate_json(sys.stdin.read())
    architecture = Architecture(
        description.model, description.window, description.season_length, description.sizes
    )
    with np.load(sys.argv[1]) as weights:
        convert(architecture, dict(weights), description.ensemble, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
