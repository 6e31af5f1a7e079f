"""Which column of a table is what: the dates, the series, the numbers to forecast."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.cells import kind_of
from forecast.data.column import Column

_ID_NAMES = re.compile(
    r"(?i)(.*[_ ]?id|id|unique_id|series|item|store|shop|sku|product|article|artikel|filiale|"
    r"country|region|state|city|site|sensor|meter|station|ticker|symbol|name|code|key|group|geo|"
    r"location|customer|branch|department|dept|category|family)s?(_?(nbr|no|nr|code|name|key))?"
)
_PARTS = {
    "year": ("year", "yr", "yyyy", "jahr", "annee", "ano", "anio"),
    "quarter": ("quarter", "qtr", "q", "quartal"),
    "month": ("month", "mon", "mo", "mm", "monat", "mes", "mois", "mnth"),
    "week": ("week", "wk", "kw", "woche", "weeknum", "isoweek", "week_no", "weekno"),
    "day": ("day", "dd", "dom", "tag", "dayofmonth", "day_of_month", "mday"),
    "hour": ("hour", "hr", "hh", "stunde", "hora", "he", "hourofday"),
    "minute": ("minute", "min", "minutes"),
    "second": ("second", "sec", "seconds"),
}
_CALENDAR_NAMES = re.compile(
    r"(?i)(year|yr|jahr|month|mon|mnth|monat|quarter|qtr|week|weekday|wday|dow|doy|day|dayofweek|"
    r"day_of_week|day of week|dayofyear|day_of_year|hour|hr|minute|season|weeknum|weekofyear|"
    r"week_of_year|is_\w+)"
)


# --- dates ---------------------------------------------------------------------------------------


def time_parts(columns: Iterable[Column]) -> dict[str, str]:
    """Columns that are parts of a date by their names and numbers: year and quarter, and so on.

    Empty where there is no year, or nothing beside it.
    """
    found: dict[str, str] = {}
    for column in columns:
        part = next((part for part, names in _PARTS.items() if column.name.lower() in names), None)
        if part is not None and part not in found and _is_part(column, part, _BOUNDS[part]):
            found[part] = column.name
    coarse = [part for part in ("month", "quarter", "week") if part in found]
    if "year" not in found or not coarse:
        return {}
    # A quarter or a week beside the month says nothing more.
    return {part: found[part] for part in _PARTS if part in found and part not in coarse[1:]}


_BOUNDS = {
    "year": (1500, 2300), "quarter": (1, 4), "month": (1, 12), "week": (1, 53), "day": (1, 31),
    "hour": (0, 24), "minute": (0, 59), "second": (0, 59),
}  # fmt: skip


def _is_part(column: Column, part: str, bounds: tuple[int, int]) -> bool:
    if part == "month" and not column.is_number:
        return all(re.fullmatch(r"[A-Za-z]{3,9}", text) for text in column.distinct)
    numbers = column.numbers
    if part == "quarter" and not column.is_number:
        return all(re.fullmatch(r"Q?[1-4]", text) for text in column.distinct)
    return column.is_whole and bool(
        np.nanmin(numbers) >= bounds[0] and np.nanmax(numbers) <= bounds[1]
    )


def clock_beside(columns: Iterable[Column], date: str) -> dict[str, str]:
    """The column of times of day, or of hours, that stands beside a column of days."""
    others = [column for column in columns if column.name != date]
    for column in others:
        if column.is_clock:
            return {"date": date, "time": column.name}
    for column in others:
        if column.name.strip().lower() in _PARTS["hour"] and _is_part(column, "hour", (0, 24)):
            return {"date": date, "hour": column.name}
        if _is_digital_clock(column):
            return {"date": date, "time": column.name}
    return {}


def _is_digital_clock(column: Column) -> bool:
    """Whether whole numbers are times of day: 0, 30, 100, 130, ... 2330."""
    if column.name.strip().lower() not in ("time", "hhmm", "zeit", "uhrzeit", "hour", "hora"):
        return False
    numbers = column.numbers[~np.isnan(column.numbers)]
    return column.is_whole and bool(
        numbers.min() >= 0 and 24 < numbers.max() <= 2400 and (numbers % 100 < 60).all()
    )


def dates_in_header(names: Sequence[str]) -> bool:
    """Whether most names are dates, years or months: then a row has not one date, but many."""
    years = re.compile(r"(1[5-9]|2[0-2])\d{2}(0[1-9]|1[0-2])?")
    months = [name for name in names if kind_of(f"{name} 2020") == "date" and name.isalpha()]
    dates = [name for name in names if kind_of(name) == "date" or years.fullmatch(name)]
    return len(months) >= 6 or (len(dates) >= 3 and len(dates) > len(names) / 2)


def count_step(column: Column) -> int | None:
    """By how much a column counts: 1 where each number is one more than the one before it.

    None where it does not count.
    """
    if not column.is_whole or np.isnan(column.numbers).any():
        return None
    steps = np.diff(column.numbers)
    # In a table of several series a count begins anew with each.
    up = steps[steps >= 0]
    counts = len(up) > 0.5 * len(steps) and up[0] > 0 and (up == up[0]).all()
    return int(up[0]) if counts else None


# --- series --------------------------------------------------------------------------------------


def find_ids(
    columns: Sequence[Column], times: NDArray[np.int64], taken: set[str]
) -> tuple[str, ...] | None:
    """The fewest columns by which no date repeats; None where there are none.

    `times` are codes of dates, row by row. A few repetitions that are left are taken for mistakes
    in the table, which its reader will name.
    """
    candidates = [column for column in columns if column.name not in taken and _may_tell(column)]
    candidates.sort(key=_rank)
    codes = {column.name: pd.factorize(column.cells)[0] for column in candidates[:12]}
    surely = {column.name for column in candidates if not column.forms or _is_named_id(column)}
    least: tuple[float, tuple[str, ...]] | None = None
    for size in (1, 2, 3):
        for names in combinations(codes, size):
            rows = pd.DataFrame({name: codes[name] for name in names})
            if not set(names) <= surely and _completeness(times, rows) < _COMPLETE:
                continue
            repeated = float(rows.assign(**{"": times}).duplicated().mean())
            if repeated == 0:
                return names
            if least is None or repeated < least[0] - 0.02:
                least = repeated, names
    return least[1] if least is not None and least[0] < 0.05 else None


def find_successive(columns: Sequence[Column], taken: set[str]) -> Column | None:
    """A column, called as ids are, whose names each have rows of their own: one, then the next.

    No date repeats in such a table, and yet it may be of several series.
    """
    for column in columns:
        if column.name not in taken and not column.forms and _is_named_id(column):
            codes = pd.factorize(column.cells)[0]
            if 1 < column.count == 1 + int((np.diff(codes) != 0).sum()) <= len(codes) / 2:
                return column
    return None


# Of the dates of a table each series of a number without a telling name has to have this share.
_COMPLETE = 0.5


def _completeness(times: NDArray[np.int64], rows: pd.DataFrame) -> float:
    """The share of dates that a series has: small where a column of values is taken for names."""
    return len(rows) / (len(rows.drop_duplicates()) * len(np.unique(times)))


def _may_tell(column: Column) -> bool:
    """Texts, and whole numbers of which there are few."""
    if column.is_moment or column.is_date_text or not 2 <= column.count <= len(column.cells) / 2:
        return False
    if column.forms and not column.is_whole:
        return False
    return not column.forms or column.count <= max(50, len(column.cells) // 20)


def _rank(column: Column) -> tuple[bool, bool, bool]:
    """Names that ids have come first, then texts, then numbers; calendar parts last."""
    is_calendar = _CALENDAR_NAMES.fullmatch(column.name) is not None
    return is_calendar, not _is_named_id(column), bool(column.forms)


def _is_named_id(column: Column) -> bool:
    return _ID_NAMES.fullmatch(column.name) is not None


# --- what to forecast ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """A column of numbers, and why it may not be what somebody wants to forecast."""

    column: Column
    reason: str | None = None

    def __str__(self) -> str:
        """One line for a person who has to choose."""
        numbers = self.column.numbers
        known = numbers[~np.isnan(numbers)]
        kind = "whole numbers" if self.column.is_whole else "numbers"
        span = f"{known.min():g} ... {known.max():g}" if len(known) else "none"
        first = ", ".join(f"{number:g}" for number in known[:3])
        missing = int(np.isnan(numbers).sum())
        shown = f", {missing} missing" if missing else ""
        return f"{self.column.name}: {kind}, {span}{shown}, first {first}"


def find_targets(columns: Sequence[Column], taken: set[str]) -> list[Candidate]:
    """The columns of numbers; those with a reason are seldom what somebody wants to forecast."""
    numeric = [column for column in columns if column.name not in taken and column.forms]
    return [Candidate(column, _reason(column)) for column in numeric]


def _reason(column: Column) -> str | None:
    known = column.numbers[~np.isnan(column.numbers)]
    distinct = np.unique(known)
    if len(distinct) < 2:
        return "a constant"
    if len(distinct) == 2 and set(distinct) <= {0.0, 1.0}:
        return "a flag of 0 and 1"
    if count_step(column) == 1:
        return "a counter"
    if (
        column.is_whole
        and _CALENDAR_NAMES.fullmatch(column.name.strip())
        and np.ptp(distinct) <= 2300
    ):
        return "a part of the date"
    if column.is_whole and re.fullmatch(
        r"(?i)(.*_)?(id|code|key|index|nr|no)", column.name.strip()
    ):
        return "a code"
    return None


def suspicious_codes(numbers: NDArray[np.float64]) -> list[float]:
    """Numbers that look like codes for a missing value: -200, -999, 9999 far from all others.

    Such a number is repeated, round or made of nines, and beyond three times the range of the
    others.
    """
    known = numbers[np.isfinite(numbers)]
    found: list[float] = []
    for _ in range(3):
        rest = known[~np.isin(known, found)]
        if len(rest) < 10:
            break
        for extreme in (rest.min(), rest.max()):
            others = rest[rest != extreme]
            if len(others) and _is_code(float(extreme), int((rest == extreme).sum()), others):
                found.append(float(extreme))
                break
        else:
            break
    return found


def _is_code(value: float, count: int, others: NDArray[np.float64]) -> bool:
    if count < 2 or value % 1 or count > 0.5 * (count + len(others)):
        return False
    digits = str(abs(int(value)))
    is_usual = re.fullmatch(r"9{2,}|[1-9]0{2,}|8{2,}|7{3,}", digits) is not None
    low, high = float(others.min()), float(others.max())
    spread = max(high - low, 1e-12)
    distance = low - value if value < low else value - high
    is_impossible = value < 0 <= low  # among numbers that are never negative
    return is_usual and distance > (spread if is_impossible else 3 * spread)
