"""Methods that need no training: against twins that walk through one series at a time."""

import math
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import MissingExtraError, UsageError
from forecast.methods import BASELINES, check_names, method_names, named_methods
from forecast.scoring.metrics import Scale, rmse

ONE = Scale(1.0, 1.0)
panels = st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), min_size=1, max_size=3)


def _points(
    name: str, panel: Panel, cutoffs: IntArray, horizon: int, season_length: int
) -> FloatArray:
    """What the method of this name forecasts."""
    [method] = named_methods([name], season_length)
    return method.forecast(panel, cutoffs, horizon).y_hat


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


def naive2_twin(values: list[float], end: int, step: int, season_length: int) -> float:
    past = values[: end + 1]
    if min(past) <= 0 or not season_twin(past, season_length):
        return past[-1]
    factors = factors_twin(past, season_length)
    return past[-1] / factors[end % season_length] * factors[(end + step) % season_length]


def season_twin(y: list[float], season_length: int) -> bool:
    """M4's test, sum by sum."""
    n, mean = len(y), sum(y) / len(y)
    total = sum((value - mean) ** 2 for value in y)
    if season_length == 1 or n < 3 * season_length or total == 0:
        return False
    acf = [
        sum((y[i] - mean) * (y[i - lag] - mean) for i in range(lag, n)) / total
        for lag in range(season_length + 1)
    ]
    limit = 1.645 * math.sqrt((1 + 2 * sum(r**2 for r in acf[1:season_length])) / n)
    return abs(acf[season_length]) > limit


def factors_twin(y: list[float], season_length: int) -> list[float]:
    """Classical decomposition, row by row."""
    shares: list[list[float]] = [[] for _ in range(season_length)]
    half = season_length // 2
    for i in range(half, len(y) - half):
        around = y[i - half : i + half + 1]
        if season_length % 2 == 0:
            around = [around[0] / 2, *around[1:-1], around[-1] / 2]
        shares[i % season_length].append(y[i] / (sum(around) / season_length))
    means = [sum(own) / len(own) for own in shares]
    return [factor / (sum(means) / season_length) for factor in means]


TWINS = {
    "naive": naive_twin,
    "seasonal_naive": seasonal_naive_twin,
    "drift": drift_twin,
    "naive2": naive2_twin,
}


STATISTICAL = ["auto_arima", "auto_ces", "auto_ets", "auto_theta"]


def test_every_method_has_its_test_here() -> None:
    """A method that is added without one fails this."""
    assert set(method_names()) == {*TWINS, *STATISTICAL}


@pytest.mark.parametrize("name", TWINS)
@given(series=panels, horizon=st.integers(1, 8), season_length=st.integers(1, 6))
def test_a_method_equals_its_twin(
    name: str,
    make_panel: Callable[..., Panel],
    series: list[list[float]],
    horizon: int,
    season_length: int,
) -> None:
    """At every row of every series, for every step, from the past of that series alone."""
    panel = make_panel(series)
    twin = TWINS[name]
    by_hand = [
        [twin(values, end, step, season_length) for step in range(1, horizon + 1)]
        for values in series
        for end in range(len(values))
    ]
    forecasts = _points(name, panel, np.arange(len(panel.values)), horizon, season_length)
    np.testing.assert_allclose(forecasts, np.array(by_hand), rtol=1e-9, atol=1e-9)


@given(
    swings=st.lists(st.floats(0.5, 2), min_size=2, max_size=6),
    noise=st.lists(st.floats(0.95, 1.05), min_size=1, max_size=40),
    horizon=st.integers(1, 8),
)
def test_naive2_moves_with_the_season(
    make_panel: Callable[..., Panel], swings: list[float], noise: list[float], horizon: int
) -> None:
    """As its twin does, of series that mostly have one."""
    m = len(swings)
    values = [100 * swings[i % m] * share for i, share in enumerate(noise)]
    end = len(values) - 1
    by_hand = [naive2_twin(values, end, step, m) for step in range(1, horizon + 1)]
    forecasts = _points("naive2", make_panel([values]), np.array([end]), horizon, m)
    np.testing.assert_allclose(forecasts, [by_hand], rtol=1e-9)


