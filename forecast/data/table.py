"""A table becomes a panel, or an error that names its rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config.data import DataOptions
from forecast.data.ahead import read_ahead
from forecast.data.beside import columns_beside, covariates_of
from forecast.data.calendar import dates, is_counted, is_freq, iso, steps_between
from forecast.data.clocks import zones_that_repeat, zones_that_skip
from forecast.data.columns import Rows, in_order, moments, rows_of
from forecast.data.frequency import frequency_of
from forecast.data.gaps import Grid, between, fill, known_span, most_steps, place
from forecast.data.panel import Panel
from forecast.data.resample import Resampled, resample
from forecast.data.sources import Columns, RawTable, read_source
from forecast.data.sources.content import Content
from forecast.errors import DataError, Problem


@dataclass(frozen=True)
class Reading:
    """What was done to the rows of a table before they were a panel."""

    rows: int = 0
    """Rows of the table."""
    merged: int = 0
    """Rows of a date that others had too."""
    cut: int = 0
    """First and last steps that were not seen whole, and so have no value (`data.resample`)."""
    partial: int = 0
    """Other steps that are a sum, or a count, of some of their rows alone (`data.resample`)."""
    absent: int = 0
    """Steps between the first and the last value that had no row."""
    filled: int = 0
    """Values that were missing between others, those of absent rows among them."""
    before: int = 0
    """Blank rows before the first value of a series."""
    future: int = 0
    """Blank rows after the last value of a series."""
    empty: tuple[str, ...] = ()
    """Series without any value, which are left out."""
    alone: int = 0
    """Values before the first of another target that is forecast together with theirs."""

    @property
    def counts(self) -> dict[str, int]:
        """All of it in numbers."""
        return {
            "rows": self.rows,
            "merged": self.merged,
            "cut": self.cut,
            "partial": self.partial,
            "absent": self.absent,
            "filled": self.filled,
            "before": self.before,
            "future": self.future,
            "empty": len(self.empty),
            "alone": self.alone,
        }

    def __str__(self) -> str:
        """What was done, or nothing."""
        parts = {
            "rows of the same date were merged": self.merged,
            "steps that were not seen whole have no value": self.cut,
            "missing values were filled": self.filled,
            "blank rows at the start were left out": self.before,
            "blank rows at the end are the future": self.future,
            "series without a value were left out": len(self.empty),
            "values before the first of all targets were left out": self.alone,
        }
        return ", ".join(f"{count} {what}" for what, count in parts.items() if count)


@dataclass(frozen=True)
class Table:
    """A panel, the checksum of the bytes that it was read from, and what was done to them."""

    panel: Panel
    sha256: str
    reading: Reading = field(default_factory=Reading)
    future_sha256: str | None = None
    """The checksum of `data.future`, where there is one."""


class NoValueError(DataError):
    """No series of a table has a value."""

    def __init__(self, unique_ids: Sequence[str], name: str) -> None:
        super().__init__(Problem(f"{name}: {unique_ids[0]} has no value at all."))
        self.unique_ids = tuple(unique_ids)


def read_table(
    options: DataOptions, path: Path | None = None, *, content: Content | None = None
) -> Table:
    """Read the table of `options`, or another of the same columns; `-` is standard input.

    Blank values at the ends of a series are cut off. In another table a covariate is of words where
    it is one of the categories of `options`, and of numbers elsewhere. Raises `DataError` with all
    that is wrong.
    """
    content = content or (None if path is None else Content(path))
    raw = read_source(options, wanted_columns(options, options.targets), content)
    table = table_of(raw, options, is_part=path is not None)
    return with_future(table, options) if path is None else table


def with_future(table: Table, options: DataOptions) -> Table:
    """A table that knows what `data.future` tells of the steps after its last rows."""
    if options.future is None:
        return table
    known, empty = options.covariates.known, table.reading.empty
    ahead = read_ahead(Content(Path(options.future)), options, table.panel, known, empty)
    return replace(table, panel=ahead.over(table.panel), future_sha256=ahead.sha256)


def wanted_columns(options: DataOptions, numbers: tuple[str, ...]) -> Columns:
    """The columns that a panel is made of, with these of numbers and what stands beside them."""
    words = options.covariates.categories
    texts = (*options.time_columns, *options.ids, *(options.where or ()), *words)
    beside = (name for name in options.covariate_columns if name not in words)
    return Columns(tuple(dict.fromkeys(texts)), tuple(dict.fromkeys((*numbers, *beside))))


def table_of(raw: RawTable, options: DataOptions, *, is_part: bool = False) -> Table:
    """The panel of the rows of a table; see `rows_of` for one that is a part."""
    rows = rows_of(raw, options, is_part=is_part)
    reading = Reading(rows=len(raw.frame))
    rows, parts = in_order(rows), None
    if options.resample is not None:
        _refuse_undated(rows, options.resample.freq)
        _refuse_far_apart(rows, options.resample.freq, raw)
        parts = resample(rows, options.resample)
        rows, freq = parts.steps, options.resample.freq
        reading = replace(reading, cut=parts.cut, partial=parts.partial)
    else:
        rows, merged = _without_duplicates(rows, raw, options)
        reading = replace(reading, merged=merged)
        freq = options.freq or _freq(rows, raw, options)
    _refuse_far_apart(rows, freq, raw)
    grid, beside = place(rows.codes, rows.ds, rows.y, rows.places, freq)
    if len(beside):
        raise DataError(_beside_grid(rows, int(beside[0]), len(beside), freq, raw))
    words = options.covariates.categories if is_part else None
    return _table(grid, rows, parts, freq, raw, options, reading, words)


def _table(
    grid: Grid,
    rows: Rows,
    parts: Resampled | None,
    freq: str,
    raw: RawTable,
    options: DataOptions,
    reading: Reading,
    words: Sequence[str] | None,
) -> Table:
    """The panel of a grid: ends without a value cut off, gaps filled or refused."""
    first, last = known_span(grid, np.isin(grid.places, rows.coded))
    has_values = last > first
    names = tuple(np.array(rows.unique_ids, dtype=object)[has_values])
    if not names:
        raise NoValueError(rows.unique_ids, raw.name)
    covariates = None
    if options.covariate_columns:
        places = grid.places[grid.places >= 0] if parts is None else parts.places
        own = replace(raw, frame=raw.frame.loc[np.unique(places)])
        beside = columns_beside(own, options, options.covariate_columns, words)
        beside = beside if parts is None else parts.beside(beside, options.covariates.static)
        covariates = covariates_of(beside, grid, first, options.covariates, rows.unique_ids)
        covariates = covariates.of(has_values)
    with_row = np.concatenate([[0], np.cumsum(grid.places >= 0)])
    starts, ends = grid.offsets[:-1], grid.offsets[1:]
    reading = replace(
        reading,
        before=int((with_row[first] - with_row[starts])[has_values].sum()),
        future=int((with_row[ends] - with_row[last])[has_values].sum()),
        empty=tuple(np.array(rows.unique_ids, dtype=object)[~has_values]),
    )
    grid = between(grid, first, last, freq)
    if not has_values.all():
        offsets = np.append(grid.offsets[:-1][has_values], grid.offsets[-1])
        grid = replace(grid, offsets=offsets, begins=grid.begins[has_values])
    gaps = np.isnan(grid.y)
    if gaps.any() and options.missing == "error":
        raise DataError(*_gaps(grid, names, freq, raw, options))
    values = fill(grid, options.missing)
    observed = ~gaps | (options.missing == "zero")
    reading = replace(reading, absent=grid.absent, filled=int(gaps.sum()))
    panel = Panel(names, grid.offsets, grid.begins, values, observed, freq, covariates)
    return Table(panel, raw.sha256, reading)


# --- dates that repeat, and steps ----------------------------------------------------------------


def _without_duplicates(rows: Rows, raw: RawTable, options: DataOptions) -> tuple[Rows, int]:
    """Sorted rows, one for each series and date, and how many were left out."""
    same = (np.diff(rows.codes) == 0) & np.asarray(rows.ds[1:] == rows.ds[:-1])
    if not same.any():
        return rows, 0
    if options.duplicates == "error":
        raise DataError(_duplicate(rows, same, raw, options))
    is_first = np.append(True, ~same)
    group = np.cumsum(is_first) - 1
    # What stands beside the target is that of one row.
    kept = rows.take(np.append(~same, True) if options.duplicates == "last" else is_first)
    # Within a group rows stand in the order of the table: the sort was a stable one.
    values = getattr(pd.Series(rows.y).groupby(group), options.duplicates)
    y = values(min_count=1) if options.duplicates == "sum" else values()
    return replace(kept, y=y.to_numpy(np.float64)), int(same.sum())


def _duplicate(rows: Rows, same: NDArray[np.bool_], raw: RawTable, options: DataOptions) -> Problem:
    first = int(np.flatnonzero(same)[0])
    last = first + 1
    while last < len(same) and same[last]:
        last += 1
    lines = raw.places(np.unique(rows.places[first : last + 1]))
    moment = iso(rows.ds[[first]])[0]
    name = rows.unique_ids[rows.codes[first]]
    of = f" of {name}" if len(rows.unique_ids) > 1 or options.ids else ""
    message = f"{raw.name}: {moment}{of} stands more than once, in {lines}"
    if same.sum() > 1:
        message += f"; {same.sum()} rows are repeated in all"
    ds = rows.ds[first]
    zones = _zones_of_change(ds, zones_that_repeat)
    if zones:
        message += f". At that hour the clocks went back ({', '.join(zones[:3])})"
        advice = f"Name the time zone: `data.timezone: {zones[0]}`"
    else:
        advice = "Keep one row a date (`data.duplicates: first`, last, sum or mean)"
        if not options.ids:
            advice += ", or name the column that tells the series apart: `data.id`"
    return Problem(message + ".", advice + ".")


def _zones_of_change(
    moment: object, zones_of: Callable[[pd.Timestamp], Sequence[str]]
) -> Sequence[str]:
    if not isinstance(moment, pd.Timestamp) or moment.tz is not None:
        return []
    if moment == moment.normalize():
        return []  # days, of which none is skipped
    return zones_of(moment)


def _freq(rows: Rows, raw: RawTable, options: DataOptions) -> str:
    """The frequency of the longest series, or of the dates of all."""
    lengths = np.bincount(rows.codes, minlength=len(rows.unique_ids))
    longest = rows.ds[rows.codes == int(np.argmax(lengths))]
    return frequency_of(longest, rows.ds, raw.name)


# --- what is refused -----------------------------------------------------------------------------

_FILL = "Fill the value in, or say what to do about it: `data.missing: interpolate`, ffill or zero."


def _refuse_undated(rows: Rows, freq: str) -> None:
    is_dated = isinstance(rows.ds, pd.DatetimeIndex) and not is_counted(freq)
    if not is_dated or not is_freq(freq):
        raise DataError(Problem("data.resample needs dates, and a frequency such as D or MS."))


def _refuse_far_apart(rows: Rows, freq: str, raw: RawTable) -> None:
    """Raise `DataError` where series have more steps than anybody could mean, and memory holds."""
    firsts = np.flatnonzero(np.diff(rows.codes, prepend=-1))
    lasts = np.append(firsts[1:], len(rows.codes)) - 1
    steps = steps_between(rows.ds[firsts], rows.ds[lasts], freq)
    # Below 0 where numbers that are counted lie too far apart to be subtracted.
    most = most_steps(len(rows.codes))
    if (steps >= 0).all() and steps.sum(dtype=np.float64) <= most:
        return
    longest = int(np.argmax(np.where(steps < 0, np.iinfo(np.int64).max, steps)))
    begin, end = firsts[longest], lasts[longest]
    # As floats, which do not overflow.
    row = begin + int(np.argmax(np.diff(moments(rows.ds[begin : end + 1]).astype(np.float64))))
    before, after = iso(rows.ds[[row, row + 1]])
    of = f" of {rows.unique_ids[rows.codes[row]]}" if len(rows.unique_ids) > 1 else ""
    message = (
        f"{raw.name}: {before}{of} is followed by {after}, and the table would have more than "
        f"{most:,} steps of the frequency {freq}. See {raw.places(rows.places[[row, row + 1]])}."
    )
    raise DataError(Problem(message, "Correct that date, or name a longer step: `data.freq`."))


def _gaps(
    grid: Grid, names: Sequence[str], freq: str, raw: RawTable, options: DataOptions
) -> list[Problem]:
    """Values that are missing between others: blank ones, and rows that are not there."""
    gaps = np.flatnonzero(np.isnan(grid.y))
    blank, absent = gaps[grid.places[gaps] >= 0], gaps[grid.places[gaps] < 0]
    problems = []
    if len(blank):
        target = options.target if isinstance(options.target, str) else "target"
        rows = np.unique(grid.places[blank])
        message = f"{raw.name}: `{target}` has no value in {raw.places(rows)}."
        problems.append(Problem(message, _FILL))
    if len(absent):
        problems.append(_absent(grid, names, freq, raw, absent))
    return problems


def _absent(
    grid: Grid, names: Sequence[str], freq: str, raw: RawTable, absent: NDArray[np.intp]
) -> Problem:
    row = int(absent[0])
    series = int(np.searchsorted(grid.offsets, row, side="right") - 1)
    after = row
    while grid.places[after] < 0:
        after += 1
    steps = np.array([row - 1, row, after]) - grid.offsets[series]
    moments = dates(grid.begins[[series] * 3], steps, freq)
    before, wanted, follows = iso(moments)
    of = f" of {names[series]}" if len(names) > 1 else ""
    places = int((np.diff(absent) > 1).sum()) + 1
    shown = f" ({places} such places)" if places > 1 else ""
    message = f"{raw.name}: {wanted}{of} is missing: {before} is followed by {follows}{shown}."
    zones = _zones_of_change(moments[1], zones_that_skip)
    if zones:
        message += f" At that hour the clocks went forward ({', '.join(zones[:3])})."
        return Problem(message, f"Name the time zone: `data.timezone: {zones[0]}`.")
    advice = f"Add a row for each missing step of the frequency {freq}, or say what a missing one "
    return Problem(message, advice + "means: `data.missing: interpolate`, ffill or zero.")


def _beside_grid(rows: Rows, row: int, count: int, freq: str, raw: RawTable) -> Problem:
    """A row between two steps of the frequency."""
    before, after = iso(rows.ds[[max(row - 1, 0), row]])
    of = f" of {rows.unique_ids[rows.codes[row]]}" if len(rows.unique_ids) > 1 else ""
    places = f" ({count} such places)" if count > 1 else ""
    message = f"{raw.name}: {after}{of} is not a step of {freq} after {before}{places}."
    if is_counted(freq):
        return Problem(message, "Name the distance of two rows if this one is wrong: `data.freq`.")
    advice = "Name the frequency if this one is wrong (`data.freq`), or bring the rows to even "
    return Problem(message, advice + f"steps: `data.resample: {{freq: {freq}, how: mean}}`.")
