"""The network: its parameters and equations, and that members are plain Keras models at once."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from pydantic import TypeAdapter

from forecast.backends import backend
from forecast.config.models import GRUOptions, LSTMOptions, ModelOptions
from forecast.config.schema import EnsembleOptions, WindowOptions
from forecast.errors import ConfigError
from forecast.networks import Architecture, Dropping, Weights, combine, lstm
from forecast.networks.gru import Recurrence
from forecast.networks.initial import initial
from forecast.networks.layers import KerasLayers
from forecast.networks.members import Layout, MemberLayers
from forecast.windows import Inputs, Sizes

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MODEL: TypeAdapter[ModelOptions] = TypeAdapter(ModelOptions)

# Every cell, and every layer that a network may have besides.
KINDS: list[tuple[dict[str, object], dict[str, object]]] = [
    ({"kind": "gru"}, {}),
    ({"kind": "gru", "reset_after": False}, {"normalize": "mean"}),
    ({"kind": "lstm"}, {"normalize": "last", "residual_of": "last"}),
    ({"kind": "simple_rnn"}, {"residual_of": "seasonal_mean"}),
    ({"kind": "gru", "activation": "relu"}, {}),
    ({"kind": "gru", "reset_after": False, "activation": "sigmoid"}, {}),
    ({"kind": "lstm", "activation": "sigmoid"}, {}),
    ({"kind": "simple_rnn", "activation": "linear"}, {}),
    (
        {"kind": "gru", "patch_length": "season", "linear": True},
        {"normalize": "standard", "residual_of": "seasonal_naive"},
    ),
    (
        {"kind": "lstm", "patch_length": 2, "quantiles": [0.1, 0.5, 0.9]},
        {"normalize": "standard", "residual_of": "last"},
    ),
    ({"kind": "gru", "layers": [5, 3]}, {}),
    ({"kind": "simple_rnn", "bidirectional": True}, {}),
    (
        {"kind": "lstm", "layers": [3, 3, 3], "residual": True, "bidirectional": True}
        | {"layer_norm": True, "patch_length": 2},
        {"residual_of": "last"},
    ),
    ({"kind": "mlp", "layers": [5, 3]}, {"normalize": "mean"}),
    ({"kind": "mlp", "layers": [], "quantiles": [0.5, 0.9]}, {"residual_of": "last"}),
    ({"kind": "dlinear", "kernel_size": 5}, {"normalize": "last"}),
    ({"kind": "dlinear", "kernel_size": 40}, {}),
    ({"kind": "transformer", "units": 7, "num_heads": 3, "feedforward_units": 5}, {}),
    ({"kind": "tcn", "filters": 3, "dilations": [1, 4]}, {"normalize": "last"}),
    ({"kind": "tcn", "filters": 1, "kernel_size": 2, "patch_length": 4, "linear": True}, {}),
    ({"kind": "seq2seq", "units": 4}, {"residual_of": "last"}),
    ({"kind": "seq2seq", "units": 4, "attention": True, "quantiles": [0.1, 0.5, 0.9]}, {}),
    ({"kind": "nhits", "layers": [4]}, {"residual_of": "last"}),
    (
        {"kind": "nhits", "layers": [4, 3], "pool_sizes": [5, 1], "downsampling": [3, 1]}
        | {"num_blocks": 2, "quantiles": [0.1, 0.5]},
        {},
    ),
    ({"kind": "own_networks:connect", "options": {"units": 4}}, {"residual_of": "last"}),
]


FEW: dict[object, dict[str, Any]] = {kind: {"units": 5} for kind in ("gru", "lstm", "simple_rnn")}


def _network(window: dict[str, object] | None = None, **options: Any) -> Architecture:
    """With a season of 4 steps; functions are looked for beside this file."""
    if ":" in options.get("kind", ""):
        options["folder"] = str(Path(__file__).parent)
    return Architecture(
        MODEL.validate_python(options), WindowOptions.model_validate(window or {}), 4
    )


def _first(network: Architecture, seed: int = 0) -> Weights:
    return network.initial(np.random.default_rng(seed))


def _build(window: dict[str, object] | None = None, seed: int = 0, **options: Any) -> Any:
    """A plain model with its first weights."""
    network = _network(window, **options)
    return network.model(_first(network, seed))


def _zeros(window: dict[str, object] | None = None, **options: Any) -> Any:
    """A plain model that says nothing."""
    network = _network(window, **options)
    return network.model(np.zeros(network.parameters, np.float32))


def _forecast(model: keras.Model, contexts: np.ndarray) -> np.ndarray:
    return np.asarray(model(contexts, training=False))


def _contexts(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(7, 12, 1)).astype(np.float32)


@pytest.mark.parametrize(
    ("options", "layer", "parameters", "whole"),
    [
        ({}, "GRU", 7_950, 8_001),
        ({"reset_after": False}, "GRU", 7_800, 7_851),
        ({"kind": "lstm"}, "LSTM", 10_400, 10_451),
        ({"kind": "simple_rnn"}, "SimpleRNN", 2_600, 2_651),
    ],
)
def test_a_network_has_the_parameters_that_are_known(
    options: dict[str, Any], layer: str, parameters: int, whole: int
) -> None:
    """50 units on one feature and a Dense(1); a GRU with one bias a gate or two."""
    network = _network(**options)
    model = network.keras_model
    assert model.get_layer(options.get("kind", "gru")).count_params() == parameters
    assert (model.count_params(), network.parameters) == (whole, whole)
    assert [type(layer).__name__ for layer in model.layers] == [
        "InputLayer",
        layer,
        "Dropout",
        "Dense",
    ]
    assert model.input_shape == (None, 12, 1)
    assert model.output_shape == (None, 1)


@pytest.mark.parametrize(
    ("options", "layers", "parameters"),
    [
        ({"layers": [50]}, ["gru", "dropout"], 8_001),
        ({"layers": [64, 32]}, ["gru_1", "dropout_1", "gru_2", "dropout_2"], 12_864 + 9_408 + 33),
        (
            {"bidirectional": True},
            ["forward_gru", "backward_gru", "dropout"],
            2 * 7_950 + 101,
        ),
        ({"layer_norm": True}, ["gru", "layer_norm", "dropout"], 8_101),
    ],
)
def test_layers_of_a_stack_are_numbered(
    options: dict[str, Any], layers: list[str], parameters: int
) -> None:
    """Each of its own width; one alone has the name of its kind."""
    network = _network(**options)
    named = [layer.name for layer in network.keras_model.layers[1:-1]]
    assert [name for name in named if "concatenate" not in name] == layers
    assert network.parameters == parameters


def test_a_residual_link_adds_what_entered_a_layer() -> None:
    """With the second of two layers silenced, the last state is that of the first."""
    linked = _build(layers=[5, 5], residual=True)
    linked.get_layer("gru_2").set_weights(
        [np.zeros_like(weight) for weight in linked.get_layer("gru_2").get_weights()]
    )
    alone = _build(layers=[5])
    for name, own in (("gru_1", "gru"), ("forecast", "forecast")):
        alone.get_layer(own).set_weights(linked.get_layer(name).get_weights())
    np.testing.assert_allclose(
        _forecast(linked, _contexts()), _forecast(alone, _contexts()), rtol=1e-5, atol=1e-6
    )


def _sigmoid(x: np.ndarray) -> np.ndarray:
    share: np.ndarray = 1 / (1 + np.exp(-x))
    return share


@pytest.mark.parametrize("reset_after", [True, False])
def test_the_equations_of_the_docstring_are_those_of_the_layer(reset_after: bool) -> None:
    """In NumPy, gate by gate; `z` is the share of the old state that is kept."""
    model = _build(reset_after=reset_after, units=5, dropout=0.5)
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    kernel, recurrent, bias, dense, dense_bias = (
        weight.astype(np.float64) for weight in model.get_weights()
    )
    w_z, w_r, w_c = np.split(kernel, 3, axis=1)
    u_z, u_r, u_c = np.split(recurrent, 3, axis=1)
    both = np.split(np.atleast_2d(bias), 3, axis=1)
    b_z, b_r, b_c = (part[0] for part in both)
    if reset_after:
        b_z, b_r, d_c = b_z + both[0][1], b_r + both[1][1], both[2][1]
    contexts = _contexts().astype(np.float64)
    h = np.zeros((len(contexts), 5))
    for step in range(12):
        x = contexts[:, step]
        z = _sigmoid(x @ w_z + h @ u_z + b_z)
        r = _sigmoid(x @ w_r + h @ u_r + b_r)
        if reset_after:
            c = np.tanh(x @ w_c + b_c + r * (h @ u_c + d_c))
        else:
            c = np.tanh(x @ w_c + (r * h) @ u_c + b_c)
        h = z * h + (1 - z) * c
    by_hand = h @ dense + dense_bias
    np.testing.assert_allclose(_forecast(model, _contexts()), by_hand, rtol=1e-4, atol=1e-5)


def test_the_equations_of_an_lstm_are_those_of_the_layer() -> None:
    """In NumPy, gate by gate: input, forget, candidate, output."""
    model = _build(kind="lstm", units=5)
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    kernel, recurrent, bias, dense, dense_bias = model.get_weights()
    h = memory = np.zeros((7, 5))
    for step in range(12):
        i, f, g, o = np.split(_contexts()[:, step] @ kernel + h @ recurrent + bias, 4, axis=1)
        memory = _sigmoid(f) * memory + _sigmoid(i) * np.tanh(g)
        h = _sigmoid(o) * np.tanh(memory)
    by_hand = h @ dense + dense_bias
    np.testing.assert_allclose(_forecast(model, _contexts()), by_hand, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("options", "window"), KINDS)
def test_members_are_plain_keras_models_and_learn_as_these_do(
    options: dict[str, Any], window: dict[str, object]
) -> None:
    """All at once, each on contexts of its own: the forecasts of the plain model with its weights,
    and the gradient that TensorFlow's tape finds in that model step by step."""
    network = _network({**window, "horizon": 3}, **FEW.get(options["kind"], {}) | options)
    rng = np.random.default_rng(5)
    rows = rng.normal(scale=0.4, size=(3, network.parameters)).astype(np.float32)
    contexts = rng.normal(1, size=(3, 6, 12, 1)).astype(np.float32)
    upstream = rng.normal(size=(3, 6, *network.keras_model.output_shape[1:])).astype(np.float32)

    def total(weights: Any) -> tuple[Any, Any]:
        value = network.forward(weights, Inputs(contexts), differentiable=True).value
        return ops.sum(value * upstream), value

    values, gradient = backend().gradient(total, tf.constant(rows))
    alike = np.asarray(network.forward(rows, Inputs(contexts)).value)
    shared = np.asarray(network.forward(rows, Inputs(contexts[:1])).value)
    for k, row in enumerate(rows):
        model = network.model(row)
        np.testing.assert_array_equal(network.weights(model), row)
        with tf.GradientTape() as tape:
            forecasts = model(contexts[k], training=False)
            number = tf.reduce_sum(forecasts * upstream[k])
        for ours in (alike[k], np.asarray(values)[k]):
            np.testing.assert_allclose(ours, np.asarray(forecasts), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(shared[k], _forecast(model, contexts[0]), rtol=1e-5, atol=1e-5)
        own = [weight for layer in model.layers for weight in layer.trainable_weights]
        by_tape = [np.ravel(part) for part in tape.gradient(number, own)]
        np.testing.assert_allclose(
            np.asarray(gradient)[k], np.concatenate(by_tape), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize(
    "options",
    [{"kind": "gru"}, {"kind": "gru", "reset_after": False}, {"kind": "lstm"},
     {"kind": "simple_rnn"}],
    ids=str,
)  # fmt: skip
def test_the_gradient_is_that_of_small_steps(options: dict[str, Any]) -> None:
    """Each weight a little more and a little less: as many members as there are such steps."""
    network, step = _network({"context_length": 4}, units=2, **options), 1e-2
    row = np.random.default_rng(5).normal(scale=0.4, size=network.parameters)
    contexts = _contexts()[:3, None, :4].swapaxes(0, 1)

    def total(weights: Any) -> tuple[Any, Any]:
        value = network.forward(weights, Inputs(contexts), differentiable=True).value
        return ops.sum(ops.sin(value)), value

    moved = np.concatenate([row + sign * step * np.eye(len(row)) for sign in (1, -1)])
    values = np.asarray(network.forward(moved.astype(np.float32), Inputs(contexts)).value)
    more, less = np.split(np.sin(values.astype(np.float64)).sum(axis=(1, 2)), 2)
    gradient = backend().gradient(total, tf.constant(row[None], tf.float32))[1]
    np.testing.assert_allclose(np.asarray(gradient)[0], (more - less) / (2 * step), atol=1e-3)


LAYERS: dict[str, Callable[[Any, Any], Any]] = {
    "states": lambda layers, x: layers.recurrent(
        layers.recurrent(x, None, Recurrence(GRUOptions(units=3)), "one", return_sequences=True),
        None,
        lstm.Recurrence(LSTMOptions(kind="lstm", units=2)),
        "two",
        return_sequences=True,
    ),
    "initial state": lambda layers, x: layers.recurrent(
        x,
        None,
        Recurrence(GRUOptions(units=3)),
        "second",
        return_sequences=True,
        initial_state=layers.recurrent(
            x, None, lstm.Recurrence(LSTMOptions(kind="lstm", units=3)), "first"
        ),
    ),
    "backwards": lambda layers, x: layers.recurrent(
        x, None, Recurrence(GRUOptions(units=3)), "back", return_sequences=True, go_backwards=True
    ),
    "normal": lambda layers, x: layers.layer_norm(layers.dense(x, 5, "wide"), "normal"),
    "convolution": lambda layers, x: layers.convolution(
        layers.convolution(x, 4, 3, "one"), 2, 2, "two", dilation_rate=3
    ),
    "attention": lambda layers, x: layers.attention(
        layers.dense(x, 6, "queries"), layers.dense(x, 4, "values"), 2, "attention"
    ),
    "masked attention": lambda layers, x: layers.attention(
        layers.dense(x, 6, "queries"), x, 2, "attention", mask=ops.greater(x[..., 0], -0.5)
    ),
    "patches": lambda layers, x: layers.dense(
        layers.patches(layers.dense(x, 2, "wide"), 3), 4, "dense", activation="tanh"
    ),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_is_the_same_for_members_and_in_keras(kind: str) -> None:
    """Values and gradients of members with weights of their own, against TensorFlow's tape."""
    connect, random = LAYERS[kind], np.random.default_rng(0)
    inputs = keras.Input((12, 1))
    model = keras.Model(inputs, connect(KerasLayers(), inputs))
    layout = Layout.of(model)
    rows = random.normal(scale=0.5, size=(2, sum(layout.sizes))).astype(np.float32)
    contexts = random.normal(size=(2, 4, 12, 1)).astype(np.float32)
    upstream = random.normal(size=(2, 4, *model.output_shape[1:])).astype(np.float32)

    def total(flat: Any) -> tuple[Any, Any]:
        values = connect(MemberLayers(layout.split(flat), None, differentiable=True), contexts)
        return ops.sum(values * upstream), values

    values, gradient = backend().gradient(total, tf.constant(rows))
    plain = connect(MemberLayers(layout.split(rows), None, differentiable=False), contexts)
    for k, row in enumerate(rows):
        layout.assign(model, row)
        with tf.GradientTape() as tape:
            outputs = model(contexts[k], training=False)
            number = tf.reduce_sum(outputs * upstream[k])
        own = [weight for layer in model.layers for weight in layer.trainable_weights]
        by_tape = [np.ravel(part) for part in tape.gradient(number, own)]
        for ours in (np.asarray(values)[k], np.asarray(plain)[k]):
            np.testing.assert_allclose(ours, np.asarray(outputs), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            np.asarray(gradient)[k], np.concatenate(by_tape), rtol=1e-3, atol=1e-4
        )


def test_first_weights_are_those_that_each_layer_asks_for() -> None:
    """Whatever its initializer, and wherever inside a layer it stands."""
    inputs = keras.Input((12, 2))
    steps = keras.layers.Bidirectional(
        keras.layers.LSTM(3, kernel_initializer=keras.initializers.RandomUniform(2, 3))
    )(inputs)
    outputs = keras.layers.Dense(4, kernel_initializer="ones", bias_initializer="ones")(steps)
    model = keras.Model(inputs, keras.layers.LayerNormalization()(outputs))
    layout = Layout.of(model)
    one, two = (initial(model, layout, np.random.default_rng(seed)) for seed in (1, 2))
    layout.assign(model, one)
    forward, _, bias = model.layers[1].forward_layer.get_weights()
    assert ((forward >= 2) & (forward <= 3)).all()
    assert bias.tolist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6
    assert all((weights == 1).all() for weights in model.layers[2].get_weights())
    assert [weights.tolist() for weights in model.layers[3].get_weights()] == [[1.0] * 4, [0.0] * 4]
    assert (one[: forward.size] != two[: forward.size]).all()


@pytest.mark.parametrize(
    ("options", "layer", "fans"),
    [
        ({"kind": "tcn", "filters": 20}, "convolution_2a", 2 * 20 + 2 * 20),
        ({"kind": "transformer", "units": 20}, "attention_1", 20 * 4 + 20 * 5),
    ],
)
def test_first_weights_of_kernels_of_any_shape_are_those_of_keras(
    options: dict[str, Any], layer: str, fans: int
) -> None:
    """Within Glorot's limit for a convolution and for heads, and up to it."""
    kernel = _build(**options).get_layer(layer).get_weights()[0]
    own = keras.initializers.GlorotUniform()(kernel.shape)
    limit = np.sqrt(6 / fans)
    for weights in (kernel, np.asarray(own)):
        assert 0.9 * limit < np.abs(weights).max() <= limit


def test_an_mlp_has_the_parameters_that_its_page_says() -> None:
    """As DLinear has."""
    assert _network(kind="mlp").parameters == 5_057
    assert _network(kind="dlinear").parameters == 26


def test_the_trend_of_dlinear_is_a_moving_average() -> None:
    """Over 5 steps of a line, all that is left is at the ends."""
    model = _zeros({"horizon": 12}, kind="dlinear", kernel_size=5)
    model.get_layer("remainder").set_weights([np.eye(12), np.zeros(12)])
    line = np.arange(12, dtype=np.float32)[None, :, None]
    padded = np.pad(np.arange(12.0), 2, mode="edge")
    by_hand = np.arange(12) - np.convolve(padded, np.full(5, 0.2), mode="valid")
    np.testing.assert_allclose(_forecast(model, line)[0], by_hand, atol=1e-5)


def _moved(model: keras.Model, step: int) -> np.ndarray:
    """By how much each step of the forecast moves with one step of the context."""
    contexts = _contexts()
    moved = contexts.copy()
    moved[:, step] += 1
    moves: np.ndarray = np.abs(_forecast(model, moved) - _forecast(model, contexts)).max(axis=0)
    return moves


def test_a_tcn_reaches_as_far_as_its_dilations_say() -> None:
    """Two convolutions of two steps each: with dilations of 1 and 3 eight steps before the last;
    left to itself, the whole context."""
    near = _build(kind="tcn", filters=4, kernel_size=2, dilations=[1, 3])
    moves = [bool(_moved(near, step).any()) for step in range(12)]
    assert moves == [False] * 3 + [True] * 9
    for kernel_size in (2, 3, 20):
        assert _moved(_build(kind="tcn", filters=8, kernel_size=kernel_size), 0).any()


def test_a_transformer_knows_the_order_of_steps() -> None:
    """By their positions: attention alone would not see two of them change places."""
    model = _build(kind="transformer", units=8)
    contexts = _contexts()
    swapped = contexts[:, [1, 0, *range(2, 12)]]
    assert np.abs(_forecast(model, swapped) - _forecast(model, contexts)).max() > 1e-3


def test_what_is_known_of_a_step_tells_a_decoder_nothing_of_earlier_ones() -> None:
    """It goes through the horizon step by step, and remembers."""
    window = WindowOptions(horizon=5)
    network = Architecture(MODEL.validate_python({"kind": "seq2seq"}), window, 4, Sizes(known=2))
    random = np.random.default_rng(0)
    weights = network.initial(random)[None]
    past, future = (
        random.normal(size=(1, 3, steps, features)).astype(np.float32)
        for steps, features in ((12, 3), (5, 2))
    )
    moved = future.copy()
    moved[:, :, 2] += 1
    one, two = (
        np.asarray(network.forward(weights, Inputs(past, known)).value) for known in (future, moved)
    )
    moves = np.abs(one - two).max(axis=(0, 1)) > 1e-6
    assert moves.tolist() == [False, False, True, True, True]


def test_the_parts_of_an_nhits_are_lines_between_knots() -> None:
    """Six steps from two numbers are level at both ends; from six they are these numbers."""
    window: dict[str, object] = {"horizon": 6}
    model = _zeros(window, kind="nhits", layers=[3], pool_sizes=[4], downsampling=[3])
    model.get_layer("forecast_1").set_weights([np.zeros((3, 2)), np.array([0.0, 3.0])])
    np.testing.assert_allclose(_forecast(model, _contexts())[0], [0, 0, 1, 2, 3, 3])
    model = _zeros(window, kind="nhits", layers=[3], pool_sizes=[1], downsampling=[1])
    model.get_layer("forecast_1").set_weights([np.zeros((3, 6)), np.arange(6.0)])
    np.testing.assert_allclose(_forecast(model, _contexts())[0], np.arange(6))


def test_a_block_of_nhits_sees_what_the_one_before_it_left() -> None:
    """The largest of three steps each, without the first block's backcast."""
    model = _zeros(kind="nhits", layers=[4], pool_sizes=[1, 3], downsampling=[1, 1])
    model.get_layer("backcast_1").set_weights([np.zeros((4, 12)), np.arange(12.0)])
    model.get_layer("dense_2_1").set_weights([np.eye(4), np.full(4, 50.0)])
    model.get_layer("forecast_2").set_weights([np.array([[1.0], [10], [100], [1000]]), np.zeros(1)])
    contexts = _contexts()
    rest = (contexts[..., 0] - np.arange(12)).reshape(7, 4, 3).max(axis=2) + 50
    by_hand = rest @ [1, 10, 100, 1000]
    np.testing.assert_allclose(_forecast(model, contexts)[:, 0], by_hand, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("no_such_module:connect", "there is no module no_such_module, in "),
        ("own_networks:disconnect", "the module own_networks has no function disconnect."),
        ("own_networks:too_wide", "own_networks:too_wide gives (None, 2), and (None, 1) is needed"),
        ("own_networks:counting", "own_networks:counting has weights that are not trained: "),
    ],
)
def test_a_function_that_is_no_network_is_refused(kind: str, message: str) -> None:
    """With what it lacks."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        _ = _network(kind=kind).keras_model


@pytest.mark.parametrize("horizon", [1, 12])
def test_a_network_maps_a_context_to_its_horizon(horizon: int) -> None:
    """`(batch, context_length, 1)` to `(batch, horizon)`, or to `(batch, horizon, quantiles)`."""
    assert _forecast(_build({"horizon": horizon}), _contexts()).shape == (7, horizon)
    quantiles = _build({"horizon": horizon}, quantiles=[0.1, 0.5])
    assert _forecast(quantiles, _contexts()).shape == (7, horizon, 2)


def test_first_weights_follow_from_the_seed_alone() -> None:
    """Also after other networks were built; no two parts of a network begin alike."""
    network = _network(patch_length="season", linear=True)
    first, other = _first(network, 7), _first(network, 8)
    again = _first(_network(patch_length="season", linear=True), 7)
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.float32
    assert first.shape == (network.parameters,)
    for one, two in zip(
        network.model(first).get_weights(), network.model(other).get_weights(), strict=True
    ):
        assert not one.any() or (one != two).any()


@pytest.mark.parametrize(
    "options", [{}, {"reset_after": False}, {"kind": "lstm"}, {"kind": "simple_rnn"}]
)
def test_first_weights_are_those_of_keras_s_defaults(options: dict[str, Any]) -> None:
    """Kernels within Glorot's limits and up to them, recurrent kernels with orthonormal rows,
    biases of zero but for the LSTM's forget gate, and a linear map of zeros."""
    model = _build(units=20, patch_length="season", linear=True, **options)
    kernel, recurrent, bias = model.get_layer(options.get("kind", "gru")).get_weights()
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(20), atol=1e-5)
    for weights in (
        kernel,
        *(model.get_layer(n).get_weights()[0] for n in ("patch", "forecast")),
    ):
        limit = np.sqrt(6 / sum(weights.shape))
        assert 0.8 * limit < np.abs(weights).max() <= limit
        assert abs(weights.mean()) < limit / 2
    forget = slice(20, 40) if options.get("kind") == "lstm" else slice(0)
    by_hand = np.zeros_like(bias)
    by_hand[forget] = 1
    np.testing.assert_array_equal(bias, by_hand)
    assert not any(weights.any() for weights in model.get_layer("linear").get_weights())


def _dropped(seeds: list[int], steps: list[int], rate: float = 0.3, layer: int = 0) -> np.ndarray:
    """What is left of ones, `(members, 200, 50)`."""
    rates = np.full(len(seeds), rate, np.float32)
    dropping = Dropping(rates, np.array(seeds, np.uint32), np.array(steps, np.uint32))
    return np.asarray(dropping.apply(np.ones((len(seeds), 200, 50), np.float32), layer))


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_a_member_drops_its_share_and_keeps_the_mean(rate: float) -> None:
    """Of 10,000 values; the others grow by as much as is lost, in no visible pattern."""
    left = _dropped([5, 2**32 - 1], [0, 4_000_000_000], rate)
    for own in left:
        assert (own == 0).mean() == pytest.approx(rate, abs=0.02)
        np.testing.assert_allclose(own[own > 0], 1 / (1 - rate), rtol=1e-6)
        assert own.mean() == pytest.approx(1, abs=0.1)
        for axis in (0, 1):
            by_line = (own == 0).mean(axis=axis)
            expected = np.sqrt(rate * (1 - rate) / own.shape[axis])
            assert by_line.std() == pytest.approx(expected, rel=0.35, abs=1e-9)


def test_what_a_member_drops_follows_from_its_seed_and_step_alone() -> None:
    """Whatever members stand beside it, and in which order; the next step, and another layer, drop
    others."""
    alone = _dropped([7], [3])[0]
    for seeds, steps, k in (([1, 7, 9], [3, 3, 3], 1), ([7, 7], [3, 4], 0), ([2, 7], [8, 3], 1)):
        np.testing.assert_array_equal(_dropped(seeds, steps)[k], alone)
    others = [*_dropped([7, 8, 3], [4, 3, 7]), *_dropped([7], [3], layer=1)]
    for other in others:
        # Two independent draws of a rate of 0.3 agree in 0.58 of all places.
        assert ((other == 0) == (alone == 0)).mean() == pytest.approx(0.58, abs=0.03)


@pytest.mark.parametrize(
    "options", [{}, {"reset_after": False}, {"kind": "lstm"}, {"kind": "simple_rnn"}]
)
def test_the_states_that_a_layer_drops_are_the_same_at_all_steps(options: dict[str, Any]) -> None:
    """With the forecasts and gradients of Keras's own cell, whose products see the same states."""
    network = _network(units=4, recurrent_dropout=0.5, dropout=0, **options)
    random = np.random.default_rng(0)
    rows = random.normal(scale=0.5, size=(2, network.parameters)).astype(np.float32)
    contexts = random.normal(size=(2, 6, 12, 1)).astype(np.float32)
    rates, seeds = np.zeros(2, np.float32), np.array([3, 4], np.uint32)
    dropping = Dropping(rates, seeds, np.array([5, 6], np.uint32))
    masks = np.asarray(dropping.mask((2, 6, 4), 0.5, 0))
    assert set(np.unique(masks)) == {0.0, 2.0}

    def total(weights: Any) -> tuple[Any, Any]:
        value = network.forward(weights, Inputs(contexts), dropping, differentiable=True).value
        return ops.sum(value), value

    values, gradient = backend().gradient(total, tf.constant(rows))
    for k, row in enumerate(rows):
        model = network.model(row)
        [cell] = [layer.cell for layer in model.layers if hasattr(layer, "cell")]
        is_one = not hasattr(cell, "dropout_mask_count")
        cell._recurrent_dropout_mask = masks[k] if is_one else [masks[k]] * 4
        with tf.GradientTape() as tape:
            states = [tf.zeros((6, 4))] * (2 if options.get("kind") == "lstm" else 1)
            for step in range(12):
                output, states = cell(contexts[k][:, step], states, training=True)
            forecasts = model.get_layer("forecast")(output)
            number = tf.reduce_sum(forecasts)
        np.testing.assert_allclose(np.asarray(values)[k], np.asarray(forecasts), atol=1e-5)
        own = [weight for layer in model.layers for weight in layer.trainable_weights]
        by_tape = [np.ravel(part) for part in tape.gradient(number, own)]
        np.testing.assert_allclose(
            np.asarray(gradient)[k], np.concatenate(by_tape), rtol=1e-4, atol=1e-4
        )
    still = np.asarray(network.forward(rows, Inputs(contexts)).value)
    np.testing.assert_allclose(still[0], _forecast(network.model(rows[0]), contexts[0]), atol=1e-5)
    assert np.abs(np.asarray(values) - still).max() > 0.01


@pytest.mark.parametrize(
    ("options", "keeps", "lets_in"),
    [
        ({"kind": "gru"}, slice(0, 400), slice(0)),
        ({"kind": "gru", "reset_after": False}, slice(0, 400), slice(0)),
        ({"kind": "lstm"}, slice(400, 800), slice(0, 400)),
    ],
)
def test_units_begin_to_remember_for_as_long_as_the_context_is(
    options: dict[str, Any], keeps: slice, lets_in: slice
) -> None:
    """With `chrono`: a gate keeps u / (1 + u) of the state, for u from 1 to the steps less 1."""
    model = _build(units=400, patch_length=2, bias_initializer="chrono", **options)
    bias = np.atleast_2d(model.get_layer(options["kind"]).get_weights()[2])
    remembered = np.exp(bias[0, keeps])
    assert (remembered >= 1).all()
    assert remembered.max() == pytest.approx(5, abs=0.1)  # of a context of 12, patches of 2
    assert remembered.mean() == pytest.approx(3, abs=0.2)
    np.testing.assert_array_equal(bias[0, lets_in], -bias[0, keeps][: lets_in.stop])
    others = np.delete(bias, np.r_[keeps, lets_in], axis=1)
    assert not others.any()
    assert not bias[1:].any()


def test_first_weights_are_drawn_as_the_config_says() -> None:
    """Of recurrent layers; the forget gate of an LSTM begins open all the same."""
    model = _build(
        kind="lstm", units=30, kernel_initializer={"uniform": 0.1}, bias_initializer="ones",
        recurrent_initializer={"normal": 0.2},
    )  # fmt: skip
    kernel, recurrent, bias = model.get_layer("lstm").get_weights()
    assert 0.09 < np.abs(kernel).max() <= 0.1
    assert recurrent.std() == pytest.approx(0.2, rel=0.1)
    assert np.abs(recurrent).max() > 0.5
    assert (bias == 1).all()
    own = keras.initializers.HeUniform()
    both = (_build(units=30, kernel_initializer="he_uniform").get_layer("gru").get_weights()[0],
            np.asarray(own((1, 90))))  # fmt: skip
    for drawn in both:
        assert 0.9 * np.sqrt(6) < np.abs(drawn).max() <= np.sqrt(6)


def test_a_forecast_drops_nothing() -> None:
    """The plain model in training drops, as Keras does; neither does when it forecasts."""
    network = _network(dropout=0.5)
    row = _first(network)
    model = network.model(row)
    forecasts = _forecast(model, _contexts())
    assert (np.asarray(model(_contexts(), training=True)) != forecasts).any()
    alike = np.asarray(network.forward(row[None], Inputs(_contexts()[None])).value)[0]
    np.testing.assert_allclose(alike, forecasts, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "linear"])
