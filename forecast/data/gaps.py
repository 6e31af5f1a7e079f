"""Rows on the grid of a frequency: what is missing is seen, cut off at the ends, and filled."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.data.calendar import Dates, dates, steps_between
from forecast.data.panel import FloatArray, IntArray, Panel, ranges
from forecast.errors import DataError, Problem

Missing = Literal["error", "interpolate", "ffill", "zero", "mask"]

# Steps that are always fine, and as many for each row as a table that means it may have.
_MANY, _FOR_EACH_ROW = 20_000_000, 10


@dataclass(frozen=True)
class Grid:
    """Series in flat arrays, with an entry for each step of the frequency; NaN where none is known.

    `places` are the rows of the raw table, -1 where a step has none.
    """

    offsets: IntArray
    begins: Dates
    y: FloatArray
    places: IntArray

    @property
    def absent(self) -> int:
        """Steps without a row."""
        return int((self.places < 0).sum())


def most_steps(rows: int) -> int:
    """Steps that so many rows may span. More of them are a date that was mistyped."""
    return max(_MANY, _FOR_EACH_ROW * rows)


def place(
    codes: IntArray, ds: Dates, y: FloatArray, places: IntArray, freq: str
) -> tuple[Grid, NDArray[np.intp]]:
    """Rows, sorted by series and date, on the grid that begins with the first of each series.

    Also the rows that lie between two steps of the grid, of which there is nothing on it. Codes
    count the series from 0 without a gap.
    """
    firsts = np.flatnonzero(np.diff(codes, prepend=-1))
    begins = ds[firsts]
    lengths = np.diff(np.append(firsts, len(codes)))
    rows = np.arange(len(codes)) - np.repeat(firsts, lengths)
    if _is_grid(begins, codes, rows, ds, freq):
        offsets = np.append(firsts, len(codes)).astype(np.int64)
        return Grid(offsets, begins, y, places), np.array([], np.intp)
    steps = steps_between(begins[codes], ds, freq)
    beside = np.flatnonzero(np.asarray(dates(begins[codes], steps, freq) != ds))
    lasts = np.append(firsts[1:], len(codes)) - 1
    offsets = np.concatenate([[0], np.cumsum(steps[lasts] + 1)]).astype(np.int64)
    at = offsets[codes] + steps
    values = np.full(offsets[-1], np.nan)
    origins = np.full(offsets[-1], -1, dtype=np.int64)
    values[at], origins[at] = y, places
    return Grid(offsets, begins, values, origins), beside


def _is_grid(begins: Dates, codes: IntArray, rows: IntArray, ds: Dates, freq: str) -> bool:
    """Whether no step is missing, which most tables can be told by at once."""
    return bool(np.asarray(dates(begins[codes], rows, freq) == ds).all())


def known_span(grid: Grid, coded: NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
    """The first known entry of each series, and the one after its last; equal where none is.

    A series begins with an entry whose value is coded as missing (`coded`) too: it is a row.
    """
    known = ~np.isnan(grid.y)
    count = np.concatenate([[0], np.cumsum(known)])
    starts, ends = grid.offsets[:-1], grid.offsets[1:]
    rows = np.flatnonzero(known)
    if not len(rows):
        return starts, starts
    some = count[ends] > count[starts]
    present = np.flatnonzero(known | coded)
    first = present[np.minimum(np.searchsorted(present, starts), len(present) - 1)]
    last = rows[np.maximum(count[ends] - 1, 0)] + 1
    return np.where(some, first, starts), np.where(some, last, starts)


def between(grid: Grid, begins: IntArray, ends: IntArray, freq: str) -> Grid:
    """The entries `begins[i] ... ends[i]` of each series `i`."""
    starts = grid.offsets[:-1]
    if (begins == starts).all() and (ends == grid.offsets[1:]).all():
        return grid
    rows = ranges(begins, ends)
    offsets = np.concatenate([[0], np.cumsum(ends - begins)]).astype(np.int64)
    first = dates(grid.begins, begins - starts, freq)
    return Grid(offsets, first, grid.y[rows], grid.places[rows])


def fill(grid: Grid, missing: Missing) -> FloatArray:
    """Values with their gaps filled; at the ends of a series that has some, the nearest one."""
    values = grid.y.copy()
    gaps = np.isnan(values)
    if not gaps.any():
        return values
    if missing == "zero":
        values[gaps] = 0.0
        return values
    touched = np.unique(np.searchsorted(grid.offsets, np.flatnonzero(gaps), side="right") - 1)
    for series in touched:
        begin, end = grid.offsets[series], grid.offsets[series + 1]
        known = np.flatnonzero(~gaps[begin:end])
        if not len(known):
            continue
        rows = np.arange(end - begin)
        if missing == "ffill":
            before = np.maximum(np.searchsorted(known, rows, side="right") - 1, 0)
            values[begin:end] = values[begin:end][known[before]]
        else:
            values[begin:end] = np.interp(rows, known, values[begin:end][known])
    return values


def interpolate(panel: Panel, path: Path) -> FloatArray:
    """Values with a straight line across each gap, and level at the ends of a series."""
    values = panel.values.copy()
    for name, begin, end in zip(panel.unique_ids, panel.starts, panel.ends, strict=True):
        known = np.flatnonzero(panel.observed[begin:end])
        if not known.size:
            raise DataError(Problem(f"{path}: {name} has no value at all."))
        if known.size < end - begin:
            rows = np.arange(end - begin)
            values[begin:end] = np.interp(rows, known, values[begin:end][known])
    return values
