"""Trained members as files: `.keras` for Keras, ONNX for everything after training."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np

from forecast.backends import backend
from forecast.config.schema import EnsembleOptions
from forecast.networks import Architecture, Model, Weights, combined
from forecast.windows import Batch

WEIGHTS = "weights.npy"
# Imported only where Keras runs on TensorFlow, which it needs.
_ONNX = "forecast.training.onnx"


def export(
    network: Architecture, weights: Mapping[str, Weights], options: EnsembleOptions, folder: Path
) -> None:
    """Write members `(members, parameters)`, by name, as `NAME.onnx` and as what Keras can load.

    That is `NAME.keras`, of all members of the name as one. Of local networks, which have no model
    in common, it is `weights.npy`, a row each.
    """
    if network.is_local:
        np.save(folder / WEIGHTS, np.concatenate(list(weights.values())))
    if keras.backend.backend() == "tensorflow":
        import_module(_ONNX).write(network, weights, options, folder)
    else:
        _write_elsewhere(network, weights, options, folder)


def _write_elsewhere(
    network: Architecture, weights: Mapping[str, Weights], options: EnsembleOptions, folder: Path
) -> None:
    """Write models from a process of its own that has the TensorFlow backend.

    What Keras offers for other backends loses the loops of an ONNX graph on the way, and to save
    `model.keras` it would load TensorFlow into this process.
    """
    path = folder / WEIGHTS
    np.save(path, np.concatenate(list(weights.values())))
    command = [sys.executable, "-m", _ONNX, str(path), str(folder)]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    members = {name: len(own) for name, own in weights.items()}
    document = json.dumps(
        {**network.description(), "ensemble": options.model_dump(), "members": members}
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own module
        command, check=False, env=environment, input=document, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"the export to ONNX failed:\n{done.stderr}")
    if not network.is_local:
        path.unlink()


class CompiledForward:
    """A network of which members can forecast without having been exported."""

    def __init__(self, network: Architecture) -> None:
        """The program is shared by all members, whatever their number."""

        def forward(weights: Any, contexts: Any) -> Any:
            return network.forward(weights, contexts).value

        self._forward = backend().trace(forward)
        self.is_local = network.is_local

    def forecasts(self, weights: Weights, contexts: Batch) -> Batch:
        """Of every member, `(members, windows, horizon)`.

        `contexts` have the shape `(members, windows, context_length, 1)`, or `(1, ...)` for all.
        """
        forecasts: Batch = np.asarray(self._forward(weights, contexts))
        return forecasts


class KerasPredictor:
    """Members as one predictor, for a method that is soon gone."""

    def __init__(
        self, running: CompiledForward, weights: Weights, options: EnsembleOptions
    ) -> None:
        """`weights` has the shape `(members, parameters)`; of local networks, series by series."""
        self._running = running
        self._weights = weights
        self._options = options

    def predict(self, contexts: Batch) -> Batch:
        """In transformed units: see `forecast.methods.network.Predictor`."""
        if self._running.is_local:
            size = self._options.size
            each = [self._weights[i::size] for i in range(size)]
            forecasts = np.stack([self._running.forecasts(w, contexts) for w in each])
        else:
            forecasts = self._running.forecasts(self._weights, contexts[None])
        joined: Batch = np.asarray(combined(forecasts, self._options))
        return joined


def layers(model: Model) -> list[tuple[str, str, str, str]]:
    """Name, type, output shape and parameters of every layer of a model."""
    return [
        (layer.name, type(layer).__name__, str(layer.output.shape), f"{layer.count_params():,}")
        for layer in model.layers
    ]
