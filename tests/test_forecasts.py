"""Forecasts as a long table."""

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.export import written_dates
from forecast.data.forecasts import (
    Forecasts,
    forecast_table,
    quantile_column,
    quantile_levels,
)
from forecast.data.panel import Panel


def test_a_forecast_has_one_row_for_each_series_cutoff_and_step(
    make_panel: Callable[..., Panel],
) -> None:
    """`ds` is the cutoff and as many months on as the step says."""
    panel = make_panel([[1.0, 2.0], [3.0, 4.0, 5.0]])
    forecasts = Forecasts(np.array([[7.0, 8.0], [9.0, 10.5]]))
    table = forecast_table(panel, np.array([1, 3]), forecasts)
    assert written_dates(table).to_csv(index=False) == (
        "unique_id,ds,cutoff,step,y_hat\n"
        "a,2000-03-01,2000-02-01,1,7.0\n"
        "a,2000-04-01,2000-02-01,2,8.0\n"
        "b,2000-03-01,2000-02-01,1,9.0\n"
        "b,2000-04-01,2000-02-01,2,10.5\n"
    )


def test_a_quantile_has_a_column_of_its_level(make_panel: Callable[..., Panel]) -> None:
    """`q0.1`, in the order in which the levels are given."""
    panel = make_panel([[1.0, 2.0]])
    quantiles = {0.1: np.array([[6.0]]), 0.5: np.array([[7.0]]), 0.975: np.array([[8.0]])}
    table = forecast_table(panel, np.array([1]), Forecasts(np.array([[7.5]]), quantiles))
    assert written_dates(table).to_csv(index=False) == (
        "unique_id,ds,cutoff,step,y_hat,q0.1,q0.5,q0.975\n"
        "a,2000-03-01,2000-02-01,1,7.5,6.0,7.0,8.0\n"
    )


@given(levels=st.lists(st.floats(0.001, 0.999).map(lambda level: round(level, 4)), unique=True))
def test_a_column_of_a_quantile_says_its_level(levels: list[float]) -> None:
    """And no other column does, such as one of a series called `q`."""
    columns = ["y_hat", "q", "qx", "query", "0.1", "q0.10", *map(quantile_column, levels)]
    assert list(quantile_levels(columns).values()) == levels
