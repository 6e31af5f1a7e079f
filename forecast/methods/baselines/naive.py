"""The last value, repeated."""

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.methods.method import Baseline


class Naive(Baseline):
    """The last value, repeated."""

    def points(self, panel: Panel, cutoffs: IntArray, horizon: int) -> FloatArray:
        """See `Baseline.points`."""
        return np.repeat(panel.values[cutoffs, None], horizon, axis=1)


METHOD = Naive
