"""Forecasts as a long table: one row a series, cutoff and step."""

import numpy as np
import pandas as pd

from forecast.data.calendar import grid
from forecast.data.panel import FloatArray, IntArray, Panel


def forecast_table(panel: Panel, cutoffs: IntArray, forecasts: FloatArray) -> pd.DataFrame:
    """Columns `unique_id, ds, cutoff, step, y_hat` of forecasts `(cutoffs, horizon)`."""
    horizon = forecasts.shape[1]
    names = np.array(panel.unique_ids, dtype=object)[panel.series_of(cutoffs)]
    moments = panel.ds[cutoffs]
    return pd.DataFrame(
        {
            "unique_id": np.repeat(names, horizon),
            "ds": grid(moments, horizon, panel.freq),
            "cutoff": moments.repeat(horizon),
            "step": np.tile(np.arange(1, horizon + 1), len(cutoffs)),
            "y_hat": forecasts.ravel(),
        }
    )
