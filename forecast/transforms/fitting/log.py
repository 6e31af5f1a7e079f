"""The logarithm learns nothing."""

from forecast.config.schema import LogOptions
from forecast.data.panel import Past
from forecast.transforms.log import Log


def fit(options: LogOptions, past: Past, season_length: int) -> Log:
    """The logarithm itself."""
    return Log(offset=0.0)
