"""Tables in Parquet: a file, or a folder of them, also partitioned by the names of folders."""

import hashlib
from importlib import import_module
from pathlib import Path

import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.sources.content import refuse_too_large
from forecast.data.sources.raw import Columns, RawTable, refuse_missing_columns
from forecast.data.sources.text import option_of
from forecast.errors import DataError, Problem, require_extra
from forecast.machine import free_memory

_BYTES = 8  # of a number


def read_parquet(path: Path, options: DataOptions, columns: Columns | None) -> RawTable:
    """The columns that are wanted, or all of them, with their types.

    Raises `MissingExtraError` without pyarrow.
    """
    require_extra("pyarrow", "parquet")
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    name = str(path)
    try:
        if path.is_dir():
            dataset = import_module("pyarrow.dataset").dataset(
                path, partitioning="hive", format="parquet"
            )
            names, rows = dataset.schema.names, dataset.count_rows()
        else:
            metadata = parquet.read_metadata(path)
            names, rows = metadata.schema.to_arrow_schema().names, metadata.num_rows
        if columns is not None:
            refuse_missing_columns(names, option_of(options), name)
            names = list(columns.all)
        refuse_too_large(name, _BYTES * rows * len(names), free_memory())
        texts = [] if columns is None else [text for text in columns.texts if text in options.ids]
        table = parquet.read_table(
            path, columns=names, **({} if path.is_dir() else {"read_dictionary": texts})
        )
    except (OSError, pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        raise DataError(_no_table(path)) from error
    frame = table.to_pandas(ignore_metadata=True)
    if frame.empty:
        raise DataError(Problem(f"{name} has columns and no rows."))
    return RawTable(pd.DataFrame(frame), name, _checksum(path), _from_one, "row")


def _no_table(path: Path) -> Problem:
    if not path.is_dir():
        message = f"{path} is not a Parquet table, or a damaged one."
        return Problem(message, "Write it again; a table of another kind has another ending.")
    advice = "Name the file of the table."
    return Problem(f"{path} is a folder, and not one of Parquet files alone.", advice)


def _from_one(rows: "object") -> list[int]:
    return [int(row) + 1 for row in rows]  # type: ignore[attr-defined]


def _checksum(path: Path) -> str:
    """Of a file; of a folder over the files in the order of their names."""
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            while part := opened.read(1 << 20):
                digest.update(part)
    return digest.hexdigest()