def test_the_activation_is_that_of_the_config(activation: str) -> None:
    """Of the candidate state."""
    layer = _network(activation=activation).keras_model.get_layer("gru")
    assert layer.activation.__name__ == activation


@pytest.mark.parametrize(
    ("normalize", "scale", "shift"),
    [("last", 1, 1000), ("mean", 1, -50), ("standard", 100, 0)],
)
def test_a_normalised_window_is_forecast_alike_at_any_level(
    normalize: str, scale: float, shift: float
) -> None:
    """What is taken from the window is given back: the data go in and come out on their scale."""
    model = _build({"normalize": normalize, "horizon": 3}, units=5)
    contexts = _contexts()
    there = _forecast(model, contexts * scale + shift)
    np.testing.assert_allclose(
        there, _forecast(model, contexts) * scale + shift, rtol=1e-3, atol=1e-3
    )
    plain = _build({"horizon": 3}, units=5)
    assert np.abs(_forecast(plain, contexts * scale + shift) - there).max() > 1


@pytest.mark.parametrize(
    ("residual_of", "last_rows"),
    [("last", [11, 11, 11, 11, 11]), ("seasonal_naive", [8, 9, 10, 11, 8])],
)
@pytest.mark.parametrize("normalize", ["none", "last", "mean", "standard"])
def test_a_network_that_says_nothing_gives_the_simple_forecast(
    normalize: str, residual_of: str, last_rows: list[int]
) -> None:
    """It only corrects: with weights of zero, the last value or season is repeated."""
    window = {"normalize": normalize, "residual_of": residual_of, "horizon": 5}
    contexts = _contexts() + 10
    np.testing.assert_allclose(
        _forecast(_zeros(window, linear=True), contexts),
        contexts[:, last_rows, 0],
        rtol=1e-5,
        atol=1e-5,
    )


