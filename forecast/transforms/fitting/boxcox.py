"""The power that makes the past look most like a normal distribution (maximum likelihood)."""

import numpy as np
from sklearn.preprocessing import PowerTransformer

from forecast.config.schema import BoxCoxOptions
from forecast.data.panel import FloatArray, Past
from forecast.transforms.boxcox import ADVICE, BoxCox
from forecast.transforms.fitting.scalers import fit_each
from forecast.transforms.log import refuse_outside


def fit(options: BoxCoxOptions, past: Past, season_length: int) -> BoxCox:
    """Fit one power a series, or one for all. A constant series keeps its values (power 1)."""
    refuse_outside(past.panel, options.offset, "boxcox", ADVICE)

    if options.power is not None:
        return BoxCox(np.array([options.power]), options.offset)

    def power(rows: FloatArray) -> float:
        if np.ptp(rows) == 0:
            return 1.0
        transformer = PowerTransformer("box-cox", standardize=False).fit(rows + options.offset)
        return float(transformer.lambdas_[0])

    return BoxCox(np.array(fit_each(past, options.per, power)), options.offset)
