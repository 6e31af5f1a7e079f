"""Dates: which date comes next, and how a date is written."""

import re
from collections.abc import Sequence
from datetime import tzinfo
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

Dates: TypeAlias = "pd.DatetimeIndex | pd.Index[int]"
"""When something was observed: moments, or numbers where a table counts (see `is_counted`)."""

COUNTED = "1"
"""The frequency of a table that counts its rows instead of dating them."""
_COUNTED = re.compile(r"[1-9]\d{0,8}")

# Steps in one season by the base of the frequency. A day's season is the week: of the seasons of a
# daily series it is the one that a year of data can show.
_SEASONS = {"YS": 1, "YE": 1, "QS": 4, "QE": 4, "MS": 12, "ME": 12, "W": 52, "D": 7, "B": 5}
_SECONDS_IN_SEASON = {"h": 86_400, "min": 86_400, "s": 3_600}
_SECONDS = {"h": 3_600, "min": 60, "s": 1}

_BEGIN, _CENTURY_LATER = pd.Timestamp("2000-01-01"), pd.Timestamp("2100-01-01")


def is_counted(freq: str) -> bool:
    """Whether a frequency is that of a table which counts: `1`, or `10` for 0, 10, 20, ..."""
    return _COUNTED.fullmatch(freq) is not None


def is_freq(text: str) -> bool:
    """Whether this is a frequency, of a step of a hundred years at the most: see `offset_of`."""
    if is_counted(text):
        return True
    try:
        offset, _ = offset_of(text)
        return offset.n > 0 and _BEGIN + offset <= _CENTURY_LATER
    except (ValueError, OverflowError):  # pandas ends in the year 2262
        return False


def offset_of(freq: str) -> tuple[BaseOffset, pd.Timedelta]:
    """A frequency as an offset of pandas, and how long after each of its dates the steps lie.

    `MS` is the first of each month, `MS+14D` the 15th. Raises `ValueError` for anything else than
    an offset alias, or one with a number of days.
    """
    alias, plus, days = freq.partition("+")
    if plus and not (days.endswith("D") and days[:-1].isdigit()):
        raise ValueError(f"{freq!r} is no frequency: write an alias, or one such as MS+14D")
    return to_offset(alias), pd.Timedelta(days=int(days[:-1]) if plus else 0)


def season_length_of(freq: str) -> int:
    """Steps in one season: 12 for months, 24 for hours, 96 for 15min; 1 where none is usual."""
    if is_counted(freq):
        return 1
    offset, _ = offset_of(freq)
    base = offset.rule_code.split("-")[0]
    seconds_in_season = _SECONDS_IN_SEASON.get(base)
    season = seconds_in_season // _SECONDS[base] if seconds_in_season else _SEASONS.get(base, 1)
    return season // offset.n if season % offset.n == 0 else 1


def seasons_of(freq: str) -> list[int]:
    """Seasons that are usual for a frequency, shortest first: the day, and the week of 7 days."""
    day = season_length_of(freq)
    if is_counted(freq):
        return []
    base = offset_of(freq)[0].rule_code.split("-")[0]
    within_day = base in ("h", "min")
    return [length for length in (day, 7 * day if within_day else 1) if length > 1]


def longer_season_of(freq: str) -> int:
    """Steps of the cycle above the season: the week of hours, 52 weeks of days; else the season.

    52 weeks are no year, but the same day of the week.
    """
    season = season_length_of(freq)
    if season == 1:
        return 1
    base = offset_of(freq)[0].rule_code.split("-")[0]
    return season * {"h": 7, "min": 7, "D": 52, "B": 52}.get(base, 1)


