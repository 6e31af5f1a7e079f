"""When the rows of a table are: texts, numbers or moments as dates of a zone."""

import re
from collections.abc import Sequence
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config.data import DataOptions
from forecast.data.calendar import Dates, is_counted
from forecast.data.clocks import localize
from forecast.data.date_forms import date_forms
from forecast.data.date_parts import compose
from forecast.data.dates import ParsedDates, parse_dates
from forecast.data.panel import FloatArray, IntArray
from forecast.data.sources import RawTable
from forecast.data.texts import as_shown, report_missing, texts_of
from forecast.errors import DataError, Problem

_MOST_COUNTED = 2**53  # up to which all whole numbers are floats


def moments_of(
    raw: RawTable,
    options: DataOptions,
    codes: IntArray,
    values: Sequence[FloatArray],
    problems: list[Problem],
) -> Dates:
    """When each row is; in the end a time that the clocks skip, without a value, is NaT."""
    columns = [raw.frame[name] for name in options.time_columns]
    before = len(problems)
    for column in columns:
        report_missing(column, raw, problems)
    if len(problems) > before:
        return pd.DatetimeIndex([pd.NaT] * len(raw.frame))
    if options.freq is not None and is_counted(options.freq):
        return _steps(raw, columns[0], options.freq, problems)
    if len(columns) == 1 and pd.api.types.is_datetime64_any_dtype(columns[0].dtype):
        moments = pd.DatetimeIndex(columns[0])
    else:
        moments = _moments(raw, [texts_of(column) for column in columns], options, problems)
    return _in_zone(moments, raw, options, codes, values, problems)


def _moments(
    raw: RawTable,
    texts: list["pd.Series[str]"],
    options: DataOptions,
    problems: list[Problem],
) -> pd.DatetimeIndex:
    """The dates of texts: NaT, and a problem, where they are none."""
    if isinstance(options.time, tuple):
        joined = texts[0].astype(object).str.strip()
        for text in texts[1:]:
            joined = joined + " " + text.astype(object).str.strip()
        texts = [joined]
    read, at = _read_dates(texts, options)
    wrong = np.flatnonzero(np.isnat(read.moments)[at])
    if len(wrong):
        problems.append(_no_date(raw, texts, wrong, options))
        return pd.DatetimeIndex([pd.NaT] * len(raw.frame))
    if read.is_mixed:
        name = ", ".join(options.time_columns)
        shown = ", ".join(read.offsets[:3])
        message = f"{raw.name}: `{name}` mixes times with an offset ({shown}) and without."
        problems.append(Problem(message, "Write all of the times with their offsets, or none."))
    return _with_offsets(read, at)


def _steps(raw: RawTable, column: "pd.Series[str]", freq: str, problems: list[Problem]) -> Dates:
    """Rows that are counted."""
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = column.index[numbers.isna() | (numbers % 1 != 0)]
    if len(wrong):
        message = (
            f"{raw.name}: `{column.name}` is {as_shown(column.loc[wrong[0]])}, not a whole number, "
            f"in {raw.places(wrong)}."
        )
        problems.append(
            Problem(message, f"With `data.freq: {freq}` rows are counted by whole numbers.")
        )
        numbers = numbers.where(numbers.notna(), 0)
    large = column.index[numbers.abs() > _MOST_COUNTED]
    if len(large):
        message = (
            f"{raw.name}: `{column.name}` is {as_shown(column.loc[large[0]])}, too large to be "
            f"counted, in {raw.places(large)}."
        )
        problems.append(Problem(message, "Correct it, or count from a smaller number."))
        numbers = numbers.where(numbers.abs() <= _MOST_COUNTED, 0)
    whole: NDArray[np.int64] = numbers.to_numpy(np.float64).astype(np.int64)
    return pd.Index(whole, dtype=np.int64)


