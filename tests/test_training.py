"""Training: the compiled epoch beside Keras's own loop, early stopping, interruption, export."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from forecast.config.schema import GRUOptions, TrainingOptions, WindowOptions
from forecast.data.panel import Panel
from forecast.errors import DivergedError
from forecast.inference import Network as ExportedNetwork
from forecast.networks import Network, build
from forecast.training import EpochLog, Fitted, InMemory, export, fit, layers, predict
from forecast.training.epoch_tensorflow import CompiledEpoch
from forecast.windows import Windows, contexts_at

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Parts = tuple[Windows, Windows]


@pytest.fixture(scope="module")
def parts(make_panel: Callable[..., Panel], airline_values: np.ndarray) -> Parts:
    """The airline's 105 windows to train on and 27 to watch, scaled."""
    values = make_panel([list((airline_values - 104) / 436)]).values
    return _windows(values, np.arange(11, 116)), _windows(values, np.arange(116, 143))


def _windows(values: np.ndarray, cutoffs: np.ndarray, horizon: int = 1) -> Windows:
    return Windows(values, cutoffs, np.zeros_like(cutoffs), 12, horizon)


def _contexts(windows: Windows) -> np.ndarray:
    starts = np.zeros_like(windows.cutoffs)
    return contexts_at(windows.values, windows.cutoffs, starts, windows.context_length, 1)


def _targets(windows: Windows) -> np.ndarray:
    rows = windows.cutoffs[:, None] + np.arange(1, windows.horizon + 1)
    targets: np.ndarray = windows.values[rows].astype(np.float32)
    return targets


def _build(seed: int = 0, window: dict[str, object] | None = None, **options: object) -> Network:
    gru = GRUOptions.model_validate({"units": 8, **options})
    return build(gru, WindowOptions.model_validate(window or {}), 12, seed)


def _options(**options: object) -> TrainingOptions:
    return TrainingOptions.model_validate(options)


def _ignore(log: EpochLog) -> None:
    pass


def _fit(
    network: Network,
    parts: tuple[Windows, Windows | None],
    on_epoch: Callable[[EpochLog], None] = _ignore,
    member: int = 0,
    **options: object,
) -> Fitted:
    return fit(network, *parts, _options(**options), member, on_epoch)


