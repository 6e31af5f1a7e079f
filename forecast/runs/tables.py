"""The tables of a run: their columns, and what each holds. They are CSV, very long ones Parquet.

Ids are text, whatever they look like: `NA`, `007` and the empty text are names of series. In
`scores.csv` the rows over all series have no `unique_id`, a field that is empty; the empty text is
written `""`.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import pandas as pd

from forecast.data.calendar import Dates, dates, is_counted, steps_between
from forecast.data.covariates import Covariates, covariates_from, covariates_table
from forecast.data.csvtext import read_rows
from forecast.data.export import csv_text, panel_table
from forecast.data.gaps import interpolate, most_steps
from forecast.data.panel import Panel
from forecast.data.parts import ENDING, ParquetParts, read_columns
from forecast.errors import extra_is_there
from forecast.features import Encoder
from forecast.runs.documents import read_data
from forecast.runs.layout import (
    CONTEXT,
    COVARIATES,
    DATA,
    FORECASTS,
    HISTORY,
    SCORES,
    TIMINGS,
    as_parquet,
)
from forecast.runs.record import DataRecord
from forecast.runs.regular import damaged
from forecast.runs.staging import Staging
from forecast.runs.store import Run

Field = str | None
Fields: TypeAlias = "Sequence[Field] | pd.Series[Any]"
"""A column as CSV has it, or as Parquet does."""

# Rows from which a table is written in Parquet, where pyarrow is there: as CSV such a table takes
# seconds to write and to read, and many times the memory.
_LONG = 1_000_000
_PART = 500_000  # rows that are written at once


@dataclass(frozen=True)
class _Calendar:
    """How a run tells time."""

    is_counted: bool = False
    timezone: str | None = None

    @classmethod
    def of(cls, data: DataRecord) -> "_Calendar":
        return cls(is_counted(data.freq), data.timezone)


_NONE = _Calendar()
# What becomes of a column's fields.
Column = Callable[[Fields, _Calendar], object]


def _text(fields: Fields, calendar: _Calendar) -> object:
    if not isinstance(fields, pd.Series):
        return np.array(fields, dtype=object)
    if not isinstance(fields.dtype, pd.CategoricalDtype):
        raise ValueError("it is no text")
    words = np.array([*fields.cat.categories, None], dtype=object)  # the last for the code -1
    return words[fields.cat.codes]


def _id(fields: Fields, calendar: _Calendar) -> object:
    """A column of tables in which every row is one series'."""
    if isinstance(fields, pd.Series):
        fields = cast(Sequence[Field], _text(fields, calendar))
    return np.array([field or "" for field in fields], dtype=object)


def _number(fields: Fields, calendar: _Calendar) -> object:
    if isinstance(fields, pd.Series):
        return fields.to_numpy(np.float64)
    return np.array([float(field) if field else np.nan for field in fields])


def _whole(fields: Fields, calendar: _Calendar) -> object:
    if isinstance(fields, pd.Series):
        return fields.to_numpy(np.int64)
    return np.array([int(field or "") for field in fields], dtype=np.int64)


def _moment(fields: Fields, calendar: _Calendar) -> object:
    if calendar.is_counted:
        return _whole(fields, calendar)
    zone = calendar.timezone
    texts = fields if isinstance(fields, pd.Series) else [field or "" for field in fields]
    ds = pd.DatetimeIndex(pd.to_datetime(texts, format="ISO8601", utc=zone is not None))
    if ds.hasnans:
        raise ValueError("a date is missing")
    return (ds if zone is None else ds.tz_convert(zone)).as_unit("us")


_SCORES: Mapping[str, Column] = {
    "unique_id": _text, "split": _text, "model": _text, "metric": _text, "value": _number,
}  # fmt: skip
_FORECASTS: Mapping[str, Column] = {
    "unique_id": _id, "ds": _moment, "cutoff": _moment, "step": _whole, "model": _text,
    "split": _text, "y": _number, "y_hat": _number,
}  # fmt: skip
_HISTORY: Mapping[str, Column] = {
    "epoch": _whole, "loss": _number, "learning_rate": _number, "member": _whole,
}  # fmt: skip
_CONTEXT: Mapping[str, Column] = {"unique_id": _id, "ds": _moment, "y": _number}


