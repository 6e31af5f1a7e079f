"""The season of each series by STL, seasonal and trend decomposition by loess.

Cleveland, Cleveland, McRae, Terpenning 1990, STL: a seasonal-trend decomposition procedure based on
loess, Journal of Official Statistics 6 (1), 3-73.
"""

import numpy as np
from statsmodels.tsa.seasonal import STL

from forecast.config.schema import DeseasonalizeOptions
from forecast.data.calendar import iso
from forecast.data.panel import FloatArray, Past
from forecast.transforms.deseasonalize import Deseasonalize

# The least that the paper takes for the seasonal smoother, so that a season may change.
_WINDOW = 7
# Seasons whose mean is repeated: the last alone would repeat its noise too, and the mean of all
# would lag behind a season that changes.
_SEASONS = 3


def fit(options: DeseasonalizeOptions, past: Past, season_length: int) -> Deseasonalize:
    """Fit one cycle a series; a season has two steps at least.

    A series of less than two seasons gets a cycle of zeros, which changes nothing. Rows that an
    earlier difference left undefined are passed over: they stand at the start, and places in the
    season are counted from the end.
    """
    panel = past.panel
    parts = [panel.values[i:j] for i, j in zip(panel.starts, panel.ends, strict=True)]
    cycles = [_cycle(part[np.isfinite(part)], season_length) for part in parts]
    return Deseasonalize(np.stack(cycles), tuple(iso(panel.lasts)))


def _cycle(y: FloatArray, season_length: int) -> FloatArray:
    """The season `(season_length,)` that follows `y`; its mean is 0, so that levels stay."""
    if len(y) < 2 * season_length:
        return np.zeros(season_length)
    # Between the steps of a jump loess is interpolated, as the paper does; this is the faster, the
    # longer the season, and as accurate.
    jump = 1 + season_length // 10
    stl = STL(y, period=season_length, seasonal=_WINDOW, trend_jump=jump, low_pass_jump=jump)
    seasonal: FloatArray = stl.fit().seasonal
    seasons = seasonal[len(y) % season_length :].reshape(-1, season_length)
    cycle: FloatArray = seasons[-_SEASONS:].mean(axis=0)
    cycle -= cycle.mean()
    return cycle
