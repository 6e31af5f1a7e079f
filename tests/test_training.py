"""Training: a member alone, beside others and beside Keras's own loop; early stopping; export."""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, active_count
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import TypeAdapter

from forecast.config.models import ModelOptions
from forecast.config.schema import EnsembleOptions, PlateauOptions, TrainingOptions, WindowOptions
from forecast.engines import Threads
from forecast.errors import DivergedError
from forecast.methods.network import OnnxPredictor
from forecast.networks import Architecture, Model
from forecast.training import (
    CompiledForward,
    EpochLog,
    Fitted,
    FittedBlock,
    KerasPredictor,
    Member,
    MemberKey,
    Program,
    export,
    fit,
    fit_block,
    layers,
    plan_of,
)
from forecast.training.plateau import Plateau
from forecast.windows import Columns, Inputs, Windows, gather

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MODEL: TypeAdapter[ModelOptions] = TypeAdapter(ModelOptions)


@pytest.fixture(scope="module")
def values(airline_values: np.ndarray) -> np.ndarray:
    """The airline, scaled."""
    scaled: np.ndarray = (airline_values - 104) / 436
    return scaled


@pytest.fixture(scope="module")
def train(values: np.ndarray) -> Windows:
    """Its 105 windows to train on."""
    return _windows(values, np.arange(11, 116))


@pytest.fixture(scope="module")
def monitored(values: np.ndarray) -> Windows:
    """Its 27 windows to watch."""
    return _windows(values, np.arange(116, 143))


def _windows(values: np.ndarray, cutoffs: np.ndarray, horizon: int = 1) -> Windows:
    return Windows(values, cutoffs, np.zeros_like(cutoffs), 12, horizon)


def _contexts(windows: Windows, cutoffs: np.ndarray | None = None) -> np.ndarray:
    rows = windows.cutoffs if cutoffs is None else cutoffs
    values = windows.values.astype(np.float32)
    contexts: np.ndarray = gather(np, Columns(values), rows, windows.context_length).past
    return contexts


def _targets(windows: Windows, cutoffs: np.ndarray | None = None) -> np.ndarray:
    rows = windows.cutoffs if cutoffs is None else cutoffs
    targets: np.ndarray = windows.values[rows[:, None] + np.arange(1, windows.horizon + 1)]
    return targets.astype(np.float32)


def _architecture(window: dict[str, object] | None, options: dict[str, Any]) -> Architecture:
    """With a season of 12 steps, and nothing dropped unless it is said."""
    model = MODEL.validate_python({"dropout": 0, **options})
    return Architecture(model, WindowOptions.model_validate(window or {}), 12)


def _dense(window: dict[str, object] | None = None, **options: Any) -> Architecture:
    """Of 4 units: compiled in half the time, where it matters little what the network is."""
    return _architecture(window, {"kind": "mlp", "layers": [4], **options})


def _recurrent(window: dict[str, object] | None = None, **options: Any) -> Architecture:
    """Of 4 units, a GRU unless another kind is said."""
    return _architecture(window, {"units": 4, **options})


def _member(
    train: Windows, monitor: Windows | None, seed: int, job: str = "", **own: Any
) -> Member:
    return Member(MemberKey(seed, job=job), train, monitor, **own)


def _ignore(epoch: FittedBlock) -> None:
    pass


def _weights(fitted: Fitted) -> np.ndarray:
    """Of the members in their order."""
    return np.stack(list(fitted.weights.values()))


def _logs(fitted: Fitted, k: int) -> list[EpochLog]:
    """Those of the member in place `k`."""
    key = list(fitted.weights)[k]
    return [log for log in fitted.history if log.member == key]


def _fit(
    network: Architecture,
    members: Sequence[Member],
    on_epoch: Callable[[FittedBlock], None] = _ignore,
    most: int | None = None,
    stop: Event | None = None,
    **options: Any,
) -> Fitted:
    chosen = TrainingOptions.model_validate(options)
    return fit(network, members, chosen, on_epoch, engine=Threads(stop=stop), most=most)


def _orders(seed: int, windows: Windows, epochs: int) -> list[np.ndarray]:
    """The order in which the member of this seed goes through its windows, epoch by epoch."""
    random = np.random.default_rng(np.random.SeedSequence(seed).spawn(3)[1])
    return [random.permutation(windows.cutoffs) for _ in range(epochs)]


def _first(network: Architecture, seed: int) -> Model:
    """The plain model that the member of this seed begins as."""
    random = np.random.default_rng(np.random.SeedSequence(seed).spawn(3)[0])
    return network.model(network.initial(random))


# One member beside its twin in plain Keras.


