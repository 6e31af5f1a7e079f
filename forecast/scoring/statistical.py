"""Statistical methods as baselines, by statsforecast, fitted again at every cutoff.

They need the extra `forecast[stats]`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from statsforecast.models import AutoARIMA, AutoCES, AutoETS, AutoTheta

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.scoring.baselines import Baseline


def auto_arima(panel: Panel, cutoffs: IntArray, horizon: int, season_length: int) -> FloatArray:
    """ARIMA with automatic orders (Hyndman, Khandakar 2008)."""
    return _each(AutoARIMA, panel, cutoffs, horizon, season_length)


def auto_ces(panel: Panel, cutoffs: IntArray, horizon: int, season_length: int) -> FloatArray:
    """Complex exponential smoothing (Svetunkov, Kourentzes, Ord 2022)."""
    return _each(AutoCES, panel, cutoffs, horizon, season_length)


def auto_ets(panel: Panel, cutoffs: IntArray, horizon: int, season_length: int) -> FloatArray:
    """Exponential smoothing with automatic components (Hyndman et al. 2008)."""
    return _each(AutoETS, panel, cutoffs, horizon, season_length)


def auto_theta(panel: Panel, cutoffs: IntArray, horizon: int, season_length: int) -> FloatArray:
    """The best of the Theta methods (Fiorucci et al. 2016)."""
    return _each(AutoTheta, panel, cutoffs, horizon, season_length)


STATISTICAL: tuple[Baseline, ...] = (auto_arima, auto_ces, auto_ets, auto_theta)


def _each(
    method: Callable[..., Any], panel: Panel, cutoffs: IntArray, horizon: int, season_length: int
) -> FloatArray:
    """Forecasts `(cutoffs, horizon)` of a method fitted on the past of each cutoff alone."""
    starts = panel.starts[panel.series_of(cutoffs)]
    return np.stack(
        [
            method(season_length=season_length).forecast(panel.values[begin:end], horizon)["mean"]
            for begin, end in zip(starts, cutoffs + 1, strict=True)
        ]
    )
