"""Which frequency dates have: the coarsest grid that they all lie on, and mostly fill.

Rows may be missing: a weekday without trade, an hour without a measurement. But where fewer than
half of the steps are one step of the grid, the dates have no frequency, and none is made up.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset

from forecast.data.calendar import Dates
from forecast.errors import DataError, Problem

_LEAST = 0.5  # of the steps from one date to the next have to be one step of the grid
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAY = 86_400_000_000  # microseconds


def infer_step(steps: NDArray[np.int64]) -> int | None:
    """The distance of whole numbers in ascending order, or None where they have none."""
    gaps = np.diff(np.unique(steps))
    if not len(gaps):
        return None
    step = int(np.gcd.reduce(gaps))
    return step if np.mean(gaps == step) >= _LEAST else None


def infer_grid(dates: pd.DatetimeIndex) -> str | None:
    """The frequency of dates in ascending order, or None where they have none.

    Takes three dates at least. Times of a zone are compared as instants within a day, and as dates
    of its calendar beyond.
    """
    dates = dates.unique()
    if len(dates) < 3:
        return None
    local = dates.tz_localize(None) if dates.tz is not None else dates
    local = local.as_unit("us")
    of_day = local.to_numpy().astype(np.int64) % _DAY
    if (of_day != of_day[0]).any():
        return _within_day(dates.as_unit("us"))
    return _of_calendar(pd.DatetimeIndex(local.normalize()))


def _within_day(dates: pd.DatetimeIndex) -> str | None:
    instants = dates if dates.tz is None else dates.tz_convert(None)
    micros = instants.to_numpy().astype("datetime64[us]").astype(np.int64)
    gaps = np.diff(micros)
    step = int(np.gcd.reduce(gaps))
    if np.mean(gaps == step) < _LEAST:
        return None
    return to_offset(pd.Timedelta(microseconds=step)).freqstr


def _of_calendar(days: pd.DatetimeIndex) -> str | None:
    numbers = days.to_numpy().astype("datetime64[D]").astype(np.int64)
    for freq in _grids(days, numbers):
        if _fits(days, freq):
            return freq
    return _of_days(numbers)


def _grids(days: pd.DatetimeIndex, numbers: NDArray[np.int64]) -> Iterator[str]:
    """Grids on which all of the dates may lie, the coarsest first."""
    day = np.asarray(days.day)
    months = np.asarray(days.year * 12 + days.month - 1)
    gaps = np.diff(months)
    is_monthly = len(gaps) > 0 and gaps.min() > 0
    if is_monthly:
        yield from _monthly(days, day, months, gaps)
    if (np.diff(numbers) % 7 == 0).all():
        weeks = np.diff(numbers) // 7
        step = int(np.gcd.reduce(weeks))
        anchor = f"W-{_WEEKDAYS[days[0].weekday()]}"
        yield f"{step}{anchor}" if step > 1 else anchor


def _monthly(
    days: pd.DatetimeIndex,
    day: NDArray[np.int64],
    months: NDArray[np.int64],
    gaps: NDArray[np.int64],
) -> Iterator[str]:
    step = int(np.gcd.reduce(gaps))
    month = days[0].month
    if (day == 1).all():
        yield from _with_anchor("S", step, month)
    elif (day == np.asarray(days.days_in_month)).all():
        yield from _with_anchor("E", step, month)
    elif (day == day[0]).all() and day[0] <= 28:
        for freq in _with_anchor("S", step, month):
            yield f"{freq}+{day[0] - 1}D"
    elif _is_last_weekday(days).all():
        yield from (f"{step}BME" if step > 1 else "BME",)
    elif _is_first_weekday(days).all():
        yield from (f"{step}BMS" if step > 1 else "BMS",)


def _with_anchor(edge: str, step: int, month: int) -> Iterator[str]:
    """Years, quarters or months: whichever the distance of months is."""
    if step % 12 == 0:
        years = step // 12
        usual = {"S": 1, "E": 12}[edge]
        anchor = "" if month == usual else f"-{_MONTHS[month - 1]}"
        yield f"{years if years > 1 else ''}Y{edge}{anchor}"
    elif step == 3:
        # Of the three anchors that have these months the first of the year, or the usual none.
        first = (month - 1) % 3 + 1 if edge == "S" else (month - 1) % 3 + 10
        usual = {"S": 1, "E": 12}[edge]
        yield f"Q{edge}" if first == usual else f"Q{edge}-{_MONTHS[first - 1]}"
    else:
        yield f"{step if step > 1 else ''}M{edge}"


def _is_last_weekday(days: pd.DatetimeIndex) -> NDArray[np.bool_]:
    return np.asarray((days + pd.offsets.BMonthEnd(0)) == days)


def _is_first_weekday(days: pd.DatetimeIndex) -> NDArray[np.bool_]:
    return np.asarray((days + pd.offsets.BMonthBegin(0)) == days)


def _fits(days: pd.DatetimeIndex, freq: str) -> bool:
    """Whether half of the steps are one step of the grid; that all dates lie on it is known."""
    base, _, shift = freq.partition("+")
    offset = to_offset(base)
    begins = days - pd.Timedelta(days=int(shift[:-1])) if shift else days
    return bool(np.mean((begins[:-1] + offset) == begins[1:]) >= _LEAST)


def _of_days(numbers: NDArray[np.int64]) -> str | None:
    """Weekdays, days, or a number of days."""
    gaps = np.diff(numbers)
    weekday = (numbers + 3) % 7  # 1970-01-01 was a Thursday
    if (weekday < 5).all() and (np.diff(numbers // 7) >= 0).all() and _crosses_weekend(numbers):
        business = np.busday_count(
            numbers[:-1].astype("datetime64[D]"), numbers[1:].astype("datetime64[D]")
        )
        if np.mean(business == 1) >= _LEAST:
            return "B"
    step = int(np.gcd.reduce(gaps))
    if np.mean(gaps == step) < _LEAST:
        return None
    return f"{step}D" if step > 1 else "D"


def _crosses_weekend(numbers: NDArray[np.int64]) -> bool:
    """Whether the dates step over a weekend from a Friday to a Monday."""
    return bool(((np.diff(numbers) == 3) & ((numbers[:-1] + 3) % 7 == 4)).any())


def frequency_of(longest: Dates, every: Dates, name: str) -> str:
    """The frequency of a table by its longest series, or else by the dates of all of them.

    Raises `DataError` where fewer than three dates, or no common distance, leave it open.
    """
    way_out = "Name the frequency: `data.freq: MS` (months), D, h, 15min, W-SUN, ..."
    for ds in (longest, every):
        found = _infer(ds.unique().sort_values())
        if found:
            return found
    distinct = every.unique().sort_values()
    if len(distinct) < 3:
        message = f"{name}: {len(distinct)} dates are too few to infer a frequency."
        raise DataError(Problem(message, way_out))
    message = f"{name}: the dates have no common distance ({_distances(distinct)})."
    freq = _usual(distinct)
    advice = f"Bring them to even steps, such as `data.resample: {{freq: {freq}, how: mean}}`; or "
    advice += f"{way_out[0].lower()}{way_out[1:]} With `forecast init`, --freq {_finest(distinct)} "
    raise DataError(Problem(message, f"{advice}fills the steps between."))


def _infer(ds: Dates) -> str | None:
    if isinstance(ds, pd.DatetimeIndex):
        return infer_grid(ds)
    step = infer_step(ds.to_numpy(np.int64))
    return None if step is None else str(step)


def _distances(ds: Dates) -> str:
    """The distances of neighbours that are seen most, for a person."""
    gaps = pd.Series(np.diff(ds.to_numpy())).value_counts()
    shown = ", ".join(_spoken(gap) for gap in gaps.index[:3])
    return f"{shown}, ... between neighbours" if len(gaps) > 3 else f"{shown} between neighbours"


def _spoken(gap: object) -> str:
    """`1 day`, `2 days`, `04:30:00`, or a number."""
    text = str(gap).removesuffix(" 00:00:00").removeprefix("0 days ")
    return "1 day" if text == "1 days" else text


def _finest(ds: Dates) -> str:
    """A frequency that has a step for each of the dates."""
    if not isinstance(ds, pd.DatetimeIndex):
        return "1"
    step = int(np.gcd.reduce(np.diff(ds.as_unit("us").asi8)))
    lengths = {"D": _DAY, "h": 3_600_000_000, "min": 60_000_000}
    return next((freq for freq, length in lengths.items() if step % length == 0), "s")


def _usual(ds: Dates) -> str:
    """A frequency near to the median distance, to be proposed."""
    if not isinstance(ds, pd.DatetimeIndex):
        return "1"
    seconds = float(np.median(np.diff(ds.as_unit("us").asi8))) / 1e6
    for freq, length in (("YS", 3e7), ("QS", 7e6), ("MS", 2.4e6), ("W", 6e5), ("D", 80_000)):
        if seconds >= length:
            return freq
    return "h" if seconds >= 3_000 else "min" if seconds >= 50 else "s"
