"""Intervals from past errors: quantiles of few numbers, and coverage that holds."""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.panel import Panel
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles, error_scales

finite = st.floats(-1e6, 1e6)


def _calibrate(errors: list[float]) -> Conformal:
    """Of one series in units of 1, one step ahead."""
    column = np.array(errors)[:, None]
    return Conformal.calibrate(column, np.ones(len(errors)), np.array([1.0]))


@given(errors=st.lists(finite, min_size=1, max_size=40), level=st.floats(0.51, 0.99))
def test_a_quantile_is_the_size_of_the_error_of_its_rank(errors: list[float], level: float) -> None:
    """Rank (n + 1) * (2 * level - 1), rounded up; told only where there are errors enough."""
    conformal = _calibrate(errors)
    rank = math.ceil((len(errors) + 1) * (2 * level - 1) - 1e-9)
    assert conformal.can_tell(level) is (rank <= len(errors))
    if rank <= len(errors):
        size = sorted(map(abs, errors))[rank - 1]
        assert conformal.quantile(level, np.array([0])).tolist() == [[size]]


@given(errors=st.lists(finite, min_size=19, max_size=40), level=st.floats(0.05, 0.5))
def test_an_interval_lies_evenly_about_its_forecast(errors: list[float], level: float) -> None:
    """The quantiles q and 1 - q are as far from it, and the median is the forecast itself."""
    conformal = _calibrate(errors)
    low, high, middle = (
        conformal.quantile(q, np.array([0]))[0, 0] for q in (level, 1 - level, 0.5)
    )
    assert low == -high
    assert middle == 0


@given(
    errors=st.lists(finite, min_size=19, max_size=40),
    levels=st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)),
)
def test_quantiles_do_not_cross(errors: list[float], levels: tuple[float, float]) -> None:
    """A higher level is never below a lower one."""
    conformal = _calibrate(errors)
    low, high = (conformal.quantile(level, np.array([0]))[0, 0] for level in sorted(levels))
    assert low <= high


@pytest.mark.parametrize(("level", "count"), [(0.1, 4), (0.9, 4), (0.25, 1), (0.5, 1), (0.01, 49)])
def test_a_quantile_needs_as_many_errors_as_it_lies_far_out(level: float, count: int) -> None:
    """Four for an interval of 80 %, 49 for 98 %; one fewer is too few."""
    assert _calibrate([0.0] * count).can_tell(level)
    assert count == 1 or not _calibrate([0.0] * (count - 1)).can_tell(level)


def test_errors_are_in_units_of_each_series(make_panel: Callable[..., Panel]) -> None:
    """And come back in them; a series that never changed takes the mean of the others."""
    errors = np.array([[2.0, 4.0], [30.0, 10.0], [5.0, 5.0]])
    panel = make_panel([[1, 2, 1], [10, 20, 10], [5, 5, 5]])
    scales = error_scales(panel, 1)
    assert scales.tolist() == [1.0, 10.0, 5.5]
    assert error_scales(panel, 1, np.array([9.5, np.nan, 0.0])).tolist() == [1.0, 10.0, 41 / 6]
    conformal = Conformal.calibrate(errors, scales, scales)
    assert conformal.horizon == 2
    assert conformal.errors.tolist() == [
        sorted([2.0, 3.0, 5 / 5.5]),
        sorted([4.0, 1.0, 5 / 5.5]),
    ]
    upper = conformal.quantile(0.75, np.array([0, 1]))
    assert upper.tolist() == [[2.0, 1.0], [20.0, 10.0]]


def test_a_step_whose_truth_was_not_observed_tells_nothing() -> None:
    """It is left out, and the other steps of the same forecast are not; also after a round trip."""
    errors = np.array([[1.0, np.nan], [-2.0, 3.0]])
    conformal = Conformal.calibrate(errors, np.ones(2), np.array([1.0]))
    assert conformal.counts.tolist() == [2, 1]
    for each in (conformal, Conformal.from_state(json.loads(json.dumps(conformal.state())))):
        np.testing.assert_array_equal(each.errors, [[1.0, 2.0], [3.0, np.nan]])


def test_a_step_that_was_never_observed_lies_between_its_neighbours() -> None:
    """A holiday on which nothing is counted leaves no hole in an interval."""
    errors = np.array([[1.0, np.nan, 3.0]] * 4)
    conformal = Conformal.calibrate(errors, np.ones(4), np.array([1.0]))
    assert conformal.can_tell(0.9)
    assert conformal.quantile(0.9, np.array([0])).tolist() == [[1.0, 2.0, 3.0]]


