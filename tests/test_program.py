"""The compiled program: batches of any size, rows that are no window, quantiles that cover."""

from typing import Any

import keras
import numpy as np
import pytest
from pydantic import TypeAdapter

from forecast.config.models import ModelOptions
from forecast.config.schema import TrainingOptions, WindowOptions
from forecast.networks import Architecture
from forecast.training import Fitted, Member, MemberKey, fit, plan
from forecast.windows import Columns, Windows, gather

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MODEL: TypeAdapter[ModelOptions] = TypeAdapter(ModelOptions)
WAVES = np.sin(np.arange(1_000.0) / 5) + np.cos(np.arange(1_000) ** 2)


def _network(**options: Any) -> Architecture:
    model = MODEL.validate_python({"units": 4, "dropout": 0, **options})
    return Architecture(model, WindowOptions(), 12)


def _windows(values: np.ndarray, first: int, last: int) -> Windows:
    cutoffs = np.arange(first, last)
    return Windows(values, cutoffs, np.zeros_like(cutoffs), 12, 1)


def _examples(windows: Windows, cutoffs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    contexts = gather(np, Columns(windows.values.astype(np.float32)), cutoffs, 12).past
    return contexts, windows.values[cutoffs + 1, None].astype(np.float32)


def _fit(network: Architecture, *members: Member, **options: Any) -> Fitted:
    training = TrainingOptions.model_validate({"epochs": 2, "learning_rate": 0.01, **options})
    return fit(network, members, training, lambda epoch: None, most=len(members))


def _weights(fitted: Fitted) -> np.ndarray:
    return np.stack(list(fitted.weights.values()))


def test_a_large_batch_is_one_step() -> None:
    """However it is cut to fit the processor's cache: the weights of Keras's own loop."""
    network, windows = _network(), _windows(WAVES, 11, 900)
    fitted = _fit(network, Member(MemberKey(3), windows, None), batch_size=700)
    first, order, _ = map(np.random.default_rng, np.random.SeedSequence(3).spawn(3))
    model = network.model(network.initial(first))
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    for log in fitted.history:
        losses = []
        for batch in np.split(order.permutation(windows.cutoffs), [700]):
            loss = model.train_on_batch(*_examples(windows, batch))
            losses += [float(loss)] * len(batch)
            model.reset_metrics()  # else Keras says the mean since they were reset
        assert log.loss == pytest.approx(np.mean(losses), rel=1e-4)
    np.testing.assert_allclose(_weights(fitted)[0], network.weights(model), rtol=1e-3, atol=1e-5)


def test_what_is_dropped_in_a_large_batch_is_the_same_beside_others() -> None:
    """Though it is cut into more pieces then."""
    network = _network(dropout=0.5)
    members = [
        Member(MemberKey(seed), _windows(WAVES, 11, 400 + 90 * seed), None) for seed in range(5)
    ]
    together = _fit(network, *members, batch_size=300)
    for i in (0, 4):
        alone = _fit(network, members[i], batch_size=300)
        np.testing.assert_allclose(_weights(together)[i], _weights(alone)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.1, "gradient_accumulation_steps": 3}])