@pytest.mark.parametrize(
    ("optimizer", "loss", "batch_size", "options"),
    [
        ("adam", "mse", 16, {}),
        ("sgd", "huber", 32, {"clip_norm": 0.01}),
        ("rmsprop", "mae", 200, {"weight_decay": 0.1}),
        ("sgd", "mse", 32, {"clip_value": 0.002}),
    ],
)
def test_a_member_learns_as_keras_s_own_loop_would(
    train: Windows,
    monitored: Windows,
    optimizer: str,
    loss: str,
    batch_size: int,
    options: dict[str, Any],
) -> None:
    """The same batches in the same order, the last one smaller: the same weights and losses."""
    network, seed = _recurrent(), 3
    fitted = _fit(
        network, [_member(train, monitored, seed)], epochs=2, learning_rate=0.01,
        optimizer=optimizer, loss=loss, batch_size=batch_size, **options,
    )  # fmt: skip
    theirs = _first(network, seed)
    names = {"clip_norm": "global_clipnorm", "clip_value": "clipvalue"}
    settings = {"learning_rate": 0.01}
    settings |= {names.get(name, name): value for name, value in options.items()}
    chosen = keras.optimizers.get({"class_name": optimizer, "config": settings})
    theirs.compile(optimizer=chosen, loss=loss)
    for order, log in zip(_orders(seed, train, 2), fitted.history, strict=True):
        losses = []
        for begin in range(0, len(order), batch_size):
            batch = order[begin : begin + batch_size]
            step = theirs.train_on_batch(_contexts(train, batch), _targets(train, batch))
            theirs.reset_metrics()  # else Keras says the mean since they were reset
            losses += [float(step)] * len(batch)
        measured = theirs.evaluate(_contexts(monitored), _targets(monitored), verbose=0)
        assert log.loss == pytest.approx(np.mean(losses), rel=1e-4)
        assert log.monitored_loss == pytest.approx(measured, rel=1e-3)
    np.testing.assert_allclose(_weights(fitted)[0], network.weights(theirs), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("normalize", "residual_of"),
    [("last", "none"), ("mean", "seasonal_naive"), ("standard", "last")],
)
def test_the_loss_is_measured_in_the_units_of_the_window(
    values: np.ndarray, normalize: str, residual_of: str
) -> None:
    """A loop by hand on what the network gives back in the data's units: errors per spread."""
    train, monitored = (_windows(values, np.arange(*ends), 3) for ends in ((11, 100), (100, 141)))
    network = _dense({"normalize": normalize, "residual_of": residual_of, "horizon": 3})
    theirs, optimizer = _first(network, 0), keras.optimizers.SGD(0.05)

    def loss_by_hand(windows: Windows, cutoffs: np.ndarray) -> tf.Tensor:
        contexts = _contexts(windows, cutoffs)
        spread: np.ndarray | float = 1.0
        if normalize == "standard":
            spread = contexts.std(axis=1) + 0.01 * np.abs(contexts).mean(axis=1)
        errors = (_targets(windows, cutoffs) - theirs(contexts, training=True)) / spread
        return tf.reduce_mean(errors**2)

    (order,) = _orders(0, train, 1)
    for begin in range(0, len(order), 20):
        with tf.GradientTape() as tape:
            loss = loss_by_hand(train, order[begin : begin + 20])
        weights = theirs.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
    fitted = _fit(
        network, [_member(train, monitored, 0)], epochs=1, optimizer="sgd", learning_rate=0.05,
        batch_size=20,
    )  # fmt: skip
    np.testing.assert_allclose(_weights(fitted)[0], network.weights(theirs), rtol=1e-3, atol=1e-5)
    by_hand = float(loss_by_hand(monitored, monitored.cutoffs))
    assert fitted.history[0].monitored_loss == pytest.approx(by_hand, rel=1e-3)


