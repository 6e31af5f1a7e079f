"""To mean 0 and standard deviation 1; a constant series is moved to 0."""

import numpy as np

from forecast.config.schema import StandardOptions
from forecast.data.panel import Past
from forecast.transforms.affine import Affine, keep
from forecast.transforms.scalers import groups_of
from forecast.transforms.transform import Kind

_EPSILON = np.finfo(np.float64).eps


def fit(options: StandardOptions, past: Past, season_length: int) -> Affine:
    """Fit one scale a series, or one for all.

    A variance within the error of computing it is that of a constant series (Chan, Golub, LeVeque
    1983, https://doi.org/10.1080/00031305.1983.10483115), as scikit-learn has it.
    """
    groups = groups_of(past, options.per)
    mean = groups.mean(groups.values)
    rest = groups.values - groups.by_value(mean)
    variance = groups.mean(rest**2) - groups.mean(rest) ** 2
    error = groups.counts * _EPSILON * variance + (groups.counts * mean * _EPSILON) ** 2
    scale = 1 / np.where(variance <= error, 1.0, np.sqrt(variance))
    return Affine(scale, -mean * scale)


KIND = Kind(Affine, fit, keep=keep)
