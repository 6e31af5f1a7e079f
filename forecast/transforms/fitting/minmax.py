"""To 0 ... 1 by the smallest and the largest value; a constant series is moved to 0."""

import numpy as np
from sklearn.preprocessing import MinMaxScaler

from forecast.config.schema import MinMaxOptions
from forecast.data.panel import Past
from forecast.transforms.affine import Affine
from forecast.transforms.fitting.scalers import fit_each


def fit(options: MinMaxOptions, past: Past, season_length: int) -> Affine:
    """Fit one scaler a series, or one for all."""
    scalers = fit_each(past, options.per, lambda rows: MinMaxScaler().fit(rows))
    scale = np.concatenate([scaler.scale_ for scaler in scalers])
    return Affine(scale, np.concatenate([scaler.min_ for scaler in scalers]))