def _pinball_by_hand(targets: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> float:
    total, count = 0.0, 0
    for target, row in zip(targets.ravel(), quantiles.reshape(-1, len(levels)), strict=True):
        for quantile, level in zip(row, levels, strict=True):
            error = float(target) - float(quantile)
            total += level * error if error > 0 else (level - 1) * error
            count += 1
    return total / count


def test_quantiles_learn_from_the_pinball_loss(values: np.ndarray) -> None:
    """As the naive twin has it, over windows, steps and levels."""
    levels = (0.1, 0.5, 0.8)
    train, monitored = (_windows(values, np.arange(*ends), 2) for ends in ((11, 100), (100, 142)))
    network = _recurrent({"horizon": 2}, quantiles=levels)
    fitted = _fit(
        network, [_member(train, monitored, 0)], epochs=3, loss="pinball", learning_rate=0.01
    )
    quantiles = np.asarray(network.model(_weights(fitted)[0])(_contexts(monitored)))
    by_hand = _pinball_by_hand(_targets(monitored), quantiles, levels)
    assert fitted.history[-1].monitored_loss == pytest.approx(by_hand, rel=1e-4)
    losses = [log.loss for log in fitted.history]
    assert losses == sorted(losses, reverse=True)


# A member beside others.


def _motley(values: np.ndarray) -> list[Member]:
    """Members of nothing in common but the network: values, numbers of windows, what they watch.

    The third is monitored where learning does harm, and stops early; the fourth, whose values no
    square holds, diverges; a difference has left the first rows of the fifth undefined.
    """
    late = _windows(values, np.arange(116, 143))
    shuffled = np.random.default_rng(0).permutation(values)
    shortened = np.concatenate([np.full(12, np.nan), np.diff(values)])
    return [
        _member(_windows(values, np.arange(11, 116)), late, 7),
        _member(_windows(shuffled, np.arange(30, 70)), None, 8),
        _member(_windows(values, np.arange(11, 50)), replace(late, values=1 - values), 9),
        _member(_windows(values * 1e30, np.arange(11, 90)), late, 10),
        _member(_windows(shortened, np.arange(23, 120)), None, 11),
    ]


SETTINGS: dict[str, Any] = {
    "epochs": 12,
    "learning_rate": 0.01,
    "schedule": "cosine",
    "early_stopping": {"patience": 2},
}


@pytest.fixture(scope="module")
def together(values: np.ndarray) -> Fitted:
    """All of these members in one program, with dropout."""
    return _fit(_recurrent(dropout=0.3), _motley(values), most=5, **SETTINGS)


def _assert_same_member(one: Fitted, k: int, two: Fitted, i: int) -> None:
    np.testing.assert_allclose(_weights(one)[k], _weights(two)[i], rtol=1e-4, atol=1e-5)
    logs, others = _logs(one, k), _logs(two, i)
    assert [log.epoch for log in logs] == [log.epoch for log in others]
    for log, other in zip(logs, others, strict=True):
        assert log.loss == pytest.approx(other.loss, rel=1e-4, nan_ok=True)
        assert log.learning_rate == pytest.approx(other.learning_rate, rel=1e-5)
        assert log.monitored_loss == (
            other.monitored_loss and pytest.approx(other.monitored_loss, rel=1e-4, nan_ok=True)
        )


@pytest.mark.parametrize("k", [0, 2, 3])
def test_a_member_learns_the_same_alone(values: np.ndarray, together: Fitted, k: int) -> None:
    """Whatever the others look at, drop, or end as: its batches, rates and stop are its own."""
    alone = _fit(_recurrent(dropout=0.3), [_motley(values)[k]], **SETTINGS)
    _assert_same_member(together, k, alone, 0)
    assert bool(alone.diverged) is (k == 3)


def test_a_member_may_have_a_learning_rate_and_dropout_of_its_own(train: Windows) -> None:
    """It learns as if the config said them, beside a member for which the config does."""
    own = _member(train, None, 1, "own", learning_rate=0.02, dropout=0.4)
    options: dict[str, Any] = {"epochs": 3, "schedule": "cosine"}
    beside = _fit(_dense(), [_member(train, None, 1), own], most=2, **options)
    alone = _fit(_dense(dropout=0.4), [_member(train, None, 1)], learning_rate=0.02, **options)
    _assert_same_member(beside, 1, alone, 0)
    _assert_same_member(beside, 0, _fit(_dense(), [_member(train, None, 1)], **options), 0)


@pytest.mark.parametrize("most", [1, 2])
def test_blocks_change_nothing(values: np.ndarray, together: Fitted, most: int) -> None:
    """Members one by one, or in pairs with one left over."""
    fitted = _fit(_recurrent(dropout=0.3), _motley(values), most=most, **SETTINGS)
    for k in (0, 1, 2, 4):
        _assert_same_member(together, k, fitted, k)


def test_a_member_that_diverges_stops_and_the_others_go_on(together: Fitted) -> None:
    """It is told with the epoch in which its loss was no longer a number."""
    [(key, log)] = together.diverged.items()
    assert key == MemberKey(10)
    assert [log.epoch for log in _logs(together, 3)] == [1]
    assert not np.isfinite(log.loss)
    assert np.isfinite(_weights(together)[[0, 1, 2, 4]]).all()
    with pytest.raises(DivergedError) as caught:
        together.refuse_divergence()
    message, advice = str(caught.value).splitlines()
    what = "the loss of seed 10 or its gradient was not finite in 5 steps of epoch 1"
    assert message == f"training diverged: {what}."
    assert advice == (
        "Lower training.learning_rate, set training.clip_norm: 1, or scale the data "
        "(`transforms: [minmax]`)."
    )


def test_a_member_stops_early_by_itself(together: Fitted) -> None:
    """Each in its own epoch; a member that monitors nothing never stops."""
    last = [_logs(together, k)[-1].epoch for k in range(5)]
    assert last[0] != last[2]
    assert max(last[0], last[2]) < 12
    assert last[1] == last[4] == 12


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_loss_that_is_no_number_is_refused(train: Windows, optimizer: str) -> None:
    """One member is not told apart; the epochs whose steps were not all skipped are numbers."""
    fitted = _fit(_dense(), [_member(train, None, 0)], optimizer=optimizer, learning_rate=1e30)
    said = r"^training diverged: the loss or its gradient was not finite in \d+ steps of epoch \d\."
    with pytest.raises(DivergedError, match=said):
        fitted.refuse_divergence()
    assert fitted.history[-1].epoch == 2  # 7 steps an epoch, of which the first is taken


def _with_an_enormous_target(train: Windows) -> Windows:
    """The same windows, and one more that no square of floats holds; no context has its value."""
    values = np.append(train.values, 1e30)
    return replace(train, values=values, cutoffs=np.append(train.cutoffs, len(values) - 2))


def test_a_step_that_is_not_finite_is_skipped_and_counted(train: Windows) -> None:
    """As if the batch had not been there: for this member alone, and told with its epoch."""
    spoiled = _with_an_enormous_target(train)
    members = [_member(spoiled, None, 0), _member(train, None, 0, "sound")]
    options: dict[str, Any] = {"epochs": 2, "batch_size": 10}
    network = _dense()
    fitted = _fit(network, members, most=2, max_skipped_steps=1, **options)
    assert [log.skipped_steps for log in _logs(fitted, 0)] == [1, 1]
    assert [log.skipped_steps for log in _logs(fitted, 1)] == [0, 0]
    assert fitted.skipped == {members[0].key: 2}
    fitted.refuse_divergence()
    theirs = _first(network, 0)
    theirs.compile(optimizer=keras.optimizers.Adam(0.001), loss="mse")
    for order, log in zip(_orders(0, spoiled, 2), _logs(fitted, 0), strict=True):
        losses: list[float] = []
        for batch in np.split(order, range(10, len(order), 10)):
            if spoiled.cutoffs[-1] not in batch:
                step = theirs.train_on_batch(_contexts(spoiled, batch), _targets(spoiled, batch))
                theirs.reset_metrics()
                losses += [float(step)] * len(batch)
        assert log.loss == pytest.approx(np.mean(losses), rel=1e-4)
    np.testing.assert_allclose(_weights(fitted)[0], network.weights(theirs), rtol=1e-3, atol=1e-5)
    alone = _fit(network, members[1:], **options)
    _assert_same_member(fitted, 1, alone, 0)


@pytest.mark.parametrize(("batch_size", "most"), [(10, 0), (200, 5)])
def test_too_many_skipped_steps_in_a_row_end_a_training(
    train: Windows, batch_size: int, most: int
) -> None:
    """Within an epoch too, whatever steps follow; and so does an epoch without any other step."""
    fitted = _fit(
        _dense(), [_member(_with_an_enormous_target(train), None, 0)], epochs=3,
        batch_size=batch_size, max_skipped_steps=most,
    )  # fmt: skip
    [log] = fitted.diverged.values()
    assert (log.epoch, log.skipped_steps) == (1, 1)
    with pytest.raises(DivergedError, match=r"not finite in 1 step of epoch 1\.\n"):
        fitted.refuse_divergence()


def test_norms_of_gradients_and_weights_are_logged(train: Windows) -> None:
    """By hand: the gradient before it is clipped, as mean and maximum over an epoch's steps."""
    network, seed = _recurrent(), 3
    fitted = _fit(
        network, [_member(train, None, seed)], epochs=2, batch_size=40, optimizer="sgd",
        learning_rate=0.1, clip_norm=0.05,
    )  # fmt: skip
    model, optimizer = _first(network, seed), keras.optimizers.SGD(0.1, global_clipnorm=0.05)
    for order, log in zip(_orders(seed, train, 2), fitted.history, strict=True):
        norms = []
        for batch in np.split(order, [40, 80]):
            with tf.GradientTape() as tape:
                errors = _targets(train, batch) - model(_contexts(train, batch), training=True)
                loss = tf.reduce_mean(errors**2)
            weights = model.trainable_variables
            gradients = tape.gradient(loss, weights)
            norms.append(float(tf.linalg.global_norm(gradients)))
            optimizer.apply(gradients, weights)
        assert log.gradient_norm == pytest.approx(np.mean(norms), rel=1e-3)
        assert log.max_gradient_norm == pytest.approx(max(norms), rel=1e-3)
        row = network.weights(model)
        assert log.weight_norm == pytest.approx(np.linalg.norm(row), rel=1e-4)


def test_windows_that_fill_up_a_batch_move_nothing(train: Windows) -> None:
    """A batch of more than all windows, beside a member that has as many, is one of all."""
    few = replace(train, cutoffs=train.cutoffs[:10])
    members = [_member(few, None, 1), _member(train, None, 1, "all")]
    beside = _fit(_dense(), members, most=2, epochs=3, optimizer="sgd", batch_size=200)
    exact = _fit(_dense(), members[:1], epochs=3, optimizer="sgd", batch_size=10)
    np.testing.assert_allclose(_weights(beside)[0], _weights(exact)[0], rtol=1e-4, atol=1e-6)


# What an epoch is.


def test_training_lowers_the_loss_and_logs_every_epoch(train: Windows, monitored: Windows) -> None:
    """Each with its losses, learning rate and seconds, as it happens."""
    blocks: list[FittedBlock] = []
    fitted = _fit(
        _dense(dropout=0.2), [_member(train, monitored, 0)], blocks.append, epochs=5,
        learning_rate=0.01,
    )  # fmt: skip
    logs = [log for block in blocks for log in block.history]
    (last,) = blocks[-1].weights.values()
    np.testing.assert_array_equal(last, _weights(fitted)[0])
    assert fitted.history == logs
    assert [(log.epoch, log.member.seed) for log in logs] == [(epoch, 0) for epoch in range(1, 6)]
    assert logs[-1].loss < logs[0].loss / 2
    assert all(log.learning_rate == pytest.approx(0.01) and log.seconds > 0 for log in logs)
    assert fitted.compile_seconds > 0
    assert sum(log.seconds for log in logs) <= fitted.fit_seconds
    assert fitted.diverged == {}
    fitted.refuse_divergence()


def test_nothing_is_measured_where_nothing_is_watched(train: Windows, monitored: Windows) -> None:
    """And training goes on as it would."""
    fitted = _fit(
        _dense(dropout=0.3),
        [_member(train, monitored, 0), _member(train, None, 0, "unseen")],
        epochs=2,
    )
    seen, unseen = _logs(fitted, 0), _logs(fitted, 1)
    assert [log.monitored_loss for log in unseen] == [None, None]
    assert all(log.monitored_loss for log in seen)
    assert [log.loss for log in unseen] == pytest.approx([log.loss for log in seen], rel=1e-5)
    np.testing.assert_allclose(_weights(fitted)[0], _weights(fitted)[1], rtol=1e-5, atol=1e-6)


def test_measuring_goes_over_all_that_is_watched_and_drops_nothing(
    train: Windows, monitored: Windows
) -> None:
    """Over more windows than fit in one batch too."""
    many = replace(monitored, cutoffs=np.resize(monitored.cutoffs, 2500))
    network = _dense(dropout=0.9)
    fitted = _fit(network, [_member(train, many, 0)], epochs=1)
    forecasts = np.asarray(network.model(_weights(fitted)[0])(_contexts(many), training=False))
    by_hand = np.mean((forecasts - _targets(many)) ** 2)
    assert fitted.history[0].monitored_loss == pytest.approx(by_hand, rel=1e-4)


def test_the_same_seed_gives_the_same_weights(train: Windows, monitored: Windows) -> None:
    """To the last bit, with dropout and shuffling; another seed gives others."""
    members = [_member(train, monitored, seed) for seed in (1, 2)]
    one, two = (_fit(_dense(dropout=0.3), members, epochs=2) for _ in range(2))
    np.testing.assert_array_equal(_weights(one), _weights(two))
    assert (_weights(one)[0] != _weights(one)[1]).any()


def test_dropout_acts_while_training(train: Windows) -> None:
    """Where hardly anything is learned, the loss on the way changes with what is dropped alone."""
    still: dict[str, Any] = {"epochs": 2, "optimizer": "sgd", "learning_rate": 1e-9}
    first, second = _fit(_dense(dropout=0.9), [_member(train, train, 0)], **still).history
    assert first.monitored_loss == pytest.approx(second.monitored_loss, rel=1e-5)
    assert first.loss != pytest.approx(second.loss, rel=1e-3)


def test_the_learning_rate_falls_to_zero_over_all_epochs(train: Windows) -> None:
    """As Keras's cosine, step by step: of 105 windows in batches of 16, seven steps an epoch."""
    logs = _fit(
        _dense(), [_member(train, None, 0)], epochs=4, schedule="cosine", learning_rate=0.1
    ).history
    theirs = keras.optimizers.schedules.CosineDecay(0.1, 4 * 7)
    by_keras = [float(theirs(7 * log.epoch)) for log in logs]
    assert [log.learning_rate for log in logs] == pytest.approx(by_keras, abs=1e-6)


def test_the_learning_rate_falls_step_by_step_after_a_warm_up(train: Windows) -> None:
    """As Keras's staircase; before it, in a straight line, within the first epoch too."""
    options: dict[str, Any] = {"learning_rate": 0.1, "schedule": "step", "decay_rate": 0.5}
    member = _member(train, None, 0)
    logs = _fit(_dense(), [member], epochs=5, decay_epochs=2, **options).history
    theirs = keras.optimizers.schedules.ExponentialDecay(0.1, 2 * 7, 0.5, staircase=True)
    by_keras = [float(theirs(7 * log.epoch)) for log in logs]
    assert [log.learning_rate for log in logs] == pytest.approx(by_keras)
    logs = _fit(_dense(), [member], epochs=4, learning_rate=0.1, warmup_epochs=2.5).history
    rates = [0.1 * min(1, (7 * log.epoch + 1) / 17.5) for log in logs]
    assert [log.learning_rate for log in logs] == pytest.approx(rates)


def test_a_plateau_is_that_of_keras() -> None:
    """The same learning rates after each epoch, of losses that fall and rise as they like."""
    options = PlateauOptions(factor=0.5, patience=3, min_delta=0.1)
    losses = np.random.default_rng(0).normal(size=(60, 2)).cumsum(axis=0)
    plateau, model = Plateau.begin(2), keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1.0))
    callback = keras.callbacks.ReduceLROnPlateau(
        "loss", factor=0.5, patience=3, min_delta=0.1, mode="min"
    )
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, each in enumerate(losses):
        plateau = plateau.after(each, options)
        callback.on_epoch_end(epoch, {"loss": each[1]})
        assert plateau.factors[1] == pytest.approx(float(model.optimizer.learning_rate))
    assert plateau.factors[0] != plateau.factors[1] < 0.1


