"""Forecasts that `predict` wrote, read back; or an error that names the lines."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config.data import DataOptions
from forecast.data.calendar import Dates, dates, is_counted, iso, steps_between, zone_of
from forecast.data.dates import parse_dates
from forecast.data.forecasts import quantile_levels
from forecast.data.largest import LARGEST
from forecast.data.numbers import parse_numbers
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.data.sources import Columns, RawTable, read_source
from forecast.data.sources.content import Content
from forecast.data.texts import as_shown, report_missing, texts_of
from forecast.errors import DataError, Problem, did_you_mean

_TEXTS, _NUMBERS = ("unique_id", "ds", "cutoff"), ("step", "y_hat")
_SCENARIO = "scenario"
_APART = (_SCENARIO, "model")  # columns that tell forecasts of the same rows apart
_AS_WRITTEN = "Give a file as `forecast predict --output` writes it."


def read_forecasts(path: Path, known: Panel) -> pd.DataFrame:
    """Forecasts of the series of a panel: `unique_id, ds, cutoff, step, y_hat` and quantiles.

    And `scenario`, if the file has it. Rows stand in the order of the file, `-` is standard input,
    and other columns are passed over.
    Raises `DataError` with all that is wrong: a column or a value that is not there, what is no
    date or no number, series that the panel does not have, rows that are repeated, steps that do
    not lead from `cutoff` to `ds`.
    """
    raw, quantiles = _read(path)
    problems: list[Problem] = []
    for name in (*_TEXTS, *_NUMBERS):
        report_missing(raw.frame[name], raw, problems, _AS_WRITTEN)
    ids = texts_of(raw.frame["unique_id"]).astype(object)
    _report_strange(ids, known, raw, problems)
    numbers = {name: _numbers(raw, name, problems) for name in (*_NUMBERS, *quantiles)}
    if problems:
        raise DataError(*problems)
    ds, cutoff = (_dates(raw, name, known) for name in ("ds", "cutoff"))
    step = numbers.pop("step")
    _refuse_repeated(ids, ds, cutoff, raw)
    _refuse_unlike(ds, cutoff, step, known.freq, raw)
    return pd.DataFrame(
        {
            "unique_id": ids.to_numpy(object),
            "ds": ds,
            "cutoff": cutoff,
            "step": step.astype(np.int64),
            **numbers,
            **({_SCENARIO: texts_of(raw.frame[_SCENARIO])} if _SCENARIO in raw.frame else {}),
        }
    )


def _read(path: Path) -> tuple[RawTable, list[str]]:
    """The columns of forecasts, and the names of those that are quantiles."""
    options = DataOptions(
        path=str(path), time=("ds", "cutoff"), target=_NUMBERS[1], id=_TEXTS[0], header=True
    )
    content = Content(path)
    names = [str(name) for name in read_source(options, None, content).frame]
    lacking = [name for name in (*_TEXTS, *_NUMBERS) if name not in names]
    if lacking:
        shown = ", ".join(f"`{name}`" for name in lacking)
        message = f"{content.name} has no column {shown}: it is no table of forecasts."
        raise DataError(Problem(message, _AS_WRITTEN))
    quantiles = [name for name, level in quantile_levels(names).items() if 0 < level < 1]
    apart = tuple(name for name in _APART if name in names)
    columns = Columns((*_TEXTS, *apart), (*_NUMBERS, *quantiles))
    return read_source(options, columns, content), quantiles


def _numbers(raw: RawTable, name: str, problems: list[Problem]) -> FloatArray:
    """A column of numbers, NaN where there is none."""
    column = raw.frame[name]
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values: FloatArray = column.to_numpy(np.float64, na_value=np.nan)
        wrong = np.abs(values) > LARGEST
    else:
        read = parse_numbers(texts_of(column))
        values = read.values
        wrong = np.abs(values) > LARGEST
        wrong[read.wrong] = True
    if name == "step":
        wrong |= (values % 1 != 0) | (values < 1)
        wrong &= ~np.isnan(values)
    if wrong.any():
        what = "a whole number from 1" if name == "step" else "a number that can be scored"
        shown, places = as_shown(column[wrong].iloc[0]), raw.places(column.index[wrong])
        problems.append(Problem(f"{raw.name}: `{name}` is {shown}, not {what}, in {places}."))
    return values


def _report_strange(
    ids: "pd.Series[str]", known: Panel, raw: RawTable, problems: list[Problem]
) -> None:
    strange = ids[~ids.isin(known.unique_ids) & ids.notna()]
    if len(strange):
        message = (
            f"{raw.name}: the run has no series {strange.iloc[0]}, in {raw.places(strange.index)}."
        )
        problems.append(Problem(message, did_you_mean(strange.iloc[0], list(known.unique_ids))))


def _dates(raw: RawTable, name: str, known: Panel) -> Dates:
    """A column of dates, in the time zone of the panel. Raises `DataError` where some are none."""
    column = raw.frame[name]
    if is_counted(known.freq):
        counted = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
        wrong = ~(np.abs(counted) <= 2**53) | (counted % 1 != 0)
        _refuse(wrong, column, "a whole number", raw)
        return pd.Index(counted.astype(np.int64), dtype=np.int64)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        moments = pd.DatetimeIndex(column).as_unit("us")
    else:
        read = parse_dates(list(texts_of(column)), None)
        _refuse(np.isnat(read.moments), column, "an ISO 8601 date", raw)
        if read.is_mixed:
            message = f"{raw.name}: `{name}` mixes times with an offset and without."
            raise DataError(Problem(message, _AS_WRITTEN))
        moments = pd.DatetimeIndex(read.moments)
        moments = moments.tz_localize("UTC") if read.offsets else moments
    zone = zone_of(known.begins)
    if (moments.tz is None) != (zone is None):
        own = moments.tz if zone is None else None
        message = f"{raw.name}: the times of `{name}` are in zone {own}, and the run's in {zone}."
        raise DataError(Problem(message, _AS_WRITTEN))
    return moments if zone is None else moments.tz_convert(zone)


def _refuse(wrong: NDArray[np.bool_], column: "pd.Series[str]", wanted: str, raw: RawTable) -> None:
    if wrong.any():
        shown, places = as_shown(column[wrong].iloc[0]), raw.places(column.index[wrong])
        message = f"{raw.name}: `{column.name}` is {shown}, not {wanted}, in {places}."
        raise DataError(Problem(message, _AS_WRITTEN))


def _refuse_repeated(ids: "pd.Series[str]", ds: Dates, cutoff: Dates, raw: RawTable) -> None:
    """Raise `DataError` where a date of a series is forecast twice from one cutoff."""
    keys = pd.DataFrame({"unique_id": ids.to_numpy(object), "ds": ds, "cutoff": cutoff})
    repeated = keys.duplicated()
    if not repeated.any():
        return
    first = keys[repeated].iloc[0]
    same = (keys == first).all(axis=1).to_numpy()
    moment, since = (iso(pd.Index([first[name]]))[0] for name in ("ds", "cutoff"))
    message = (
        f"{raw.name}: {moment} of {first['unique_id']} is forecast from {since} more than once, in "
        f"{raw.places(raw.frame.index[same])}."
    )
    apart = [name for name in _APART if name in raw.frame and raw.frame[name].nunique() > 1]
    advice = f"Keep the rows of one {apart[0]}." if apart else "Keep one of these rows."
    raise DataError(Problem(message, advice))


def _refuse_unlike(ds: Dates, cutoff: Dates, step: FloatArray, freq: str, raw: RawTable) -> None:
    """Raise `DataError` where `step` is not the way from `cutoff` to `ds`."""
    steps: IntArray = steps_between(cutoff, ds, freq)
    wrong = steps != step
    if not wrong.any():
        wrong = np.asarray(dates(cutoff, steps, freq) != ds)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        moment, since = (iso(moments[[at]])[0] for moments in (ds, cutoff))
        message = (
            f"{raw.name}: {moment} is not {step[at]:g} steps of {freq} after {since}, in "
            f"{raw.places(raw.frame.index[wrong])}."
        )
        raise DataError(Problem(message, "Name the run that these forecasts are of."))
