"""To mean 0 and standard deviation 1; a constant series is moved to 0."""

from sklearn.preprocessing import StandardScaler

from forecast.config.schema import StandardOptions
from forecast.data.panel import Past
from forecast.transforms.affine import Affine
from forecast.transforms.fitting.scalers import centred, fit_each


def fit(options: StandardOptions, past: Past, season_length: int) -> Affine:
    """Fit one scaler a series, or one for all."""
    scalers = fit_each(past, options.per, lambda rows: StandardScaler().fit(rows))
    return centred([scaler.mean_ for scaler in scalers], [scaler.scale_ for scaler in scalers])
