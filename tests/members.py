"""Members of every kind, trained and exported on the backend that Keras has.

Run as a program, `python members.py FOLDER`, it leaves `arrays.npz` and exported networks there.
"""

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from pydantic import TypeAdapter

from forecast.config.models import ModelOptions
from forecast.config.schema import EnsembleOptions, TrainingOptions, WindowOptions
from forecast.networks import Architecture
from forecast.training import CompiledForward, KerasPredictor, Member, MemberKey, export, fit
from forecast.windows import Columns, Inputs, Sizes, Windows

Arrays = dict[str, np.ndarray]
WINDOW = WindowOptions(horizon=2, normalize="standard", residual_of="last")
VALUES = np.sin(np.arange(150.0) / 3) + np.arange(150) / 50
OWN = {
    "kind": "own_networks:connect",
    "options": {"units": 3},
    "folder": str(Path(__file__).parent),
}
KINDS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"kind": "gru", "units": 5, "dropout": 0.3, "patch_length": 3}
        | {"recurrent_dropout": 0.2, "bias_initializer": "chrono"},
        {"optimizer": "adam", "schedule": "cosine"},
    ),
    (
        {
            "kind": "lstm",
            "layers": (5, 4),
            "linear": True,
            "bidirectional": True,
            "layer_norm": True,
        },
        {"optimizer": "adamw", "batch_size": 500, "clip_norm": 0.1},
    ),
    (
        {"kind": "simple_rnn", "units": 5, "quantiles": (0.1, 0.5)},
        {"optimizer": "rmsprop", "loss": "pinball"},
    ),
    ({"kind": "mlp", "layers": (5, 4), "dropout": 0.3}, {"optimizer": "nadam"}),
    ({"kind": "dlinear", "kernel_size": 5}, {"optimizer": "sgd"}),
    (
        # Without an optimizer that makes much of gradients that are zero but for rounding.
        {"kind": "transformer", "units": 5, "feedforward_units": 4, "num_layers": 1},
        {"optimizer": "sgd"},
    ),
    ({"kind": "tcn", "filters": 4}, {"optimizer": "sgd"}),
    ({"kind": "seq2seq", "units": 5, "attention": True}, {"optimizer": "sgd"}),
    ({"kind": "nhits", "layers": (4,), "dropout": 0.2}, {"optimizer": "adam"}),
    (OWN, {"optimizer": "adam"}),
]
MASKED = WINDOW.model_copy(update={"padding": "mask"})
SIZES = Sizes(past=1, known=2, static=1)


def _network(
    options: dict[str, Any], window: WindowOptions = WINDOW, sizes: Sizes | None = None
) -> Architecture:
    model: ModelOptions = TypeAdapter(ModelOptions).validate_python(options)
    return Architecture(model, window, 12, sizes or Sizes())


def _windows(first: int, last: int) -> Windows:
    cutoffs = np.arange(first, last)
    return Windows(VALUES, cutoffs, np.zeros_like(cutoffs), 12, 2)


def trained() -> Arrays:
    """Weights and losses of two members of each kind, of which one is monitored."""
    arrays = {}
    for options, training in KINDS:
        members = [
            Member(MemberKey(1), _windows(11, 110), _windows(110, 148)),
            Member(MemberKey(2), _windows(30, 70), None),
        ]
        chosen = TrainingOptions.model_validate({"epochs": 3, "learning_rate": 0.01, **training})
        fitted = fit(_network(options), members, chosen, lambda epoch: None, most=1)
        name = options["kind"]
        arrays[f"{name} weights"] = np.stack(list(fitted.weights.values()))
        arrays[f"{name} losses"] = np.array(
            [(log.loss, log.monitored_loss or 0.0) for log in fitted.history]
        )
    return arrays


def trained_with_covariates() -> Arrays:
    """Of one member, on contexts that begin before their series does."""
    random = np.random.default_rng(0)
    cutoffs = np.arange(4, 60)
    columns = Columns(
        VALUES.astype(np.float32),
        random.normal(size=(150, 1)).astype(np.float32),
        random.normal(size=(150, 2)).astype(np.float32),
        np.array([[0.5]], np.float32),
        np.zeros(150, np.int32),
    )
    short = Windows(VALUES, cutoffs, np.zeros_like(cutoffs), 12, 2, np.full(150, 2), beside=columns)
    fitted = fit(
        _network({"units": 5}, MASKED, SIZES),
        [Member(MemberKey(1), short, short)],
        TrainingOptions(epochs=3, learning_rate=0.01),
        lambda epoch: None,
    )
    [weights] = fitted.weights.values()
    losses = np.array([(log.loss, log.monitored_loss) for log in fitted.history])
    return {"covariates weights": weights, "covariates losses": losses}


def trained_jointly() -> Arrays:
    """Of one member that forecasts two targets together, of which one has a gap."""
    cutoffs = np.arange(11, 60)
    values = np.stack([VALUES, np.roll(VALUES, 1)], axis=-1)
    observed = np.ones(values.shape, bool)
    observed[30:40, 1] = False
    windows = Windows(values, cutoffs, np.zeros_like(cutoffs), 12, 2, observed=observed)
    fitted = fit(
        _network({"units": 5}, WINDOW, Sizes(targets=2)),
        [Member(MemberKey(1), windows, windows)],
        TrainingOptions(epochs=3, learning_rate=0.01),
        lambda epoch: None,
    )
    [weights] = fitted.weights.values()
    losses = np.array([(log.loss, log.monitored_loss) for log in fitted.history])
    return {"joint weights": weights, "joint losses": losses}


def exported(folder: Path) -> Arrays:
    """What an ensemble of local networks forecasts, which is left there as ONNX, and of what."""
    network = _network({"units": 5, "scope": "local"}, MASKED, SIZES)
    ensemble = EnsembleOptions(size=2)
    random = np.random.default_rng(1)
    weights = random.normal(scale=0.3, size=(2, 2, network.parameters)).astype(np.float32)
    past, future, static = (
        random.normal(size=(2, 5, *shape)).astype(np.float32) for shape in ((12, 4), (2, 2), (1,))
    )
    present = (np.arange(12) >= 4).astype(np.float32)[:, None]
    inputs = Inputs(past * present, future, static, np.broadcast_to(present, (2, 5, 12, 1)))
    export(network, {"model": weights}, ensemble, folder)
    in_memory = KerasPredictor(CompiledForward(network), weights, ensemble)
    return inputs.named | {"forecasts": in_memory.predict(inputs)}


def exported_by_tensorflow(folder: Path) -> Arrays:
    """The same of a network that only TensorFlow can write as ONNX, whatever it was trained on."""
    network = _network(OWN)
    random = np.random.default_rng(2)
    weights = random.normal(scale=0.3, size=(1, 1, network.parameters)).astype(np.float32)
    past = random.normal(size=(5, 12, 1)).astype(np.float32)
    export(network, {"own": weights}, EnsembleOptions(), folder)
    in_memory = KerasPredictor(CompiledForward(network), weights, EnsembleOptions())
    return {"own past": past, "own forecasts": in_memory.predict(Inputs(past))}


def main(folder: Path) -> None:
    """Leave all of it in the folder."""
    arrays = trained() | trained_with_covariates() | trained_jointly()
    arrays |= exported(folder) | exported_by_tensorflow(folder)
    np.savez(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]  # numpy's own stub
    assert ("tensorflow" in sys.modules) is (keras.backend.backend() == "tensorflow")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
