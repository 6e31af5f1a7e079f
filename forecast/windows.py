"""What is one example? A context and the target that follows it, gathered from flat values.

An example is one number, the row of its cutoff: the last row of its context. So a data set of
examples costs eight bytes an example, however long the context.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.data.panel import FloatArray, IntArray, Panel, ranges

Batch = NDArray[np.float32]


def cutoffs_within(
    panel: Panel, begins: IntArray, ends: IntArray, rows_before: int, horizon: int
) -> IntArray:
    """Cutoffs whose targets lie wholly in the rows `begins[i] ... ends[i]` of each series.

    Each has at least `rows_before` rows of its series up to and with itself, which may lie before
    `begins[i]`.
    """
    first = np.maximum(begins, panel.starts + rows_before) - 1
    return ranges(first, ends - horizon)


def contexts_at(values: FloatArray, cutoffs: IntArray, context_length: int) -> Batch:
    """The last values up to each cutoff: `(cutoffs, context_length, 1)`."""
    rows = cutoffs[:, None] + np.arange(1 - context_length, 1)
    contexts: Batch = values[rows].astype(np.float32)[..., None]
    return contexts


@dataclass(frozen=True)
class Windows:
    """Examples of transformed values, ready to be gathered.

    `values` has shape `(rows,)`; `cutoffs`, and the `series` that each belongs to, `(windows,)`.
    """

    values: FloatArray
    cutoffs: IntArray
    series: IntArray
    context_length: int
    horizon: int

    def contexts(self) -> Batch:
        """What the network sees: `(windows, context_length, 1)`."""
        return contexts_at(self.values, self.cutoffs, self.context_length)