def test_naive2_of_a_pure_season_goes_on_with_it(make_panel: Callable[..., Panel]) -> None:
    """From wherever in the season it is asked."""
    season = [1.0, 2.0, 6.0, 3.0]
    panel = make_panel([season * 5])
    forecasts = _points("naive2", panel, np.array([15, 17]), 6, 4)
    np.testing.assert_allclose(forecasts, [[1, 2, 6, 3, 1, 2], [6, 3, 1, 2, 6, 3]])


@pytest.mark.parametrize("unfit", [0.0, -1.0])
def test_naive2_is_naive_where_no_season_can_be_told(
    make_panel: Callable[..., Panel], unfit: float
) -> None:
    """A value has no share of zero; and two seasons are too few."""
    season = [1.0, 2.0, 6.0, 3.0]
    panel = make_panel([[unfit, *(season * 5)], season * 2, [5.0] * 20])
    cutoffs = panel.ends - 1
    expected = _points("naive", panel, cutoffs, 6, 4)
    np.testing.assert_array_equal(_points("naive2", panel, cutoffs, 6, 4), expected)


def test_naive2_of_the_airline_is_known(
    make_panel: Callable[..., Panel], airline_values: np.ndarray
) -> None:
    """From the first 117 months; another library's decomposition says the same."""
    forecasts = _points("naive2", make_panel([list(airline_values)]), np.array([116]), 3, 12)
    np.testing.assert_allclose(forecasts, [[350.52246236, 304.85154164, 344.03350887]])


def test_the_airline_baselines_score_what_is_known(
    make_panel: Callable[..., Panel], airline_values: np.ndarray
) -> None:
    """One step ahead on the last 27 months: RMSE 50.74 for naive, 47.19 for seasonal naive."""
    panel = make_panel([list(airline_values)])
    cutoffs = np.arange(116, 143)
    scores = {
        name: round(
            rmse(airline_values[117:], _points(name, panel, cutoffs, 1, 12)[:, 0], ONE),
            2,
        )
        for name in BASELINES
    }
    assert scores == {"naive": 50.74, "seasonal_naive": 47.19}


@pytest.mark.parametrize("name", STATISTICAL)
def test_a_statistical_method_sees_the_past_of_its_cutoff_alone(
    make_panel: Callable[..., Panel], airline_values: np.ndarray, name: str
) -> None:
    """Whatever came later, and whatever the other series did; and it forecasts a season."""
    airline = list(airline_values[48:])
    panel = make_panel([airline[::-1], airline])
    cutoffs = np.array([30, len(airline) + 52])
    before = _points(name, panel, cutoffs, 6, 12)
    assert before.shape == (2, 6)
    alone = make_panel([[*airline[:53], *[1.0] * 43]])
    np.testing.assert_array_equal(_points(name, alone, np.array([52]), 6, 12), before[1:])
    truth = airline_values[101:107]
    naive = _points("naive", panel, cutoffs, 6, 12)
    assert rmse(truth, before[1], ONE) < rmse(truth, naive[1], ONE)


def test_a_statistical_method_leaves_out_what_it_can_not_be_fitted_to(
    make_panel: Callable[..., Panel], airline_values: np.ndarray
) -> None:
    """One row is too few for any: the other series has its forecast all the same."""
    panel = make_panel([[5.0], list(airline_values[:60])])
    panel.values.setflags(write=False)
    for name in ("auto_ets", "auto_theta"):
        forecasts = _points(name, panel, panel.ends - 1, 4, 12)
        assert np.isnan(forecasts[0]).all()
        assert np.isfinite(forecasts[1]).all()


def test_methods_come_in_the_order_asked_for_and_once() -> None:
    """Their names are those of the command line and of tables."""
    methods = named_methods(["drift", "naive", "drift"], season_length=1)
    assert [method.name for method in methods] == ["drift", "naive"]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("naiv", "Did you mean `naive`?"),
        ("", f"Known here: {', '.join(sorted([*TWINS, *STATISTICAL]))}."),
    ],
)
def test_a_name_that_is_not_known_is_refused(name: str, advice: str) -> None:
    """With the nearest, or all."""
    with pytest.raises(UsageError) as caught:
        check_names(["naive", name])
    assert str(caught.value) == f"--against: there is no baseline {name!r}.\n{advice}"


def test_a_method_whose_extra_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it; Python finds no module whose entry is None."""
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    check_names(list(TWINS))
    for name in STATISTICAL:
        with pytest.raises(
            MissingExtraError, match=r"pip install 'keras-forecast\[stats\]'"
        ) as caught:
            check_names([name])
        assert caught.value.exit_code == 8
