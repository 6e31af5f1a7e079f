"""The last season, repeated."""

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.methods.method import Baseline


class SeasonalNaive(Baseline):
    """The last season, repeated; NaN where the series does not reach back so far."""

    def points(self, panel: Panel, cutoffs: IntArray, horizon: int) -> FloatArray:
        """See `Baseline.points`."""
        steps = np.arange(horizon) % self.season_length
        rows = cutoffs[:, None] + 1 - self.season_length + steps
        missing = rows < panel.starts[panel.series_of(cutoffs), None]
        return np.where(missing, np.nan, panel.values[np.where(missing, 0, rows)])


METHOD = SeasonalNaive
