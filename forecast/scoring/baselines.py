"""Forecasts that need no training: what every network has to beat.

A baseline maps a panel, cutoffs `(n,)`, a horizon and a season length to `(n, horizon)`; NaN
where the series does not reach back far enough.
"""

from collections.abc import Callable

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel

Baseline = Callable[[Panel, IntArray, int, int], FloatArray]


def naive(panel: Panel, cutoffs: IntArray, horizon: int, season_length: int) -> FloatArray:
    """The last value, repeated."""
    return np.repeat(panel.values[cutoffs, None], horizon, axis=1)


def seasonal_naive(panel: Panel, cutoffs: IntArray, horizon: int, season_length: int) -> FloatArray:
    """The last season, repeated."""
    steps = np.arange(horizon) % season_length
    rows = cutoffs[:, None] + 1 - season_length + steps
    missing = rows < panel.starts[panel.series_of(cutoffs), None]
    return np.where(missing, np.nan, panel.values[np.where(missing, 0, rows)])


BASELINES: tuple[Baseline, ...] = (naive, seasonal_naive)
NAMES = tuple(baseline.__name__ for baseline in BASELINES)
