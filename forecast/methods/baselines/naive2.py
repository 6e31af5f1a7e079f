"""M4's Naive2: the last value, moved along with the season where there is one."""

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.methods.method import Baseline
from forecast.methods.seasonality import has_season, seasonal_factors


class Naive2(Baseline):
    """Naive on seasonally adjusted values.

    The season is looked for in the rows up to each cutoff alone, and taken to be multiplicative:
    where one of them is zero or negative, or none is found, it is plain naive. Makridakis,
    Spiliotis, Assimakopoulos 2020, https://doi.org/10.1016/j.ijforecast.2019.04.014
    """

    def points(self, panel: Panel, cutoffs: IntArray, horizon: int) -> FloatArray:
        """See `Baseline.points`."""
        starts = panel.starts[panel.series_of(cutoffs)]
        pasts = [panel.values[begin:end] for begin, end in zip(starts, cutoffs + 1, strict=True)]
        return np.stack([_after(past, horizon, self.season_length) for past in pasts])


def _after(past: FloatArray, horizon: int, season_length: int) -> FloatArray:
    """Steps 1 ... horizon after the rows `past` of one series."""
    steps = len(past) - 1 + np.arange(horizon + 1)  # from that of the last row
    factors = np.ones(1)
    if past.min() > 0 and has_season(past, season_length):
        factors = seasonal_factors(past, season_length)
    last, later = np.split(factors[steps % len(factors)], [1])
    forecasts: FloatArray = past[-1] / last * later
    return forecasts


METHOD = Naive2
