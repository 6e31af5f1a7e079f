"""Dates: which frequency a table has, which date comes next, how a date is written."""

from collections import Counter
from collections.abc import Sequence
from datetime import tzinfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset

from forecast.errors import DataError, Problem

# Steps in one season by the base of the frequency. A day's season is the week: of the seasons of a
# daily series it is the one that a year of data can show.
_SEASONS = {"YS": 1, "YE": 1, "QS": 4, "QE": 4, "MS": 12, "ME": 12, "W": 52, "D": 7, "B": 5}
_SECONDS_IN_SEASON = {"h": 86_400, "min": 86_400, "s": 3_600}
_SECONDS = {"h": 3_600, "min": 60, "s": 1}


def is_freq(text: str) -> bool:
    """Whether pandas knows this offset alias."""
    try:
        return to_offset(text).n > 0
    except ValueError:
        return False


def season_length_of(freq: str) -> int:
    """Steps in one season: 12 for months, 24 for hours, 96 for 15min; 1 where none is usual."""
    offset = to_offset(freq)
    base = offset.rule_code.split("-")[0]
    seconds_in_season = _SECONDS_IN_SEASON.get(base)
    season = seconds_in_season // _SECONDS[base] if seconds_in_season else _SEASONS.get(base, 1)
    return season // offset.n if season % offset.n == 0 else 1


def seasons_of(freq: str) -> list[int]:
    """Seasons that are usual for a frequency, shortest first: the day, and the week of 7 days."""
    day = season_length_of(freq)
    base = to_offset(freq).rule_code.split("-")[0]
    within_day = base in ("h", "min")
    return [length for length in (day, 7 * day if within_day else 1) if length > 1]


def infer_freq(ds: pd.DatetimeIndex) -> str:
    """The frequency of one series' sorted dates, also where some rows are missing.

    Raises `DataError` where fewer than three dates, or no common distance, leave it open.
    """
    way_out = "Name the frequency: `data.freq: MS` (months), D, h, 15min, W-SUN, ..."
    if len(ds) < 3:
        raise DataError(Problem(f"{len(ds)} rows are too few to infer a frequency.", way_out))
    whole = _infer(ds)
    if whole:
        return whole
    # A missing row hides the frequency of the whole, not that of the stretches beside it.
    stretches = (_infer(ds[i : i + 5]) for i in range(max(1, len(ds) - 4)))
    votes = Counter(freq for freq in stretches if freq)
    if not votes:
        raise DataError(Problem("the dates have no common distance.", way_out))
    return votes.most_common(1)[0][0]


def _infer(ds: pd.DatetimeIndex) -> str | None:
    with pd.option_context({"future.infer_freq_returns_offset": True}):
        offset = pd.infer_freq(ds)
    return None if offset is None else to_offset(offset).freqstr


def shift(ds: pd.DatetimeIndex, steps: int, freq: str) -> pd.DatetimeIndex:
    """Each date moved by a number of steps."""
    return ds + steps * to_offset(freq)


def grid(ds: pd.DatetimeIndex, horizon: int, freq: str) -> pd.DatetimeIndex:
    """The dates of steps 1 ... horizon after each date, row by row: `(len(ds) * horizon,)`."""
    columns = [shift(ds, step, freq) for step in range(1, horizon + 1)]
    by_column = pd.DatetimeIndex(columns[0].append(columns[1:]))
    return by_column[np.arange(by_column.size).reshape(horizon, -1).T.ravel()]


def steps_between(begins: pd.DatetimeIndex, ends: pd.DatetimeIndex, freq: str) -> NDArray[np.int64]:
    """Steps of the frequency from each date to the one beside it; below 0 where that is earlier.

    A date between two steps counts as the step before it.
    """
    offset = to_offset(freq)
    if isinstance(offset, pd.offsets.Tick):
        ticks: NDArray[np.int64] = ((ends - begins) // pd.Timedelta(offset)).to_numpy(np.int64)
        return ticks
    # A day or a month is one on the calendar, however many hours a change of the clocks leaves it.
    begins, ends = begins.tz_localize(None), ends.tz_localize(None)
    both = begins.append(ends)
    calendar = pd.date_range(both.min(), both.max(), freq=freq)
    return calendar.searchsorted(ends, "right") - calendar.searchsorted(begins, "right")


def iso(ds: pd.DatetimeIndex) -> list[str]:
    """Dates as ISO 8601: without a time of day where all are midnights of no time zone."""
    if ds.tz is None and (ds == ds.normalize()).all():
        return list(ds.strftime("%Y-%m-%d"))
    codes, moments = pd.factorize(ds)
    texts = np.array([moment.isoformat() for moment in moments], dtype=object)
    return list(texts[codes])


def from_iso(texts: Sequence[str], zone: tzinfo | None) -> pd.DatetimeIndex:
    """The opposite of `iso`: the dates in their time zone, or in none."""
    ds = pd.DatetimeIndex(pd.to_datetime(list(texts), format="ISO8601", utc=zone is not None))
    return ds if zone is None else ds.tz_convert(zone)
