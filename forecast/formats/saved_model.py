"""TensorFlow's SavedModel: a folder with the graph, for TensorFlow Serving and other languages."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from forecast.formats.format import Format
from forecast.formats.keras import called_with, load
from forecast.runs import Run
from forecast.windows import Batch, Inputs

_CODE = """\
import tensorflow as tf


def run(name, inputs):
    model = tf.saved_model.load(name)
    return model.serve(INPUTS).numpy()
"""


class SavedModel:
    """A SavedModel as TensorFlow runs it."""

    def __init__(self, path: Path) -> None:
        self._model = tf.saved_model.load(str(path))

    def predict(self, inputs: Inputs) -> Batch:
        """See `Predictor.predict`."""
        forecasts: Batch = np.asarray(self._model.serve(called_with(inputs)))
        return forecasts


def write(run: Run, name: str, path: Path) -> None:
    """See `Format.write`."""
    load(run.file(f"{name}.keras")).export(path, format="tf_saved_model", verbose=False)


FORMAT = Format("SavedModel", "", "tensorflow", _CODE, write, SavedModel)
