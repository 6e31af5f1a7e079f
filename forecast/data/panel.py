"""The panel: all series in flat arrays, one after another, and the offsets at which each begins.

One series is a panel of one. Rows are addressed by their position in the flat arrays; series `i`
has the rows `offsets[i] ... offsets[i + 1]` (half-open).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from forecast.data.arrays import FloatArray, IntArray, ranges
from forecast.data.calendar import Dates, dates, iso
from forecast.data.covariates import Covariates

__all__ = ["FloatArray", "IntArray", "Panel", "Past", "ranges"]

BLOCK_ROWS = 2_000_000
"""Of a part of a panel: what is computed of it takes some ten times eight bytes a row."""


@dataclass(frozen=True)
class Panel:
    """Series in flat arrays, each regular in time.

    `unique_ids` has one name a series, `begins` its first date, `offsets` one entry more; `values`
    and `observed` have one entry a row, series after series, in the order of time. Dates follow
    from the first one and the frequency. A value that was not observed is interpolated: the network
    sees it, scores pass over it.
    """

    unique_ids: tuple[str, ...]
    offsets: IntArray
    begins: Dates
    values: FloatArray
    observed: NDArray[np.bool_]
    freq: str
    covariates: Covariates | None = None
    """What is known beside the values, also after the last of them."""

    @property
    def ds(self) -> Dates:
        """The date of every row, made anew at each call."""
        return self.dates(np.arange(len(self.values)))

    def dates(self, rows: IntArray) -> Dates:
        """The dates of these rows."""
        series = self.series_of(rows)
        return dates(self.begins[series], rows - self.starts[series], self.freq)

    @property
    def lasts(self) -> Dates:
        """The last date of each series; of an empty one the date before its first."""
        return dates(self.begins, np.diff(self.offsets) - 1, self.freq)

    @property
    def starts(self) -> IntArray:
        """The first row of each series."""
        return self.offsets[:-1]

    @property
    def ends(self) -> IntArray:
        """The row after the last of each series."""
        return self.offsets[1:]

    def series_of(self, rows: IntArray) -> IntArray:
        """Which series each row belongs to."""
        return np.searchsorted(self.offsets, rows, side="right") - 1

    def describe(self, row: int) -> str:
        """A row in words: `Passengers is 112 on 1949-01-01`."""
        rows = np.array([row])
        [series], [moment] = self.series_of(rows), iso(self.dates(rows))
        return f"{self.unique_ids[series]} is {self.values[row]:g} on {moment}"

    def by_row(self, numbers: FloatArray) -> FloatArray:
        """A number a series (or one for all) as a number a row."""
        return np.repeat(np.broadcast_to(numbers, len(self.unique_ids)), np.diff(self.offsets))

    def by_cutoff(self, numbers: FloatArray, cutoffs: IntArray) -> FloatArray:
        """A number a series (or one for all) as a column `(cutoffs, 1)`."""
        return np.broadcast_to(numbers, len(self.unique_ids))[self.series_of(cutoffs), None]

    def of(self, series: NDArray[np.bool_]) -> "Panel":
        """Some of the series `(series,)` as a panel."""
        return self.in_order(np.flatnonzero(series))

    def blocks(self, rows: int = BLOCK_ROWS) -> Iterator["Panel"]:
        """The panel part by part, each of whole series and about so many rows; nothing is copied.

        What is computed of each series alone takes the memory of a part then.
        """
        begin, last = 0, len(self.unique_ids)
        while begin < last:
            end = int(np.searchsorted(self.offsets, self.offsets[begin] + rows, side="right")) - 1
            end = max(end, begin + 1)
            yield self if end - begin == last else self._block(begin, end)
            begin = end

    def _block(self, begin: int, end: int) -> "Panel":
        rows = slice(self.offsets[begin], self.offsets[end])
        return replace(
            self,
            unique_ids=self.unique_ids[begin:end],
            offsets=self.offsets[begin : end + 1] - self.offsets[begin],
            begins=self.begins[begin:end],
            values=self.values[rows],
            observed=self.observed[rows],
            covariates=None
            if self.covariates is None
            else self.covariates.of(np.arange(begin, end)),
        )

    def in_order(self, series: IntArray) -> "Panel":
        """The series with these places as a panel, in their order."""
        rows = ranges(self.starts[series], self.ends[series])
        lengths = np.diff(self.offsets)[series]
        return replace(
            self,
            unique_ids=tuple(self.unique_ids[place] for place in series),
            offsets=np.concatenate([[0], np.cumsum(lengths)]),
            begins=self.begins[series],
            values=self.values[rows],
            observed=self.observed[rows],
            covariates=None if self.covariates is None else self.covariates.of(series),
        )

    def beside_new(self, others: "Panel") -> "Panel":
        """With the series of others that are not here behind the own ones, without rows."""
        new = ~np.isin(others.unique_ids, self.unique_ids)
        covariates = self.covariates
        if covariates is not None and others.covariates is not None:
            covariates = covariates.beside_new(others.covariates, new)
        return replace(
            self,
            unique_ids=(*self.unique_ids, *compress(others.unique_ids, new)),
            offsets=np.pad(self.offsets, (0, int(new.sum())), mode="edge"),
            begins=self.begins.append(others.begins[new]),
            covariates=covariates,
        )

    def rows_of(self, series: NDArray[np.bool_], rows: IntArray) -> IntArray:
        """Rows of some of the series `(series,)` as rows of the panel `of` them."""
        kept = np.where(series, np.diff(self.offsets), 0)
        before = np.cumsum(kept) - kept
        moved: IntArray = rows - (self.starts - before)[self.series_of(rows)]
        return moved

    def dates_by_series(self, rows: IntArray) -> Dates:
        """The dates of one row a series, which may lie past its end."""
        return dates(self.begins, rows - self.starts, self.freq)

    def between(self, begins: IntArray, ends: IntArray) -> "Panel":
        """The rows `begins[i] ... ends[i]` of each series `i`, as a panel.

        Covariates stay known after them.
        """
        rows = self._within(begins, ends)
        offsets = np.concatenate([[0], np.cumsum(ends - begins)])
        return replace(
            self,
            offsets=offsets,
            begins=dates(self.begins, begins - self.starts, self.freq),
            values=self.values[rows],
            observed=self.observed[rows],
            covariates=None
            if self.covariates is None
            else self.covariates.since(begins - self.starts),
        )

    def _within(self, begins: IntArray, ends: IntArray) -> slice | NDArray[np.bool_]:
        """The rows `begins[i] ... ends[i]` of each series `i`, for an array to be indexed with.

        All of them are a slice, which costs no copy; else a byte a row tells which there are.
        """
        if np.array_equal(begins, self.starts) and np.array_equal(ends, self.ends):
            return slice(None)
        parts = np.stack([begins - self.starts, ends - begins, self.ends - ends], axis=1).ravel()
        return np.repeat(np.tile([False, True, False], len(begins)), parts)

    def before(self, ends: IntArray) -> "Past":
        """What may be fitted on: the rows of each series `i` before row `ends[i]`.

        None of a series that ends lie before. A gap at the end was interpolated towards a value
        that is not of the past: there the last value before it is repeated.
        """
        past = self.between(self.starts, np.maximum(ends, self.starts))
        if past.observed.all():
            return Past(past)
        rows = np.arange(len(past.values))
        known = past.observed_until(past.ends)[past.series_of(rows)]
        in_gap = (rows >= known) & (known > past.starts[past.series_of(rows)])
        return Past(past.with_values(np.where(in_gap, past.values[known - 1], past.values)))

    def observed_until(self, ends: IntArray) -> IntArray:
        """The row after the last that was observed before row `ends[i]` of each series `i`.

        The first row of a series in which none was.
        """
        if self.observed.all():
            return np.maximum(ends, self.starts)
        rows = np.where(self.observed, np.arange(len(self.values)), -1)
        last: IntArray = np.maximum.accumulate(rows)[ends - 1]
        return np.where(ends > self.starts, np.maximum(last + 1, self.starts), self.starts)

    def tail(self, rows: int) -> "Panel":
        """The last rows of each series, at most this many."""
        return self.between(np.maximum(self.starts, self.ends - rows), self.ends)

    @property
    def truth(self) -> FloatArray:
        """The values that were observed, and NaN for the others."""
        return np.where(self.observed, self.values, np.nan)

    def truth_after(self, cutoffs: IntArray, horizon: int) -> FloatArray:
        """What followed each cutoff, `(cutoffs, horizon)`; NaN where nobody could tell.

        That is where nothing was observed, and after a cutoff in a gap, which was interpolated.
        """
        rows = cutoffs[:, None] + np.arange(1, horizon + 1)
        is_known = self.observed[rows] & self.observed[cutoffs, None]
        return np.where(is_known, self.values[rows], np.nan)

    def with_values(self, values: FloatArray) -> "Panel":
        """The same rows on another scale."""
        return replace(self, values=values)


@dataclass(frozen=True)
class Past:
    """Rows up to a cutoff: the one type that `fit` accepts, so that nothing later can leak in."""

    panel: Panel
