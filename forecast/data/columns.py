"""From the cells of a table to typed rows: which series, when, and what value."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config.data import DataOptions
from forecast.data.calendar import COUNTED, Dates
from forecast.data.clocks import localize
from forecast.data.dates import Dates as ReadDates
from forecast.data.dates import compose, date_forms, parse_dates
from forecast.data.numbers import NumberForm, is_ambiguous, number_forms, parse_numbers
from forecast.data.panel import FloatArray, IntArray
from forecast.data.sources import RawTable
from forecast.errors import DataError, Problem

_BETWEEN_IDS = "/"


@dataclass(frozen=True)
class Rows:
    """Rows of one value each, in the order of the table."""

    unique_ids: tuple[str, ...]
    """The series, in the order in which the table names them."""
    codes: IntArray
    """Which series each row is of."""
    ds: Dates
    y: FloatArray
    """NaN where a value is missing."""
    places: IntArray
    """Where each row stands in the raw table."""
    coded: IntArray
    """The places of rows whose value is a number that stands for a missing one, such as -999: that
    a row is there is known, other than of a blank one."""

    def take(self, rows: "NDArray[np.intp] | NDArray[np.bool_]") -> "Rows":
        """Some of the rows, or all in another order."""
        return replace(
            self,
            codes=self.codes[rows],
            ds=self.ds[rows],
            y=self.y[rows],
            places=self.places[rows],
        )


def rows_of(raw: RawTable, options: DataOptions) -> Rows:
    """The rows that the options mean. Raises `DataError` with all that is wrong with them."""
    raw = _taken(raw, options)
    problems: list[Problem] = []
    read = [_numbers(raw, name, options, problems) for name in options.targets]
    values = [numbers for numbers, _ in read]
    ids = _ids(raw, options, problems)
    codes, names = pd.factorize(ids)
    ds = _dates(raw, options, codes.astype(np.int64), values, problems)
    if problems:
        raise DataError(*problems)
    rows = Rows(
        tuple(str(name) for name in names),
        codes.astype(np.int64),
        ds,
        values[0],
        raw.frame.index.to_numpy(np.int64),
        np.unique(np.concatenate([raw.frame.index.to_numpy(np.int64)[at] for _, at in read])),
    )
    if len(values) > 1:
        rows = _melted(rows, values, options)
    is_dated = np.asarray(rows.ds.notna())
    return rows if is_dated.all() else rows.take(is_dated)


def _taken(raw: RawTable, options: DataOptions) -> RawTable:
    """The rows of `data.where`."""
    if not options.where:
        return raw
    keep = np.ones(len(raw.frame), bool)
    for column, wanted in options.where.items():
        texts = _texts(raw.frame[column])
        keep &= texts.isin(list(wanted)).to_numpy()
        if not keep.any():
            known = ", ".join(str(text) for text in texts.dropna().unique()[:5])
            message = f"{raw.name}: no row has {' or '.join(wanted)} in `{column}` (data.where)."
            raise DataError(Problem(message, f"There are {known}, ..."))
    return RawTable(
        raw.frame[keep], raw.name, raw.sha256, raw.lines, raw.word, raw.dialect, raw.files
    )


def _texts(column: "pd.Series[str]") -> "pd.Series[str]":
    """Cells as text: whole numbers without a point, dates in ISO 8601."""
    if pd.api.types.is_string_dtype(column.dtype) and column.dtype != object:
        return column
    if isinstance(column.dtype, pd.CategoricalDtype):
        named: pd.Series[Any] = column.cat.rename_categories(_text)
        return named
    return column.map(_text, na_action="ignore").astype(object)


def _text(cell: object) -> str:
    is_whole = isinstance(cell, float | np.floating) and float(cell).is_integer()
    return str(int(cell)) if is_whole else str(cell)  # type: ignore[call-overload]


# --- numbers -------------------------------------------------------------------------------------


def number_form(options: DataOptions) -> NumberForm:
    """How the options say that numbers are written."""
    return NumberForm(options.decimal, options.thousands)


def _numbers(
    raw: RawTable, name: str, options: DataOptions, problems: list[Problem]
) -> tuple[FloatArray, NDArray[np.intp]]:
    """A column of numbers; NaN where a value is missing, and a problem where it is none.

    Also the positions of the numbers that stand for a missing one.
    """
    column = raw.frame[name]
    form = number_form(options)
    is_plain = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if is_plain:
        values: FloatArray = column.to_numpy(np.float64, na_value=np.nan)
        wrong = np.array([], np.intp)
    else:
        numbers = parse_numbers(_texts(column), form, options.na_values)
        values, wrong = numbers.values, numbers.wrong
    words = [form.parse(str(word))[0] for word in options.na_values]
    codes = [number for number in words if not np.isnan(number)]
    coded = np.flatnonzero(np.isin(values, codes)) if codes else np.array([], np.intp)
    if len(coded):
        values = values.copy()
        values[coded] = np.nan
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        shown = _shown(column.iloc[infinite[0]])
        places = raw.places(column.index[infinite])
        message = f"{raw.name}: `{name}` is {shown}, infinite, not a number, in {places}."
        advice = "Put a number there, or nothing and say what to do about it: `data.missing`."
        problems.append(Problem(message, advice))
    if len(wrong):
        shown = _shown(column.iloc[wrong[0]])
        places = raw.places(column.index[wrong])
        message = f"{raw.name}: `{name}` is {shown}, not a number, in {places}."
        problems.append(Problem(message, _way_out(_texts(column), wrong, form)))
    return values, coded


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _way_out(column: "pd.Series[str]", wrong: NDArray[np.intp], form: NumberForm) -> str | None:
    """What makes numbers of texts that are none: another form, or a word for a missing value."""
    texts = [str(text) for text in column.dropna().unique()[:1_000]]
    strange = list(dict.fromkeys(str(text).strip() for text in column.iloc[wrong]))
    others = [other for other in number_forms(texts) if other != form]
    if others and is_ambiguous(strange):
        first = others[0].decimal if others[0].thousands is None else others[0].thousands
        return (
            f'Where `{first}` parts thousands, say `data.thousands: "{first}"`; where it stands '
            f'before decimals, `data.decimal: "{first}"`.'
        )
    if others:
        mark = others[0].thousands
        thousands = f' and `data.thousands: "{mark}"`' if mark else ""
        return f'Say how numbers are written: `data.decimal: "{others[0].decimal}"`{thousands}.'
    if len(strange) > 3 or len(wrong) > len(column) / 2:
        return None
    shown = ", ".join(f'"{text}"' for text in strange)
    return f"If it stands for a missing value, say so: `data.na_values: [{shown}]`."


# --- series --------------------------------------------------------------------------------------


def _ids(raw: RawTable, options: DataOptions, problems: list[Problem]) -> "pd.Series[str]":
    """The name of the series of each row; the names of several columns are joined."""
    if not options.ids:
        name = options.target if isinstance(options.target, str) else ""
        return pd.Series(
            pd.Categorical([name]).take(np.zeros(len(raw.frame), int)), raw.frame.index
        )
    columns = [_texts(raw.frame[name]) for name in options.ids]
    for column in columns:
        report_missing(column, raw, problems)
    if len(columns) == 1:
        return columns[0]
    known = raw.frame[list(options.ids)].drop_duplicates()
    joined = columns[0].astype(object)
    for column in columns[1:]:
        joined = joined + _BETWEEN_IDS + column.astype(object)
    if joined.loc[known.index].duplicated().any() and not problems:
        message = (
            f"{raw.name}: two series would be called "
            f"{joined.loc[known.index][joined.loc[known.index].duplicated()].iloc[0]}."
        )
        problems.append(Problem(message, f"Take the `{_BETWEEN_IDS}` out of the names."))
    return joined


def report_missing(
    column: "pd.Series[str]", raw: RawTable, problems: list[Problem], advice: str | None = None
) -> None:
    """Add a problem where a column has no value."""
    empty = column.index[column.isna()]
    if len(empty):
        message = f"{raw.name}: `{column.name}` has no value in {raw.places(empty)}."
        problems.append(Problem(message, advice))


def _melted(rows: Rows, values: Sequence[FloatArray], options: DataOptions) -> Rows:
    """Several targets as series of their own: `north`, or `shop 1/north` where there are ids."""
    series, count = max(len(rows.unique_ids), 1), len(values)
    names = [
        f"{name}{_BETWEEN_IDS}{target}" if options.ids else target
        for target in options.targets
        for name in rows.unique_ids
    ]
    codes = np.concatenate([rows.codes + at * series for at in range(count)])
    tiled = np.tile(np.arange(len(rows.codes)), count)
    return Rows(
        tuple(names),
        codes,
        rows.ds[tiled],
        np.concatenate(values),
        rows.places[tiled],
        rows.coded,
    )


# --- dates ---------------------------------------------------------------------------------------


def _dates(
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
    if options.freq == COUNTED:
        return _steps(raw, columns[0], problems)
    if len(columns) == 1 and pd.api.types.is_datetime64_any_dtype(columns[0].dtype):
        moments = pd.DatetimeIndex(columns[0])
    else:
        moments = _moments(raw, [_texts(column) for column in columns], options, problems)
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


def _steps(raw: RawTable, column: "pd.Series[str]", problems: list[Problem]) -> Dates:
    """Rows that are counted."""
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = column.index[numbers.isna() | (numbers % 1 != 0)]
    if len(wrong):
        message = (
            f"{raw.name}: `{column.name}` is {_shown(column.loc[wrong[0]])}, not a whole number, "
            f"in {raw.places(wrong)}."
        )
        problems.append(Problem(message, "With `data.freq: 1` rows are counted by whole numbers."))
        numbers = numbers.where(numbers.notna(), 0)
    whole: NDArray[np.int64] = numbers.to_numpy(np.float64).astype(np.int64)
    return pd.Index(whole, dtype=np.int64)


def _read_dates(
    texts: Sequence["pd.Series[str]"], options: DataOptions
) -> tuple[ReadDates, NDArray[np.intp]]:
    """The distinct dates of the texts, and which of them each row has."""
    try:
        if isinstance(options.time, dict):
            frame = pd.DataFrame(dict(zip(options.time, texts, strict=True)))
            at, _ = pd.factorize(pd.MultiIndex.from_frame(frame))
            distinct = frame.iloc[np.unique(at, return_index=True)[1]]
            parts = {str(part): list(distinct[part]) for part in distinct}
            return compose(parts, options.time_format), at
        at, known = pd.factorize(texts[0])
        return parse_dates(list(known), options.time_format), at
    except ValueError as error:  # of the format; a date that is none is NaT
        raise DataError(Problem(f"data.time_format: {error}.")) from error


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
    readings = [] if form else date_forms(texts[0].dropna().unique()[:10_000])
    if readings and readings != [None]:
        shown = " or ".join(f'`data.time_format: "{reading}"`' for reading in readings)
        advice = f"Say how dates are written: {shown}."
    elif len(wrong) < 0.05 * len(texts[0]):
        advice += " Leave out lines that are no rows: `data.skip_footer`, `data.skip_rows`."
    return Problem(message, advice)


def _with_offsets(read: ReadDates, at: NDArray[np.intp]) -> pd.DatetimeIndex:
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
