"""A trained model as files: `.keras` for Keras, ONNX for everything after training."""

import warnings
from pathlib import Path

import keras
import numpy as np

from forecast.windows import Batch


def export(model: keras.Model, keras_path: Path, onnx_path: Path) -> None:
    """Write both files. The ONNX graph takes any number of contexts at once."""
    model.save(keras_path)
    model(np.zeros((1, *model.input_shape[1:]), np.float32))  # Keras exports only what has run
    with warnings.catch_warnings():
        # Keras mends tf2onnx for NumPy 2 in a way that NumPy warns of.
        warnings.simplefilter("ignore", FutureWarning)
        model.export(onnx_path, format="onnx", verbose=False)


class InMemory:
    """A model that predicts without having been exported, for a forecaster that is soon gone."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def predict(self, contexts: Batch) -> Batch:
        """One call of the network, in transformed units."""
        return predict(self._model, contexts)


def predict(model: keras.Model, contexts: Batch) -> Batch:
    """What Keras itself forecasts, `(windows, horizon)`: the measure of every other way."""
    forecasts: Batch = np.asarray(model.predict_on_batch(contexts))
    return forecasts


def layers(model: keras.Model) -> list[tuple[str, str, str, str]]:
    """Name, type, output shape and parameters of every layer of a model."""
    return [
        (layer.name, type(layer).__name__, str(layer.output.shape), f"{layer.count_params():,}")
        for layer in model.layers
    ]