def test_intervals_cover_what_they_promise() -> None:
    """Over many draws of few errors, at least 80 % of the next truths lie in an 80 % interval."""
    random = np.random.default_rng(0)
    inside = []
    for _ in range(2000):
        errors = random.standard_t(3, size=24)
        conformal = _calibrate(errors[:-1].tolist())
        low, high = (conformal.quantile(level, np.array([0]))[0, 0] for level in (0.1, 0.9))
        inside.append(low <= errors[-1] <= high)
    assert 0.80 <= np.mean(inside) <= 0.90


@given(errors=st.lists(finite, min_size=9, max_size=20))
def test_a_calibration_is_the_same_after_json(errors: list[float]) -> None:
    """Plain lists of numbers."""
    conformal = _calibrate(errors)
    again = Conformal.from_state(conformal.state())
    assert again.state() == conformal.state()
    assert again.quantile(0.9, np.array([0])) == conformal.quantile(0.9, np.array([0]))


def test_errors_of_other_units_come_back_in_those_of_today() -> None:
    """A scaler that saw half of the range when the errors were made had a unit half as long."""
    errors = np.array([[1.0], [2.0], [3.0], [4.0]])
    conformal = Conformal.calibrate(errors, np.full(4, 2.0), np.array([1.0]))
    assert conformal.quantile(0.9, np.array([0])).tolist() == [[2.0]]


LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def _learned(random: np.random.Generator, forecasts: int) -> dict[float, np.ndarray]:
    """Quantiles of three steps, in order, with spreads of their own."""
    quantiles = np.sort(random.normal(size=(len(LEVELS), forecasts, 3)), axis=0)
    return dict(zip(LEVELS, quantiles, strict=True))


def test_a_stretch_is_the_share_of_the_learned_distance_of_its_rank() -> None:
    """By hand: of nine errors the eighth, each over its own distance on its own side."""
    forecast = np.zeros((9, 1))
    learned = {0.1: forecast - 2, 0.5: forecast, 0.9: forecast + np.arange(1.0, 10)[:, None]}
    truth = np.array([0.5, -1, 6, -3, 1, -8, 7, -0.2, 9])[:, None]
    shares = [0.5, 0.5, 2, 1.5, 0.2, 4, 1, 0.1, 1]
    stretch = ConformalizedQuantiles.calibrate(truth, learned, [0.1, 0.5, 0.9])
    factors = {level: own.tolist() for level, own in stretch.factors.items()}
    assert factors == {0.1: [sorted(shares)[7]], 0.5: [0.0], 0.9: [sorted(shares)[7]]}
    moved = stretch.quantiles({level: own[:2] for level, own in learned.items()})
    assert moved[0.9].tolist() == [[2.0], [4.0]]
    assert moved[0.1].tolist() == [[-4.0], [-4.0]]
    assert moved[0.5].tolist() == [[0.0], [0.0]]


@given(seed=st.integers(0, 2**32 - 1))
def test_stretched_quantiles_do_not_cross(seed: int) -> None:
    """Though each level has a factor of its own; also for fewer steps, and after JSON."""
    random = np.random.default_rng(seed)
    stretch = ConformalizedQuantiles.calibrate(
        random.normal(size=(40, 3)) * 3, _learned(random, 40), LEVELS
    )
    again = ConformalizedQuantiles.from_state(json.loads(json.dumps(stretch.state())))
    for steps in (1, 3):
        learned = {level: own[:, :steps] for level, own in _learned(random, 5).items()}
        moved = stretch.quantiles(learned)
        assert (np.diff([moved[level] for level in LEVELS], axis=0) >= 0).all()
        for level, own in again.quantiles(learned).items():
            np.testing.assert_array_equal(own, moved[level])


def test_stretched_intervals_cover_what_they_promise() -> None:
    """Whatever the network has learned: intervals half as wide as they should be, say."""
    random = np.random.default_rng(0)
    inside = []
    for _ in range(1000):
        spread = random.uniform(0.1, 10, size=(24, 1))
        learned = {0.1: -0.64 * spread, 0.5: 0 * spread, 0.9: 0.64 * spread}
        truth = random.normal(size=(24, 1)) * spread
        past = {level: own[:-1] for level, own in learned.items()}
        moved = ConformalizedQuantiles.calibrate(truth[:-1], past, [0.1, 0.9]).quantiles(learned)
        inside.append(moved[0.1][-1, 0] <= truth[-1, 0] <= moved[0.9][-1, 0])
    assert 0.80 <= np.mean(inside) <= 0.90


def test_a_level_that_the_errors_are_too_few_for_is_left_out() -> None:
    """Four are enough for 0.9, and not for 0.95."""
    learned = _learned(np.random.default_rng(0), 4) | {0.1: np.full((4, 3), -9.0)}
    learned[0.9] = -learned[0.1]
    stretch = ConformalizedQuantiles.calibrate(np.ones((4, 3)), learned, [0.1, 0.9, 0.95])
    assert list(stretch.factors) == [0.1, 0.9]
