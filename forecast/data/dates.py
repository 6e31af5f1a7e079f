"""How dates are written, and what they say.

A form is a format of strftime, with `%q` for a quarter and `%h` for a half year, where two years
(`%Y/%y`) are one that begins in the first; or a word: `epoch_s`, `epoch_ms`, `epoch_us`,
`epoch_ns`, `excel` (days since 1899-12-30); None is ISO 8601 in all of its forms.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.months import in_english, with_short_months

Moments = NDArray[np.datetime64]

EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1, "epoch_ns": 0.001}
"""Microseconds in one unit of the word."""
EXCEL = "excel"
_OFFSET = re.compile(r":\d\d(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)$|T\d{2,6}(Z|[+-]\d\d:?\d\d)$")
_MIDNIGHT = re.compile(r"(?<=[T ])24([:.]00(?:[:.]00)?)$")
_WEEK = re.compile(r"(\d{4})-?W(\d{1,2})(?:-?([1-7]))?")
# What strftime does not know: parts of a year, and years that begin in one and end in the next.
_OWN_FORM = re.compile(r"%[qh]|%Y.+%[Yy]")
# Offsets that names of zones stand for; one that stands for several, such as CST, is none.
_ZONES = {
    "UTC": "Z", "GMT": "Z", "WET": "+00:00", "WEST": "+01:00", "CET": "+01:00", "CEST": "+02:00",
    "EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00", "JST": "+09:00", "AEST": "+10:00",
    "AEDT": "+11:00", "NZST": "+12:00", "NZDT": "+13:00", "EST": "-05:00", "EDT": "-04:00",
    "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00",
}  # fmt: skip
_ZONE = re.compile(rf"\s*\b({'|'.join(_ZONES)})$")
# An interval of time, `FROM - TO` or `FROM/TO`, of which the first is a time of day.
_INTERVAL = re.compile(
    r"(.*\d:\d\d(?:\.\d+)?\s?(?:Z|[+-]\d\d:?\d\d|[A-Z]{3,4})?)(?:\s*/\s*|\s+[-\u2013]+\s+)[\dPT].*"
)
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})")

# Of the years 1 and 9999, counted from 1970.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799


@dataclass(frozen=True)
class ParsedDates:
    """Texts as moments, NaT where none can be read.

    Without offsets they are local times, with offsets they are in UTC.
    """

    moments: Moments
    offsets: tuple[str, ...] = ()
    """The offsets from UTC that the texts name."""
    is_mixed: bool = False
    """Whether some name an offset, and others do not."""

    @property
    def wrong(self) -> NDArray[np.intp]:
        """Positions of the texts that are no dates."""
        return np.flatnonzero(np.isnat(self.moments))


def is_time_format(text: str) -> bool:
    """Whether a form is one that can be read: a word of this module, or a format of strftime."""
    return text in EPOCHS or text == EXCEL or re.search(r"%[A-Za-z]", text) is not None


def parse_dates(texts: Sequence[str], form: str | None) -> ParsedDates:
    """Read dates of one form. Raises `ValueError` for a format that strftime does not know."""
    if form in EPOCHS:
        return ParsedDates(_epoch(texts, EPOCHS[form]))
    if form == EXCEL:
        return ParsedDates(_epoch(texts, 86_400_000_000) + np.timedelta64(-25_569, "D"))
    usual = _usual(texts, form)
    if usual is not None:
        return usual
    clean = [without_noise(text) for text in texts]
    if form is not None and "%b" in form:  # a column may have `Jan.` beside `June`
        clean, form = [with_short_months(text) for text in clean], form.replace("%b.", "%b")
    if form is not None and _OWN_FORM.search(form):
        return ParsedDates(_parts_of_years(clean, form))
    midnights = np.array([_MIDNIGHT.search(text) is not None for text in clean], bool)
    if midnights.any():
        clean = [_MIDNIGHT.sub(r"00\1", text) for text in clean]
    found = [_offset(text) for text in clean]
    has_offset = any(found)
    moments = _parsed(clean, form, utc=has_offset)
    moments = np.where(midnights, moments + np.timedelta64(1, "D"), moments)
    offsets = tuple(sorted({offset for offset in found if offset}))
    return ParsedDates(moments, offsets, has_offset and not all(found))


def _usual(texts: Sequence[str], form: str | None) -> ParsedDates | None:
    """The dates where all texts are plain ones of the form, without offsets: the fast way.

    None where some are not, which is to be looked at text by text.
    """
    if form is not None and (re.search(r"%[zZVGU]", form) or _OWN_FORM.search(form)):
        return None
    column = pd.Series(texts, dtype="str").str.strip()
    if form is None and column.str.slice(10).str.contains("[-+Zz]", regex=True).any():
        return None
    parsed = pd.to_datetime(column, format=form or "ISO8601", errors="coerce")
    return None if parsed.isna().any() else ParsedDates(parsed.to_numpy(dtype="datetime64[us]"))


def without_noise(text: str) -> str:
    """A text without what says nothing of the date, or says it in an unusual way."""
    text = _INTERVAL.sub(r"\1", str(text).strip())
    text = _ZONE.sub(lambda zone: _ZONES[zone[1]], text)
    text = re.sub(r"^(\d{4,8})\.0+$", r"\1", text)  # a year that a program took for a number
    return in_english(text)


def _offset(text: str) -> str:
    match = _OFFSET.search(text)
    return (match[1] or match[2]) if match else ""


def _parsed(texts: list[str], form: str | None, *, utc: bool) -> Moments:
    if form is not None and "%V" in form and not re.search(r"%[uaAw]", form):
        form, texts = f"{form} %u", [f"{text} 1" for text in texts]
    column = pd.Series(texts, dtype="str")
    parsed = pd.to_datetime(column, format=form or "ISO8601", errors="coerce", utc=utc)
    moments: Moments = parsed.to_numpy(dtype="datetime64[us]", copy=True)
    if form is None:
        for at in np.flatnonzero(np.isnat(moments)):
            moments[at] = _week_or_ordinal(texts[at])
    return moments


def _week_or_ordinal(text: str) -> np.datetime64:
    """`2019-W02` is the Monday of its week; `2019-032` the 32nd day of its year."""
    week, ordinal = _WEEK.fullmatch(text), _ORDINAL.fullmatch(text)
    if week:
        text, form = f"{week[1]} {week[2]} {week[3] or 1}", "%G %V %u"
    elif ordinal:
        text, form = f"{ordinal[1]} {ordinal[2]}", "%Y %j"
    else:
        return np.datetime64("NaT")
    moment = pd.to_datetime(pd.Series([text]), format=form, errors="coerce")
    found: np.datetime64 = moment.to_numpy(dtype="datetime64[us]")[0]
    return found


def _epoch(texts: Sequence[str], microseconds: float) -> Moments:
    """Numbers of a unit since 1970; none beyond the years that a date is written with."""
    numbers = pd.to_numeric(pd.Series(list(texts), dtype="str"), errors="coerce")
    seconds = numbers.to_numpy(np.float64) * (microseconds / 1e6)
    usable = (seconds >= _FIRST_SECOND) & (seconds <= _LAST_SECOND)
    if pd.api.types.is_integer_dtype(numbers):
        whole = np.where(usable, numbers.to_numpy(np.int64), 0)
        counted = whole * int(microseconds) if microseconds >= 1 else whole // 1_000
    else:
        rounded = (numbers.to_numpy(np.float64) * microseconds).round()
        counted = np.where(usable, rounded, 0).astype(np.int64)
    return np.where(usable, counted.astype("datetime64[us]"), np.datetime64("NaT"))


_PARTS = {"%Y": r"(\d{4})", "%y": r"(\d{2})", "%q": "([1-4])", "%h": "([12])"}
_MONTHS_OF = {"%q": 3, "%h": 6}


def _parts_of_years(texts: Sequence[str], form: str) -> Moments:
    """Dates with a quarter, a half year or two years: the first day."""
    names = re.findall(r"%.", form)
    strange = [name for name in names if name not in _PARTS]
    if strange:
        shown = next((name for name in names if name in _MONTHS_OF), "two years")
        raise ValueError(f"beside {shown}, a format takes %Y or %y, and not {strange[0]}")
    known = re.compile(
        "".join(_PARTS.get(part) or re.escape(part) for part in re.findall(r"%.|[^%]+", form))
    )
    result = np.full(len(texts), np.datetime64("NaT"), dtype="datetime64[us]")
    for at, text in enumerate(texts):
        match = known.fullmatch(text)
        if match:
            result[at] = _first_day(list(zip(names, map(int, match.groups()), strict=True)))
    return result


def _first_day(parts: Sequence[tuple[str, int]]) -> np.datetime64:
    """The day on which a part of a year begins, or a year that ends in the next: the first of it.

    NaT for two years that do not follow each other.
    """
    (name, year), *ends = [part for part in parts if part[0] not in _MONTHS_OF]
    if any(end != (year + 1) % (100 if form == "%y" else 10_000) for form, end in ends):
        return np.datetime64("NaT")
    year = year if name == "%Y" else _full_year(year)
    months = sum((number - 1) * _MONTHS_OF[form] for form, number in parts if form in _MONTHS_OF)
    return np.datetime64(f"{year:04}-{months + 1:02}-01")


def _full_year(year: int) -> int:
    """The year that two digits mean, as POSIX has it: 69 is 1969, 68 is 2068."""
    return year + (1900 if year >= 69 else 2000)
