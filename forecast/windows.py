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
    panel: Panel, begins: IntArray, ends: IntArray, context_length: int, horizon: int
) -> IntArray:
    """Cutoffs whose targets lie wholly in the rows `begins[i] ... ends[i]` of each series.

    Their contexts may reach back before `begins[i]`, never before the first row of the series.
    """
    first = np.maximum(begins, panel.starts + context_length) - 1
    return ranges(first, ends - horizon)


@dataclass(frozen=True)
class Windows:
    """Examples of transformed values, ready to be gathered.

    `values` has shape `(rows,)`, `cutoffs` shape `(windows,)`.
    """

    values: FloatArray
    cutoffs: IntArray
    context_length: int
    horizon: int

    def contexts(self) -> Batch:
        """What the network sees: `(windows, context_length, 1)`."""
        rows = self.cutoffs[:, None] + np.arange(1 - self.context_length, 1)
        contexts: Batch = self.values[rows].astype(np.float32)[..., None]
        return contexts

    def targets(self) -> Batch:
        """What it should say: `(windows, horizon)`."""
        rows = self.cutoffs[:, None] + np.arange(1, self.horizon + 1)
        targets: Batch = self.values[rows].astype(np.float32)
        return targets
