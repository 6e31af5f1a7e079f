"""Is there a season, and what does each of its steps amount to?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.methods.seasonality import has_season, seasonal_factors


def test_the_airline_has_a_season_of_a_year(airline_values: np.ndarray) -> None:
    """Three years are enough to say so, once its trend does not hide it."""
    growth = np.diff(np.log(airline_values))
    assert has_season(growth[:36], 12)
    assert has_season(airline_values, 12)
    assert not has_season(growth[:35], 12)
    assert not has_season(growth, 5)


def test_nothing_has_a_season_of_one_step_and_constants_none_at_all() -> None:
    """There is nothing to compare."""
    assert not has_season(np.arange(100.0), 1)
    assert not has_season(np.ones(100), 4)


def test_noise_has_a_season_once_in_ten() -> None:
    """Which is what the test promises."""
    random = np.random.default_rng(0)
    found = [has_season(random.normal(size=400), 7) for _ in range(2000)]
    assert 0.08 <= np.mean(found) <= 0.12


@given(
    swings=st.lists(st.floats(0.5, 2), min_size=2, max_size=9),
    level=st.floats(0.01, 1e6),
    rows=st.integers(0, 30),
)
def test_the_factors_of_a_pure_season_are_its_swings(
    swings: list[float], level: float, rows: int
) -> None:
    """Over their mean; at any level, and where the last season is not whole."""
    season = np.array(swings)
    y = level * np.resize(season, 2 * len(season) + rows)
    np.testing.assert_allclose(seasonal_factors(y, len(season)), season / season.mean())


@pytest.mark.parametrize("season_length", [4, 5])
def test_a_trend_is_no_season(season_length: int) -> None:
    """A straight line lies in its own moving average."""
    factors = seasonal_factors(np.arange(100.0, 150.0), season_length)
    np.testing.assert_allclose(factors, np.ones(season_length))