def write_scores(staging: Staging, scores: pd.DataFrame) -> None:
    """`scores.csv`: `unique_id, split, model, metric, value`."""
    with _writing(staging, SCORES, len(scores)) as write:
        for begin in range(0, max(len(scores), 1), _PART):
            write(scores.iloc[begin : begin + _PART])


def read_scores(run: Run) -> pd.DataFrame:
    """Every score; `unique_id` is None in the rows over all series."""
    return _read(run, SCORES, _SCORES)


def write_forecasts(staging: Staging, forecasts: pd.DataFrame) -> None:
    """`forecasts.csv`: `unique_id, ds, cutoff, step, model, split, y, y_hat` and quantiles."""
    with writing_forecasts(staging, len(forecasts)) as write:
        write(forecasts)


def writing_forecasts(
    staging: Staging, rows: int
) -> AbstractContextManager[Callable[[pd.DataFrame], None]]:
    """The same part after part, of so many rows in all: what is given takes each part."""
    return _writing(staging, FORECASTS, rows)


def read_forecasts(run: Run) -> pd.DataFrame:
    """Every forecast that was scored; `ds` and `cutoff` are dates, columns of quantiles numbers."""
    data = read_data(run)
    forecasts = _some(run, FORECASTS, _read(run, FORECASTS, _FORECASTS, _Calendar.of(data)))
    _refuse_strange(run, FORECASTS, forecasts, {series.unique_id for series in data.per_series})
    return forecasts


def write_history(staging: Staging, history: pd.DataFrame) -> None:
    """`history.csv`: a row for every epoch of every member; `timings.csv`: how long each took.

    Equal seeds give the same history, and never the same seconds.
    """
    staging.write_text(HISTORY, csv_text(history.drop(columns="seconds")))
    staging.write_text(TIMINGS, csv_text(history[["epoch", "member", "seconds"]]))


def read_history(run: Run) -> pd.DataFrame:
    """The loss of every epoch of every member, and `val_loss` or `test_loss`."""
    return _some(run, HISTORY, _read(run, HISTORY, _HISTORY))


def write_context(staging: Staging, panel: Panel) -> None:
    """`context.csv`: `unique_id, ds, y`, series after series; nothing where nobody saw a value."""
    with _writing(staging, CONTEXT, len(panel.values)) as write:
        for block in panel.blocks(_PART):
            write(panel_table(block))


def write_covariates(staging: Staging, panel: Panel) -> None:
    """`covariates.csv`: `unique_id, ds` and a column for each covariate, also after the last y.

    Nothing where a panel has none.
    """
    if panel.covariates is not None:
        rows = int(panel.covariates.offsets[-1])
        with _writing(staging, COVARIATES, rows) as write:
            for block in panel.blocks(_PART):
                if block.covariates is not None:
                    own = block.covariates
                    write(covariates_table(own, block.unique_ids, block.begins, block.freq))


@contextmanager
def _writing(staging: Staging, name: str, rows: int) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A table that is written part after part: as CSV, or in Parquet where its rows are many."""
    if rows > _LONG and extra_is_there("pyarrow"):
        with ParquetParts(staging.path / as_parquet(name)) as parts:
            yield parts.write
        return
    with (staging.path / name).open("w", encoding="utf-8", newline="") as file:

        def write(part: pd.DataFrame) -> None:
            text = csv_text(part)
            file.write(text if file.tell() == 0 else text.partition("\n")[2])

        yield write


def _read_covariates(run: Run, panel: Panel, encoder: Encoder) -> Covariates:
    """Those of a panel's series, of as many rows as there are."""
    path, data = run.path / run.table(COVARIATES), read_data(run)
    words = dict.fromkeys(encoder.words, _text)
    columns = {"unique_id": _id, "ds": _moment, **dict.fromkeys(encoder.names, _number), **words}
    table = _read(run, COVARIATES, columns, _Calendar.of(data))
    ds, count = pd.Index(table["ds"]), len(panel.unique_ids)
    series = pd.Index(panel.unique_ids).get_indexer(pd.Index(table["unique_id"])).astype(np.int64)
    if set(series) != set(range(count)):
        raise damaged(path, f"its series are not those of {CONTEXT}")
    steps = steps_between(panel.begins[series], ds, panel.freq)
    is_near = (steps >= 0).all() and (steps <= most_steps(len(steps))).all()
    if not is_near or not np.asarray(dates(panel.begins[series], steps, panel.freq) == ds).all():
        raise damaged(path, f"its dates are not those of {CONTEXT}")
    if pd.MultiIndex.from_arrays([series, steps]).has_duplicates:
        raise damaged(path, "it has two rows of one date")
    numbers = table[[name for name in encoder.names if name not in words]].to_numpy(np.float64)
    if np.isinf(numbers).any():
        raise damaged(path, "it has a number that is infinite")
    own = table[list(encoder.static_names)]
    if (own.groupby(series).nunique(dropna=False) > 1).any(axis=None):
        raise damaged(path, "what is static changes within a series")
    return covariates_from(table, series, steps, count, encoder.static_names, encoder.words)