def dates(begins: Dates, steps: NDArray[np.int64], freq: str) -> Dates:
    """The date `steps[i]` steps of the frequency after `begins[i]`; before it where they are < 0.

    In a time zone a day, a week or a month is one on the calendar, however many hours a change of
    the clocks leaves it, while an hour is 3,600 seconds. A time of day that the clocks skip is
    moved to the next that there is; of two equal ones it is the first. Dates that are counted are
    numbers.
    """
    if not isinstance(begins, pd.DatetimeIndex):
        return begins + steps * int(freq)
    if not len(begins):
        return begins
    offset, phase = offset_of(freq)
    if isinstance(offset, pd.offsets.Tick):
        # In nanoseconds, steps that end centuries later would overflow.
        return begins + pd.to_timedelta(steps * (offset.nanos // 1_000), unit="us")
    if isinstance(offset, pd.offsets.Day) and begins.tz is None:
        days_on = (steps * offset.n).astype("timedelta64[D]").astype("timedelta64[us]")
        return begins + pd.TimedeltaIndex(days_on)
    wall = begins.tz_localize(None)
    days = wall.normalize() - phase
    unit = offset.base  # one step; the offset may be several
    codes, distinct = pd.factorize(days)
    anchors = pd.DatetimeIndex([unit.rollback(day) for day in distinct], dtype=wall.dtype)
    moved = steps * offset.n
    first = anchors.min() + min(int(moved.min()), 0) * unit
    calendar = pd.date_range(first, anchors.max() + max(int(moved.max()), 0) * unit, freq=unit)
    places = calendar.searchsorted(anchors)[codes] + moved
    moments = calendar[places] + phase + (wall - wall.normalize())
    if begins.tz is not None:
        first_of_two = np.ones(len(moments), bool)
        moments = moments.tz_localize(
            begins.tz, ambiguous=first_of_two, nonexistent="shift_forward"
        )
    # A series may begin between two steps: one of business days on a Saturday.
    return moments.where(steps != 0, begins)


def grid(ds: Dates, horizon: int, freq: str) -> Dates:
    """The dates of steps 1 ... horizon after each date, row by row: `(len(ds) * horizon,)`."""
    return dates(ds.repeat(horizon), np.tile(np.arange(1, horizon + 1), len(ds)), freq)


def steps_between(begins: Dates, ends: Dates, freq: str) -> NDArray[np.int64]:
    """Steps of the frequency from each date to the one beside it; below 0 where that is earlier.

    A date between two steps counts as the step before it.
    """
    if not (isinstance(begins, pd.DatetimeIndex) and isinstance(ends, pd.DatetimeIndex)):
        return (ends.to_numpy(np.int64) - begins.to_numpy(np.int64)) // int(freq)
    offset, phase = offset_of(freq)
    if isinstance(offset, pd.offsets.Tick):
        return ((ends - begins) // pd.Timedelta(offset)).to_numpy(np.int64)
    # A day or a month is one on the calendar, however many hours a change of the clocks leaves it.
    begins, ends = (ds.tz_localize(None) - phase for ds in (begins, ends))
    both = begins.append(ends)
    calendar = pd.date_range(both.min(), both.max(), freq=offset)
    steps: NDArray[np.int64] = calendar.searchsorted(ends, "right") - calendar.searchsorted(
        begins, "right"
    )
    return steps


def iso(ds: Dates) -> list[str]:
    """Dates as ISO 8601: without a time of day where all are midnights of no time zone.

    Dates that are counted are numbers.
    """
    if not isinstance(ds, pd.DatetimeIndex):
        return [str(number) for number in ds]
    codes, distinct = pd.factorize(ds)
    moments = pd.DatetimeIndex(distinct)
    if ds.tz is None and (moments == moments.normalize()).all():
        texts = np.array(list(moments.strftime("%Y-%m-%d")), dtype=object)
    else:
        texts = np.array([moment.isoformat() for moment in moments], dtype=object)
    return list(texts[codes])


def zone_of(ds: Dates) -> tzinfo | None:
    """The time zone of dates, if they have one."""
    return ds.tz if isinstance(ds, pd.DatetimeIndex) else None


def is_zone(text: str) -> bool:
    """Whether this is a time zone, such as Europe/Berlin or UTC+05:30."""
    try:
        pd.Timestamp(0, tz=text)
    except (LookupError, ValueError, OSError):
        return False
    return True


def from_iso(texts: Sequence[str], like: Dates) -> Dates:
    """The opposite of `iso`: numbers, or dates in their time zone or in none, as others are."""
    if not isinstance(like, pd.DatetimeIndex):
        return pd.Index([int(text) for text in texts], dtype=np.int64)
    zone = zone_of(like)
    ds = pd.DatetimeIndex(pd.to_datetime(list(texts), format="ISO8601", utc=zone is not None))
    return ds if zone is None else ds.tz_convert(zone)
