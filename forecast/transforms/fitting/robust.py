"""To median 0 and interquartile range 1, which outliers hardly move."""

from sklearn.preprocessing import RobustScaler

from forecast.config.schema import RobustOptions
from forecast.data.panel import Past
from forecast.transforms.affine import Affine
from forecast.transforms.fitting.scalers import centred, fit_each


def fit(options: RobustOptions, past: Past, season_length: int) -> Affine:
    """Fit one scaler a series, or one for all."""
    scalers = fit_each(past, options.per, lambda rows: RobustScaler().fit(rows))
    return centred([scaler.center_ for scaler in scalers], [scaler.scale_ for scaler in scalers])