def test_a_learning_rate_falls_where_the_member_s_own_loss_does_not(
    train: Windows, monitored: Windows
) -> None:
    """That of the validation part; the test part decides nothing, and there the training loss."""
    other = _upside_down(monitored)
    members = [
        _member(train, other, 0, "validated", is_validation=True),
        _member(train, other, 0, "tested"),
    ]
    plateau = PlateauOptions(patience=2)
    options: dict[str, Any] = {"schedule": "plateau", "plateau": plateau, "epochs": 20}
    fitted = _fit(_dense(), members, most=2, learning_rate=0.01, **options)
    falls = []
    for k, column in ((0, "monitored_loss"), (1, "loss")):
        state, rates = Plateau.begin(1), []
        for log in _logs(fitted, k):
            rates.append(0.01 * float(state.factors[0]))
            state = state.after(np.array([getattr(log, column)]), plateau)
        assert [log.learning_rate for log in _logs(fitted, k)] == pytest.approx(rates)
        falls.append(rates[-1] < 0.01)
    assert falls[0] is not falls[1]
    alone = _fit(_dense(), members[:1], learning_rate=0.01, **options)
    _assert_same_member(fitted, 0, alone, 0)


def test_the_average_is_a_mean_of_the_weights_after_each_step(train: Windows) -> None:
    """Weighted by how long ago they were, without a bias to the first ones; members alone too."""
    seen: dict[MemberKey, list[np.ndarray]] = {MemberKey(seed): [] for seed in (1, 2)}

    def note(epoch: FittedBlock) -> None:
        for key, row in zip(epoch.keys, np.array(epoch.state.optimizer.weights), strict=True):
            seen[key].append(row)

    options: dict[str, Any] = {
        "epochs": 6,
        "batch_size": 200,
        "learning_rate": 0.01,
        "ema_momentum": 0.7,
    }
    members = [_member(train, train, seed) for seed in (1, 2)]
    fitted = _fit(_dense(), members, note, most=2, **options)
    shares = 0.7 ** np.arange(6)[::-1]
    for key, weights in fitted.weights.items():
        by_hand = shares / shares.sum() @ np.array(seen[key])
        np.testing.assert_allclose(weights, by_hand, rtol=1e-4, atol=1e-6)
    alone = _fit(_dense(), members[1:], **options)
    np.testing.assert_allclose(_weights(alone)[0], _weights(fitted)[1], rtol=1e-4, atol=1e-6)
    # What is monitored is what will forecast.
    model = _dense().model(_weights(fitted)[0])
    error = np.mean((np.asarray(model(_contexts(train))) - _targets(train)) ** 2)
    assert _logs(fitted, 0)[-1].monitored_loss == pytest.approx(error, rel=1e-3)


