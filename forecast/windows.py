"""What is one example? The inputs of a network and the target that follows, gathered lazily.

An example is one number, the row of its cutoff: the last row of its context. So a data set of
examples costs eight bytes an example, however long the context. The same functions gather with
NumPy and inside a compiled program with `keras.ops`: they are handed the one or the other.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.data.panel import FloatArray, IntArray

Batch = NDArray[np.float32]


class Inputs(NamedTuple):
    """What a network sees of windows, part by part; a part that there is none of is None.

    Leading axes, here `...`, are those of the cutoffs: `(batch,)`, or `(members, batch)`.
    """

    past: Any
    """`(..., context_length, features)`: the target, then what else is known up to the cutoff."""
    future: Any = None
    """`(..., horizon, features)`: what is known of the steps after it."""
    static: Any = None
    """`(..., features)`: what does not change within a series."""
    present: Any = None
    """`(..., context_length, 1)`: 1 where a step of the past is there, 0 before a series begins."""

    def map(self, function: Any) -> "Inputs":
        """The function of every part that there is."""
        return Inputs(*(None if part is None else function(part) for part in self))

    @property
    def named(self) -> dict[str, Any]:
        """The parts that there are, by name."""
        return _named(self)


class Columns(NamedTuple):
    """All that windows are gathered from: arrays of one dtype with what a network takes."""

    values: Any
    """The target, `(rows,)`."""
    past: Any = None
    """`(rows, features)`: what is known up to a cutoff."""
    known: Any = None
    """`(rows, features)`: what is known beyond it too."""
    static: Any = None
    """`(series, features)`."""
    series: Any = None
    """The row of `static` for each row, `(rows,)`."""
    observed: Any = None
    """1 where the target was observed, and else 0, `(rows,)`; None where all of it was."""

    @property
    def named(self) -> dict[str, Any]:
        """The parts that there are, by name."""
        return _named(self)


def _named(parts: Inputs | Columns) -> dict[str, Any]:
    return {name: part for name, part in parts._asdict().items() if part is not None}


def spread(cutoffs: IntArray, most: int) -> IntArray:
    """At most this many of the cutoffs, evenly spread."""
    return cutoffs[:: max(1, -(-len(cutoffs) // most))]


def gather(
    xp: Any,
    columns: Columns,
    cutoffs: Any,
    context_length: int,
    *,
    horizon: int = 1,
    starts: Any = None,
    period: int | None = None,
    there: Any = None,
) -> Inputs:
    """The inputs at cutoffs `(...)`; `horizon` steps after them, where anything is known there.

    `starts` `(...)` are the first rows of the cutoffs' series; without them every context is whole.
    A context that reaches back before the first row of its series is filled with the first season
    (`period` steps) repeated backwards: a short series then looks like one whose past went as its
    present does. Without a period it is filled with zeros, and `present` says where.
    Where `there` `(...)` is false there is no window, and the target's past is zero.
    """
    rows = cutoffs[..., None] + np.arange(1 - context_length, 1, dtype=np.int32)

    def taken(rows: Any) -> Any:
        numbers = xp.take(columns.values, rows, axis=0)
        # Before an axis of features is added: over that, XLA would add up in another order.
        return numbers if there is None else xp.where(there[..., None], numbers, 0.0)

    absent = present = None
    if starts is None:
        rows = xp.maximum(rows, 0)
    else:
        first = starts[..., None]
        absent = rows < first
        if period is None:
            rows = xp.maximum(rows, 0)
        else:
            season = xp.minimum(period, cutoffs[..., None] + 1 - first)
            rows, absent = xp.where(absent, first + (rows - first) % season, rows), None
    past = taken(rows)
    if absent is not None:
        past = xp.where(absent, 0.0, past)
        present = xp.where(absent, 0.0, xp.ones_like(past))[..., None]
    beside = [part for part in (columns.past, columns.known) if part is not None]
    parts = [past[..., None], *(xp.take(part, rows, axis=0) for part in beside)]
    if absent is not None:
        parts[1:] = [xp.where(absent[..., None], 0.0, part) for part in parts[1:]]
    return Inputs(
        parts[0] if len(parts) == 1 else xp.concatenate(parts, axis=-1),
        None if columns.known is None else gather_after(xp, columns.known, cutoffs, horizon),
        None
        if columns.static is None
        else xp.take(columns.static, xp.take(columns.series, cutoffs, axis=0), axis=0),
        present,
    )


def gather_after(xp: Any, values: Any, cutoffs: Any, horizon: int) -> Any:
    """What follows cutoffs `(...)`: `(..., horizon)`, and what axes rows have of their own."""
    return xp.take(values, cutoffs[..., None] + np.arange(1, horizon + 1, dtype=np.int32), axis=0)


def occurrences(series: IntArray) -> IntArray:
    """How often each entry's series came up before it: `[4, 7, 4]` gives `[0, 0, 1]`."""
    order = np.argsort(series, kind="stable")
    grouped = series[order]
    counts = np.empty_like(series)
    counts[order] = np.arange(len(series)) - np.searchsorted(grouped, grouped)
    return counts


@dataclass(frozen=True)
class Windows:
    """Examples of transformed values, and of what is known beside them.

    `values` has shape `(rows,)`; `cutoffs`, and the `series` that each belongs to, `(windows,)`.
    Every context is whole, or `first` says for every row `(rows,)` where its series begins.
    """

    values: FloatArray
    cutoffs: IntArray
    series: IntArray
    context_length: int
    horizon: int
    first: IntArray | None = None
    beside: Columns | None = None
    """The other columns of the same rows, if there are any."""
    observed: NDArray[np.bool_] | None = None
    """Which of the rows are no filled gaps; None where none of the targets is one."""

    def of(self, series: int) -> "Windows":
        """The examples of one series."""
        own = self.series == series
        return replace(self, cutoffs=self.cutoffs[own], series=self.series[own])