def _read_dates(
    texts: Sequence["pd.Series[str]"], options: DataOptions
) -> tuple[ParsedDates, NDArray[np.intp]]:
    """The distinct dates of the texts, and which of them each row has."""
    try:
        if isinstance(options.time, dict):
            frame = pd.DataFrame(dict(zip(options.time, texts, strict=True)))
            at, _ = pd.factorize(pd.MultiIndex.from_frame(frame))
            distinct = frame.iloc[np.unique(at, return_index=True)[1]]
            parts = {str(part): list(distinct[part]) for part in distinct}
            return compose(parts, options.time_format), at
        at, known = _distinct(texts[0])
        return parse_dates(known, options.time_format), at
    except ValueError as error:  # of the format; a date that is none is NaT
        raise DataError(Problem(f"data.time_format: {error}.")) from error


def _distinct(column: "pd.Series[str]") -> tuple[NDArray[np.intp], Sequence[str]]:
    """The distinct texts of a column and which of them each row has; all, where most are distinct.

    To find them out would cost more than to read each.
    """
    few = column.iloc[:1_000], column.iloc[:: max(1, len(column) // 1_000)]
    if all(sample.is_unique for sample in few):
        return np.arange(len(column)), cast(Sequence[str], column.array)
    at, known = pd.factorize(column)
    return at, cast(Sequence[str], known)


def _no_date(
    raw: RawTable,
    texts: Sequence["pd.Series[str]"],
    wrong: NDArray[np.intp],
    options: DataOptions,
) -> Problem:
    form = options.time_format
    wanted = f"a date written as {form}" if form else "an ISO 8601 date"
    name = ", ".join(options.time_columns)
    value = " ".join(str(text.iloc[wrong[0]]) for text in texts)
    places = raw.places(texts[0].index[wrong])
    message = f"{raw.name}: `{name}` is {value!r}, not {wanted}, in {places}."
    advice = 'Say how dates are written, such as `data.time_format: "%d/%m/%Y"`.'
    zone = re.search(r"\d:\d\d\s?([A-Z]{2,5})$", value)
    is_settled = form is not None and not form.startswith("epoch")
    readings = [] if is_settled else date_forms(texts[0].dropna().unique()[:10_000])
    if readings and readings != [None]:
        shown = " or ".join(f'`data.time_format: "{reading}"`' for reading in readings)
        advice = f"Say how dates are written: {shown}."
    elif zone and not readings:
        advice = (
            f"Write the offset in place of {zone[1]}, which may stand for several, such as +01:00; "
            "or take it off, and name the time zone: `data.timezone`."
        )
    elif len(wrong) < 0.05 * len(texts[0]):
        advice += " Leave out lines that are no rows: `data.skip_footer`, `data.skip_rows`."
    return Problem(message, advice)


def _with_offsets(read: ParsedDates, at: NDArray[np.intp]) -> pd.DatetimeIndex:
    """Moments in the zone of their offset; of several offsets in UTC."""
    moments = pd.DatetimeIndex(read.moments[at])
    if not read.offsets:
        return moments
    instants = moments.tz_localize("UTC")
    if len(read.offsets) > 1:
        return instants
    return instants.tz_convert(pd.Timestamp(f"2000-01-01T00:00{read.offsets[0]}").tz)


def _in_zone(
    moments: pd.DatetimeIndex,
    raw: RawTable,
    options: DataOptions,
    codes: IntArray,
    values: Sequence[FloatArray],
    problems: list[Problem],
) -> pd.DatetimeIndex:
    moments = moments.as_unit("us")
    zone = options.timezone
    if zone is None:
        return moments
    if moments.tz is not None:
        return moments.tz_convert(zone)
    if options.time_format is not None and options.time_format.startswith("epoch"):
        return moments.tz_localize("UTC").tz_convert(zone)
    local = localize(moments, zone, codes)
    blank = [np.isnan(column[local.skipped]) for column in values]
    skipped = local.skipped[~np.logical_and.reduce(blank)]
    if len(skipped):
        message = (
            f"{raw.name}: {moments[skipped[0]]} is no time in {zone}: the clocks skip it, in "
            f"{raw.places(raw.frame.index[skipped])}."
        )
        advice = "Name the zone that the times are of (`data.timezone`), such as UTC."
        problems.append(Problem(message, advice))
    return local.instants