def test_the_mean_of_the_last_epochs_forecasts(train: Windows) -> None:
    """Of the weights after each of them; until then the last weights, and training goes its way."""
    seen: list[np.ndarray] = []
    member = _member(train, train, 1)
    options: dict[str, Any] = {"epochs": 5, "learning_rate": 0.05}
    fitted = _fit(
        _dense(), [member], lambda epoch: seen.append(np.array(epoch.state.optimizer.weights[0])),
        average_epochs=3, **options,
    )  # fmt: skip
    np.testing.assert_allclose(_weights(fitted)[0], np.mean(seen[2:], axis=0), rtol=1e-4, atol=1e-6)
    plain = _fit(_dense(), [member], **options)
    np.testing.assert_array_equal(seen[-1], _weights(plain)[0])
    monitored = [[log.monitored_loss for log in own.history] for own in (fitted, plain)]
    assert monitored[0][:3] == monitored[1][:3]
    assert monitored[0][4] != pytest.approx(monitored[1][4])


def test_accumulated_gradients_make_one_step(train: Windows) -> None:
    """As Keras has it; and a cosine knows how many steps there are."""
    network, whole = _recurrent(), replace(train, cutoffs=train.cutoffs[:96])
    fitted = _fit(
        network, [_member(whole, None, 3)], epochs=2, batch_size=16, learning_rate=0.01,
        gradient_accumulation_steps=3,
    )  # fmt: skip
    theirs = _first(network, 3)
    optimizer = keras.optimizers.Adam(0.01, gradient_accumulation_steps=3)
    theirs.compile(optimizer=optimizer, loss="mse")
    for order, log in zip(_orders(3, whole, 2), fitted.history, strict=True):
        losses = []
        for batch in np.split(order, 6):
            losses.append(
                float(theirs.train_on_batch(_contexts(whole, batch), _targets(whole, batch)))
            )
            theirs.reset_metrics()
        assert log.loss == pytest.approx(np.mean(losses), rel=1e-4)
    np.testing.assert_allclose(_weights(fitted)[0], network.weights(theirs), rtol=1e-3, atol=1e-5)
    rest = _fit(
        _dense(), [_member(train, None, 0)], epochs=2, batch_size=16, learning_rate=0.1,
        gradient_accumulation_steps=3, schedule="cosine",
    )  # fmt: skip
    assert [log.learning_rate for log in rest.history] == pytest.approx([0.05, 0], abs=1e-6)


