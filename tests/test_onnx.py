"""ONNX written directly: every operation, layer and kind of network forecasts what Keras does."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from keras import ops
from pydantic import TypeAdapter

from forecast.config.models import NETWORKS as NETWORK_KINDS
from forecast.config.models import ModelOptions
from forecast.config.schema import EnsembleOptions, WindowOptions
from forecast.methods.network import OnnxPredictor
from forecast.networks import Architecture, Weights, combined
from forecast.networks.members import Layout
from forecast.training.onnx import UnknownOperationError, write
from forecast.windows import Inputs, Sizes

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MODEL: TypeAdapter[ModelOptions] = TypeAdapter(ModelOptions)
ALONE = EnsembleOptions()
COVARIATES = Sizes(past=1, known=2, static=1)
STEPS, HORIZON, SEASON = 12, 3, 4

NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any], Sizes]] = {
    "gru": ({}, {}, Sizes()),
    "reset before": ({"reset_after": False}, {"normalize": "mean"}, Sizes()),
    "lstm": ({"kind": "lstm"}, {"normalize": "last", "residual_of": "last"}, Sizes()),
    "simple": ({"kind": "simple_rnn"}, {"residual_of": "seasonal_mean"}, Sizes()),
    "relu": ({"activation": "relu"}, {}, Sizes()),
    "linear": ({"activation": "linear", "reset_after": False}, {}, Sizes()),
    "lstm relu": ({"kind": "lstm", "activation": "relu"}, {}, Sizes()),
    "lstm linear": ({"kind": "lstm", "activation": "linear"}, {}, Sizes()),
    "simple sigmoid": ({"kind": "simple_rnn", "activation": "sigmoid"}, {}, Sizes()),
    "simple linear": ({"kind": "simple_rnn", "activation": "linear"}, {}, Sizes()),
    "patches": (
        {"patch_length": "season", "linear": True},
        {"normalize": "standard", "residual_of": "seasonal_naive"},
        Sizes(),
    ),
    "quantiles": (
        {"kind": "lstm", "patch_length": 2, "quantiles": [0.1, 0.5, 0.9]},
        {"normalize": "standard", "residual_of": "last"},
        Sizes(),
    ),
    "covariates": ({"kind": "lstm"}, {"normalize": "standard", "residual_of": "last"}, COVARIATES),
    "known alone": ({}, {}, Sizes(known=2)),
    "past alone": ({"kind": "simple_rnn", "linear": True}, {"normalize": "mean"}, Sizes(past=2)),
    "all of it": (
        {"quantiles": [0.1, 0.5, 0.9], "patch_length": 2, "linear": True},
        {"normalize": "standard", "residual_of": "seasonal_mean", "padding": "mask"},
        COVARIATES,
    ),
    "mask": ({}, {"padding": "mask"}, Sizes()),
    "mask lstm": (
        {"kind": "lstm", "patch_length": 4},
        {"padding": "mask", "normalize": "mean", "residual_of": "last"},
        Sizes(),
    ),
    "mask simple": (
        {"kind": "simple_rnn"},
        {"padding": "mask", "normalize": "standard", "residual_of": "seasonal_naive"},
        Sizes(),
    ),
    "mlp": ({"kind": "mlp", "layers": [5, 3]}, {"normalize": "mean"}, Sizes()),
    "dlinear": ({"kind": "dlinear", "kernel_size": 5}, {"normalize": "last"}, COVARIATES),
}


def _network(name: str, **options: Any) -> Architecture:
    model, window, sizes = NETWORKS[name]
    kind = model.get("kind", "gru")
    few = {"units": 5} if kind in ("gru", "lstm", "simple_rnn") else {}
    shape = {"context_length": STEPS, "horizon": HORIZON, **window}
    return Architecture(
        MODEL.validate_python({**few, **model, **options}),
        WindowOptions.model_validate(shape),
        SEASON,
        sizes,
    )


def _weights(network: Architecture, series: int, size: int) -> Weights:
    shape = (series, size, network.parameters)
    return np.random.default_rng(0).normal(scale=0.4, size=shape).astype(np.float32)


def _inputs(network: Architecture, *leading: int) -> Inputs:
    """Of one window the first steps lack, of another all, where they may."""
    random = np.random.default_rng(1)
    parts = {
        name: random.normal(size=(*leading, *shape)).astype(np.float32)
        for name, shape in network.input_shapes().items()
    }
    if "present" in parts:
        lacking = np.arange(np.prod(leading)).reshape(leading) * 2 % (STEPS + 2)
        there = np.arange(STEPS) >= lacking[..., None]
        parts["present"] = there[..., None].astype(np.float32)
        parts["past"] = parts["past"] * parts["present"]
    return Inputs(**parts)


def _by_keras(network: Architecture, weights: Weights, inputs: Inputs, combine: str) -> Any:
    """What the members make of inputs with the series in front."""
    each = [network.forward(own, inputs).value for own in np.moveaxis(weights, 1, 0)]
    options = EnsembleOptions.model_validate({"combine": combine})
    return np.asarray(combined(ops.stack(each), options))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_forecasts_as_keras_does(name: str, tmp_path: Path) -> None:
    """Whatever its options, for any number of windows."""
    network = _network(name)
    weights, path = _weights(network, 1, 1), tmp_path / "model.onnx"
    write(network, weights, ALONE, path)
    onnx.checker.check_model(str(path), full_check=True)
    exported = OnnxPredictor(path)
    for windows in (1, 9):
        inputs = _inputs(network, 1, windows)
        own = inputs.map(lambda part: part[0])
        [by_keras] = _by_keras(network, weights, inputs, "mean")
        np.testing.assert_allclose(exported.predict(own), by_keras, rtol=1e-5, atol=1e-5)
    model = network.model(weights[0, 0])
    named = own.named if len(own.named) > 1 else own.past
    np.testing.assert_allclose(np.asarray(model(named)), by_keras, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("size", "combine"), [(2, "mean"), (2, "median"), (5, "median")])
@pytest.mark.parametrize(("name", "scope"), [("lstm", "global"), ("all of it", "local")])
def test_an_ensemble_is_one_graph(
    name: str, scope: str, size: int, combine: str, tmp_path: Path
) -> None:
    """The mean or the median of its members, of one series or of each."""
    network, path = _network(name, scope=scope), tmp_path / "model.onnx"
    series = 3 if network.is_local else 1
    weights = _weights(network, series, size)
    write(network, weights, EnsembleOptions.model_validate({"combine": combine}), path)
    onnx.checker.check_model(str(path), full_check=True)
    inputs = _inputs(network, series, 6)
    by_keras = _by_keras(network, weights, inputs, combine)
    own = inputs if network.is_local else inputs.map(lambda part: part[0])
    by_onnx = OnnxPredictor(path).predict(own)
    expected = by_keras if network.is_local else by_keras[0]
    np.testing.assert_allclose(by_onnx, expected, rtol=1e-5, atol=1e-5)


def test_equal_networks_are_equal_bytes(tmp_path: Path) -> None:
    """Though Keras counts the layers of all networks that were ever built."""
    for name in ("one", "two"):
        network = _network("all of it")
        write(network, _weights(network, 1, 2), ALONE, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("kind", NETWORK_KINDS)
def test_every_kind_that_is_built_in_is_known(kind: str, tmp_path: Path) -> None:
    """So that training on JAX needs no TensorFlow for any of them."""
    window = WindowOptions(context_length=STEPS, horizon=HORIZON, padding="mask")
    network = Architecture(MODEL.validate_python({"kind": kind}), window, SEASON, COVARIATES)
    write(network, _weights(network, 1, 1), ALONE, tmp_path / "model.onnx")


def test_recurrent_layers_are_onnx_s_own(tmp_path: Path) -> None:
    """Each is one operator, and no loop."""
    for name, operator in (("gru", "GRU"), ("lstm", "LSTM"), ("simple", "RNN")):
        network, path = _network(name), tmp_path / "model.onnx"
        write(network, _weights(network, 1, 1), ALONE, path)
        operators = [node.op_type for node in onnx.load(path).graph.node]
        assert operators.count(operator) == 1
        assert not {"Loop", "Scan", "If"} & set(operators)


def _graph_of(model: keras.Model) -> Any:
    """What `write` needs of an architecture, of any Keras model with the input `past`."""
    return SimpleNamespace(
        keras_model=model,
        is_local=False,
        output_shape=model.output_shape[1:],
        input_shapes=lambda: {"past": model.input_shape[1:]},
        layer_weights=Layout.of(model).arrays,
    )


def _there(x: Any) -> Any:
    """A mask: the first steps of some windows lack, and all of one."""
    return ops.abs(x[..., 0]) > 0


def _states(kind: str, *, masked: bool = True, **options: Any) -> Callable[[Any], Any]:
    """What a recurrent layer gives; of all states the first number."""

    def connect(x: Any) -> Any:
        states = getattr(keras.layers, kind)(3, **options)(x, mask=_there(x) if masked else None)
        return states[..., 0] if options.get("return_sequences") else states

    return connect


def _convolution(**options: Any) -> Callable[[Any], Any]:
    layer = keras.layers.Conv1D(3, 2, **{"padding": "causal", **options})
    return lambda x: layer(x)[..., 0]


def _attention() -> Any:
    return keras.layers.MultiHeadAttention(3, 2)


def _attended(x: Any) -> Any:
    """Two steps that look at all which are there; of one window none is."""
    return _attention()(x[:, :2] * 2, x, attention_mask=_there(x)[:, None, :])[..., 0]


SNIPPETS: dict[str, Callable[[Any], Any]] = {
    "arithmetic": lambda x: ops.abs(x[:, :, 0] * 2 - 1) / (ops.square(x[:, :, 1]) + 1),
    "places": lambda x: x[:, 1:9:3, 1],
    "the last place": lambda x: x[:, -1],
    "new axes": lambda x: (x[:, None, 2:, :1, None] + x[:, None, 2:, 1:, None])[:, 0, :, 0, 0],
    "flip": lambda x: ops.flip(x, axis=1)[..., 0],
    "std": lambda x: ops.std(x, axis=1),
    "sum over two axes": lambda x: ops.sum(ops.stack([x, x * 3], axis=-1), axis=(2, 3)),
    "matrix": lambda x: ops.matmul(x[..., 0], np.eye(STEPS, 3, dtype=np.float32)),
    "where": lambda x: ops.where(x[..., 0] > 0.1, x[..., 1], -1.0),
    "repeat": lambda x: ops.repeat(x, 2, axis=1)[..., 1],
    "split": lambda x: ops.split(x, 2, axis=-1)[1][..., 0],
    "no bias": lambda x: keras.layers.Dense(2, use_bias=False, activation="tanh")(x[..., 0]),
    "layer norm": lambda x: keras.layers.LayerNormalization()(x)[..., 0],
    "relu": lambda x: ops.relu(x[..., 0]) + ops.zeros_like(x[..., 1]),
    "convolution": _convolution(dilation_rate=2, activation="relu"),
    "attention": lambda x: _attention()(x, x)[..., 0],
    "masked attention": _attended,
    "first state": lambda x: keras.layers.GRU(2)(x, mask=_there(x), initial_state=x[:, -1]),
    "all states": _states("GRU", masked=False, return_sequences=True),
    "backwards": _states("LSTM", masked=False, go_backwards=True),
    "all states backwards": _states("LSTM", masked=False, go_backwards=True, return_sequences=True),
    "masked backwards": _states("GRU", go_backwards=True),
    "all states of masked": _states("SimpleRNN", return_sequences=True),
    "all states of masked backwards": _states("LSTM", go_backwards=True, return_sequences=True),
}


@keras.saving.register_keras_serializable(package="tests")
class Dense(keras.layers.Layer):  # type: ignore[misc]
    """A layer of somebody's own, with a name that Keras has too."""

    def call(self, inputs: Any) -> Any:
        return inputs * 2


