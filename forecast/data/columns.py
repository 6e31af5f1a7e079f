"""From the cells of a table to typed rows: which series, when, and what value."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config.data import DataOptions, Wanted, Where
from forecast.data.calendar import Dates
from forecast.data.moments import moments_of
from forecast.data.numbers import NumberForm, is_ambiguous, number_forms, parse_numbers
from forecast.data.panel import FloatArray, IntArray
from forecast.data.sources import RawTable
from forecast.data.texts import as_shown, report_missing, texts_of
from forecast.errors import DataError, Problem, did_you_mean

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


def rows_of(
    raw: RawTable, options: DataOptions, *, is_part: bool = False, has_target: bool = True
) -> Rows:
    """The rows that the options mean. Raises `DataError` with all that is wrong with them.

    A table that is a part, such as newer rows, need not have every value of `data.where`. Without
    a target all values are missing.
    """
    _refuse_repeated_header(raw)
    raw = _taken(raw, options, is_part=is_part)
    problems: list[Problem] = []
    nothing = np.full(len(raw.frame), np.nan), np.array([], np.intp)
    read = [
        _numbers(raw, name, options, problems) if has_target else nothing
        for name in options.targets
    ]
    values = [numbers for numbers, _ in read]
    ids = ids_of(raw, options, problems)
    codes, names = pd.factorize(ids)
    ds = moments_of(raw, options, codes.astype(np.int64), values, problems)
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


def in_order(rows: Rows) -> Rows:
    """The rows series by series, each in the order of time; most tables are so already."""
    order = moments(rows.ds)
    steps = np.diff(rows.codes)
    if ((steps > 0) | ((steps == 0) & (np.diff(order) >= 0))).all():
        return rows
    return rows.take(np.lexsort((order, rows.codes)))


def moments(ds: Dates) -> NDArray[np.int64]:
    """Dates, or what is counted in their place, as whole numbers."""
    return ds.asi8 if isinstance(ds, pd.DatetimeIndex) else ds.to_numpy(np.int64)


def _refuse_repeated_header(raw: RawTable) -> None:
    """Raise `DataError` where a row is the header again, as in tables that were put together."""
    if any(pd.api.types.is_numeric_dtype(column) for _, column in raw.frame.items()):
        return  # no cell of that column is its name
    is_header = np.logical_and.reduce([raw.frame[name].isin([name]) for name in raw.frame])
    rows = raw.frame.index[is_header]
    if len(rows):
        verb, them = ("repeats", "it") if len(rows) == 1 else ("repeat", "them")
        message = f"{raw.name}: {raw.places(rows)} {verb} the header."
        raise DataError(Problem(message, f"Take {them} out."))


def _taken(raw: RawTable, options: DataOptions, *, is_part: bool) -> RawTable:
    """The rows of `data.where`."""
    if not options.where:
        return raw
    keep, problems = wanted_rows(raw.frame, options.where), []
    for column, wanted in options.where.items():
        known = distinct_texts(raw.frame[column])
        absent = absent_values(wanted, known)
        if not is_part or len(absent) == len(wanted):
            problems += [no_such_value(raw.name, column, value, known) for value in absent]
    if not keep.any() and not problems:
        shown = " and ".join(f"`{column}`" for column in options.where)
        message = f"{raw.name}: no row has values of data.where in {shown} at once."
        problems.append(Problem(message, "Each is there, but never beside the others."))
    if problems:
        raise DataError(*problems)
    return RawTable(
        raw.frame[keep], raw.name, raw.sha256, raw.lines, raw.word, raw.dialect, raw.files
    )


def wanted_rows(frame: pd.DataFrame, where: Where) -> NDArray[np.bool_]:
    """Which rows have one of the values that are wanted in each column."""
    keep = np.ones(len(frame), bool)
    for column, wanted in where.items():
        texts = texts_of(frame[column])
        meant = [
            text
            for text in distinct_texts(frame[column])
            if any(_is_meant(value, text) for value in wanted)
        ]
        keep &= texts.isin(meant).to_numpy()
    return keep


def distinct_texts(column: "pd.Series[str]") -> list[str]:
    """The cells of a column, each once, as text."""
    return [str(text) for text in texts_of(column).dropna().unique()]


def absent_values(wanted: Sequence[Wanted], known: Iterable[str]) -> list[Wanted]:
    """The values that are wanted, and of which no cell is one."""
    return [value for value in wanted if not any(_is_meant(value, text) for text in known)]


def _is_meant(wanted: Wanted, text: str) -> bool:
    """Whether a cell is the value that somebody wants: a number by its size, a text as it is.

    A number with zeros before it is no number, but a code.
    """
    if isinstance(wanted, str):
        return text == wanted
    if isinstance(wanted, bool):
        return text.lower() == str(wanted).lower()
    if not _PLAIN_NUMBER.fullmatch(text.strip()):
        return text == str(wanted)
    return float(text) == wanted


_PLAIN_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


def no_such_value(name: str, column: str, wanted: Wanted, known: list[str]) -> Problem:
    """That no row of a table of this name has a value that is wanted."""
    message = f"{name}: no row has {wanted!r} in `{column}` (data.where)."
    alike = [text for text in known if text.lstrip("0") == str(wanted).lstrip("0")]
    if alike:
        return Problem(message, f'There is "{alike[0]}": write it so, with the quotes.')
    return Problem(message, did_you_mean(str(wanted), known))


# --- numbers -------------------------------------------------------------------------------------


def number_form(options: DataOptions) -> NumberForm:
    """How the options say that numbers are written."""
    return NumberForm(options.decimal, options.thousands)


def numbers_of(
    raw: RawTable, name: str, options: DataOptions, problems: list[Problem]
) -> FloatArray:
    """A column of numbers; NaN where a value is missing, and a problem where it is none."""
    return _numbers(raw, name, options, problems)[0]


def are_numbers(texts: "pd.Series[str]", options: DataOptions) -> NDArray[np.bool_]:
    """Which of these texts are numbers, as the options say that they are written."""
    numbers = parse_numbers(texts, number_form(options), options.na_values)
    is_number = np.ones(len(texts), bool)
    is_number[numbers.wrong] = False
    return is_number


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
        numbers = parse_numbers(texts_of(column), form, options.na_values)
        values, wrong = numbers.values, numbers.wrong
    words = [form.parse(str(word))[0] for word in options.na_values]
    codes = [number for number in words if not np.isnan(number)]
    coded = np.flatnonzero(np.isin(values, codes)) if codes else np.array([], np.intp)
    if len(coded):
        values = values.copy()
        values[coded] = np.nan
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        shown = as_shown(column.iloc[infinite[0]])
        places = raw.places(column.index[infinite])
        message = f"{raw.name}: `{name}` is {shown}, infinite, not a number, in {places}."
        advice = "Put a number there, or nothing and say what to do about it: `data.missing`."
        problems.append(Problem(message, advice))
    if len(wrong):
        shown = as_shown(column.iloc[wrong[0]])
        places = raw.places(column.index[wrong])
        message = f"{raw.name}: `{name}` is {shown}, not a number, in {places}."
        problems.append(Problem(message, _way_out(texts_of(column), wrong, form)))
    return values, coded


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


def ids_of(raw: RawTable, options: DataOptions, problems: list[Problem]) -> "pd.Series[str]":
    """The name of the series of each row; the names of several columns are joined."""
    if not options.ids:
        name = options.target if isinstance(options.target, str) else ""
        return pd.Series(
            pd.Categorical([name]).take(np.zeros(len(raw.frame), int)), raw.frame.index
        )
    columns = [texts_of(raw.frame[name]) for name in options.ids]
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


def _melted(rows: Rows, values: Sequence[FloatArray], options: DataOptions) -> Rows:
    """Several targets as series of their own: `north`, or `shop 1/north` where there are ids."""
    series, count = max(len(rows.unique_ids), 1), len(values)
    names = [
        series_of_target(name, target, options)
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


def series_of_target(name: str, target: str, options: DataOptions) -> str:
    """What the series of one of several targets is called, of the id `name` where there are ids."""
    return f"{name}{_BETWEEN_IDS}{target}" if options.ids else target


def target_of_series(unique_id: str, options: DataOptions) -> tuple[str, str]:
    """The opposite: the id of a series, empty where there are none, and its target."""
    ends = [target for target in options.targets if unique_id.endswith(_BETWEEN_IDS + target)]
    if not options.ids or not ends:
        return "", unique_id
    target = max(ends, key=len)
    return unique_id.removesuffix(_BETWEEN_IDS + target), target
