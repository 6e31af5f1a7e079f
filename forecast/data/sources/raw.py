"""What a source gives: columns as the table has them, and where each row stands in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.dialect import Dialect
from forecast.errors import DataError, Problem, did_you_mean

_SHOWN = 5  # rows named in one message


@dataclass(frozen=True)
class Columns:
    """The columns that are wanted: those of text (dates, ids), and those of numbers."""

    texts: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Each column once."""
        return tuple(dict.fromkeys(self.texts + self.numbers))


@dataclass(frozen=True)
class RawTable:
    """The rows of a table, numbered from 0; blank cells are missing.

    Columns of text are text where the source has only text (CSV), and keep their types where it has
    some (Parquet). Columns of numbers are numbers where all of their cells are plain numbers.
    """

    frame: pd.DataFrame
    name: str
    """How errors call the table."""
    sha256: str
    lines: Callable[[Sequence[int]], list[int]]
    """The numbers that a person finds these rows by."""
    word: str = "line"
    """What is numbered: the lines of a file, the rows of a table."""
    dialect: Dialect | None = None
    """How a text holds the table."""
    files: tuple[tuple[int, str], ...] = ()
    """Of several files the first row and the name of each."""

    def places(self, rows: Sequence[int] | NDArray[np.intp] | pd.Index) -> str:
        """Rows as a person finds them: `line 5`, `lines 5, 7 and 12 more`, `line 5 of b.csv`."""
        numbers = [int(row) for row in rows]
        lines = self.lines(numbers[:_SHOWN])
        more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
        word = f"{self.word}{'s' if len(numbers) > 1 else ''}"
        if not self.files:
            return f"{word} {', '.join(map(str, lines))}{more}"
        files = [self._file_of(row) for row in numbers]
        if len(set(files)) == 1:
            return f"{word} {', '.join(map(str, lines))}{more} of {files[0]}"
        shown = (f"{line} of {file}" for line, file in zip(lines, files, strict=False))
        return f"{word} {', '.join(shown)}{more}"

    def _file_of(self, row: int) -> str:
        """Of several files the one that has a row."""
        return [name for first, name in self.files if first <= row][-1]


def refuse_missing_columns(known: Sequence[str], wanted: dict[str, str], name: str) -> None:
    """Raise `DataError` unless each wanted column (by the option that names it) is there, once."""
    problems = [
        Problem(f"{name} has no column `{column}` (data.{key}).", did_you_mean(column, list(known)))
        for column, key in wanted.items()
        if column not in known
    ]
    problems += [
        Problem(f"{name} has two columns `{column}` (data.{key}).", "Rename one of them.")
        for column, key in wanted.items()
        if f"{column}.1" in known  # how the second of two is called
    ]
    if problems:
        raise DataError(*problems)
