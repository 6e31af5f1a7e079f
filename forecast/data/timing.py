"""When the rows of a table that nobody has described are: which columns say it, in which form."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.calendar import COUNTED
from forecast.data.column import Column, as_text
from forecast.data.date_forms import date_forms
from forecast.data.date_parts import compose
from forecast.data.dates import EXCEL, is_time_format, parse_dates
from forecast.data.frequency import infer_grid, infer_step
from forecast.data.roles import clock_beside, count_step, time_parts
from forecast.errors import DataError, Problem, UsageError, did_you_mean

_DAY_NAMES = re.compile(r"(?i)date|datum|fecha|^day$|^tag$")
_USUAL_NAMES = ("ds", "date", "time", "timestamp", "datetime", "datum")


@dataclass(frozen=True)
class Timing:
    """The columns of dates, how they are written, and which date each row has."""

    time: str | tuple[str, ...] | dict[str, str]
    """As `data.time` has it."""
    form: str | None
    """As `data.time_format` has it."""
    codes: NDArray[np.int64]
    """Equal numbers where two rows have one date."""
    footer: int = 0
    """Rows at the end that have no date: a total, a source."""
    freq: str | None = None
    """The frequency, where the column tells it: rows that are counted."""
    note: str | None = None
    """What decided between two readings of the dates."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that say when."""
        if isinstance(self.time, dict):
            return tuple(self.time.values())
        return (self.time,) if isinstance(self.time, str) else self.time


def find_timing(
    columns: Sequence[Column], name: str, *, named: Sequence[str], form: str | None
) -> Timing:
    """The dates of a table: by the columns that are named, or by those that can hold them.

    Raises `DataError` where no column has dates, or they can be read in two ways; `UsageError`
    where several columns have them.
    """
    if form is not None and not is_time_format(form):
        raise UsageError(Problem(f"--time-format {form}: no form of dates.", "Such as %d/%m/%Y."))
    known = {column.name: column for column in columns}
    for wanted in named:
        if wanted not in known:
            raise DataError(
                Problem(f"{name} has no column `{wanted}`.", did_you_mean(wanted, list(known)))
            )
    if len(named) > 1:
        return _of_several([known[wanted] for wanted in named], name, form)
    if named:
        return _of_one(known[named[0]], name, form)
    return _found(columns, name, form)


def _found(columns: Sequence[Column], name: str, form: str | None) -> Timing:
    dates = [column for column in columns if column.is_date_text and _has_form(column)]
    if dates:
        column = _preferred(dates, name)
        return _with_clock(columns, column, name, form)
    parts = time_parts(columns)
    if parts:
        return _of_parts(columns, parts, None, name)
    for column in _by_likeness(columns):
        if _is_dated_number(column):
            return _with_clock(columns, column, name, form)
    for column in columns:
        step = count_step(column)
        if step is not None and (column.is_named_time or column is columns[0]):
            return Timing(column.name, None, _codes(column.cells), freq=str(step))
    advice = (
        "Name it: --time COL, and how its dates are written: --time-format '%d/%m/%Y'. Columns: "
    )
    shown = ", ".join(f"{column.name} ({', '.join(column.distinct[:2])})" for column in columns[:8])
    raise DataError(Problem(f"{name}: no column holds dates.", advice + shown + "."))


def _has_form(column: Column) -> bool:
    body = _body(column)[:200]
    return column.is_moment or bool(date_forms(body) or date_forms(_without_strange(body)))


