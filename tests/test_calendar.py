"""Dates: the frequency of a table, the steps of a forecast, and how they are written."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.calendar import (
    COUNTED,
    dates,
    from_iso,
    grid,
    is_freq,
    iso,
    longer_season_of,
    season_length_of,
    seasons_of,
    steps_between,
)

FREQUENCIES = ["YS", "QS", "QE", "MS", "ME", "W-SUN", "D", "B", "h", "15min", "s"]


@pytest.mark.parametrize(
    ("freq", "season_length"),
    [
        ("YS", 1),
        ("YE-DEC", 1),
        ("QS-OCT", 4),
        ("QE-DEC", 4),
        ("MS", 12),
        ("ME", 12),
        ("3MS", 4),
        ("5MS", 1),
        ("W-SUN", 52),
        ("2W-MON", 26),
        ("D", 7),
        ("B", 5),
        ("h", 24),
        ("6h", 4),
        ("30min", 48),
        ("15min", 96),
        ("min", 1440),
        ("s", 3600),
        ("ms", 1),
    ],
)
def test_a_season_is_what_is_usual_for_the_frequency(freq: str, season_length: int) -> None:
    """Twelve months, four quarters, 24 hours, 96 quarters of an hour; 1 where none is usual."""
    assert season_length_of(freq) == season_length


@pytest.mark.parametrize(
    "freq", ["nope", "M", "", "0D", "-1MS", "9" * 9 + "D", "1" * 30 + "h", "101YS", "2000000000MS"]
)
def test_what_pandas_does_not_know_or_no_forecast_can_step_is_no_frequency(freq: str) -> None:
    """Time goes forward, by more than nothing."""
    assert not is_freq(freq)


@pytest.mark.parametrize("freq", FREQUENCIES)
def test_usual_frequencies_are_known(freq: str) -> None:
    """From years to seconds."""
    assert is_freq(freq)


@pytest.mark.parametrize(
    ("freq", "seasons", "longer"),
    [
        ("MS", [12], 12),
        ("D", [7], 364),
        ("B", [5], 260),
        ("W-SUN", [52], 52),
        ("h", [24, 168], 168),
        ("15min", [96, 672], 672),
        ("YS", [], 1),
    ],
)
def test_hours_have_a_season_of_a_day_and_one_of_a_week(
    freq: str, seasons: list[int], longer: int
) -> None:
    """Shortest first; above that of days lie 52 weeks."""
    assert seasons_of(freq) == seasons
    assert longer_season_of(freq) == longer


@given(
    freq=st.sampled_from(FREQUENCIES),
    starts=st.lists(st.integers(0, 500), min_size=1, max_size=5),
    horizon=st.integers(1, 15),
)
def test_the_grid_is_what_walking_step_by_step_gives(
    freq: str, starts: list[int], horizon: int
) -> None:
    """Row by row: all steps of the first date, then all of the next."""
    calendar = pd.date_range("2019-12-31", periods=520, freq=freq)
    by_hand = [calendar[start + step] for start in starts for step in range(1, horizon + 1)]
    assert list(grid(calendar[starts], horizon, freq)) == by_hand


def test_months_step_to_the_first_of_the_next_month() -> None:
    """Whatever the lengths of the months between, and over the end of a year."""
    steps = grid(pd.DatetimeIndex(["1960-12-01"]), 3, "MS")
    assert iso(steps) == ["1961-01-01", "1961-02-01", "1961-03-01"]
    assert iso(grid(pd.DatetimeIndex(["2024-01-31"]), 1, "ME")) == ["2024-02-29"]


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata", "Europe/Berlin"])
@pytest.mark.parametrize("freq", [*FREQUENCIES, "QS-NOV", "3MS", "2W-MON", "2B", "SME", "ms"])
def test_dates_and_steps_are_those_that_walking_gives(freq: str, zone: str | None) -> None:
    """From each of 61 dates to each: over short months, weekends and a change of the clocks."""
    calendar = pd.date_range("2019-12-31T06:30", periods=61, freq=freq, tz=zone)
    rows = np.arange(61)
    begins, ends = np.repeat(rows, 61), np.tile(rows, 61)
    walked = ends - begins
    assert dates(calendar[begins], walked, freq).equals(calendar[ends])
    np.testing.assert_array_equal(steps_between(calendar[begins], calendar[ends], freq), walked)
    # A table of a single row is none of the many.
    assert dates(calendar[:1], rows[-1:], freq).equals(calendar[-1:])
    assert steps_between(calendar[:1], calendar[-1:], freq).tolist() == [60]


def test_months_may_lie_on_any_day() -> None:
    """The 15th stays the 15th."""
    begins = pd.DatetimeIndex(["2023-12-15", "2024-02-15"])
    moments = dates(begins, np.array([2, -1]), "MS+14D")
    assert iso(moments) == ["2024-02-15", "2024-01-15"]
    assert steps_between(begins, moments, "MS+14D").tolist() == [2, -1]
    assert season_length_of("MS+14D") == 12


def test_a_day_is_one_on_the_calendar_and_an_hour_is_one_of_the_clock() -> None:
    """Over the night in which the clocks of Berlin skip an hour."""
    begins = pd.DatetimeIndex(["2024-03-30T02:30"]).tz_localize("Europe/Berlin")
    day, hour = (dates(begins, np.array([n]), freq) for n, freq in ((1, "D"), (24, "h")))
    assert iso(day) == ["2024-03-31T03:00:00+02:00"]  # half past two is not there
    assert iso(hour) == ["2024-03-31T03:30:00+02:00"]
    assert iso(dates(begins, np.array([2]), "D")) == ["2024-04-01T02:30:00+02:00"]


def test_rows_may_be_counted_instead_of_dated() -> None:
    """By numbers, of the frequency 1."""
    begins = pd.Index([0, 100])
    assert iso(dates(begins, np.array([5, -1]), COUNTED)) == ["5", "99"]
    assert steps_between(begins, pd.Index([7, 98]), COUNTED).tolist() == [7, -2]
    assert from_iso(["5"], begins).tolist() == [5]
    assert (season_length_of(COUNTED), seasons_of(COUNTED)) == (1, [])
    assert is_freq(COUNTED)


def test_rows_may_be_counted_by_more_than_one() -> None:
    """In tens, say: a step is ten further, and what lies between counts as the step before."""
    begins = pd.Index([0, 100])
    assert iso(dates(begins, np.array([5, -1]), "10")) == ["50", "90"]
    assert steps_between(begins, pd.Index([70, 95]), "10").tolist() == [7, -1]
    assert (season_length_of("10"), seasons_of("10")) == (1, [])
    assert is_freq("10")
    assert not any(is_freq(text) for text in ("0", "-1", "01", "1.5", "9999999999"))


def test_steps_are_counted_on_the_calendar_of_each_pair() -> None:
    """Every other week is another week for another series, and hours may begin at half past."""
    begins = pd.DatetimeIndex(["2020-01-06", "2020-01-13"])
    ends = pd.DatetimeIndex(["2020-02-03", "2020-02-10"])
    assert steps_between(begins, ends, "2W-MON").tolist() == [2, 2]
    begins = pd.DatetimeIndex(["2020-01-01T00:00", "2020-01-01T00:30"])
    ends = pd.DatetimeIndex(["2020-01-01T02:00", "2020-01-01T03:30"])
    assert steps_between(begins, ends, "h").tolist() == [2, 3]


def test_a_date_between_two_steps_counts_as_the_one_before() -> None:
    """A Saturday as the Friday: a series of business days may begin with one."""
    saturday, monday = pd.DatetimeIndex(["2020-01-04"]), pd.DatetimeIndex(["2020-01-06"])
    assert steps_between(saturday, monday, "B").tolist() == [1]
    assert steps_between(monday, saturday, "B").tolist() == [-1]
    assert steps_between(saturday, saturday, "B").tolist() == [0]


@pytest.mark.parametrize("zone", [None, "UTC", "UTC+05:30", "Europe/Berlin"])
@pytest.mark.parametrize("freq", ["MS", "h", "15min"])
def test_dates_are_read_as_they_were_written(freq: str, zone: str | None) -> None:
    """In their zone, also where its clocks change between them."""
    dates = pd.date_range("2020-03-29", periods=30, freq=freq, tz=zone)
    assert from_iso(iso(dates), dates).equals(dates)


@pytest.mark.parametrize(
    ("dates", "written"),
    [
        (["2020-01-01", "2020-02-01"], ["2020-01-01", "2020-02-01"]),
        (["2020-01-01 00:00", "2020-01-01 01:30"], ["2020-01-01T00:00:00", "2020-01-01T01:30:00"]),
        (["2020-01-01T00:00:00+05:30"], ["2020-01-01T00:00:00+05:30"]),
        (["2020-01-01T00:00:00Z"], ["2020-01-01T00:00:00+00:00"]),
        ([], []),
    ],
)
def test_dates_are_written_in_iso_8601(dates: list[str], written: list[str]) -> None:
    """A time of day where one of them has one, and the zone where there is one."""
    assert iso(pd.DatetimeIndex(dates)) == written