def test_steps_per_epoch_draws_as_many_batches(train: Windows) -> None:
    """More than the windows would fill; the schedule knows."""
    logs = _fit(
        _dense(), [_member(train, None, 0)], epochs=2, steps_per_epoch=30, schedule="cosine",
        learning_rate=0.1,
    ).history  # fmt: skip
    assert [log.learning_rate for log in logs] == pytest.approx([0.05, 0], abs=1e-6)


def test_equal_weights_draw_every_series_alike() -> None:
    """A short series that pulls the other way counts as much as a long one."""
    # Contexts say nothing, so that all there is to learn is the mean of the targets drawn.
    values = np.zeros(430)
    values[[412, 413]] = 1
    cutoffs = np.concatenate([np.arange(11, 399), [411, 412]])
    series = (cutoffs >= 400).astype(np.int64)
    windows = Windows(values, cutoffs, series, 1, 1)
    network = _recurrent({"context_length": 1, "normalize": "last"}, kind="simple_rnn", units=1)
    forecasts = {}
    for weights in ("rows", "equal"):
        fitted = _fit(
            network, [_member(windows, None, 0)], epochs=20, steps_per_epoch=20, batch_size=100,
            learning_rate=0.1, series_weights=weights,
        )  # fmt: skip
        forecasts[weights] = float(
            np.asarray(network.model(_weights(fitted)[0])(np.zeros((1, 1, 1))))[0, 0]
        )
    # Of the short series one window rises by 1, the other by nothing.
    assert forecasts["rows"] == pytest.approx(1 / 390, abs=0.03)
    assert forecasts["equal"] == pytest.approx(0.25, abs=0.1)