def test_a_batch_that_cores_share_is_one_step_as_well(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """The same numbers as of one core, and the same ones each time."""
    network = _network(dropout=0.5)
    member = Member(MemberKey(3), _windows(WAVES, 11, 900), _windows(WAVES, 900, 950))
    alone = _fit(network, member, batch_size=129, **options)
    monkeypatch.setattr(plan, "_WORTH_SHARING", 1)
    first, second = (_fit(network, member, batch_size=129, **options) for _ in range(2))
    np.testing.assert_allclose(_weights(first), _weights(alone), rtol=1e-4, atol=1e-5)
    assert [log.loss for log in first.history] == pytest.approx(
        [log.loss for log in alone.history], rel=1e-4
    )
    np.testing.assert_array_equal(_weights(first), _weights(second))


def test_values_that_nobody_can_learn_from_harm_nobody_else() -> None:
    """Wherever they lie: a batch that is not full, in training or measuring, has no row of them."""
    network = _network()
    broken = Member(MemberKey(1), _windows(WAVES * 1e30, 11, 90), _windows(WAVES * 1e30, 90, 140))
    sound = Member(MemberKey(2), _windows(WAVES, 11, 50), _windows(WAVES, 60, 80))
    beside, alone = _fit(network, broken, sound), _fit(network, sound)
    assert list(beside.diverged) == [broken.key]
    np.testing.assert_allclose(_weights(beside)[1], _weights(alone)[0], rtol=1e-5, atol=1e-6)
    logs = [log for log in beside.history if log.member == sound.key]
    for log, own in zip(logs, alone.history, strict=True):
        assert log.loss == pytest.approx(own.loss, rel=1e-5)
        assert log.monitored_loss == pytest.approx(own.monitored_loss, rel=1e-5)


def test_rows_without_a_value_do_no_harm() -> None:
    """A difference leaves such rows at the start of a series; no window has them."""
    fitted = []
    for undefined in (np.nan, 0.0):
        values = WAVES.copy()
        values[:12] = undefined
        monitored = _windows(values, 100, 130)
        fitted.append(_fit(_network(), Member(MemberKey(1), _windows(values, 23, 90), monitored)))
    np.testing.assert_array_equal(_weights(fitted[0]), _weights(fitted[1]))
    losses = [(log.loss, log.monitored_loss) for log in fitted[0].history]
    assert losses == [(log.loss, log.monitored_loss) for log in fitted[1].history]
    assert np.isfinite(np.array(losses, float)).all()


@pytest.mark.parametrize(
    "options",
    [{"loss": "mae"}, {"loss": "pinball"}],
    ids=["point", "quantiles"],
)
def test_a_filled_gap_teaches_nothing(options: dict[str, Any]) -> None:
    """Neither weights nor losses tell with what it was filled; the observed steps beside it do."""
    levels = {"quantiles": [0.1, 0.5, 0.9]} if options["loss"] == "pinball" else {}
    model = MODEL.validate_python({"units": 4, "dropout": 0, **levels})
    network = Architecture(model, WindowOptions(horizon=3), 12)
    observed = np.ones(80, bool)
    observed[61:63] = observed[77] = False

    def fitted(filled: float, later: float) -> Fitted:
        values = np.where(observed, WAVES[:80], filled)
        values[63:65] += later
        # A context that has a gap is told what it was filled with: these have none.
        train, monitor = (
            Windows(values, rows, 0 * rows, 12, 3, observed=observed)
            for rows in (np.arange(11, 61), np.array([76]))
        )
        return _fit(network, Member(MemberKey(1), train, monitor), **options)

    one, other, moved = fitted(0, 0), fitted(50, 0), fitted(0, 50)
    np.testing.assert_array_equal(_weights(one), _weights(other))
    for log, same in zip(one.history, other.history, strict=True):
        assert (log.loss, log.monitored_loss) == (same.loss, same.monitored_loss)
    assert np.abs(_weights(one) - _weights(moved)).max() > 0


def test_learned_quantiles_cover_their_share() -> None:
    """Of values that nothing can foretell, a tenth lies beyond each of the outer two."""
    values = np.random.default_rng(0).normal(size=1_000)
    network, windows = _network(quantiles=(0.1, 0.5, 0.9)), _windows(values, 11, 999)
    options: dict[str, Any] = {"loss": "pinball", "learning_rate": 0.02, "batch_size": 50}
    fitted = _fit(network, Member(MemberKey(0), windows, None), **options, epochs=10)
    contexts, targets = _examples(windows, windows.cutoffs)
    quantiles = np.asarray(network.model(_weights(fitted)[0])(contexts, training=False))
    shares = (targets[..., None] <= quantiles).mean(axis=(0, 1))
    assert shares == pytest.approx([0.1, 0.5, 0.9], abs=0.05)
