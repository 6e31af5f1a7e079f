"""Trained members as files: `.keras` for Keras, ONNX for everything after training."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

from forecast.backends import backend
from forecast.config.schema import EnsembleOptions
from forecast.loading import without
from forecast.networks import Architecture, Model, Weights, combine, combined
from forecast.training import onnx
from forecast.training.archive import settle
from forecast.windows import Batch, Inputs

_BY_TENSORFLOW = "forecast.training.by_tensorflow"


def export(
    architecture: Architecture,
    weights: Mapping[str, Weights],
    options: EnsembleOptions,
    folder: Path,
) -> None:
    """Write members `(series, size, parameters)`, by name, as `NAME.onnx` and `NAME.keras`.

    The Keras model is of all members of the name as one; local networks, which have no model in
    common, have none. Global ones have one series.
    """
    if not architecture.is_local:
        with _undescribed():
            for name, own in weights.items():
                _write_keras(architecture, own[0], options, folder / f"{name}.keras")
    export_onnx(architecture, weights, options, folder)


def export_onnx(
    architecture: Architecture,
    weights: Mapping[str, Weights],
    options: EnsembleOptions,
    folder: Path,
) -> None:
    """Write members as in `export`, as `NAME.onnx` alone."""
    with _undescribed():
        try:
            for name, own in weights.items():
                onnx.write(architecture, own, options, folder / f"{name}.onnx")
        except onnx.UnknownOperationError:
            is_written = False
        else:
            is_written = True
    if not is_written:
        _convert(architecture, weights, options, folder)


def _undescribed() -> AbstractContextManager[None]:
    """On any backend Keras loads TensorFlow to see whether what it describes is TensorFlow's."""
    return without("tensorflow")


def _write_keras(
    architecture: Architecture, members: Weights, options: EnsembleOptions, path: Path
) -> None:
    with warnings.catch_warnings():
        # Of how TensorFlow 2 hands out its arrays, NumPy 2 warns.
        warnings.simplefilter("ignore", DeprecationWarning)
        combine([architecture.model(row) for row in members], options).save(path)
    settle(path)


def _convert(
    architecture: Architecture,
    weights: Mapping[str, Weights],
    options: EnsembleOptions,
    folder: Path,
) -> None:
    """Write ONNX by way of TensorFlow, in a process of its own where Keras has another backend.

    What Keras offers for other backends loses the loops of a graph on the way.
    """
    if keras.backend.backend() == "tensorflow":
        import_module(_BY_TENSORFLOW).convert(architecture, weights, options, folder)
        return
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    description = {
        "model": architecture.options.model_dump(),
        "window": architecture.window.model_dump(),
        "season_length": architecture.season_length,
        "sizes": architecture.sizes,
        "ensemble": options.model_dump(),
    }
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / "weights.npz"
        np.savez(path, **dict(weights))  # type: ignore[arg-type]  # numpy's own stub
        command = [sys.executable, "-m", _BY_TENSORFLOW, str(path), str(folder)]
        done = subprocess.run(  # noqa: S603 - our own interpreter, our own module
            command,
            check=False,
            env=environment,
            input=json.dumps(description),
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise RuntimeError(f"the export to ONNX failed:\n{done.stderr}")


class CompiledForward:
    """An architecture of which members can forecast without having been exported."""

    def __init__(self, architecture: Architecture) -> None:
        """The program is shared by all members, whatever their number."""

        def forward(weights: Any, inputs: Any) -> Any:
            return architecture.forward(weights, inputs).value

        self._forward = backend().trace(forward)
        self.is_local = architecture.is_local

    def forecasts(self, weights: Weights, inputs: Inputs) -> Batch:
        """Of every member, `(members, windows, horizon)`, or with an axis of quantiles behind.

        Inputs have the shape `(members, windows, ...)`, or `(1, ...)` for all.
        """
        forecasts: Batch = np.asarray(self._forward(weights, inputs))
        return forecasts


class KerasPredictor:
    """Members as one predictor, for a forecaster that is soon gone."""

    def __init__(
        self, forward: CompiledForward, weights: Weights, options: EnsembleOptions
    ) -> None:
        """`weights` has the shape `(series, size, parameters)`, with one series for global ones."""
        self._forward = forward
        self._weights = weights
        self._options = options

    def predict(self, inputs: Inputs) -> Batch:
        """On the transforms' scale: see `Predictor` of the trained network's method."""
        if self._forward.is_local:
            each = np.moveaxis(self._weights, 1, 0)
            forecasts = np.stack([self._forward.forecasts(w, inputs) for w in each])
        else:
            shared = inputs.map(lambda part: part[None])
            forecasts = self._forward.forecasts(self._weights[0], shared)
        joined: Batch = np.asarray(combined(forecasts, self._options))
        return joined


def layers(model: Model) -> list[tuple[str, str, str, str]]:
    """Name, type, output shape and parameters of every layer of a model."""
    return [
        (layer.name, type(layer).__name__, str(layer.output.shape), f"{layer.count_params():,}")
        for layer in model.layers
    ]