# When training ends.


def _upside_down(monitored: Windows) -> Windows:
    """What falls where the series rises: learning makes it worse."""
    return replace(monitored, values=1 - monitored.values)


def test_early_stopping_restores_the_best_epoch(train: Windows, monitored: Windows) -> None:
    """Where the monitored loss rises from some epoch on, `patience` epochs are waited for."""
    network, member = _dense(), _member(train, _upside_down(monitored), 0)
    options: dict[str, Any] = {"learning_rate": 0.003}
    fitted = _fit(network, [member], epochs=200, early_stopping={"patience": 4}, **options)
    losses = [log.monitored_loss or 0.0 for log in fitted.history]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 4
    assert best > 0
    stopped = _fit(network, [member], epochs=best + 1, **options)
    np.testing.assert_array_equal(_weights(fitted), _weights(stopped))


def test_without_early_stopping_the_last_epoch_counts(train: Windows, monitored: Windows) -> None:
    """However the monitored loss went: the test part decides nothing."""
    parts = {"up": monitored, "down": _upside_down(monitored)}
    members = [_member(train, part, 0, job) for job, part in parts.items()]
    fitted = _fit(_dense(), members, epochs=8, learning_rate=0.01)
    np.testing.assert_allclose(_weights(fitted)[0], _weights(fitted)[1], rtol=1e-5, atol=1e-6)
    assert len(fitted.history) == 16


def test_a_stop_keeps_what_was_fitted(train: Windows, monitored: Windows) -> None:
    """It is handed back with the whole epochs until then, and their weights."""
    stop = Event()

    def note(epoch: FittedBlock) -> None:
        if epoch.state.epochs.max() == 2:
            stop.set()

    network, member = _dense(), _member(train, monitored, 0)
    fitted = _fit(network, [member], note, stop=stop, epochs=5000)
    assert [log.epoch for log in fitted.history] == [1, 2]
    whole = _fit(network, [member], epochs=2)
    np.testing.assert_array_equal(_weights(fitted), _weights(whole))


