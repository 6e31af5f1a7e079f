"""To 0 ... 1 by the smallest and the largest value; a constant series is moved to 0."""

import numpy as np

from forecast.config.schema import MinMaxOptions
from forecast.data.panel import Past
from forecast.transforms.affine import Affine, keep
from forecast.transforms.scalers import groups_of, or_one
from forecast.transforms.transform import Kind


def fit(options: MinMaxOptions, past: Past, season_length: int) -> Affine:
    """Fit one scale a series, or one for all."""
    groups = groups_of(past, options.per)
    low = np.minimum.reduceat(groups.values, groups.begins)
    high = np.maximum.reduceat(groups.values, groups.begins)
    scale = 1 / or_one(high - low, np.maximum(np.abs(low), np.abs(high)))
    return Affine(scale, -low * scale)


KIND = Kind(Affine, fit, keep=keep)
