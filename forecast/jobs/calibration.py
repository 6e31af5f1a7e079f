"""How wide do intervals have to be? As the errors of forecasts within the training part say."""

import numpy as np

from forecast.data.panel import FloatArray, Panel
from forecast.jobs.job import CalibrationPlan
from forecast.jobs.trained import TrainedJob
from forecast.methods.network import MIDDLE
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles, usable
from forecast.scoring.metrics import scales_of


def calibrate(
    plan: CalibrationPlan, earlier: TrainedJob, final: TrainedJob
) -> Conformal | ConformalizedQuantiles:
    """What the errors of a plan's forecasts come to.

    `earlier` was fitted before the first of them, and makes them; `final` is what the intervals
    are for.
    """
    config, panel, cutoffs = earlier.job.config, plan.past, np.concatenate(plan.cutoffs)
    method = earlier.method()
    scaled = method.shared.apply(panel)
    truth = scaled.truth_after(cutoffs, plan.horizon)
    predictions = method.predictions(scaled, cutoffs, plan.horizon)
    if config.model.quantiles:
        return ConformalizedQuantiles.calibrate(truth, predictions, config.quantile_levels)
    # A scaler that saw fewer rows has another scale.
    scales = _scales(earlier, panel)[panel.series_of(cutoffs)]
    return Conformal.calibrate(truth - predictions[MIDDLE], scales, _scales(final, panel))


def _scales(trained: TrainedJob, past: Panel) -> FloatArray:
    """MASE's unit of each series on the scale on which what was fitted is combined."""
    scaled = trained.transforms.shared.apply(past)
    return usable(scales_of(scaled.before(scaled.ends), trained.job.season_length))
