"""Tables in and out: a CSV file becomes a panel, or an error that names its rows."""

import hashlib
import io
import sys
import warnings
import zlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from forecast.config.schema import DataOptions
from forecast.data.calendar import grid, infer_freq, iso, zone_of
from forecast.data.panel import FloatArray, Panel
from forecast.errors import DataError, Problem, did_you_mean

# What pandas takes for a missing number where it is not told otherwise.
_MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
_SHOWN = 5  # rows named in one message


@dataclass(frozen=True)
class Table:
    """A panel and the checksum of the bytes that it was read from."""

    panel: Panel
    sha256: str


def read_table(options: DataOptions, path: Path | None = None) -> Table:
    """Read the CSV of `options`, or another of the same columns; `-` is standard input.

    Raises `DataError` with everything that is wrong with it.
    """
    path = Path(options.path) if path is None else path
    raw, sha256 = _read(path, options)
    return Table(_panel(raw, options, path), sha256)


def read_raw(path: Path) -> pd.DataFrame:
    """A CSV as it stands, for looking at. Raises `DataError` where it is none."""
    return _read(path, None)[0]


def _read(path: Path, options: DataOptions | None) -> tuple[pd.DataFrame, str]:
    """The table, and the checksum of its bytes."""
    with _open(path) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        return _read_csv(file, path, options), sha256


def _named(path: Path) -> str:
    """How errors call a table."""
    return "standard input" if str(path) == "-" else str(path)


def _open(path: Path) -> io.BufferedIOBase:
    if str(path) == "-":
        return io.BytesIO(sys.stdin.buffer.read())
    try:
        return path.open("rb")
    except OSError as error:
        problem = Problem(f"can not read the table {path}: {error.strerror}.")
        raise DataError(problem) from error


def _read_csv(file: io.BufferedIOBase, path: Path, options: DataOptions | None) -> pd.DataFrame:
    """The columns that the options name, dates and ids as text; all columns without options."""
    try:
        with warnings.catch_warnings():
            # Of a row with more fields than the header has names the last ones are left out.
            warnings.simplefilter("ignore", pd.errors.ParserWarning)
            raw = pd.read_csv(
                file,
                index_col=False,
                # Blank lines are kept so that row numbers are those of the file.
                skip_blank_lines=False,
                encoding="utf-8-sig",
                compression="gzip" if path.suffix == ".gz" else None,
                low_memory=False,
                **({} if options is None else _as_text(options)),
            )
    except UnicodeDecodeError as error:
        message = f"{_named(path)} is not UTF-8: {error}."
        raise DataError(Problem(message, "Save it as UTF-8.")) from error
    except pd.errors.EmptyDataError as error:
        raise DataError(Problem(f"{_named(path)} is empty.")) from error
    except (pd.errors.ParserError, OSError, EOFError, zlib.error) as error:
        raise DataError(Problem(f"{_named(path)} is not a CSV table: {error}")) from error
    if options is not None:
        _refuse_missing_columns(raw, options, path)
        wanted = [options.time, options.target, options.id]
        raw = raw[list(dict.fromkeys(name for name in wanted if name is not None))]
    rows: pd.DataFrame = raw.dropna(how="all")
    if rows.empty:
        raise DataError(Problem(f"{_named(path)} has a header and no rows."))
    return rows


def _as_text(options: DataOptions) -> dict[str, Any]:
    """How pandas is to read the columns: what `NA` and `null` are depends on the column.

    In the target they are missing values; a series may be called so.
    """
    texts = [name for name in (options.time, options.id) if name is not None]
    return {
        "dtype": dict.fromkeys(texts, "str"),
        "keep_default_na": False,
        "na_values": {name: [""] for name in texts} | {options.target: _MISSING},
    }


def _refuse_missing_columns(raw: pd.DataFrame, options: DataOptions, path: Path) -> None:
    known = [str(column) for column in raw.columns]
    wanted = {"time": options.time, "target": options.target, "id": options.id}
    missing = [
        Problem(f"{_named(path)} has no column `{name}` (data.{key}).", did_you_mean(name, known))
        for key, name in wanted.items()
        if name is not None and name not in known
    ]
    missing += [
        Problem(f"{_named(path)} has two columns `{name}` (data.{key}).", "Rename one of them.")
        for key, name in wanted.items()
        if f"{name}.1" in known  # what pandas calls the second of two
    ]
    if missing:
        raise DataError(*missing)


