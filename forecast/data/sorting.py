"""The rows of a table are put into buckets of whole series, and what is seen of all is noted."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.arrays import IntArray
from forecast.data.beside import count_words, have_words
from forecast.data.columns import (
    absent_values,
    distinct_texts,
    ids_of,
    no_such_value,
    wanted_rows,
)
from forecast.data.sources.batches import Batch, Batches, part_of
from forecast.data.sources.spill import Spill
from forecast.errors import DataError, Problem

_WHOLE = "whole.json"
_MOST_KNOWN = 1_000  # distinct cells of a column that are remembered for an error


@dataclass(frozen=True)
class Sorted:
    """Rows in buckets: those of series `i` are in the bucket `i % len(counts)`."""

    unique_ids: Sequence[str]
    """The series in the order in which the table names them, without that of their target."""
    lengths: Sequence[int]
    """Rows of each."""
    counts: Sequence[int]
    """Rows of each bucket."""
    rows: int
    """Rows of the table, those that are not wanted among them."""
    words: tuple[str, ...]
    """The covariates whose cells are words."""

    def from_longest(self) -> Iterator[int]:
        """The buckets that have rows, that of the longest series first."""
        first = int(np.argmax(self.lengths)) % len(self.counts)
        others = (bucket for bucket in range(len(self.counts)) if bucket != first)
        return (bucket for bucket in (first, *others) if self.counts[bucket])


def sort_rows(
    batches: Batches,
    options: DataOptions,
    folder: Path,
    buckets: int,
    note: Callable[[int], None],
) -> Sorted:
    """Write the rows to buckets in a folder, unless all of them are there.

    `note` is told how many rows were written. Raises `DataError` for a table without rows, and for
    values of `data.where` that it does not have.
    """
    whole = folder / _WHOLE
    if whole.is_file():
        found = json.loads(whole.read_text(encoding="utf-8"))
        note(sum(found["counts"]))
        return Sorted(**found | {"words": tuple(found["words"])})
    shutil.rmtree(folder, ignore_errors=True)
    seen = _Seen(options)
    with Spill(folder, buckets) as spill:
        for batch in batches:
            spill.write(batch, seen.buckets(batch, batches, buckets))
            note(len(batch.rows))
    seen.refuse_lacking(batches.name)
    found = seen.sorted(buckets)
    part = whole.with_suffix(".part")
    part.write_text(json.dumps(found.__dict__), encoding="utf-8")
    part.rename(whole)
    return found


@dataclass
class _Seen:
    """What the batches have shown so far."""

    options: DataOptions
    codes: dict[str, int] = field(default_factory=dict)
    """The place of each series in the order of the table."""
    lengths: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    rows: int = 0
    known: dict[str, set[str]] = field(default_factory=dict)
    """Of each column of `data.where`, cells that it has."""
    numbers: Counter[str] = field(default_factory=Counter)
    """Of each covariate, how many of its cells are numbers, and how many are none."""
    words: Counter[str] = field(default_factory=Counter)

    def buckets(self, batch: Batch, batches: Batches, count: int) -> IntArray:
        """The bucket of each row of a batch, -1 for one that is not wanted."""
        options, frame = self.options, _frame(batch, self.options)
        self.rows += len(frame)
        wanted = np.arange(len(frame))
        if options.where:
            self._note_known(frame)
            wanted = np.flatnonzero(wanted_rows(frame, options.where))
        raw = part_of(batches, frame, batch.origins, "")
        problems: list[Problem] = []
        ids = ids_of(raw, options, problems).iloc[wanted]
        if problems:
            raise DataError(*problems)
        for name in options.covariate_columns:
            numbers, words = count_words(frame[name].iloc[wanted], options)
            self.numbers[name] += numbers
            self.words[name] += words
        found = np.full(len(frame), -1)
        found[wanted] = self._codes(ids) % count
        return found

    def _codes(self, ids: "pd.Series[str]") -> IntArray:
        """The places of series, new ones behind the known."""
        own, names = pd.factorize(ids)
        places = np.array(
            [self.codes.setdefault(str(name), len(self.codes)) for name in names], np.int64
        )
        codes = places[own]
        self.lengths = np.pad(self.lengths, (0, len(self.codes) - len(self.lengths)))
        self.lengths += np.bincount(codes, minlength=len(self.codes))
        return codes

    def _note_known(self, frame: pd.DataFrame) -> None:
        for column, wanted in (self.options.where or {}).items():
            known, own = self.known.setdefault(column, set()), distinct_texts(frame[column])
            present = [text for text in own if len(absent_values(wanted, [text])) < len(wanted)]
            known.update(present, own[: max(0, _MOST_KNOWN - len(known))])

    def refuse_lacking(self, name: str) -> None:
        """Raise `DataError` for a table without rows, or without values that are wanted."""
        problems = [
            no_such_value(name, column, value, sorted(known))
            for column, known in self.known.items()
            for value in absent_values((self.options.where or {})[column], known)
        ]
        if problems:
            raise DataError(*problems)
        if not self.rows:
            raise DataError(Problem(f"{name} has columns and no rows."))
        if not self.codes:
            shown = " and ".join(f"`{column}`" for column in self.known)
            message = f"{name}: no row has values of data.where in {shown} at once."
            raise DataError(Problem(message, "Each is there, but never beside the others."))

    def sorted(self, buckets: int) -> Sorted:
        """What is known of all rows."""
        counts = np.zeros(buckets, np.int64)
        np.add.at(counts, np.arange(len(self.lengths)) % buckets, self.lengths)
        words = [
            name
            for name in self.options.covariate_columns
            if have_words(name, self.numbers[name], self.words[name], self.options)
        ]
        return Sorted(
            list(self.codes), self.lengths.tolist(), counts.tolist(), self.rows, tuple(words)
        )


def _frame(batch: Batch, options: DataOptions) -> pd.DataFrame:
    """The columns that tell where a row belongs, and those that have words or numbers."""
    names = dict.fromkeys((*options.ids, *(options.where or ()), *options.covariate_columns))
    frame: pd.DataFrame = batch.table.select(list(names)).to_pandas(ignore_metadata=True)
    return frame if len(names) else pd.DataFrame(index=range(batch.table.num_rows))