def read_context(run: Run, encoder: Encoder | None = None) -> Panel:
    """The last rows of every series, with a line across what nobody saw.

    With the covariates that an encoder takes, where it is given.
    """
    path, data = run.path / run.table(CONTEXT), read_data(run)
    table = _some(run, CONTEXT, _read(run, CONTEXT, _CONTEXT, _Calendar.of(data)))
    codes, names = pd.factorize(table["unique_id"])
    if list(names) != [series.unique_id for series in data.per_series]:
        raise damaged(path, f"its series are not those of {DATA}")
    if (np.diff(codes) < 0).any():
        raise damaged(path, "the rows of a series do not stand together")
    y = table["y"].to_numpy(dtype=np.float64)
    offsets = np.searchsorted(codes, np.arange(len(names) + 1)).astype(np.int64)
    ds: Dates = pd.Index(table["ds"])
    begins = ds[offsets[:-1]]
    panel = Panel(tuple(map(str, names)), offsets, begins, y, np.isfinite(y), data.freq)
    if not (panel.ds == ds).all():
        raise damaged(path, f"its dates are not steps of the frequency {data.freq}")
    panel = panel.with_values(interpolate(panel, path))
    if encoder is None or not encoder.names:
        return panel
    return replace(panel, covariates=_read_covariates(run, panel, encoder))


def _read(
    run: Run, name: str, columns: Mapping[str, Column], calendar: _Calendar = _NONE
) -> pd.DataFrame:
    """A table of these columns, and of others that hold numbers.

    Raises `RunError` where it lacks one, or a field is not what its column holds.
    """
    path = run.path / run.table(name)
    read = _of_parquet if path.suffix == ENDING else _of_csv
    names, fields = read(run, path)
    lacking = [column for column in columns if column not in names]
    if lacking or len(fields) != len(names) or len(set(names)) < len(names):
        why = f"it has no column `{lacking[0]}`" if lacking else "its rows do not fit its header"
        raise damaged(path, why)
    table = {}
    for column, own in zip(names, fields, strict=True):
        try:
            table[column] = columns.get(column, _number)(own, calendar)
        except (ValueError, TypeError, OverflowError) as error:
            raise damaged(path, f"`{column}` holds what it can not: {error}") from error
    return pd.DataFrame(table)


def _of_csv(run: Run, path: Path) -> tuple[list[str], list[Fields]]:
    """The names and the fields of the columns."""
    text = run.text(path.name)
    try:
        header, *rows = read_rows(text)
    except (csv.Error, ValueError) as error:
        raise damaged(path, "it is no table" if text else "it is empty") from error
    names = [field or "" for field in header]
    try:
        return names, list(zip(*rows, strict=True)) if rows else [()] * len(names)
    except ValueError as error:
        raise damaged(path, "it is no table") from error


def _of_parquet(run: Run, path: Path) -> tuple[list[str], list[Fields]]:
    """The same. Raises `MissingExtraError` without pyarrow."""
    try:
        columns = read_columns(run.content(path.name))
    except ValueError as error:
        raise damaged(path, str(error)) from error
    return list(columns), list(columns.values())


def _some(run: Run, name: str, table: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        raise damaged(run.path / run.table(name), "it has no rows")
    return table


def _refuse_strange(run: Run, name: str, table: pd.DataFrame, known: set[str]) -> None:
    strange = set(table["unique_id"]) - known
    if strange:
        raise damaged(run.path / run.table(name), f"{DATA} has no series {min(strange)[:40]!r}")
