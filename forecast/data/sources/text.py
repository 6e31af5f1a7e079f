"""Tables of text: CSV and its kin, with any separator."""

import csv
import io
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.cells import MISSING
from forecast.data.dates import parse_dates
from forecast.data.dialect import SAMPLE, Dialect, Given, decoded, lines_of, records, sniff
from forecast.data.sources.content import Content
from forecast.data.sources.raw import Columns, RawTable, refuse_missing_columns
from forecast.errors import DataError, Problem


def sniff_content(content: Content, given: Given) -> Dialect:
    """The dialect of a text, from its first bytes. Raises `DataError` where it is no table."""
    sample = content.head(SAMPLE)
    if not sample.strip():
        raise DataError(Problem(f"{content.name} is empty."))
    _refuse_other_kinds(sample, content)
    try:
        dialect = sniff(sample, given, is_whole=len(sample) < SAMPLE)
    except UnicodeDecodeError as error:
        raise _not_in(given.encoding or "UTF-8", content, error) from error
    if not dialect.names:
        raise DataError(Problem(f"{content.name} is empty."))
    return dialect


def _refuse_other_kinds(sample: bytes, content: Content) -> None:
    kinds = {
        b"<!doctype": "an HTML page",
        b"<html": "an HTML page",
        b"<?xml": "XML",
        b"%pdf": "PDF",
    }
    for mark, kind in kinds.items():
        if sample.lstrip()[:9].lower().startswith(mark):
            raise DataError(Problem(f"{content.name} is {kind}, not a table.", "Export it as CSV."))


def given_by(options: DataOptions) -> Given:
    """What the options say of a dialect."""
    skip = options.skip_rows
    return Given(
        encoding=options.encoding,
        separator=options.separator,
        skip_rows=skip if isinstance(skip, int) else None,
        skip_lines=skip if isinstance(skip, tuple) else (),
        header=options.header,
        comment=options.comment,
    )


def read_text(content: Content, options: DataOptions, columns: Columns | None) -> RawTable:
    """The columns that are wanted, or all of them: what pandas makes of each."""
    dialect = dialect_of(content, options, columns)
    frame = _read(content, dialect, options, columns)
    table = RawTable(frame, content.name, content.sha256, _Lines(content, dialect), dialect=dialect)
    return replace(table, frame=_without_blank_rows(frame, content.name))


def batches_of(
    content: Content, options: DataOptions, columns: Columns, rows: int
) -> Iterator[pd.DataFrame]:
    """The same, without blank rows, as tables of at most so many; their index counts rows."""
    dialect = dialect_of(content, options, columns)
    settings = _settings(dialect, options, columns)
    with content.open() as file:
        with _read_errors(content, dialect):
            above = _rows_alone(file, content, dialect, options, settings)
            reader = pd.read_csv(above, chunksize=rows, **settings)
        while True:
            with _read_errors(content, dialect):
                frame = next(reader, None)
                if frame is None:
                    return
                frame = _wanted(frame, content, dialect, columns)
            yield frame.dropna(how="all")


def lines_of_rows(
    content: Content, options: DataOptions, columns: Columns
) -> Callable[[Sequence[int]], list[int]]:
    """The lines of a text by the rows that `batches_of` counts."""
    return _Lines(content, dialect_of(content, options, columns))


def dialect_of(content: Content, options: DataOptions, columns: Columns | None) -> Dialect:
    """How a text holds a table that has the columns. Raises `DataError` where it does not."""
    given = given_by(options)
    dialect = sniff_content(content, given)
    if given.encoding is None and not dialect.encoding.startswith("utf"):
        raise _not_in(
            "UTF-8", content, advice=f"Say how it is written: `data.encoding: {dialect.encoding}`."
        )
    if given.header is None and not dialect.header:
        first = "; ".join(_first_cells(content, dialect))
        message = f"{content.name} has no header: its first row is data ({first})."
        advice = "Set `data.header: false`, and name the columns column_1, column_2, ..."
        raise DataError(Problem(message, advice))
    if columns is not None:
        refuse_missing_columns(dialect.names, option_of(options), content.name)
    return dialect


def option_of(options: DataOptions) -> dict[str, str]:
    """Which option names each column."""
    named = dict.fromkeys(options.time_columns, "time")
    named |= dict.fromkeys(options.covariate_columns, "covariates")
    named |= dict.fromkeys(options.targets, "target") | dict.fromkeys(options.ids, "id")
    return named | dict.fromkeys(options.where or (), "where")