def _panel(raw: pd.DataFrame, options: DataOptions, path: Path) -> Panel:
    problems: list[Problem] = []
    y = _numbers(raw[options.target], problems, path)
    if options.missing == "error":
        _report_missing(raw[options.target], problems, path, _FILL)
    ds = _dates(raw[options.time], options.time_format, problems, path)
    if options.id is None:
        ids = pd.Series(options.target, index=raw.index)
    else:
        ids = raw[options.id]
        _report_missing(ids, problems, path)
    if problems:
        raise DataError(*problems)

    frame = pd.DataFrame({"unique_id": ids, "ds": ds, "y": y})
    # Series keep the order in which the table names them; rows go by time.
    codes, unique_ids = pd.factorize(frame["unique_id"])
    order = np.lexsort((frame["ds"].to_numpy(), codes))
    frame, codes = frame.iloc[order], codes[order]
    _refuse_duplicates(frame, options, path)

    offsets = np.searchsorted(codes, np.arange(len(unique_ids) + 1)).astype(np.int64)
    index = pd.DatetimeIndex(frame["ds"])
    longest = int(np.argmax(np.diff(offsets)))
    freq = options.freq or infer_freq(index[offsets[longest] : offsets[longest + 1]])
    values = frame["y"].to_numpy(dtype=np.float64)
    names = tuple(str(name) for name in unique_ids)
    panel = Panel(names, offsets, index[offsets[:-1]], values, np.isfinite(values), freq)
    refuse_gaps(panel, index, path)
    return panel.with_values(interpolate(panel, path))


def continue_panel(known: Panel, newer: Panel, path: Path, least: int) -> Panel:
    """The known rows of each series followed by newer ones; where both have a date, newer wins.

    Known rows that a gap parts from the newer ones are left out. Raises `DataError` for a series
    that is not known, another time zone, and fewer than `least` rows in all.
    """
    zones = zone_of(newer.begins), zone_of(known.begins)
    if zones[0] != zones[1]:
        message = f"{_named(path)}: the times are in zone {zones[0]}, and the run's in {zones[1]}."
        raise DataError(Problem(message))
    strange = [name for name in newer.unique_ids if name not in known.unique_ids]
    if strange:
        advice = did_you_mean(strange[0], list(known.unique_ids))
        raise DataError(Problem(f"{_named(path)}: the run has no series {strange[0]}.", advice))
    begins = dict(zip(newer.unique_ids, newer.begins, strict=True))
    before = panel_table(known)
    first = before["unique_id"].map(begins)
    before = before[first.isna() | (before["ds"] < first)]
    # Of the known rows, those stay whose series goes on without a gap.
    last = before.groupby("unique_id")["ds"].transform("max")
    next_one = grid(pd.DatetimeIndex(last), 1, known.freq)
    follows = next_one == pd.DatetimeIndex(first[before.index])
    before = before[follows | first[before.index].isna().to_numpy()]

    joined = pd.concat([before, panel_table(newer)])
    codes = pd.Index(known.unique_ids).get_indexer(pd.Index(joined["unique_id"]))
    order = np.lexsort((joined["ds"].to_numpy(), codes))
    joined, codes = joined.iloc[order], codes[order]
    offsets = np.searchsorted(codes, np.arange(len(known.unique_ids) + 1)).astype(np.int64)
    # A series that the run knows less of is forecast from what there is.
    short = np.flatnonzero(np.diff(offsets) < np.minimum(least, np.diff(known.offsets)))
    if short.size:
        name = known.unique_ids[short[0]]
        message = f"{_named(path)}: {name} has {np.diff(offsets)[short[0]]} rows without a gap"
        advice = f"The network needs the last {least}: add the rows that are missing before them."
        raise DataError(Problem(message + ".", advice))
    y = joined["y"].to_numpy(dtype=np.float64)
    panel = replace(
        known,
        offsets=offsets,
        begins=pd.DatetimeIndex(joined["ds"].iloc[offsets[:-1]]),
        values=y,
        observed=np.isfinite(y),
    )
    return panel.with_values(interpolate(panel, path))


def panel_table(panel: Panel) -> pd.DataFrame:
    """The panel as a long table: `unique_id, ds, y`."""
    names = np.repeat(np.array(panel.unique_ids, dtype=object), np.diff(panel.offsets))
    return pd.DataFrame({"unique_id": names, "ds": panel.ds, "y": panel.truth})