def test_a_stop_leaves_out_members_that_had_to_wait(train: Windows) -> None:
    """Those that were being fitted are handed back with their own whole epochs."""
    stop = Event()

    def note(epoch: FittedBlock) -> None:
        if (epoch.keys[0].seed, epoch.state.epochs[0]) == (0, 2):
            stop.set()

    network = _dense()
    members = [_member(train, None, seed) for seed in range(300)]  # no machine has so many cores
    fitted = _fit(network, members, note, most=1, stop=stop, epochs=5000)
    first = members[0].key
    assert first in fitted.weights
    assert len(fitted.weights) < 300
    whole = _fit(network, members[:1], epochs=2)
    np.testing.assert_array_equal(fitted.weights[first], whole.weights[first])


def test_an_error_in_one_block_ends_the_others(train: Windows) -> None:
    """It is raised, and no thread goes on."""

    def fail(epoch: FittedBlock) -> None:
        if epoch.state.epochs[0] == 2:
            raise RuntimeError("no more")

    threads = active_count()
    members = [_member(train, None, seed) for seed in range(4)]
    with pytest.raises(RuntimeError, match="no more"):
        _fit(_dense(), members, fail, most=1, epochs=5000)
    assert active_count() == threads


@pytest.mark.parametrize(
    ("done", "changes"),
    [(1, {}), (4, {"schedule": "plateau", "plateau": {"patience": 1}})],
)
def test_a_block_goes_on_where_it_was_left(
    values: np.ndarray, done: int, changes: dict[str, Any]
) -> None:
    """From its state alone, after a journey through a file: the same weights to the last bit."""
    options = TrainingOptions.model_validate(SETTINGS | changes)
    plan, [block] = plan_of(_dense(dropout=0.3), _motley(values), options, 1)
    program = Program(plan)
    whole = fit_block(plan, block, program, _ignore, lambda: False)
    epochs: list[int] = []
    part = fit_block(
        plan,
        block,
        program,
        lambda epoch: epochs.append(int(epoch.state.epochs.max())),
        lambda: max(epochs, default=0) == done,
    )
    again, resumed = pickle.loads(pickle.dumps((plan, replace(block, resumed=part.state))))
    rest = fit_block(again, resumed, Program(again), _ignore, lambda: False)
    np.testing.assert_array_equal(rest.state.result, whole.state.result)
    assert [log._replace(seconds=0) for log in part.history + rest.history if log.is_finite] == [
        log._replace(seconds=0) for log in whole.history if log.is_finite
    ]


# What comes of it.


@pytest.mark.parametrize(
    ("window", "options", "size"),
    [
        ({}, {"reset_after": True}, 1),
        ({}, {"reset_after": False}, 2),
        ({}, {"kind": "lstm", "activation": "relu"}, 1),
        (
            {"normalize": "standard", "residual_of": "seasonal_naive", "horizon": 3},
            {"patch_length": "season", "linear": True},
            3,
        ),
        (
            {"normalize": "last", "residual_of": "last", "horizon": 2},
            {"kind": "simple_rnn", "quantiles": [0.1, 0.5]},
            2,
        ),
    ],
)
def test_what_is_exported_agrees_with_keras(
    train: Windows,
    monitored: Windows,
    tmp_path: Path,
    window: dict[str, object],
    options: dict[str, Any],
    size: int,
) -> None:
    """To 1e-5 of the scaled data, for any number of contexts; the Keras file loads safely."""
    network = _recurrent(window, **options)
    weights = np.stack([network.initial(np.random.default_rng(i)) for i in range(size)])
    ensemble = EnsembleOptions(size=size, combine="median")
    export(network, {"model": weights[None]}, ensemble, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"model.keras", "model.onnx"}
    exported = OnnxPredictor(tmp_path / "model.onnx")
    in_memory = KerasPredictor(CompiledForward(network), weights[None], ensemble)
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    for cutoffs in (monitored.cutoffs[:1], monitored.cutoffs, np.resize(train.cutoffs, 300)):
        contexts = _contexts(train, cutoffs)
        by_keras = in_memory.predict(Inputs(contexts))
        assert np.abs(exported.predict(Inputs(contexts)) - by_keras).max() < 1e-5
        assert np.abs(np.asarray(again(contexts)) - by_keras).max() < 1e-5


def test_layers_are_named_with_their_shapes_and_parameters() -> None:
    """As a person expects a summary."""
    assert layers(_recurrent(units=50).keras_model) == [
        ("past", "InputLayer", "(None, 12, 1)", "0"),
        ("gru", "GRU", "(None, 50)", "7,950"),
        ("dropout", "Dropout", "(None, 50)", "0"),
        ("forecast", "Dense", "(None, 1)", "51"),
    ]