def test_a_flat_window_is_forecast_as_a_number() -> None:
    """Nothing is divided by a spread of zero."""
    model = _build({"normalize": "standard", "residual_of": "last"})
    assert np.isfinite(_forecast(model, np.full((2, 12, 1), 7, np.float32))).all()


@pytest.mark.parametrize("unit", [1e-30, 1e-9, 1e9, 1e30])
@pytest.mark.parametrize("padding", ["season", "mask"])
def test_the_unit_of_the_data_makes_no_difference(unit: float, padding: str) -> None:
    """Forecasts are in proportion, as far as the range of floats goes."""
    model = _build({"normalize": "standard", "residual_of": "last", "padding": padding})
    contexts = _contexts() + 10
    parts = {"past": contexts, "present": np.ones_like(contexts)}

    def forecast(unit: float) -> np.ndarray:
        past = (contexts * unit).astype(np.float32)
        return np.asarray(model(parts | {"past": past} if padding == "mask" else past))

    np.testing.assert_allclose(forecast(unit) / unit, forecast(1), rtol=1e-4)


def test_after_a_window_of_zeros_comes_zero() -> None:
    """Whatever the network says: nothing tells the size of what may follow."""
    model = _build({"normalize": "standard", "horizon": 3}, units=5)
    model.get_layer("forecast").set_weights([np.ones((5, 3)), np.ones(3)])
    assert not _forecast(model, np.zeros((2, 12, 1), np.float32)).any()


