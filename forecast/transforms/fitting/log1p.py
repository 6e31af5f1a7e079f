"""The logarithm of one more learns nothing."""

from forecast.config.schema import Log1pOptions
from forecast.data.panel import Past
from forecast.transforms.log import Log


def fit(options: Log1pOptions, past: Past, season_length: int) -> Log:
    """The logarithm of one more than the value."""
    return Log(offset=1.0)
