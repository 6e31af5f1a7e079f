"""LiteRT (TensorFlow Lite), for telephones and small devices, with its built-in operators alone.

It has no loop that a recurrent layer could be: the layer is unrolled, one piece for each step.
"""

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from forecast.errors import Problem, UsageError
from forecast.formats.format import Format
from forecast.formats.keras import load
from forecast.runs import Run
from forecast.windows import Batch, Inputs

_CODE = """\
from ai_edge_litert.interpreter import Interpreter


def run(name, inputs):
    runner = Interpreter(f"{name}.tflite").get_signature_runner()
    (forecast,) = runner(**inputs).values()
    return forecast
"""


class LiteRT:
    """A LiteRT file as its interpreter runs it."""

    def __init__(self, path: Path) -> None:
        with warnings.catch_warnings():
            # The same interpreter has a package of its own, which only to look at a file is not
            # worth installing.
            warnings.simplefilter("ignore")
            self._interpreter = tf.lite.Interpreter(str(path))

    def predict(self, inputs: Inputs) -> Batch:
        """See `Predictor.predict`."""
        runner = self._interpreter.get_signature_runner()
        [forecasts] = runner(**inputs.named).values()
        return np.array(forecasts)


def write(run: Run, name: str, path: Path) -> None:
    """See `Format.write`. Raises `UsageError` where other operators would be needed."""
    model = load(run.file(f"{name}.keras"))
    unrolled = keras.models.clone_model(model, clone_function=_unrolled, recursive=True)
    unrolled.set_weights(model.get_weights())
    built_in = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    try:
        unrolled.export(path, format="litert", verbose=False, target_spec=built_in)
    except Exception as error:  # the converter's errors share no public base but this one
        message = "the network has operations that LiteRT has no built-in operator for."
        raise UsageError(Problem(message, "Use --format onnx, or saved-model.")) from error


def _unrolled(layer: keras.layers.Layer) -> keras.layers.Layer:
    config: dict[str, Any] = layer.get_config()
    unrolling = {"unroll": True} if "unroll" in config else {}
    return type(layer).from_config({**config, **unrolling})


FORMAT = Format("LiteRT", ".tflite", "ai-edge-litert", _CODE, write, LiteRT)
