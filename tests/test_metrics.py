"""Metrics against naive twins written from their definitions, value by value."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.panel import Panel, Past
from forecast.scoring.metrics import (
    METRICS,
    NAMES,
    Metric,
    Scale,
    coverage,
    crps,
    error_scales,
    mape,
    mase,
    mean_by_group,
    owa,
    rmsse,
    smape,
    width,
)

numbers = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30)
scales = st.builds(Scale, mae=st.floats(1e-3, 1e6), rmse=st.floats(1e-3, 1e6))
ONE = Scale(1.0, 1.0)


def rmse_twin(pairs: list[tuple[float, float]], scale: Scale) -> float:
    return math.sqrt(sum((y - y_hat) ** 2 for y, y_hat in pairs) / len(pairs))


def mae_twin(pairs: list[tuple[float, float]], scale: Scale) -> float:
    return sum(abs(y - y_hat) for y, y_hat in pairs) / len(pairs)


def mape_twin(pairs: list[tuple[float, float]], scale: Scale) -> float:
    if any(y == 0 for y, _ in pairs):
        return math.nan
    return 100 * sum(abs(y - y_hat) / abs(y) for y, y_hat in pairs) / len(pairs)


def smape_twin(pairs: list[tuple[float, float]], scale: Scale) -> float:
    total = 0.0
    for y, y_hat in pairs:
        if y != 0 or y_hat != 0:
            total += 200 * abs(y - y_hat) / (abs(y) + abs(y_hat))
    return total / len(pairs)


def mase_twin(pairs: list[tuple[float, float]], scale: Scale) -> float:
    return mae_twin(pairs, scale) / float(scale.mae)


def rmsse_twin(pairs: list[tuple[float, float]], scale: Scale) -> float:
    scaled = [((y - y_hat) / scale.rmse) ** 2 for y, y_hat in pairs]
    return math.sqrt(sum(scaled) / len(scaled))


TWINS = {"rmse": rmse_twin, "mae": mae_twin, "mape": mape_twin, "smape": smape_twin}
TWINS |= {"mase": mase_twin, "rmsse": rmsse_twin}


def test_every_metric_has_a_twin_here() -> None:
    """A metric that is added without a test fails this one."""
    assert set(NAMES) == set(TWINS)


@pytest.mark.parametrize("metric", METRICS, ids=NAMES)
@given(pairs=pairs, scale=scales)
def test_a_metric_equals_its_twin(
    metric: Metric, pairs: list[tuple[float, float]], scale: Scale
) -> None:
    """Vectorised and written out by hand, a metric is the same number."""
    y, y_hat = np.array(pairs).T
    twin = TWINS[NAMES[METRICS.index(metric)]](pairs, scale)
    assert metric(y, y_hat, scale, np.mean) == pytest.approx(twin, rel=1e-9, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("metric", METRICS, ids=NAMES)
@given(pairs=pairs, scale=scales)
def test_a_perfect_forecast_scores_zero(
    metric: Metric, pairs: list[tuple[float, float]], scale: Scale
) -> None:
    """No metric punishes the truth; MAPE alone is undefined where the truth is 0."""
    y = np.array(pairs)[:, 0]
    undefined = metric is mape and not y.all()
    assert metric(y, y, scale, np.mean) == pytest.approx(math.nan if undefined else 0, nan_ok=True)


@given(pairs=pairs)
def test_smape_lies_between_0_and_200(pairs: list[tuple[float, float]]) -> None:
    """As in the M4 competition: 200 where the forecast has the wrong sign, or one of two is 0."""
    y, y_hat = np.array(pairs).T
    assert 0 <= smape(y, y_hat, ONE) <= 200 + 1e-9
    assert smape(np.array([0.0, 3.0]), np.array([5.0, -3.0]), ONE) == 200


@pytest.mark.parametrize("scale", [0.0, math.nan])
@pytest.mark.parametrize("metric", [mase, rmsse])
def test_a_scaled_metric_is_undefined_where_seasonal_naive_made_no_error(
    metric: Metric, scale: float
) -> None:
    """Nothing can be said in units of 0."""
    assert math.isnan(metric(np.array([1.0]), np.array([2.0]), Scale(scale, scale), np.mean))


@given(
    series=st.lists(st.lists(numbers, min_size=1, max_size=30), min_size=1, max_size=4),
    season_length=st.integers(1, 12),
)
def test_the_scales_are_the_size_of_a_step_over_a_season(
    make_panel: Callable[..., Panel], series: list[list[float]], season_length: int
) -> None:
    """A series no longer than a season is measured by steps of one; a single value not at all."""
    scales = error_scales(Past(make_panel(series)), season_length)
    for y, scale in zip(series, scales.values(), strict=True):
        lag = season_length if len(y) > season_length else 1
        steps = [abs(y[i] - y[i - lag]) for i in range(lag, len(y))]
        mae = sum(steps) / len(steps) if steps else math.nan
        rmse = math.sqrt(sum(step**2 for step in steps) / len(steps)) if steps else math.nan
        assert scale.mae == pytest.approx(mae, rel=1e-9, abs=1e-12, nan_ok=True)
        assert scale.rmse == pytest.approx(rmse, rel=1e-9, abs=1e-12, nan_ok=True)


def test_the_airline_scales_are_known(
    make_panel: Callable[..., Panel], airline_values: np.ndarray
) -> None:
    """Of the 117 training months; what every MASE and RMSSE of the README is divided by."""
    past = airline_values[:117]
    steps = [past[i] - past[i - 12] for i in range(12, 117)]
    scale = error_scales(Past(make_panel([list(past)])), 12)["a"]
    assert scale.mae == pytest.approx(sum(map(abs, steps)) / 105) == pytest.approx(29.219047619)
    assert scale.rmse == pytest.approx((sum(step**2 for step in steps) / 105) ** 0.5)


@given(errors=st.lists(st.floats(0.1, 200), min_size=4, max_size=4))
def test_owa_is_the_mean_of_two_ratios(errors: list[float]) -> None:
    """Of sMAPE and of MASE, to those of Naive2; of Naive2 itself it is 1."""
    own = {"smape": errors[0], "mase": errors[1], "rmse": math.nan}
    naive2 = {"smape": errors[2], "mase": errors[3]}
    assert owa(own, naive2) == pytest.approx((errors[0] / errors[2] + errors[1] / errors[3]) / 2)
    assert owa(naive2, naive2) == 1


@pytest.mark.parametrize("error", [0.0, math.nan])
@pytest.mark.parametrize("metric", ["smape", "mase"])
def test_owa_is_undefined_where_naive2_made_no_error(metric: str, error: float) -> None:
    """Or where its error is itself undefined."""
    ones = {"smape": 1.0, "mase": 1.0}
    assert math.isnan(owa(ones, ones | {metric: error}))


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
    """So it is read on the scale of the data."""
    y, y_hat = np.array(pairs).T
    assert crps(y, {0.5: y_hat}) == pytest.approx(mae_twin(pairs, ONE), rel=1e-9, abs=1e-12)


def test_coverage_counts_the_bounds_in() -> None:
    """In percent; and the width is the mean distance of the bounds."""
    low, high = np.array([0.0, 0.0, 0.0, 5.0]), np.array([1.0, 1.0, 1.0, 7.0])
    assert coverage(np.array([0.0, 1.0, 1.5, 6.0]), low, high) == 75
    assert width(low, high) == 1.25


@given(groups=st.lists(pairs, min_size=1, max_size=4))
@pytest.mark.parametrize("metric", METRICS, ids=NAMES)
def test_many_series_score_at_once_what_they_score_alone(
    metric: Metric, groups: list[list[tuple[float, float]]]
) -> None:
    """Each with a scale of its own."""
    scales = [Scale(1.0 + i, 2.0 + i) for i in range(len(groups))]
    y, y_hat = np.concatenate([np.array(group) for group in groups]).T
    units = Scale(*(np.array([vars(scale)[name] for scale in scales]) for name in ("mae", "rmse")))
    counts = np.array([len(group) for group in groups])
    together = metric(y, y_hat, units, partial(mean_by_group, counts=counts))
    arrays = [np.array(group).T for group in groups]
    alone = [
        metric(y, y_hat, scale, np.mean) for (y, y_hat), scale in zip(arrays, scales, strict=True)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