def _of_halves(x: Any) -> Any:
    return keras.layers.Dense(2, dtype="mixed_float16")(x[..., 0])


UNKNOWN: dict[str, tuple[Callable[[Any], Any], str]] = {
    "operation": (lambda x: x[..., 0] ** 3, r"keras\.src\.ops\.numpy\.Power"),
    "layer": (lambda x: Dense()(x)[..., 0], r"\.Dense"),
    "model": (keras.Sequential([keras.layers.Flatten()]), "Sequential"),
    "activation": (lambda x: keras.layers.Dense(2, activation="gelu")(x[..., 0]), "gelu"),
    "activation of states": (_states("GRU", activation="softplus"), "softplus"),
    "gate": (_states("LSTM", recurrent_activation="relu"), "recurrent_activation: relu"),
    "first states": (
        lambda x: keras.layers.LSTM(2)(x, initial_state=[x[:, 0], x[:, 1]]),
        "initial_state|several inputs",
    ),
    "stride": (_convolution(strides=2), "a stride of 2"),
    "padding": (_convolution(padding="same"), "padding: same"),
    "keys": (lambda x: _attention()(x, x, key=x * 2)[..., 0], "key"),
    "precision": (_of_halves, "in mixed_float16"),
    "list": (lambda x: keras.layers.Add()([x, x])[..., 0], r"keras\.layers\.Add"),
    "types": (lambda x: ops.cast(x[..., 0] > 0, "int32") * 2, "int32"),
    "mixture": (lambda x: (x[..., 0] > 0) * x[..., 1], "of bool, float32"),
    "all axes": (lambda x: x[..., 0] + ops.mean(x), "over all axes"),
    "axis": (lambda x: keras.layers.LayerNormalization(axis=1)(x)[..., 0], "a normalisation"),
    "backwards": (lambda x: x[:, ::-1, 0], "a slice that goes backwards"),
}


