"""Metrics against naive twins written from their definitions, value by value."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.scoring.metrics import (
    METRICS,
    NAMES,
    Metric,
    coverage,
    crps,
    mape,
    mase,
    seasonal_naive_scale,
    smape,
    width,
)

numbers = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30)
scales = st.floats(1e-3, 1e6)


def rmse_twin(pairs: list[tuple[float, float]], scale: float) -> float:
    return math.sqrt(sum((y - y_hat) ** 2 for y, y_hat in pairs) / len(pairs))


def mae_twin(pairs: list[tuple[float, float]], scale: float) -> float:
    return sum(abs(y - y_hat) for y, y_hat in pairs) / len(pairs)


def mape_twin(pairs: list[tuple[float, float]], scale: float) -> float:
    if any(y == 0 for y, _ in pairs):
        return math.nan
    return 100 * sum(abs(y - y_hat) / abs(y) for y, y_hat in pairs) / len(pairs)


def smape_twin(pairs: list[tuple[float, float]], scale: float) -> float:
    total = 0.0
    for y, y_hat in pairs:
        if y != 0 or y_hat != 0:
            total += 200 * abs(y - y_hat) / (abs(y) + abs(y_hat))
    return total / len(pairs)


def mase_twin(pairs: list[tuple[float, float]], scale: float) -> float:
    return mae_twin(pairs, scale) / scale


TWINS = {"rmse": rmse_twin, "mae": mae_twin, "mape": mape_twin, "smape": smape_twin}
TWINS["mase"] = mase_twin


def test_every_metric_has_a_twin_here() -> None:
    """A metric that is added without a test fails this one."""
    assert set(NAMES) == set(TWINS)


@pytest.mark.parametrize("metric", METRICS, ids=NAMES)
@given(pairs=pairs, scale=scales)
def test_a_metric_equals_its_twin(
    metric: Metric, pairs: list[tuple[float, float]], scale: float
) -> None:
    """Vectorised and written out by hand, a metric is the same number."""
    y, y_hat = np.array(pairs).T
    twin = TWINS[NAMES[METRICS.index(metric)]](pairs, scale)
    assert metric(y, y_hat, scale) == pytest.approx(twin, rel=1e-9, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("metric", METRICS, ids=NAMES)
@given(pairs=pairs, scale=scales)
def test_a_perfect_forecast_scores_zero(
    metric: Metric, pairs: list[tuple[float, float]], scale: float
) -> None:
    """No metric punishes the truth; MAPE alone is undefined where the truth is 0."""
    y = np.array(pairs)[:, 0]
    undefined = metric is mape and not y.all()
    assert metric(y, y, scale) == pytest.approx(math.nan if undefined else 0, nan_ok=True)


@given(pairs=pairs)
def test_smape_lies_between_0_and_200(pairs: list[tuple[float, float]]) -> None:
    """As in the M4 competition: 200 where the forecast has the wrong sign, or one of two is 0."""
    y, y_hat = np.array(pairs).T
    assert 0 <= smape(y, y_hat, 1.0) <= 200 + 1e-9
    assert smape(np.array([0.0, 3.0]), np.array([5.0, -3.0]), 1.0) == 200


@pytest.mark.parametrize("scale", [0.0, math.nan])
def test_mase_is_undefined_where_seasonal_naive_made_no_error(scale: float) -> None:
    """Nothing can be said in units of 0."""
    assert math.isnan(mase(np.array([1.0]), np.array([2.0]), scale))


@given(y=st.lists(numbers, max_size=30), season_length=st.integers(1, 12))
def test_the_scale_is_the_mean_step_over_a_season(y: list[float], season_length: int) -> None:
    """A series no longer than a season is measured by steps of one; a single value not at all."""
    lag = season_length if len(y) > season_length else 1
    steps = [abs(y[i] - y[i - lag]) for i in range(lag, len(y))]
    twin = sum(steps) / len(steps) if steps else math.nan
    scale = seasonal_naive_scale(np.array(y), season_length)
    assert scale == pytest.approx(twin, rel=1e-9, abs=1e-12, nan_ok=True)


def test_the_airline_scale_is_known(airline_values: np.ndarray) -> None:
    """Of the 117 training months; the number that every MASE of the README is divided by."""
    past = airline_values[:117]
    by_hand = sum(abs(past[i] - past[i - 12]) for i in range(12, 117)) / 105
    assert seasonal_naive_scale(past, 12) == pytest.approx(by_hand) == pytest.approx(29.219047619)


levels = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4, unique=True)


@given(pairs=pairs, levels=levels)
def test_crps_is_twice_the_mean_pinball_loss(
    pairs: list[tuple[float, float]], levels: list[float]
) -> None:
    """A miss costs `level` where the truth is above the quantile, and `1 - level` below."""
    y, low = np.array(pairs).T
    total = 0.0
    for level in levels:
        for truth, quantile in pairs:
            miss = truth - quantile - level
            total += 2 * (level * miss if miss > 0 else (level - 1) * miss)
    twin = total / len(pairs) / len(levels)
    quantiles = {level: low + level for level in levels}
    assert crps(y, quantiles) == pytest.approx(twin, rel=1e-6, abs=1e-6)


@given(pairs=pairs)
def test_crps_of_the_median_is_the_mean_absolute_error(pairs: list[tuple[float, float]]) -> None:
    """So it is read in the units of the data."""
    y, y_hat = np.array(pairs).T
    assert crps(y, {0.5: y_hat}) == pytest.approx(mae_twin(pairs, 1.0), rel=1e-9, abs=1e-12)


def test_coverage_counts_the_bounds_in() -> None:
    """In percent; and the width is the mean distance of the bounds."""
    low, high = np.array([0.0, 0.0, 0.0, 5.0]), np.array([1.0, 1.0, 1.0, 7.0])
    assert coverage(np.array([0.0, 1.0, 1.5, 6.0]), low, high) == 75
    assert width(low, high) == 1.25
