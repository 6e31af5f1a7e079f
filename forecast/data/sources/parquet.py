"""Tables in Parquet: a file, or a folder of them, also partitioned by the names of folders."""

import hashlib
from importlib import import_module
from pathlib import Path

import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.sources.raw import Columns, RawTable, refuse_missing_columns
from forecast.data.sources.text import option_of
from forecast.errors import DataError, Problem, require_extra


def read_parquet(path: Path, options: DataOptions, columns: Columns | None) -> RawTable:
    """The columns that are wanted, or all of them, with their types.

    Raises `MissingExtraError` without pyarrow.
    """
    require_extra("pyarrow", "parquet")
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    name = str(path)
    try:
        if path.is_dir():
            names = (
                import_module("pyarrow.dataset")
                .dataset(path, partitioning="hive", format="parquet")
                .schema.names
            )
        else:
            names = parquet.read_schema(path).names
        if columns is not None:
            refuse_missing_columns(names, option_of(options), name)
            names = list(columns.all)
        texts = [] if columns is None else [text for text in columns.texts if text in options.ids]
        table = parquet.read_table(
            path, columns=names, **({} if path.is_dir() else {"read_dictionary": texts})
        )
    except (OSError, pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        raise DataError(Problem(f"{name} is not a Parquet table: {error}")) from error
    frame = table.to_pandas(ignore_metadata=True)
    if frame.empty:
        raise DataError(Problem(f"{name} has columns and no rows."))
    return RawTable(pd.DataFrame(frame), name, _checksum(path), _from_one, "row")


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