def written_dates(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with its dates as ISO 8601 text."""
    dates = table.select_dtypes(["datetime", "datetimetz"])
    return table.assign(**{str(name): iso(pd.DatetimeIndex(dates[name])) for name in dates})


def records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """A table as rows for JSON: dates in ISO 8601, null for what is undefined."""
    written = written_dates(table).astype(object)
    return written.where(written.notna(), None).to_dict("records")


def write_csv(table: pd.DataFrame, file: Path | IO[str]) -> None:
    """Write a table with dates in ISO 8601 and floats that read back as the same floats."""
    written_dates(table).to_csv(file, index=False)


def interpolate(panel: Panel, path: Path) -> FloatArray:
    """Values with a straight line across each gap, and level at the ends of a series."""
    values = panel.values.copy()
    for name, begin, end in zip(panel.unique_ids, panel.starts, panel.ends, strict=True):
        known = np.flatnonzero(panel.observed[begin:end])
        if not known.size:
            raise DataError(Problem(f"{_named(path)}: {name} has no value at all."))
        if known.size < end - begin:
            rows = np.arange(end - begin)
            values[begin:end] = np.interp(rows, known, values[begin:end][known])
    return values


_FILL = "Fill the value in, take the row out at an end, or set `data.missing: interpolate`."


def _lines(index: Sequence[int] | pd.Index) -> str:
    """Rows as a person finds them in an editor: the header is line 1."""
    shown = ", ".join(str(row + 2) for row in list(index)[:_SHOWN])
    more = f" and {len(index) - _SHOWN} more" if len(index) > _SHOWN else ""
    return f"line{'s' if len(index) > 1 else ''} {shown}{more}"


def _report_missing(
    column: "pd.Series[str]", problems: list[Problem], path: Path, advice: str | None = None
) -> None:
    empty = column.index[column.isna()]
    if len(empty):
        message = f"{_named(path)}: `{column.name}` has no value in {_lines(empty)}."
        problems.append(Problem(message, advice))


def _numbers(column: "pd.Series[str]", problems: list[Problem], path: Path) -> "pd.Series[float]":
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    wrong = column.index[(numbers.isna() & column.notna()) | np.isinf(numbers)]
    if len(wrong):
        value = column.loc[wrong[0]]
        shown = repr(value) if isinstance(value, str) else str(value)
        message = f"{_named(path)}: `{column.name}` is {shown}, not a number, in {_lines(wrong)}."
        problems.append(Problem(message))
    return numbers


def _dates(
    column: "pd.Series[str]", time_format: str | None, problems: list[Problem], path: Path
) -> "pd.Series[pd.Timestamp]":
    _report_missing(column, problems, path)
    text = column.str.strip()
    # A date without a time of day ends in digits and dashes that look like an offset.
    offsets = text.str.extract(r":\d\d(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)$", expand=False)
    zones = offsets.dropna().unique()
    utc = len(zones) > 0
    try:
        parsed = pd.to_datetime(text, format=time_format or "ISO8601", errors="coerce", utc=utc)
    except ValueError as error:  # of the format; a date that is none is coerced
        raise DataError(Problem(f"data.time_format: {error}.")) from error
    wrong = column.index[parsed.isna() & column.notna()]
    if len(wrong):
        wanted = f"a date written as {time_format}" if time_format else "an ISO 8601 date"
        message = f"{_named(path)}: `{column.name}` is {column.loc[wrong[0]]!r}, not {wanted}, in "
        advice = 'Say how dates are written, such as `data.time_format: "%d/%m/%Y"`.'
        problems.append(Problem(message + _lines(wrong) + ".", advice))
        return parsed
    if len(zones) > 1 or (utc and offsets.isna().any()):
        message = f"{_named(path)}: `{column.name}` mixes time zones: {', '.join(zones[:3])}."
        problems.append(Problem(message, "Write all of the times in one zone, such as UTC."))
    elif utc:
        parsed = parsed.dt.tz_convert(pd.Timestamp(f"2000-01-01T00:00{zones[0]}").tz)
    return parsed.dt.as_unit("us")


def _refuse_duplicates(frame: pd.DataFrame, options: DataOptions, path: Path) -> None:
    again = frame.duplicated(["unique_id", "ds"])
    if not again.any():
        return
    first = frame[again].iloc[0]
    same = frame.index[(frame["unique_id"] == first["unique_id"]) & (frame["ds"] == first["ds"])]
    moment = iso(pd.DatetimeIndex([first["ds"]]))[0]
    message = f"{_named(path)}: {moment} stands more than once, in {_lines(same.sort_values())}"
    if again.sum() > 1:
        message += f"; {again.sum()} rows are repeated in all"
    advice = "Keep one row a date"
    if options.id is None:
        advice += ", or name the column that tells the series apart: `data.id`"
    raise DataError(Problem(message + ".", advice + "."))


def refuse_gaps(panel: Panel, ds: pd.DatetimeIndex, path: Path) -> None:
    """Raise `DataError` unless the rows' dates `ds` are those of the panel's frequency."""
    if (panel.ds == ds).all():
        return
    expected = grid(ds[:-1], 1, panel.freq)
    wrong = expected != ds[1:]
    wrong[panel.offsets[1:-1] - 1] = False  # the step from one series to the next
    rows = np.flatnonzero(wrong)
    if not rows.size:
        return
    row = rows[0]
    of = f" of {panel.unique_ids[panel.series_of(rows)[0]]}" if len(panel.unique_ids) > 1 else ""
    before, wanted, after = iso(pd.DatetimeIndex([ds[row], expected[row], ds[row + 1]]))
    places = f" ({len(rows)} such places)" if len(rows) > 1 else ""
    if ds[row + 1] > expected[row]:
        message = (
            f"{_named(path)}: {wanted}{of} is missing: {before} is followed by {after}{places}."
        )
        advice = f"Add a row for each missing step of the frequency {panel.freq}."
    else:
        message = (
            f"{_named(path)}: {after}{of} is not a step of {panel.freq} after {before}{places}."
        )
        advice = "Name the frequency if this one is wrong: `data.freq`."
    raise DataError(Problem(message, advice))