def test_patches_enter_the_gru_at_once() -> None:
    """A context of 12 in patches of 4 is three steps, each through a dense layer of all units."""
    model = _network(units=6, patch_length="season").keras_model
    assert model.get_layer("patches").output.shape == (None, 3, 4)
    assert model.get_layer("patch").output.shape == (None, 3, 6)
    assert model.get_layer("patch").count_params() == 4 * 6 + 6


def test_a_linear_map_of_the_context_is_added() -> None:
    """With the GRU silenced, the forecast is linear in the context."""
    model = _build({"horizon": 2}, units=5, linear=True)
    model.get_layer("forecast").set_weights([np.zeros((5, 2)), np.zeros(2)])
    kernel = np.random.default_rng(2).normal(size=(12, 2))
    model.get_layer("linear").set_weights([kernel, np.array([1, 2])])
    contexts = _contexts()
    np.testing.assert_allclose(
        _forecast(model, contexts), contexts[..., 0] @ kernel + [1, 2], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("how", "combined"), [("mean", np.mean), ("median", np.median)])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_an_ensemble_is_the_mean_or_the_median_of_its_members(
    how: str, combined: Callable[..., np.ndarray], size: int
) -> None:
    """As one model with the weights of all."""
    models = [_build(seed=seed, units=5) for seed in range(size)]
    forecasts = [_forecast(model, _contexts()) for model in models]
    options = EnsembleOptions.model_validate({"size": size, "combine": how})
    whole = combine(models, options)
    np.testing.assert_allclose(
        _forecast(whole, _contexts()), combined(forecasts, axis=0), rtol=1e-5, atol=1e-6
    )
    assert whole.count_params() == sum(model.count_params() for model in models)


