"""Keras's own archive, as a run has it."""

from pathlib import Path

import keras
import numpy as np

from forecast.errors import Problem, RunError
from forecast.formats.format import Format
from forecast.runs import Run
from forecast.windows import Batch, Inputs

_CODE = """\
import keras


def run(name, inputs):
    model = keras.models.load_model(f"{name}.keras")
    return np.asarray(model(INPUTS))
"""


def load(path: Path) -> keras.Model:
    """The model of an archive. Raises `RunError` where Keras can not read it."""
    try:
        return keras.models.load_model(path)
    except (TypeError, ValueError, OSError) as error:
        first, *_ = str(error).splitlines()
        advice = "Keras has to know a class of your own: register it as serializable, train again."
        raise RunError(Problem(f"Keras can not load {path}: {first}", advice)) from error


class KerasModel:
    """A Keras model as whoever has the archive runs it."""

    def __init__(self, path: Path) -> None:
        self._model = load(path)

    def predict(self, inputs: Inputs) -> Batch:
        """See `Predictor.predict`."""
        forecasts: Batch = np.asarray(self._model(called_with(inputs)))
        return forecasts


def called_with(inputs: Inputs) -> object:
    """What a model is called with: all inputs by name, or the only one."""
    named = inputs.named
    return named if len(named) > 1 else inputs.past


def write(run: Run, name: str, path: Path) -> None:
    """See `Format.write`."""
    path.write_bytes(run.content(f"{name}.keras"))


FORMAT = Format("Keras", ".keras", "tensorflow", _CODE, write, KerasModel)
