"""Baselines against twins that walk through one series at a time."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.panel import Panel
from forecast.errors import UsageError
from forecast.scoring.baselines import (
    AT_CHOICE,
    BASELINES,
    Baseline,
    chosen,
    drift,
    naive,
)
from forecast.scoring.metrics import Scale, rmse

panels = st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), min_size=1, max_size=3)


def naive_twin(values: list[float], end: int, step: int, season_length: int) -> float:
    return values[end]


def seasonal_naive_twin(values: list[float], end: int, step: int, season_length: int) -> float:
    row = end + step
    while row > end:
        row -= season_length
    return values[row] if row >= 0 else math.nan


def drift_twin(values: list[float], end: int, step: int, season_length: int) -> float:
    slope = (values[end] - values[0]) / end if end else 0.0
    return values[end] + step * slope


TWINS = {"naive": naive_twin, "seasonal_naive": seasonal_naive_twin, "drift": drift_twin}


def test_every_baseline_has_a_twin_here() -> None:
    """A baseline that is added without a test fails this one."""
    assert {baseline.__name__ for baseline in AT_CHOICE} == set(TWINS)


@pytest.mark.parametrize("baseline", AT_CHOICE, ids=lambda baseline: baseline.__name__)
@given(series=panels, horizon=st.integers(1, 8), season_length=st.integers(1, 6))
def test_a_baseline_equals_its_twin(
    baseline: Baseline,
    make_panel: Callable[..., Panel],
    series: list[list[float]],
    horizon: int,
    season_length: int,
) -> None:
    """At every row of every series, for every step, from the past of that series alone."""
    panel = make_panel(series)
    twin = TWINS[baseline.__name__]
    by_hand = [
        [twin(values, end, step, season_length) for step in range(1, horizon + 1)]
        for values in series
        for end in range(len(values))
    ]
    forecasts = baseline(panel, np.arange(len(panel.values)), horizon, season_length)
    np.testing.assert_allclose(forecasts, np.array(by_hand), rtol=1e-9, atol=1e-9)


def test_the_airline_baselines_score_what_is_known(
    make_panel: Callable[..., Panel], airline_values: np.ndarray
) -> None:
    """One step ahead on the last 27 months: RMSE 50.74 for naive, 47.19 for seasonal naive."""
    panel = make_panel([list(airline_values)])
    cutoffs = np.arange(116, 143)
    scores = {
        baseline.__name__: round(
            rmse(airline_values[117:], baseline(panel, cutoffs, 1, 12)[:, 0], Scale(1.0, 1.0)), 2
        )
        for baseline in BASELINES
    }
    assert scores == {"naive": 50.74, "seasonal_naive": 47.19}


def test_baselines_are_chosen_by_name() -> None:
    """In the order asked for."""
    assert chosen(["drift", "naive"], AT_CHOICE) == [drift, naive]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("naiv", "Did you mean `naive`?"),
        ("", "Known here: naive, seasonal_naive, drift."),
        ("arima", "Known here: naive, seasonal_naive, drift."),
    ],
)
def test_a_baseline_that_is_not_known_is_refused(name: str, advice: str) -> None:
    """With the nearest, or all."""
    with pytest.raises(UsageError) as caught:
        chosen(["naive", name], AT_CHOICE)
    assert str(caught.value) == f"--against: there is no baseline {name!r}.\n{advice}"
