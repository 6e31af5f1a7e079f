"""Tables in Parquet: a file, or a folder of them, also partitioned by the names of folders."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.sources.content import refuse_too_large
from forecast.data.sources.raw import Columns, RawTable, refuse_missing_columns
from forecast.data.sources.text import option_of
from forecast.errors import DataError, Problem, require_extra
from forecast.machine import free_memory

ENDINGS = (".parquet", ".pq")
_BYTES = 8  # of a number


def read_parquet(path: Path, options: DataOptions, columns: Columns | None) -> RawTable:
    """The columns that are wanted, or all of them, with their types.

    Raises `MissingExtraError` without pyarrow, `DataError` for a table that can not be read: files
    that are damaged or unlike are named.
    """
    require_extra("pyarrow", "parquet")
    parquet = import_module("pyarrow.parquet")
    name = str(path)
    if path.is_dir():
        dataset = open_files([path], None if columns is None else columns.all)
        names, rows = dataset.schema.names, dataset.count_rows()
    else:
        with _readable(path):
            metadata = parquet.read_metadata(path)
        names, rows = metadata.schema.to_arrow_schema().names, metadata.num_rows
    if columns is not None:
        refuse_missing_columns(names, option_of(options), name)
        names = list(columns.all)
    refuse_too_large(name, _BYTES * rows * len(names), free_memory())
    files: tuple[tuple[int, str], ...] = ()
    if path.is_dir():
        table, files = _whole(dataset, names), _files(dataset)
    else:
        texts = [] if columns is None else [text for text in columns.texts if text in options.ids]
        with _readable(path):
            table = parquet.read_table(path, columns=names, read_dictionary=texts)
    frame = table.to_pandas(ignore_metadata=True)
    if frame.empty:
        raise DataError(Problem(f"{name} has columns and no rows."))
    lines = _InFiles([first for first, _ in files] or [0])
    return RawTable(pd.DataFrame(frame), name, checksum(path), lines, "row", files=files)


def open_files(paths: Sequence[Path], names: Sequence[str] | None) -> Any:
    """A file, a folder or several files as a dataset of pyarrow.

    Its files have columns of these names alike.

    Raises `DataError` that names a file that is damaged, or two that have unlike columns.
    """
    pyarrow, datasets = import_module("pyarrow"), import_module("pyarrow.dataset")
    partitioning = datasets.HivePartitioning.discover(infer_dictionary=True)
    path = paths[0]
    with _readable(path):
        source = path if len(paths) == 1 else [str(own) for own in paths]
        found = datasets.dataset(source, partitioning=partitioning, format="parquet")
    schema, first = None, ""
    for fragment in found.get_fragments():
        with _readable(Path(fragment.path), path):
            own = fragment.physical_schema
        wanted = own if names is None else _chosen(own, names)
        if schema is None:
            schema, first = wanted, fragment.path
            continue
        if set(wanted.names) != set(schema.names):
            raise DataError(_unlike(fragment.path, first, set(wanted.names) ^ set(schema.names)))
        try:
            schema = pyarrow.unify_schemas([schema, wanted], promote_options="permissive")
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
            differing = {n for n in schema.names if schema.field(n).type != wanted.field(n).type}
            raise DataError(_unlike(fragment.path, first, differing)) from error
    if schema is None:
        raise DataError(_no_table(path))
    for field in found.schema:  # those of partitions stand in no file
        schema = schema if field.name in schema.names else schema.append(field)
    own = found.partitioning
    return datasets.dataset(source, schema=schema, partitioning=own, format="parquet")


def _chosen(schema: Any, names: Sequence[str]) -> Any:
    """The fields of a schema that have one of these names."""
    pyarrow = import_module("pyarrow")
    return pyarrow.schema([field for field in schema if field.name in names])


def _whole(dataset: Any, names: Sequence[str]) -> Any:
    """All rows of a dataset; where one of its files can not be read, that is named."""
    pyarrow = import_module("pyarrow")
    try:
        return dataset.to_table(columns=list(names))
    except (OSError, pyarrow.ArrowException):
        for fragment in dataset.get_fragments():
            with _readable(Path(fragment.path)):
                fragment.to_table(schema=dataset.schema, columns=list(names))
        raise


@contextmanager
def _readable(path: Path, folder: Path | None = None) -> Iterator[None]:
    """Say of what fails inside that a file can not be read, or a folder that has such a file."""
    pyarrow = import_module("pyarrow")
    try:
        yield
    except (OSError, pyarrow.ArrowException) as error:
        is_named = path.suffix.lower() in ENDINGS and not path.is_dir()
        raise DataError(_no_table(path if folder is None or is_named else folder)) from error


def batches_of(dataset: Any, names: Sequence[str], rows: int) -> Iterator[tuple[int, int, Any]]:
    """The rows of a dataset, file after file, as tables of about so many rows.

    With each the place of its file among those of the dataset, and its first row in that.
    Raises `DataError` that names a file that is damaged.
    """
    pyarrow = import_module("pyarrow")
    for place, fragment in enumerate(dataset.get_fragments()):
        first, held, waiting = 0, 0, list[Any]()
        with _readable(Path(fragment.path)):
            batches = fragment.to_batches(
                schema=dataset.schema, columns=list(names), batch_size=rows, batch_readahead=1
            )
            for batch in batches:
                waiting.append(batch)
                held += batch.num_rows
                if held >= rows:
                    yield place, first, pyarrow.Table.from_batches(waiting)
                    first, held, waiting = first + held, 0, []
        if held:
            yield place, first, pyarrow.Table.from_batches(waiting)


def _no_table(path: Path) -> Problem:
    if not path.is_dir():
        message = f"{path} is not a Parquet table, or a damaged one."
        return Problem(message, "Write it again; a table of another kind has another ending.")
    advice = "Name the file of the table."
    return Problem(f"{path} is a folder, and not one of Parquet files alone.", advice)


def _unlike(path: str, first: str, names: set[str]) -> Problem:
    """Two files that are no parts of one table."""
    shown = ", ".join(f"`{name}`" for name in sorted(names))
    message = f"{path} and {first} have unlike columns: {shown} is not in both, or of other kinds."
    return Problem(message, "Write the files with the same columns, or name one with `data.path`.")


def _files(dataset: Any) -> tuple[tuple[int, str], ...]:
    """Of several files the first row and the name of each that has rows."""
    fragments = list(dataset.get_fragments())
    counts = [fragment.count_rows() for fragment in fragments]
    firsts = np.cumsum([0, *counts])
    pairs = zip(firsts, fragments, counts, strict=False)
    files = tuple((int(first), str(own.path)) for first, own, count in pairs if count)
    return files if len(files) > 1 else ()


class _InFiles:
    """The numbers of rows in the file that each stands in, from 1."""

    def __init__(self, firsts: Sequence[int]) -> None:
        self.firsts = firsts

    def __call__(self, rows: Sequence[int]) -> list[int]:
        files = np.searchsorted(self.firsts, rows, side="right") - 1
        return [int(row) - self.firsts[file] + 1 for row, file in zip(rows, files, strict=True)]


def checksum(path: Path) -> str:
    """Of a file; of a folder over the files in the order of their names."""
    digest = hashlib.sha256()
    for file in files_of(path):
        with file.open("rb") as opened:
            while part := opened.read(1 << 20):
                digest.update(part)
    return digest.hexdigest()


def files_of(path: Path) -> list[Path]:
    """The file, or the files of a folder in the order of their names."""
    return sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