def _first_cells(content: Content, dialect: Dialect) -> tuple[str, ...]:
    text = decoded(content.head(SAMPLE), dialect.encoding, is_whole=False)
    return next((r.cells for r in records(text, dialect) if r.filled), ())[:4]


def _without_blank_rows(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    rows = frame.dropna(how="all")
    if rows.empty:
        raise DataError(Problem(f"{name} has a header and no rows."))
    return rows


def _not_in(
    encoding: str,
    content: Content,
    error: UnicodeDecodeError | None = None,
    advice: str | None = None,
) -> DataError:
    why = ""
    if error is not None:
        why = f": it holds the byte {error.object[error.start]:#04x} where no character begins"
    return DataError(
        Problem(
            f"{content.name} is not {encoding}{why}.",
            advice or "Say how it is written, such as `data.encoding: cp1252` or utf-16.",
        )
    )


def _read(
    content: Content, dialect: Dialect, options: DataOptions, columns: Columns | None
) -> pd.DataFrame:
    settings = _settings(dialect, options, columns)
    with _read_errors(content, dialect), content.open() as file:
        rows = _rows_alone(file, content, dialect, options, settings)
        frame: pd.DataFrame = pd.read_csv(rows, **settings)
    return _wanted(frame, content, dialect, columns)


def _settings(dialect: Dialect, options: DataOptions, columns: Columns | None) -> dict[str, Any]:
    """What pandas is told of a text."""
    return {
        "sep": dialect.separator,
        "encoding": dialect.encoding,
        "names": [*dialect.names, *(f"\0{i}" for i in range(dialect.blank_columns))],
        "header": None,
        "index_col": False,
        "skip_blank_lines": False,  # so that rows keep their places
        "skipinitialspace": dialect.skip_initial_space,
        "low_memory": False,
        "keep_default_na": False,
        "decimal": options.decimal,
        **_types(options, columns, dialect),
    }


@contextmanager
def _read_errors(content: Content, dialect: Dialect) -> Iterator[None]:
    """Say what fails inside as `DataError` of the table."""
    try:
        with warnings.catch_warnings():
            # Of a first row with more cells than names pandas would leave some out.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            yield
    except UnicodeDecodeError as error:
        raise _not_in(dialect.encoding.removesuffix("-sig").upper(), content, error) from error
    except pd.errors.EmptyDataError as error:
        raise DataError(Problem(f"{content.name} has a header and no rows.")) from error
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise _too_many_cells(content, dialect, error) from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(Problem(f"{content.name} is not a CSV table: {error}")) from error


def _wanted(
    frame: pd.DataFrame, content: Content, dialect: Dialect, columns: Columns | None
) -> pd.DataFrame:
    """The columns that are wanted. Raises `DataError` for cells that have none."""
    beyond = frame[frame.columns[len(dialect.names) :]]
    if beyond.notna().any(axis=None):
        raise _too_many_cells(content, dialect)
    wanted: pd.DataFrame = frame[list(dialect.names if columns is None else columns.all)]
    return wanted


def _types(options: DataOptions, columns: Columns | None, dialect: Dialect) -> dict[str, Any]:
    """How pandas is to read the columns: what `NA` and `null` are depends on the column.

    In the target they are missing values; a series may be called so.
    """
    if columns is None:
        return {"na_values": [""]}
    beyond = [f"\0{i}" for i in range(dialect.blank_columns)]
    texts = dict.fromkeys(columns.texts, "str")
    if options.thousands is not None:  # read strictly, by our own hand
        texts |= dict.fromkeys(columns.numbers, "str")
    # Numbers that stand for a missing value are told apart later: that a row is there is known.
    words = [*MISSING, *(word for word in options.na_values if isinstance(word, str))]
    missing = {name: [""] for name in (*columns.texts, *beyond)}
    return {"dtype": texts, "na_values": missing | dict.fromkeys(columns.numbers, words)}


def _rows_alone(
    file: BinaryIO,
    content: Content,
    dialect: Dialect,
    options: DataOptions,
    settings: dict[str, Any],
) -> BinaryIO | io.StringIO:
    """The file without what is no row.

    A header alone is left out by counting rows, so that a large file is read as it lies there;
    where lines in the middle or at the end are no rows, the text is cut.
    """
    above = dialect.skip_rows + (1 if dialect.header else 0)
    if not (options.skip_footer or dialect.comment or dialect.skip_lines):
        settings["skiprows"] = _records_above(content, dialect) if above else 0
        return file
    settings.pop("encoding")
    settings["skiprows"] = 0
    lines = lines_of(decoded(file.read(), dialect.encoding, is_whole=True))
    header, end = _header_lines(lines, dialect), len(lines) - options.skip_footer
    left_out = {number for number in dialect.skip_lines if number > header}
    left_out |= set(range(max(end, header) + 1, len(lines) + 1))
    if options.time:
        _refuse_lost_rows(lines, sorted(left_out), content.name, dialect, options)
    return io.StringIO(
        "".join(
            line
            for number, line in enumerate(lines, start=1)
            if number > header
            and number not in left_out
            and not (dialect.comment and line.startswith(dialect.comment))
        )
    )


def _refuse_lost_rows(
    lines: list[str], left_out: list[int], name: str, dialect: Dialect, options: DataOptions
) -> None:
    """Raise `DataError` where a line that is to be left out is a row with a date.

    As in a newer table, which has no total below it.
    """
    plain = replace(dialect, skip_lines=(), comment=None)
    places = [dialect.names.index(column) for column in options.time_columns]
    for number in left_out:
        for record in records(lines[number - 1], plain):
            if len(record.cells) <= max(places):
                continue
            text = " ".join(record.cells[place].strip() for place in places)
            if isinstance(options.time, dict) or not text:
                continue
            if not np.isnat(parse_dates([text], options.time_format).moments[0]):
                message = f"{name}: line {number} is to be left out, and is a row of {text}."
                advice = "See data.skip_footer and data.skip_rows: does this table need them?"
                raise DataError(Problem(message, advice))


def _records_above(content: Content, dialect: Dialect) -> int:
    """How many rows, as pandas counts them, end with the header."""
    if not dialect.header:
        return dialect.skip_rows
    text = decoded(content.head(SAMPLE), dialect.encoding, is_whole=False)
    for count, record in enumerate(records(text, dialect), start=1):
        if record.filled and record.first_line > dialect.skip_rows:
            return count
    return dialect.skip_rows + 1


def _header_lines(lines: list[str], dialect: Dialect) -> int:
    """The last line of the header, or of what comes before the rows."""
    if not dialect.header:
        return dialect.skip_rows
    head = "".join(lines[: dialect.skip_rows + 200])
    for record in records(head, dialect):
        if record.filled and record.first_line > dialect.skip_rows:
            return record.last_line
    return dialect.skip_rows + 1


def _too_many_cells(
    content: Content, dialect: Dialect, error: Exception | None = None
) -> DataError:
    """The first row that has more cells than the header has names."""
    most = len(dialect.names) + dialect.blank_columns
    with suppress(csv.Error, UnicodeDecodeError):
        text = decoded(content.read(), dialect.encoding, is_whole=True)
        for record in records(text, dialect):
            if record.first_line <= dialect.skip_rows or not record.filled:
                continue
            beyond = record.cells[len(dialect.names) :]
            if len(record.cells) > most or any(cell.strip() for cell in beyond):
                message = (
                    f"{content.name}: line {record.first_line} has {len(record.cells)} cells, and "
                    f"the header has {len(dialect.names)} names."
                )
                advice = (
                    "Put quotes around a cell that holds the separator "
                    f'({_shown(dialect.separator)}), such as "1,336"; or name the separator '
                    "(`data.separator`), or leave lines out (`data.skip_rows: [LINE]`, "
                    "`data.skip_footer: LINES`)."
                )
                return DataError(Problem(message, advice))
    return DataError(Problem(f"{content.name} is not a CSV table: {error}"))


def _shown(separator: str) -> str:
    return {"\t": "a tab", ",": "a comma", ";": "a semicolon", "|": "a bar"}.get(
        separator, f"`{separator}`"
    )


class _Lines:
    """Lines by rows, counted when somebody asks: only errors do."""

    def __init__(self, content: Content, dialect: Dialect) -> None:
        self.content, self.dialect = content, dialect

    def __call__(self, rows: Sequence[int]) -> list[int]:
        text = decoded(self.content.read(), self.dialect.encoding, is_whole=True)
        found: dict[int, int] = {}
        wanted, row, is_header = set(rows), 0, self.dialect.header
        with suppress(csv.Error):
            for record in records(text, self.dialect):
                if record.first_line <= self.dialect.skip_rows:
                    continue
                if is_header:
                    is_header = not record.filled
                    continue
                if row in wanted:
                    found[row] = record.first_line
                row += 1
                if len(found) == len(wanted):
                    break
        return [found.get(row, row + 2) for row in rows]