def test_the_seasonal_mean_is_that_of_the_whole_seasons_of_the_context() -> None:
    """Of 12 steps, three seasons of 4; what is left over at the start is not seen."""
    window = {"residual_of": "seasonal_mean", "horizon": 5}
    for length, first in ((12, 0), (11, 3), (4, 0)):
        contexts = _contexts()[:, :length]
        seasons = contexts[:, first:, 0].reshape(len(contexts), -1, 4).mean(axis=1)
        by_hand = seasons[:, [0, 1, 2, 3, 0]]
        model = _zeros({**window, "context_length": length})
        np.testing.assert_allclose(_forecast(model, contexts), by_hand, rtol=1e-5, atol=1e-6)


def test_one_set_of_inputs_serves_all_members_of_a_network_with_a_decoder() -> None:
    """What is known of the steps ahead too: as if each member had a copy."""
    window = WindowOptions(horizon=3, residual_of="last")
    network = Architecture(MODEL.validate_python({"kind": "mlp"}), window, 4, Sizes(1, 2, 1))
    random = np.random.default_rng(0)
    weights = np.stack([network.initial(random) for _ in range(2)])
    parts = [random.normal(size=(1, 5, *shape)) for shape in ((12, 4), (3, 2), (1,))]
    inputs = Inputs(*(part.astype(np.float32) for part in parts))
    copies = inputs.map(lambda part: np.repeat(part, 2, axis=0))
    once, each = (np.asarray(network.forward(weights, own).value) for own in (inputs, copies))
    np.testing.assert_allclose(once, each, rtol=1e-5)
