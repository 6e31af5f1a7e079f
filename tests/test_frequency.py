"""Which frequency dates have."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.frequency import frequency_of, infer_grid, infer_step
from forecast.errors import DataError

FREQUENCIES = [
    "YS", "YE", "YS-APR", "2YS", "QS", "QE", "QS-FEB", "QE-OCT", "MS", "ME", "BME", "BMS", "2MS",
    "W-SUN", "W-MON", "2W-WED", "D", "B", "3D", "h", "2h", "15min", "5min", "s", "500ms",
]  # fmt: skip


@given(
    freq=st.sampled_from(FREQUENCIES),
    zone=st.sampled_from([None, "UTC", "Europe/Berlin", "America/New_York"]),
    missing=st.sets(st.integers(1, 38), max_size=6),
)
def test_the_frequency_is_found_also_where_rows_are_missing(
    freq: str, zone: str | None, missing: set[int]
) -> None:
    """Of every kind that there is, in every zone: a gap hides nothing."""
    ds = pd.date_range("2021-03-01", periods=40, freq=freq)
    if zone is not None:  # steps within a day are instants, days are those of the zone's calendar
        within_day = freq.lstrip("0123456789") in ("h", "min", "s", "ms")
        ds = ds.tz_localize("UTC").tz_convert(zone) if within_day else ds.tz_localize(zone)
    assert infer_grid(ds.delete(sorted(missing))) == freq


@given(
    day=st.integers(2, 28),
    base=st.sampled_from(["MS", "QS", "YS"]),
    periods=st.integers(4, 30),
)
def test_months_on_another_day_are_the_first_and_some_days(
    day: int, base: str, periods: int
) -> None:
    """The 15th is `MS+14D`."""
    ds = pd.date_range("2021-01-01", periods=periods, freq=base) + pd.Timedelta(days=day - 1)
    assert infer_grid(pd.DatetimeIndex(ds)) == f"{base}+{day - 1}D"


def test_weekdays_with_holidays_are_weekdays() -> None:
    """Weekends are no gaps, a holiday is one."""
    ds = pd.bdate_range("2023-01-02", periods=60).delete([10, 33, 34])
    assert infer_grid(ds) == "B"
    assert infer_grid(ds[:5]) == "D"  # within one week nobody can tell


def test_counted_rows_have_a_step() -> None:
    """Also where one is missing."""
    assert infer_step(np.array([0, 1, 2, 4, 5])) == 1
    assert infer_step(np.array([0, 10, 20, 40])) == 10
    assert infer_step(np.array([0, 7, 9, 40])) is None
    assert infer_step(np.array([3])) is None


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_dates_leave_the_frequency_open(count: int) -> None:
    """The way out is to name it."""
    ds = pd.date_range("2021-03-01", periods=count, freq="MS")
    with pytest.raises(DataError) as caught:
        frequency_of(ds, ds, "t.csv")
    assert str(caught.value) == (
        f"t.csv: {count} dates are too few to infer a frequency.\n"
        "Name the frequency: `data.freq: MS` (months), D, h, 15min, W-SUN, ..."
    )


def test_dates_without_a_common_distance_have_no_frequency() -> None:
    """Nothing is guessed: they can be brought to even steps, or the frequency is named."""
    ds = pd.DatetimeIndex(["2021-01-01", "2021-01-03", "2021-01-08", "2021-02-20"])
    with pytest.raises(DataError) as caught:
        frequency_of(ds, ds, "t.csv")
    assert str(caught.value) == (
        "t.csv: the dates have no common distance (2 days, 5 days, 43 days between "
        "neighbours).\n"
        "Bring them to even steps, such as `data.resample: {freq: D, how: mean}`; or name the "
        "frequency: `data.freq: MS` (months), D, h, 15min, W-SUN, ... With `forecast init`, "
        "--freq D fills the steps between."
    )
    ds = pd.DatetimeIndex(["2021-01-01T00", "2021-01-02T00", "2021-01-04T03", "2021-01-08T18"])
    with pytest.raises(DataError, match=r"(?s)\(1 day, 2 days 03:00:00, .*--freq h fills"):
        frequency_of(ds, ds, "t.csv")


def test_series_that_are_short_have_the_frequency_of_all_together() -> None:
    """Two dates tell nothing, four do."""
    ds = pd.date_range("2021-03-01", periods=4, freq="W-MON")
    assert frequency_of(ds[:2], ds, "t.csv") == "W-MON"
