"""Dates whose parts stand in columns of their own: year and quarter, date and hour."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.dates import ParsedDates, parse_dates

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def compose(columns: Mapping[str, Sequence[str]], form: str | None) -> ParsedDates:
    """Dates whose parts stand in columns of their own: year and quarter, date and hour, ...

    A week is an ISO week; what is left out is the first: a year and a quarter are its first day.
    """
    if "date" in columns:
        dates = parse_dates(columns["date"], form)
        return ParsedDates(dates.moments + _clock(columns), dates.offsets, dates.is_mixed)
    year = _whole(columns["year"])
    if "week" in columns:
        week, day = _whole(columns["week"]), _whole(columns.get("day", ["1"] * len(year)))
        texts = [f"{y:04}-W{w:02}-{d}" for y, w, d in zip(year, week, day, strict=True)]
        return ParsedDates(parse_dates(texts, None).moments + _clock(columns))
    if "quarter" in columns:
        month = _whole(columns["quarter"])
        month = np.where((month >= 1) & (month <= 4), month * 3 - 2, 0)
    else:
        month = _months(columns.get("month", ["1"] * len(year)))
    day = _whole(columns.get("day", ["1"] * len(year)))
    texts = [f"{y:04}-{m:02}-{d:02}" for y, m, d in zip(year, month, day, strict=True)]
    return ParsedDates(parse_dates(texts, None).moments + _clock(columns))


def _whole(texts: Sequence[str]) -> NDArray[np.int64]:
    """Whole numbers, also of `Q1`, `W05` and `2014.0`; -1 where there is none."""
    digits = pd.Series(list(texts), dtype="str").str.strip()
    digits = digits.str.replace(r"^[A-Za-z]{1,2}\s?|\.0+$", "", regex=True)
    numbers = pd.to_numeric(digits, errors="coerce").fillna(-1)
    return np.where(numbers % 1 == 0, numbers, -1).astype(np.int64)


def _months(texts: Sequence[str]) -> NDArray[np.int64]:
    names = pd.Series(list(texts), dtype="str").str.strip().str.lower().str[:3]
    named = names.map({name: number for number, name in enumerate(_MONTHS, start=1)})
    return np.where(named.notna(), named.fillna(0), _whole(texts)).astype(np.int64)


def _clock(columns: Mapping[str, Sequence[str]]) -> NDArray[np.timedelta64]:
    """The time of day; an hour 24 is the midnight after."""
    total: NDArray[np.timedelta64] = np.array([np.timedelta64(0, "us")])
    for part, unit, most in (("hour", "h", 24), ("minute", "m", 59), ("second", "s", 59)):
        if part in columns:
            hours = columns[part]
            if part == "hour" and any(":" in str(text) for text in hours[:5]):
                total = total + _times_of_day(hours)
                continue
            number = _whole(hours)
            wrong = (number < 0) | (number > most)
            total = total + np.where(
                wrong, np.timedelta64("NaT"), number.astype(f"timedelta64[{unit}]")
            )
    return total + _times_of_day(columns["time"]) if "time" in columns else total


def _times_of_day(texts: Sequence[str]) -> NDArray[np.timedelta64]:
    """Times as `18:30`, `18.30.00` or `1830`."""
    column = pd.Series(list(texts), dtype="str").str.strip().str.replace(".", ":", regex=False)
    digits = column.str.fullmatch(r"\d{1,4}")
    padded = column.str.zfill(4)
    column = column.where(~digits, padded.str[:2] + ":" + padded.str[2:])
    short = column.str.count(":") == 1
    return pd.to_timedelta(column.where(~short, column + ":00"), errors="coerce").to_numpy()
