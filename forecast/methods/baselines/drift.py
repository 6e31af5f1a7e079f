"""The line through the first value and the last, continued."""

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.methods.method import Baseline


class Drift(Baseline):
    """The line through the first value and the last, continued."""

    def points(self, panel: Panel, cutoffs: IntArray, horizon: int) -> FloatArray:
        """See `Baseline.points`."""
        first = panel.starts[panel.series_of(cutoffs)]
        rise = panel.values[cutoffs] - panel.values[first]
        slope: FloatArray = rise / np.maximum(cutoffs - first, 1)
        line: FloatArray = panel.values[cutoffs, None] + slope[:, None] * np.arange(1, horizon + 1)
        return line


METHOD = Drift