def _body(column: Column) -> list[str]:
    """Distinct cells from the first four fifths of the rows: a footer is not among them."""
    cells = column.cells.iloc[: max(1, int(len(column.cells) * 0.8))].dropna().unique()
    return [as_text(cell) for cell in cells[:: max(1, len(cells) // 20_000)]]


def _preferred(dates: list[Column], name: str) -> Column:
    """The one column of dates, or the one that is called so."""
    named = [column for column in dates if column.is_named_time]
    for choice in (dates, named):
        if len(choice) == 1:
            return choice[0]
    exact = [column for column in named if column.name.lower() in _USUAL_NAMES]
    if len(exact) == 1:
        return exact[0]
    lines = [f"  {column.name}: {', '.join(column.distinct[:3])}" for column in dates]
    message = f"{name}: several columns hold dates:\n" + "\n".join(lines)
    raise UsageError(Problem(message, f"Name the one that counts: --time '{dates[0].name}'."))


def _by_likeness(columns: Sequence[Column]) -> list[Column]:
    """Columns of numbers, those first that are called as dates are, then the first column."""
    numbers = [column for column in columns if column.is_whole and not column.is_bool]
    return sorted(numbers, key=lambda column: (not column.is_named_time, column is not columns[0]))


def _is_dated_number(column: Column) -> bool:
    """Whether whole numbers are dates: years, 201401, 20140131, seconds since 1970."""
    forms = date_forms(_body(column))
    if not forms or column.count < 3:
        return False
    if forms == [EXCEL]:  # any number of five digits may be one
        return _DAY_NAMES.search(column.name) is not None
    if column.is_named_time:
        return True
    numbers = column.numbers[~np.isnan(column.numbers)]
    if (np.diff(numbers) < 0).mean() > 0.3 or column.count < min(10, len(numbers)):
        return False
    ds = pd.DatetimeIndex(parse_dates(_body(column), forms[0]).moments).sort_values()
    return infer_grid(ds) is not None


def _codes(cells: "pd.Series[str]") -> NDArray[np.int64]:
    return pd.factorize(cells)[0].astype(np.int64)


def _of_one(column: Column, name: str, form: str | None) -> Timing:
    if column.is_moment:
        return Timing(column.name, None, _codes(column.cells))
    is_step = form is None and not column.is_date_text and column.is_whole
    if is_step and not _is_dated_number(column):
        known = column.numbers[~np.isnan(column.numbers)]
        step = infer_step(known.astype(np.int64))
        freq = COUNTED if step is None else str(step)
        return Timing(column.name, None, _codes(column.cells), freq=freq)
    written = _form(column.cells, _body(column), column.name, name, form)
    return Timing(
        column.name, written.form, _codes(column.cells), written.footer, note=written.note
    )


def _with_clock(columns: Sequence[Column], column: Column, name: str, form: str | None) -> Timing:
    """The dates of a column, and the times of day beside it where dates repeat without them."""
    timing = _of_one(column, name, form)
    beside = clock_beside(columns, column.name)
    if not beside or len(np.unique(timing.codes)) == len(timing.codes):
        return timing
    known = {each.name: each for each in columns}
    if "time" in beside and known[beside["time"]].is_clock:
        both = [known[column.name], known[beside["time"]]]
        return _of_several(both, name, None if form is None or "%H" not in form else form)
    return _of_parts(columns, beside, timing.form, name)


def _of_parts(
    columns: Sequence[Column], parts: dict[str, str], form: str | None, name: str
) -> Timing:
    known = {column.name: column.cells for column in columns}
    frame = pd.DataFrame({part: known[column] for part, column in parts.items()})
    is_dated = frame.notna().all(axis=1)
    texts = {part: [as_text(cell) for cell in frame[part][is_dated].head(1000)] for part in parts}
    wrong = compose(texts, form).wrong
    if len(wrong):
        shown = ", ".join(f"{parts[part]} {texts[part][wrong[0]]}" for part in parts)
        raise DataError(Problem(f"{name}: {shown} is no date.", "Name the columns: --time COL."))
    codes, _ = pd.factorize(pd.MultiIndex.from_frame(frame))
    return Timing(parts, form, codes.astype(np.int64))


def _of_several(columns: list[Column], name: str, form: str | None) -> Timing:
    """Columns that are parts of a date by their names, or that make one text together."""
    parts = time_parts(columns)
    if len(parts) == len(columns):
        return _of_parts(columns, parts, None, name)
    beside = clock_beside(columns, columns[0].name)
    if len(columns) == 2 and "hour" in beside:
        written = _form(columns[0].cells, _body(columns[0]), columns[0].name, name, form)
        return _of_parts(columns, beside, written.form, name)
    names = tuple(column.name for column in columns)
    joined = columns[0].cells.map(as_text, na_action="ignore").astype(object)
    for column in columns[1:]:
        joined = joined + " " + column.cells.map(as_text, na_action="ignore").astype(object)
    body = list(joined.iloc[: max(1, int(len(joined) * 0.8))].dropna().unique()[:20_000])
    written = _form(joined, body, " and ".join(names), name, form)
    return Timing(names, written.form, _codes(joined), written.footer, note=written.note)


@dataclass(frozen=True)
class _Written:
    """The form of the dates of a column, the rows at the end that have none, and why this form."""

    form: str | None
    footer: int = 0
    note: str | None = None


def _form(
    cells: "pd.Series[str]", body: list[str], column: str, name: str, form: str | None
) -> _Written:
    """How the dates of a column are written, and how many rows at the end have none."""
    forms = [form] if form is not None else date_forms(body)
    if not forms and form is None:
        forms = date_forms(_without_strange(body))
    if not forms:
        advice = "Say how they are written: --time-format '%d/%m/%Y'."
        shown = ", ".join(repr(text) for text in body[:3])
        raise DataError(Problem(f"{name}: `{column}` holds no dates: {shown}.", advice))
    texts = [as_text(cell) for cell in cells.dropna().unique()]
    readable = np.zeros(len(texts), bool)
    for each in forms:
        readable |= ~np.isnat(parse_dates(texts, each).moments)
    strange = {text for text, is_read in zip(texts, readable, strict=True) if not is_read}
    footer = _footer(cells, strange)
    if form is not None:
        return _Written(form, footer)
    kept = [text for text in texts if text not in strange]
    return replace(_settled(date_forms(kept) or forms, kept, column, name), footer=footer)


def _without_strange(texts: list[str]) -> list[str]:
    """The texts without the few that no form of the others reads."""
    forms = date_forms(texts[:20])
    if not forms:
        return texts
    read = ~np.isnat(parse_dates(texts, forms[0]).moments)
    kept = [text for text, is_read in zip(texts, read, strict=True) if is_read]
    return kept if len(kept) > 0.9 * len(texts) else texts


def _footer(cells: "pd.Series[str]", strange: set[str]) -> int:
    """How many rows from the first without a date to the end, where all of these have none."""
    is_dated = cells.notna() & ~cells.map(as_text, na_action="ignore").isin(strange)
    after = len(cells) - 1 - int(np.flatnonzero(is_dated)[-1]) if is_dated.any() else 0
    return after if after <= max(20, len(cells) // 10) else 0


def _settled(forms: Sequence[str | None], texts: list[str], column: str, name: str) -> _Written:
    """The one form that the dates have. Raises `DataError` where there are two of equal right."""
    if None in forms:
        return _Written(None)
    first = parse_dates(texts, forms[0]).moments
    others = [form for form in forms[1:] if (parse_dates(texts, form).moments != first).any()]
    if not others:
        return _Written(forms[0])
    readings = [form for form in (forms[0], *others) if form is not None]
    full = [form for form in readings if "%y" not in form]  # a year of four digits is surer
    readings = full or readings
    regular = {form: _regularity(texts, form) for form in readings}
    best = max(regular.values())
    good = [form for form in readings if regular[form] > 0.5 * best]
    if len(good) == 1 or not _day_and_month(good):
        other = next((form for form in readings if form != good[0]), None)
        note = f"`{column}` is read as {good[0]}: as {other} its dates would not be even."
        return _Written(good[0], note=note if other is not None else None)
    sample = texts[len(texts) // 2]
    shown = " or ".join(
        f"{pd.Timestamp(parse_dates([sample], form).moments[0]).date()} (--time-format '{form}')"
        for form in good[:2]
    )
    message = f"{name}: `{column}` can be read in two ways: {sample} is {shown}."
    advice = f'Say which: --time-format, or `data.time_format: "{good[0]}"` in a config.'
    raise DataError(Problem(message, advice))


def _day_and_month(forms: Sequence[str]) -> bool:
    """Whether two readings differ in which of two numbers is the day."""
    return all("%d" in form and "%m" in form for form in forms[:2])


def _regularity(texts: list[str], form: str) -> float:
    """How much of a grid the dates fill: 1 where none is missing, 0 where there is no grid."""
    ds = pd.DatetimeIndex(parse_dates(texts, form).moments).unique().sort_values()
    if infer_grid(ds) is None or len(ds) < 3:
        return 0.0
    gaps = np.diff(ds.asi8)
    usual = np.median(gaps)
    return float(np.mean(np.abs(gaps - usual) <= 0.15 * usual)) * float(
        min(1.0, usual * len(ds) / (ds.asi8[-1] - ds.asi8[0]))
    )
