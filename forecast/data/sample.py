"""Whole series of a table that is too large to be looked at as a whole, found in one pass.

Which series these are follows from their names alone: those whose hash is lowest, as many as there
is room for. Of others that come on the way the rows are let go (Gibbons 2001, "Distinct sampling
for highly-accurate answers to distinct values queries and event reports", VLDB).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config.data import DataOptions
from forecast.console import Console
from forecast.data.arrays import IntArray
from forecast.data.cached import batches_of_large
from forecast.data.sources.batches import Batch, Batches, part_of, together
from forecast.data.sources.content import Content, Written
from forecast.data.sources.raw import Columns, RawTable
from forecast.data.sources.text import read_text
from forecast.display import step_progress

MOST_ROWS = 1_000_000
"""Rows of a sample at the most, unless one series alone has more."""

# How a text that is written here holds a table.
_PLAIN = {
    "encoding": "utf-8",
    "separator": ",",
    "skip_rows": None,
    "skip_footer": 0,
    "header": True,
    "comment": None,
}


@dataclass(frozen=True)
class Sample:
    """Some series of a table, each of them whole."""

    ids: tuple[str, ...]
    """The columns that were taken for the names of series."""
    batches: Batches
    frame: pd.DataFrame
    """Their rows, numbered from 0; of a text all cells are text."""
    origins: IntArray
    """Where each row is from."""
    series: int
    """How many there are."""
    of_series: int
    """How many the table has."""
    of_rows: int
    """How many rows the table has."""

    def __str__(self) -> str:
        """What it is, for a person."""
        return (
            f"looked at {self.series:,} of {self.of_series:,} series, all their "
            f"{len(self.frame):,} of {self.of_rows:,} rows"
        )

    def read(self, options: DataOptions, columns: Columns | None) -> RawTable:
        """The columns that are wanted, or all of them, as the whole table would have them."""
        raw = part_of(self.batches, self.frame, self.origins, "")
        if not self.batches.is_text:
            frame = self.frame if columns is None else self.frame[list(columns.all)]
            return replace(raw, frame=frame)
        plain = options.model_copy(update=_PLAIN)
        own = read_text(self.content, plain, columns)
        return replace(raw, frame=own.frame, dialect=own.dialect)

    @cached_property
    def content(self) -> Content:
        """A text with these rows alone, and the names of the columns above them."""
        return Written(Path(self.batches.name), text=self.frame.to_csv(index=False).encode())


FindIds = Callable[[Sample], tuple[str, ...]]
"""Which columns tell the series of a table apart, by its first rows; none where nothing does."""


def sample_of(path: Path, given: DataOptions, find_ids: FindIds, console: Console) -> Sample | None:
    """Some series of a table, or None where it is small, or has one series, or comes as a whole.

    `given` says how a text holds it, if that is not the usual. Raises `DataError` where it can not
    be read.
    """
    batches = batches_of_large(given)
    if batches is None:
        return None
    head = next(iter(batches))  # a large table has rows
    ids = find_ids(Sample((), batches, together([head.table]), head.origins, 0, 0, 0))
    if not ids:
        return None
    chosen = _Chosen(ids, MOST_ROWS)
    console.say(f"looking through {path}: about {batches.count:,} rows ...")
    with step_progress(console, batches.count, 1, "row") as note:
        for batch in batches:
            chosen.add(batch)
            note(len(batch.rows))
    return chosen.sample(batches)


class _Chosen:
    """The rows of the series that are chosen so far."""

    def __init__(self, ids: tuple[str, ...], most: int) -> None:
        self._ids, self._most = list(ids), most
        self._bound = np.uint64(2**64 - 1)
        self._parts: list[tuple[Any, IntArray, NDArray[np.uint64]]] = []
        self._seen: set[int] = set()
        self._rows = self._of_rows = 0

    def add(self, batch: Batch) -> None:
        """Take the rows of a batch whose series are chosen, and choose fewer if need be."""
        names = batch.table.select(self._ids).to_pandas(ignore_metadata=True)
        keys: NDArray[np.uint64] = np.asarray(
            pd.util.hash_pandas_object(names, index=False), np.uint64
        )
        self._seen.update(np.unique(keys).tolist())
        self._of_rows += len(keys)
        self._take(batch.table, batch.origins, keys)
        while self._rows > self._most and self._choose_half():
            pass

    def _take(self, table: Any, origins: IntArray, keys: NDArray[np.uint64]) -> None:
        rows = np.flatnonzero(keys <= self._bound)
        if len(rows):
            self._parts.append((table.take(rows), origins[rows], keys[rows]))
            self._rows += len(rows)

    def _choose_half(self) -> bool:
        """Let go of half of the series; whether there were two at least."""
        series = np.unique(np.concatenate([keys for *_, keys in self._parts]))
        if len(series) < 2:
            return False
        self._bound = series[len(series) // 2 - 1]
        parts, self._parts, self._rows = self._parts, [], 0
        for part in parts:
            self._take(*part)
        return True

    def sample(self, batches: Batches) -> Sample:
        """What has been chosen of a table."""
        series = len(np.unique(np.concatenate([keys for *_, keys in self._parts])))
        origins = np.concatenate([own for _, own, _ in self._parts])
        return Sample(
            tuple(self._ids),
            batches,
            together([table for table, *_ in self._parts]),
            origins,
            series,
            len(self._seen),
            self._of_rows,
        )
