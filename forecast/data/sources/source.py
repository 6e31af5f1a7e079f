"""Which kind of source a path is, and its rows."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.sources.batches import (
    ParquetBatches,
    TextBatches,
    files_of_pattern,
    is_pattern,
)
from forecast.data.sources.content import Content, is_stream
from forecast.data.sources.excel import read_excel
from forecast.data.sources.jsonl import read_json
from forecast.data.sources.parquet import read_parquet
from forecast.data.sources.raw import Columns, RawTable
from forecast.data.sources.sql import is_database, read_query
from forecast.data.sources.text import read_text
from forecast.errors import DataError, Problem

_JSON = (".jsonl", ".ndjson", ".json")
_EXCEL = (".xlsx", ".xlsm")
_PARQUET = (".parquet", ".pq")


def read_source(
    options: DataOptions, columns: Columns | None, content: Content | None = None
) -> RawTable:
    """The rows of the table that the options name; of `content` where it is another.

    Raises `DataError` where it can not be read.
    """
    path = options.path if content is None else str(content.path)
    if options.query is not None or is_database(path):
        return read_query(path, options, columns)
    if is_pattern(path):
        return _several(path, options, columns)
    return _one(content or Content(Path(path)), options, columns)


def batches_of_source(
    options: DataOptions, columns: Columns
) -> TextBatches | ParquetBatches | None:
    """The table that the options name in batches; None where it comes as a whole only.

    That is a pipe, a database, a query, Excel and JSON.
    """
    path = options.path
    if options.query is not None or is_database(path) or is_stream(path):
        return None
    files = files_of_pattern(path) if is_pattern(path) else [Path(path)]
    if not all(_is_there(file) for file in files):
        return None
    kinds = {kind_of_source(Content(file, is_streamed=True)) for file in files}
    if kinds == {"text"}:
        return TextBatches(path, files, options, columns)
    if kinds == {"parquet"}:
        return ParquetBatches(path, files, options, columns)
    return None


def all_batches_of_source(options: DataOptions) -> TextBatches | ParquetBatches | None:
    """The same with all columns, of a table of which nothing but its path is known."""
    found = batches_of_source(options, Columns((), ()))
    if found is None:
        return None
    names = tuple(found.names)
    # Some column has to be named, and any will do.
    asked = options.model_copy(update={"time": names[0], "target": names[0]})
    return replace(found, options=asked, columns=Columns(names, ()))


def kind_of_source(content: Content) -> str:
    """`parquet`, `excel`, `json` or `text`, by the ending of the name or the first bytes."""
    path = content.path
    if _is_folder(path) or path.suffix.lower() in _PARQUET:
        return "parquet"
    endings = [ending.lower() for ending in path.suffixes if ending.lower() != ".gz"]
    if endings and endings[-1] in _EXCEL:
        return "excel"
    if endings and endings[-1] in _JSON:
        return "json"
    head = content.head(4)
    if head == b"PAR1":
        return "parquet"
    if head == b"PK\x03\x04":
        return "excel"
    return "json" if head[:1] == b"{" else "text"


def _is_folder(path: Path) -> bool:
    """Of what can not be looked at, such as a name that is too long, reading tells why."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_there(path: Path) -> bool:
    """Whether it is a folder or a file that can be read; of others reading tells why."""
    try:
        return (path.is_dir() or path.is_file()) and os.access(path, os.R_OK)
    except OSError:
        return False


def _one(content: Content, options: DataOptions, columns: Columns | None) -> RawTable:
    kind = kind_of_source(content)
    if kind == "parquet":
        return read_parquet(content.path, options, columns)
    read = {"excel": read_excel, "json": read_json, "text": read_text}[kind]
    return read(content, options, columns)


def _several(pattern: str, options: DataOptions, columns: Columns | None) -> RawTable:
    """The rows of all files of a pattern, in the order of their names."""
    paths = files_of_pattern(pattern)
    tables = [_one(Content(path), options, columns) for path in paths]
    first = list(tables[0].frame.columns)
    for table in tables[1:]:
        if sorted(map(str, table.frame.columns)) != sorted(map(str, first)):
            message = f"{table.name} has other columns than {tables[0].name}."
            raise DataError(Problem(message, "Name a pattern of tables with the same columns."))
    lengths = [int(table.frame.index.max()) + 1 for table in tables]
    begins = np.cumsum([0, *lengths])
    frames = [
        table.frame.set_axis(table.frame.index + begin, axis="index")
        for table, begin in zip(tables, begins, strict=False)
    ]
    digest = hashlib.sha256("".join(table.sha256 for table in tables).encode()).hexdigest()
    return RawTable(
        pd.concat(frames),
        pattern,
        digest,
        _Lines(tables, begins[:-1]),
        tables[0].word,
        tables[0].dialect,
        tuple((int(begin), table.name) for begin, table in zip(begins, tables, strict=False)),
    )


class _Lines:
    """Lines of rows in the file that each stands in."""

    def __init__(
        self, tables: Sequence[RawTable], begins: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    ) -> None:
        self.tables, self.begins = tables, begins

    def __call__(self, rows: Sequence[int]) -> list[int]:
        files = np.searchsorted(self.begins, rows, side="right") - 1
        return [
            self.tables[file].lines([row - int(self.begins[file])])[0]
            for row, file in zip(rows, files, strict=True)
        ]
