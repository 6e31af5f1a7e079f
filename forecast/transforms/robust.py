"""To median 0 and interquartile range 1, which outliers hardly move."""

import numpy as np

from forecast.config.schema import RobustOptions
from forecast.data.panel import Past
from forecast.transforms.affine import Affine, keep
from forecast.transforms.scalers import groups_of, or_one
from forecast.transforms.transform import Kind


def fit(options: RobustOptions, past: Past, season_length: int) -> Affine:
    """Fit one scale a series, or one for all."""
    groups = groups_of(past, options.per)
    low, median, high = groups.quantiles(0.25, 0.5, 0.75)
    scale = 1 / or_one(high - low, np.maximum(np.abs(low), np.abs(high)))
    return Affine(scale, -median * scale)


KIND = Kind(Affine, fit, keep=keep)
