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
        return {name: part for name, part in self._asdict().items() if part is not None}


def spread(cutoffs: IntArray, most: int) -> IntArray:
    """At most this many of the cutoffs, evenly spread."""
    return cutoffs[:: max(1, -(-len(cutoffs) // most))]


def gather(
    xp: Any,
    values: Any,
    cutoffs: Any,
    context_length: int,
    *,
    starts: Any = None,
    period: int | None = None,
    there: Any = None,
) -> Inputs:
    """The inputs at cutoffs `(...)`, from values `(rows,)` of one dtype with what a network takes.

    `starts` `(...)` are the first rows of the cutoffs' series; without them every context is whole.
    A context that reaches back before the first row of its series is filled with the first season
    (`period` steps) repeated backwards: a short series then looks like one whose past went as its
    present does. Without a period it is filled with zeros, and `present` says where.
    Where `there` `(...)` is false there is no window, and `past` is zero.
    """
    rows = cutoffs[..., None] + np.arange(1 - context_length, 1, dtype=np.int32)

    def taken(rows: Any) -> Any:
        numbers = xp.take(values, rows, axis=0)
        # Before an axis of features is added: over that, XLA would add up in another order.
        return numbers if there is None else xp.where(there[..., None], numbers, 0.0)

    if starts is None:
        return Inputs(taken(xp.maximum(rows, 0))[..., None])
    first = starts[..., None]
    absent = rows < first
    if period is not None:
        season = xp.minimum(period, cutoffs[..., None] + 1 - first)
        rows = xp.where(absent, first + (rows - first) % season, rows)
        return Inputs(taken(rows)[..., None])
    past = xp.where(absent, 0.0, taken(xp.maximum(rows, 0)))
    present = xp.where(absent, 0.0, xp.ones_like(past))
    return Inputs(past[..., None], present=present[..., None])


def gather_targets(xp: Any, values: Any, cutoffs: Any, horizon: int) -> Any:
    """What follows cutoffs `(...)`: `(..., horizon)`."""
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
    """Examples of transformed values.

    `values` has shape `(rows,)`; `cutoffs`, and the `series` that each belongs to, `(windows,)`.
    Every context is whole, or `first` says for every row `(rows,)` where its series begins.
    """

    values: FloatArray
    cutoffs: IntArray
    series: IntArray
    context_length: int
    horizon: int
    first: IntArray | None = None

    def of(self, series: int) -> "Windows":
        """The examples of one series."""
        own = self.series == series
        return replace(self, cutoffs=self.cutoffs[own], series=self.series[own])