def _written(connect: Callable[[Any], Any], folder: Path) -> tuple[Any, Any]:
    """What a small Keras model forecasts, by itself and as ONNX."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((STEPS, 2), name="past")
    model = keras.Model(inputs, connect(inputs))
    network: Any = _graph_of(model)
    weights = [np.asarray(weight).ravel() for weight in model.trainable_weights]
    row = np.concatenate([*weights, np.zeros(0, np.float32)])
    write(network, row[None, None], ALONE, folder / "model.onnx")
    values = np.random.default_rng(0).normal(size=(4, STEPS, 2)).astype(np.float32)
    for window, lacking in enumerate((0, 3, STEPS, 1)):
        values[window, :lacking] = 0
    exported = OnnxPredictor(folder / "model.onnx").predict(Inputs(values))
    return exported, np.asarray(model(values))


@pytest.mark.parametrize("name", SNIPPETS)
def test_an_operation_is_what_keras_has(name: str, tmp_path: Path) -> None:
    """One at a time."""
    exported, by_keras = _written(SNIPPETS[name], tmp_path)
    np.testing.assert_allclose(exported, by_keras, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_is_refused(name: str, tmp_path: Path) -> None:
    """And nothing is written: the general converter takes it."""
    connect, told = UNKNOWN[name]
    with pytest.raises(UnknownOperationError, match=told):
        _written(connect, tmp_path)
    assert list(tmp_path.iterdir()) == []
