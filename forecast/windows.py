"""What is one example? A context and the target that follows it, gathered from flat values.

An example is one number, the row of its cutoff: the last row of its context. So a data set of
examples costs eight bytes an example, however long the context.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.data.panel import FloatArray, IntArray

Batch = NDArray[np.float32]

# What stands for a value before a series begins. Not NaN: to choose between two values ONNX
# multiplies both, and what is zero times NaN is NaN.
ABSENT = np.finfo(np.float32).min


def spread(cutoffs: IntArray, most: int) -> IntArray:
    """At most this many of the cutoffs, evenly spread."""
    return cutoffs[:: max(1, -(-len(cutoffs) // most))]


def contexts_at(
    values: FloatArray, cutoffs: IntArray, starts: IntArray, context_length: int, period: int | None
) -> Batch:
    """The last values up to each cutoff: `(cutoffs, context_length, 1)`.

    A context that reaches back before the first value of its series, in row `starts[i]`, is filled
    with the first season (`period` steps) repeated backwards: a short series then looks like one
    whose past went as its present does. Without a period it is filled with `ABSENT`.
    """
    rows = cutoffs[:, None] + np.arange(1 - context_length, 1)
    first = starts[:, None]
    absent = rows < first
    season = np.minimum(period or 1, cutoffs[:, None] + 1 - first)
    contexts: Batch = values[np.where(absent, first + (rows - first) % season, rows)].astype(
        np.float32
    )
    if period is None:
        contexts[absent] = ABSENT
    return contexts[..., None]


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