def _assert_same_weights(one: list[np.ndarray], two: list[np.ndarray]) -> None:
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def _batches(order: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for begin in range(0, len(order), size):
        yield order[begin : begin + size]


@pytest.mark.parametrize(
    ("optimizer", "loss", "batch_size", "clip"),
    [
        ("adam", "mse", 16, None),
        ("adam", "mae", 200, None),
        ("sgd", "huber", 32, 0.01),
        ("rmsprop", "mse", 35, None),
        ("nadam", "mse", 1, None),
        ("adamw", "mse", 104, None),
    ],
)
def test_a_compiled_epoch_is_keras_s_own_loop(
    parts: Parts, optimizer: str, loss: str, batch_size: int, clip: float | None
) -> None:
    """The same batches in the same order, the last one smaller: the same weights and losses."""
    train, watched = parts
    settings = {"learning_rate": 0.01, "global_clipnorm": clip}
    config = {"class_name": optimizer, "config": settings}
    ours, theirs = _build(dropout=0), _build(dropout=0).model
    epoch = CompiledEpoch(
        ours, keras.optimizers.get(config), keras.losses.get(loss), train, watched, batch_size
    )
    theirs.compile(optimizer=keras.optimizers.get(config), loss=loss)
    rng = np.random.default_rng(0)
    for _ in range(2):
        order = rng.permutation(train.cutoffs)
        seen = 0.0
        for batch in _batches(order, batch_size):
            windows = _windows(train.values, batch)
            step = theirs.train_on_batch(_contexts(windows), _targets(windows))
            theirs.reset_metrics()  # else Keras says the mean since they were reset
            seen += float(step) * len(batch)
        assert epoch.train(order) == pytest.approx(seen / len(order), rel=1e-4)
    for a, b in zip(ours.model.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    measured = theirs.evaluate(_contexts(watched), _targets(watched), verbose=0)
    assert epoch.measure() == pytest.approx(measured, rel=1e-3)


@pytest.mark.parametrize("normalize", ["none", "last", "mean", "standard"])
@pytest.mark.parametrize("residual_of", ["none", "seasonal_naive"])
def test_the_loss_is_measured_in_the_units_of_the_window(
    parts: Parts, normalize: str, residual_of: str
) -> None:
    """A loop by hand on what the network gives back in the data's units: errors per spread."""
    values = parts[0].values
    train, watched = (
        _windows(values, np.arange(11, 100), 3),
        _windows(values, np.arange(100, 141), 3),
    )
    window: dict[str, object] = {"normalize": normalize, "residual_of": residual_of, "horizon": 3}
    ours, theirs = _build(window=window, dropout=0), _build(window=window, dropout=0).model

    def loss_by_hand(windows: Windows) -> tf.Tensor:
        contexts = _contexts(windows)
        spread: np.ndarray | float = 1.0
        if normalize == "standard":
            spread = contexts.std(axis=1) + 0.01 * np.abs(contexts).mean(axis=1) + 1e-6
        return tf.reduce_mean(((_targets(windows) - theirs(contexts, training=True)) / spread) ** 2)

    epoch = CompiledEpoch(
        ours, keras.optimizers.SGD(0.05), keras.losses.get("mse"), train, watched, 20
    )
    optimizer = keras.optimizers.SGD(0.05)
    for batch in _batches(train.cutoffs, 20):
        with tf.GradientTape() as tape:
            loss = loss_by_hand(_windows(values, batch, 3))
        weights = theirs.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
    epoch.train(train.cutoffs)
    for a, b in zip(ours.model.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    assert epoch.measure() == pytest.approx(float(loss_by_hand(watched)), rel=1e-3)


def test_measuring_learns_nothing_and_drops_nothing(parts: Parts) -> None:
    """Over more windows than fit in one batch too."""
    train, watched = parts
    model = _build(dropout=0.9)
    before = model.model.get_weights()
    many = _windows(watched.values, np.resize(watched.cutoffs, 2500))
    epoch = CompiledEpoch(model, keras.optimizers.Adam(), keras.losses.get("mse"), train, many, 16)
    by_hand = float(np.mean((predict(model.model, _contexts(many)) - _targets(many)) ** 2))
    assert epoch.measure() == pytest.approx(by_hand, rel=1e-4)
    assert epoch.measure() == epoch.measure()
    _assert_same_weights(model.model.get_weights(), before)


def test_dropout_acts_while_training(parts: Parts) -> None:
    """With nearly everything dropped, the loss on the way is another."""
    losses = []
    for dropout in (0.0, 0.9):
        model = _build(dropout=dropout)
        epoch = CompiledEpoch(
            model, keras.optimizers.SGD(1e-9), keras.losses.get("mse"), *parts, 16
        )
        losses.append([epoch.train(parts[0].cutoffs) for _ in range(2)])
    assert losses[0][0] == pytest.approx(losses[0][1], rel=1e-5)
    assert losses[1][0] != pytest.approx(losses[1][1], rel=1e-5)


def test_training_lowers_the_loss_and_logs_every_epoch(parts: Parts) -> None:
    """Each with its losses, learning rate and seconds, as it happens."""
    logs: list[EpochLog] = []
    fitted = _fit(_build(), parts, logs.append, member=2, epochs=5, learning_rate=0.01)
    assert fitted.history == logs
    assert [(log.epoch, log.member) for log in logs] == [(epoch, 2) for epoch in range(1, 6)]
    assert logs[-1].loss < logs[0].loss / 2
    assert all(log.learning_rate == pytest.approx(0.01) and log.seconds > 0 for log in logs)
    assert fitted.compile_seconds > 0
    assert sum(log.seconds for log in logs) <= fitted.fit_seconds
    assert fitted.interruption is None


def test_nothing_is_measured_where_nothing_is_watched(parts: Parts) -> None:
    """And training goes on as it would."""
    models = [_build(), _build()]
    watched = _fit(models[0], parts, epochs=2).history
    alone = _fit(models[1], (parts[0], None), epochs=2).history
    assert [log.watched_loss for log in alone] == [None, None]
    assert [log.loss for log in alone] == [log.loss for log in watched]
    _assert_same_weights(models[0].model.get_weights(), models[1].model.get_weights())


def test_the_same_seed_gives_the_same_weights(parts: Parts) -> None:
    """To the last bit, with dropout and shuffling; another seed gives others."""
    weights = []
    for seed in (1, 1, 2):
        network = _build(seed=seed)
        _fit(network, parts, epochs=2, seed=seed)
        weights.append(network.model.get_weights())
    _assert_same_weights(weights[0], weights[1])
    assert (weights[0][0] != weights[2][0]).any()


def test_a_member_is_the_network_of_the_next_seed(parts: Parts) -> None:
    """Member 3 of seed 1 goes through the windows in the order of seed 4."""
    weights = []
    for seed, member in ((1, 3), (4, 0), (1, 0)):
        network = _build(seed=0, dropout=0)
        _fit(network, parts, member=member, epochs=1, seed=seed)
        weights.append(network.model.get_weights())
    _assert_same_weights(weights[0], weights[1])
    assert (weights[0][0] != weights[2][0]).any()


def test_the_learning_rate_falls_to_zero_over_all_epochs(parts: Parts) -> None:
    """As a cosine, step by step: of 105 windows in batches of 16, seven steps an epoch."""
    logs = _fit(_build(), parts, epochs=4, schedule="cosine", learning_rate=0.1).history
    by_hand = [0.05 * (1 + np.cos(np.pi * epoch / 4)) for epoch in (1, 2, 3, 4)]
    assert [log.learning_rate for log in logs] == pytest.approx(by_hand, abs=1e-6)


def test_steps_per_epoch_draws_as_many_batches(parts: Parts) -> None:
    """More than the windows would fill, or fewer; the schedule knows."""
    for steps in (1, 30):
        network = _build(dropout=0)
        logs = _fit(
            network, parts, epochs=2, steps_per_epoch=steps, schedule="cosine", learning_rate=0.1
        ).history
        assert [log.learning_rate for log in logs] == pytest.approx([0.05, 0], abs=1e-6)


def test_equal_weights_draw_every_series_alike(parts: Parts) -> None:
    """A short series that pulls the other way counts as much as a long one."""
    values = np.concatenate([np.zeros(400), np.ones(14)])
    cutoffs = np.concatenate([np.arange(11, 399), [411, 412]])
    series = (cutoffs >= 400).astype(np.int64)
    windows = Windows(values, cutoffs, series, 12, 1)
    forecasts = {}
    for weights in ("rows", "equal"):
        network = _build(units=1, dropout=0)
        for layer in network.model.layers:
            layer.trainable = layer.name == "forecast"
        network.model.get_layer("forecast").set_weights([np.zeros((1, 1)), np.zeros(1)])
        silent = network.model.get_layer("gru")
        silent.set_weights([np.zeros_like(weight) for weight in silent.get_weights()])
        _fit(
            network, (windows, None), epochs=20, steps_per_epoch=20, batch_size=100,
            learning_rate=0.1, series_weights=weights,
        )  # fmt: skip
        # All that is left to learn is the mean of the targets that are drawn.
        forecasts[weights] = float(network.model.get_layer("forecast").get_weights()[1][0])
    assert forecasts["rows"] == pytest.approx(2 / 390, abs=0.03)
    assert forecasts["equal"] == pytest.approx(0.5, abs=0.1)


def test_early_stopping_restores_the_best_epoch(parts: Parts) -> None:
    """Where the watched loss rises from some epoch on, `patience` epochs are waited for."""
    train, watched = parts
    # What is watched falls where what is trained on rises: learning makes it worse.
    upside_down = replace(watched, values=1 - watched.values)
    network = _build(dropout=0)
    weights: list[list[np.ndarray]] = []

    def keep(log: EpochLog) -> None:
        weights.append(network.model.get_weights())

    fitted = _fit(
        network, (train, upside_down), keep, epochs=200, learning_rate=0.003,
        early_stopping={"patience": 4},
    )  # fmt: skip
    losses = [log.watched_loss or 0.0 for log in fitted.history]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 4
    assert best > 0
    _assert_same_weights(network.model.get_weights(), weights[best])


def test_without_early_stopping_the_last_epoch_counts(parts: Parts) -> None:
    """However the watched loss went: the test part decides nothing."""
    train, watched = parts
    upside_down = replace(watched, values=1 - watched.values)
    weights = []
    for part in (watched, upside_down):
        network = _build()
        _fit(network, (train, part), epochs=8, learning_rate=0.01)
        weights.append(network.model.get_weights())
    _assert_same_weights(weights[0], weights[1])


def test_an_interruption_keeps_what_was_learned(parts: Parts) -> None:
    """It is handed back with the epochs until then, and their weights stay in the network."""
    network = _build()
    weights: list[np.ndarray] = []

    def stop(log: EpochLog) -> None:
        if log.epoch == 2:
            weights.extend(network.model.get_weights())
            raise KeyboardInterrupt

    fitted = _fit(network, parts, stop, epochs=50)
    assert isinstance(fitted.interruption, KeyboardInterrupt)
    assert [log.epoch for log in fitted.history] == [1, 2]
    _assert_same_weights(network.model.get_weights(), weights)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_loss_that_is_no_number_ends_training_with_advice(parts: Parts, optimizer: str) -> None:
    """What to turn, by its key."""
    with pytest.raises(DivergedError) as caught:
        _fit(_build(), parts, epochs=5, optimizer=optimizer, learning_rate=1e30)
    message, advice = str(caught.value).splitlines()
    assert message.startswith("training diverged: the loss of epoch ")
    assert advice == (
        "Lower training.learning_rate, set training.clip_norm: 1, or scale the data "
        "(`transforms: [minmax]`)."
    )


@pytest.mark.parametrize(
    ("window", "options"),
    [
        ({}, {"reset_after": True}),
        ({}, {"reset_after": False}),
        (
            {"normalize": "standard", "residual_of": "seasonal_naive", "horizon": 3},
            {"segment": "season", "linear": True},
        ),
        ({"normalize": "last", "residual_of": "last"}, {"activation": "relu"}),
    ],
)
def test_what_is_exported_agrees_with_keras(
    parts: Parts, tmp_path: Path, window: dict[str, object], options: dict[str, Any]
) -> None:
    """To 1e-5 of the scaled data, for any number of contexts; the Keras file loads safely."""
    train, watched = parts
    model = _build(window=window, **options).model
    export(model, tmp_path / "model.keras", tmp_path / "model.onnx")
    exported = ExportedNetwork(tmp_path / "model.onnx")
    for cutoffs in (watched.cutoffs[:1], watched.cutoffs, np.resize(train.cutoffs, 300)):
        contexts = _contexts(_windows(train.values, cutoffs))
        by_keras = InMemory(model).predict(contexts)
        assert np.abs(exported.predict(contexts) - by_keras).max() < 1e-5
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    _assert_same_weights(again.get_weights(), model.get_weights())


def test_layers_are_named_with_their_shapes_and_parameters() -> None:
    """As a person expects a summary."""
    model = build(GRUOptions(), WindowOptions(), 12, 0).model
    assert layers(model) == [
        ("context", "InputLayer", "(None, 12, 1)", "0"),
        ("gru", "GRU", "(None, 50)", "7,950"),
        ("dropout", "Dropout", "(None, 50)", "0"),
        ("forecast", "Dense", "(None, 1)", "51"),
    ]
