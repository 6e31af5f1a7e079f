"""Quantiles about a forecast, from the errors of earlier ones."""

from collections.abc import Sequence

import numpy as np

from forecast.data.panel import FloatArray, IntArray
from forecast.errors import Problem, RunError
from forecast.scoring.conformal import Conformal, errors_needed


def quantiles_about(
    forecast: FloatArray, calibration: Conformal, series: IntArray, levels: Sequence[float]
) -> dict[float, FloatArray]:
    """Quantiles of forecasts `(cutoffs, horizon)` of these of the calibrated series."""
    steps = forecast.shape[1]
    return {level: forecast + calibration.quantile(level, series)[:, :steps] for level in levels}


def refuse_few_errors(calibration: Conformal, level: float) -> None:
    """Raise `RunError` for a quantile that the errors are too few for."""
    if not calibration.can_tell(level):
        count = int(np.median(calibration.counts))
        message = f"{count} calibration errors are too few for the quantile {level:g}."
        advice = f"Raise intervals.n_windows: it takes {errors_needed(level)} errors."
        raise RunError(Problem(message, advice))


def refuse_uncalibrated(calibrated: int, horizon: int) -> None:
    """Raise `RunError` where intervals are wanted for more steps than are calibrated."""
    if horizon > calibrated:
        message = f"intervals are calibrated for {calibrated} steps, not {horizon}."
        raise RunError(Problem(message, "Train with a longer predict.horizon."))
