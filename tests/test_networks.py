"""The network: its parameters, its equations, and that it follows from its seed."""

from collections.abc import Callable

import keras
import numpy as np
import pytest

from forecast.config.schema import EnsembleOptions, GRUOptions, WindowOptions
from forecast.networks import Network, build, combine

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def _network(window: dict[str, object], seed: int = 0, **options: object) -> Network:
    """With a season of 4 steps."""
    return build(GRUOptions.model_validate(options), WindowOptions.model_validate(window), 4, seed)


def _build(seed: int = 0, horizon: int = 1, **options: object) -> keras.Model:
    return _network({"horizon": horizon}, seed, **options).model


def _forecast(model: keras.Model, contexts: np.ndarray) -> np.ndarray:
    return np.asarray(model(contexts, training=False))


def _contexts(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(7, 12, 1)).astype(np.float32)


@pytest.mark.parametrize(
    ("reset_after", "gru", "whole"), [(True, 7_950, 8_001), (False, 7_800, 7_851)]
)
def test_the_default_network_has_the_parameters_that_are_known(
    reset_after: bool, gru: int, whole: int
) -> None:
    """GRU(50) on one feature and a Dense(1), with one bias a gate or two."""
    model = _build(reset_after=reset_after)
    assert model.get_layer("gru").count_params() == gru
    assert model.count_params() == whole
    assert [type(layer).__name__ for layer in model.layers] == [
        "InputLayer",
        "GRU",
        "Dropout",
        "Dense",
    ]
    assert model.input_shape == (None, 12, 1)
    assert model.output_shape == (None, 1)


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
    forecasts = np.asarray(model(_contexts(), training=False))
    np.testing.assert_allclose(forecasts, by_hand, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("horizon", [1, 12])
def test_a_network_maps_a_context_to_its_horizon(horizon: int) -> None:
    """`(batch, context_length, 1)` to `(batch, horizon)`."""
    assert np.asarray(_build(horizon=horizon)(_contexts())).shape == (7, horizon)


def test_first_weights_follow_from_the_seed_alone() -> None:
    """Also after other networks were built; no two parts of a network begin alike."""
    first = _build(seed=7)
    other = _build(seed=8)
    again = _build(seed=7)
    for one, two, three in zip(
        first.get_weights(), again.get_weights(), other.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, two)
        assert not one.any() or (one != three).any()


def test_dropout_follows_from_the_seed_and_acts_in_training_alone() -> None:
    """Two networks of one seed drop the same; a forecast drops nothing."""
    first, again = _build(seed=7, dropout=0.5), _build(seed=7, dropout=0.5)
    contexts = _contexts()
    dropped = np.asarray(first(contexts, training=True))
    np.testing.assert_array_equal(dropped, np.asarray(again(contexts, training=True)))
    forecasts = np.asarray(first(contexts, training=False))
    np.testing.assert_array_equal(forecasts, np.asarray(first(contexts, training=False)))
    assert (dropped != forecasts).any()


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "linear"])
def test_the_activation_is_that_of_the_config(activation: str) -> None:
    """Of the candidate state."""
    assert _build(activation=activation).get_layer("gru").activation.__name__ == activation


@pytest.mark.parametrize(
    ("normalize", "scale", "shift"),
    [("last", 1, 1000), ("mean", 1, -50), ("standard", 100, 1000)],
)
def test_a_normalised_window_is_forecast_alike_at_any_level(
    normalize: str, scale: float, shift: float
) -> None:
    """What is taken from the window is given back: units of the data go in and come out."""
    model = _network({"normalize": normalize, "horizon": 3}, units=5).model
    contexts = _contexts()
    there = _forecast(model, contexts * scale + shift)
    np.testing.assert_allclose(
        there, _forecast(model, contexts) * scale + shift, rtol=1e-3, atol=1e-3
    )
    plain = _network({"horizon": 3}, units=5).model
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
    model = _network(window, linear=True).model
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    contexts = _contexts() + 10
    np.testing.assert_allclose(
        _forecast(model, contexts), contexts[:, last_rows, 0], rtol=1e-5, atol=1e-5
    )


def test_a_flat_window_is_forecast_as_a_number() -> None:
    """Nothing is divided by a spread of zero."""
    model = _network({"normalize": "standard", "residual_of": "last"}).model
    assert np.isfinite(_forecast(model, np.full((2, 12, 1), 7, np.float32))).all()


def test_segments_enter_the_gru_at_once() -> None:
    """A context of 12 in segments of 4 is three steps, each through a dense layer of all units."""
    model = _network({}, units=6, segment="season").model
    assert model.get_layer("segments").output.shape == (None, 3, 4)
    assert model.get_layer("segment").output.shape == (None, 3, 6)
    assert model.get_layer("segment").count_params() == 4 * 6 + 6


def test_a_linear_map_of_the_context_is_added() -> None:
    """With the GRU silenced, the forecast is linear in the context."""
    model = _network({"horizon": 2}, units=5, linear=True).model
    model.get_layer("forecast").set_weights([np.zeros((5, 2)), np.zeros(2)])
    kernel, bias = model.get_layer("linear").get_weights()
    contexts = _contexts()
    np.testing.assert_allclose(
        _forecast(model, contexts), contexts[..., 0] @ kernel + bias, rtol=1e-4, atol=1e-5
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
        model = _network({**window, "context_length": length}).model
        model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
        contexts = _contexts()[:, :length]
        seasons = contexts[:, first:, 0].reshape(len(contexts), -1, 4).mean(axis=1)
        by_hand = seasons[:, [0, 1, 2, 3, 0]]
        np.testing.assert_allclose(_forecast(model, contexts), by_hand, rtol=1e-5, atol=1e-6)
