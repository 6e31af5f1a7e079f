"""How wide do intervals have to be? As the errors of forecasts within the training part say."""

import numpy as np

from forecast.jobs.job import CalibrationPlan
from forecast.jobs.trained import TrainedJob
from forecast.methods.network import MIDDLE
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles, error_scales


def calibrate(
    plan: CalibrationPlan, earlier: TrainedJob, final: TrainedJob
) -> Conformal | ConformalizedQuantiles:
    """What the errors of a plan's forecasts come to.

    `earlier` was fitted before the first of them, and makes them; `final` is what the intervals
    are for.
    """
    config, panel, cutoffs = earlier.job.config, plan.past, np.concatenate(plan.cutoffs)
    method = earlier.network()
    scaled = method.shared.apply(panel).panel
    truth = scaled.truth_after(cutoffs, plan.horizon)
    predictions = method.predictions(scaled, cutoffs, plan.horizon)
    if config.model.quantiles:
        return ConformalizedQuantiles.calibrate(truth, predictions, config.quantile_levels)
    # What saw fewer rows puts them on another scale.
    season_length = earlier.job.season_length
    then = error_scales(scaled, season_length)
    part = final.job.fitted_part
    past = part.panel.before(part.split.train_ends).panel
    now = error_scales(final.transforms.shared.apply(past).panel, season_length)
    errors = truth - predictions[MIDDLE]
    return Conformal.calibrate(errors, then[panel.series_of(cutoffs)], now)
