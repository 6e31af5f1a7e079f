"""Tables that memory need not hold: their rows come in batches, file after file.

A row is known by its origin, one number that tells its file and its row in that, so that an error
names both however the rows were put in order since.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.arrays import IntArray
from forecast.data.parts import write_parquet
from forecast.data.sources import parquet, sql, text
from forecast.data.sources.content import Content
from forecast.data.sources.raw import Columns, RawTable, refuse_missing_columns
from forecast.errors import DataError, Problem, reason, require_extra

_FILE = 40  # bits of an origin below those of the file: rows of a file
_BATCH = 500_000  # rows
# Of a packed text, how many times its size it has, roughly: only how it is cut depends on it.
_UNPACKED = 5


class Batch(NamedTuple):
    """Rows of one file."""

    file: int
    """Its place among the files."""
    rows: IntArray
    """Which rows of the file they are, from 0."""
    table: Any
    """Their cells, as a table of pyarrow."""

    @property
    def origins(self) -> IntArray:
        """Where each row is from, `(rows,)`: ascending from batch to batch."""
        return (np.int64(self.file) << _FILE) + self.rows


class Batches(Protocol):
    """A table whose rows come in batches."""

    @property
    def name(self) -> str:
        """How errors call the table."""

    @property
    def files(self) -> Sequence[Path]:
        """The files that it is read from, in their order."""

    def find(self) -> Sequence[Path]:
        """The files that there are by now."""

    @property
    def columns(self) -> Columns:
        """The columns that are read."""

    @property
    def size(self) -> int:
        """Bytes of the files as they lie there."""

    @property
    def count(self) -> int:
        """How many rows there are, at least roughly."""

    @property
    def word(self) -> str:
        """What is numbered: the lines of a file, the rows of a table."""

    @property
    def names(self) -> Sequence[str]:
        """All columns of the table."""

    @property
    def is_text(self) -> bool:
        """Whether all cells are text until somebody reads them otherwise."""

    @property
    def sha256(self) -> str:
        """The checksum of the content, as `RawTable` has it."""

    def lines(self, file: int, rows: Sequence[int]) -> list[int]:
        """The numbers that a person finds these rows of a file by."""

    def __iter__(self) -> Iterator[Batch]:
        """All rows. Raises `DataError` where they can not be read, with the name of the file."""


def is_pattern(path: str) -> bool:
    """Whether a path names several files by what their names have in common."""
    return any(mark in path for mark in "*?[") and not os.path.lexists(path)


def files_of_pattern(pattern: str) -> list[Path]:
    """The files of a pattern in the order of their names. Raises `DataError` where none is."""
    anchor = Path(Path(pattern).anchor)
    paths = sorted(anchor.glob(str(Path(pattern).relative_to(anchor))))
    if not paths:
        raise DataError(Problem(f"can not read the table {pattern}: no file has such a name."))
    return paths


def _bytes_of(files: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in files)


@dataclass(frozen=True)
class ParquetBatches:
    """The rows of files in Parquet, or of folders of such files."""

    name: str
    paths: Sequence[Path]
    options: DataOptions
    columns: Columns
    word: str = "row"
    is_text: bool = False

    @property
    def names(self) -> Sequence[str]:
        """See `Batches.names`."""
        names: list[str] = parquet.open_files(self.paths, None).schema.names
        return names

    @cached_property
    def _dataset(self) -> Any:
        dataset = parquet.open_files(self.paths, self.columns.all)
        refuse_missing_columns(dataset.schema.names, text.option_of(self.options), self.name)
        return dataset

    @cached_property
    def files(self) -> Sequence[Path]:
        """See `Batches.files`."""
        return [Path(fragment.path) for fragment in self._dataset.get_fragments()]

    def find(self) -> Sequence[Path]:
        """See `Batches.find`."""
        paths = files_of_pattern(self.name) if is_pattern(self.name) else self.paths
        return [file for path in paths for file in parquet.files_of(path)]

    @property
    def size(self) -> int:
        """See `Batches.size`."""
        return _bytes_of(self.find())

    @cached_property
    def count(self) -> int:
        """See `Batches.count`."""
        rows: int = self._dataset.count_rows()
        return rows

    @property
    def sha256(self) -> str:
        """See `Batches.sha256`."""
        return self._sha256

    @cached_property
    def _sha256(self) -> str:
        return _joined([parquet.checksum(path) for path in self.paths], is_one=self._is_one)

    @property
    def _is_one(self) -> bool:
        return self.name == str(self.paths[0])

    def lines(self, file: int, rows: Sequence[int]) -> list[int]:
        """See `Batches.lines`."""
        return [row + 1 for row in rows]

    def __iter__(self) -> Iterator[Batch]:
        """See `Batches.__iter__`."""
        for file, first, table in parquet.batches_of(self._dataset, self.columns.all, _BATCH):
            yield Batch(file, np.arange(first, first + table.num_rows), table)


@dataclass(frozen=True)
class QueryBatches(ParquetBatches):
    """The rows that a query gave, which wait in a file of Parquet."""

    digest: str = ""

    @property
    def sha256(self) -> str:
        """See `Batches.sha256`: that of the rows."""
        return self.digest

    def find(self) -> Sequence[Path]:
        """See `Batches.find`: nobody else writes there."""
        return self.paths


def query_batches(options: DataOptions, columns: Columns, file: Path) -> QueryBatches:
    """Ask the query of the options, and let its rows wait in a file."""
    digest = hashlib.sha256()

    def hashed() -> Iterator[Any]:
        for frame in sql.query_in_parts(options.path, options, columns, _BATCH):
            digest.update(sql.row_hashes(frame))
            yield frame

    write_parquet(hashed(), file)
    name = sql.without_password(options.path)
    return QueryBatches(name, [file], options, columns, digest=digest.hexdigest())


@dataclass(frozen=True)
class TextBatches:
    """The rows of texts, one after another."""

    name: str
    files: Sequence[Path]
    options: DataOptions
    columns: Columns
    word: str = "line"
    is_text: bool = True

    @property
    def names(self) -> Sequence[str]:
        """See `Batches.names`: of the first file."""
        return text.dialect_of(self._content(self.files[0]), self.options, None).names

    def find(self) -> Sequence[Path]:
        """See `Batches.find`."""
        return files_of_pattern(self.name) if is_pattern(self.name) else self.files

    @property
    def size(self) -> int:
        """See `Batches.size`."""
        return _bytes_of(self.files)

    @cached_property
    def count(self) -> int:
        """See `Batches.count`: by the length of the first lines."""
        content = self._content(self.files[0])
        head = content.head(2**16)
        bytes_of_row = max(1, len(head) // max(1, head.count(b"\n")))
        return self.size * (_UNPACKED if content.is_gzip else 1) // bytes_of_row

    @cached_property
    def sha256(self) -> str:
        """See `Batches.sha256`."""
        each = [self._content(path).sha256 for path in self.files]
        return _joined(each, is_one=self.name == str(self.files[0]))

    def lines(self, file: int, rows: Sequence[int]) -> list[int]:
        """See `Batches.lines`."""
        content = self._content(self.files[file])
        return text.lines_of_rows(content, self.options, self.columns)(rows)

    def __iter__(self) -> Iterator[Batch]:
        """See `Batches.__iter__`."""
        table_of = import_module("pyarrow").Table.from_pandas
        for file, path in enumerate(self.files):
            frames = text.batches_of(self._content(path), self.options, self.columns, _BATCH)
            for frame in frames:
                rows = frame.index.to_numpy(np.int64)
                yield Batch(file, rows, table_of(frame, preserve_index=False))

    @staticmethod
    def _content(path: Path) -> Content:
        return Content(path, is_streamed=True)


def _joined(checksums: Sequence[str], *, is_one: bool) -> str:
    """The checksum of a table that is one file, or all files of a pattern."""
    return checksums[0] if is_one else hashlib.sha256("".join(checksums).encode()).hexdigest()


def part_of(batches: Batches, frame: pd.DataFrame, origins: IntArray, sha256: str) -> RawTable:
    """Some rows of a table, in the order of their origins, as one that knows where each stands.

    The frame's index counts its rows from 0.
    """
    files = origins >> _FILE
    firsts = np.flatnonzero(np.diff(files, prepend=-1))
    names = [(int(first), str(batches.files[files[first]])) for first in firsts]

    def lines(rows: Sequence[int]) -> list[int]:
        found = []
        for row in rows:
            file, own = divmod(int(origins[row]), 1 << _FILE)
            found += batches.lines(file, [own])
        return found

    is_one = len(batches.files) == 1
    return RawTable(
        frame, batches.name, sha256, lines, batches.word, files=() if is_one else tuple(names)
    )


def together(tables: Sequence[Any]) -> pd.DataFrame:
    """The rows of tables of batches, one after another, numbered from 0."""
    whole = import_module("pyarrow").concat_tables(tables, promote_options="default")
    frame: pd.DataFrame = whole.unify_dictionaries().to_pandas(ignore_metadata=True)
    return frame


@dataclass(frozen=True)
class Stamps:
    """What files were like when they were looked at: their sizes, and when they were written."""

    files: tuple[tuple[Path, int, int], ...]

    @classmethod
    def of(cls, files: Sequence[Path]) -> "Stamps":
        """Of these files. Raises `DataError` where one is gone."""
        return cls(tuple((path, *_stamp(path)) for path in files))

    def refuse_changes(self, files: Sequence[Path]) -> None:
        """Raise `DataError` for one of them that has changed since, or is gone.

        And for one of `files`, those that there are now, that has come since.
        """
        known = {path for path, *_ in self.files}
        for path, *stamp in self.files:
            if tuple(stamp) != _stamp(path):
                raise DataError(_changed(path, "changed"))
        for path in files:
            if path not in known:
                raise DataError(_changed(path, "came"))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        message = f"can not read the table {path}: {reason(error)}."
        raise DataError(Problem(message, "Was it removed while it was read?")) from error
    return found.st_size, found.st_mtime_ns


def _changed(path: Path, what: str) -> Problem:
    message = f"{path} {what} while the table was read, and nothing of it is kept."
    return Problem(message, "Try again when nobody writes to it.")


def require_batches() -> None:
    """Raise `MissingExtraError` without what batches are kept with."""
    require_extra("pyarrow", "parquet")
