"""A difference learns nothing but the length of a season."""

from forecast.config.schema import DifferenceOptions
from forecast.data.panel import Past
from forecast.transforms.difference import Difference


def fit(options: DifferenceOptions, past: Past, season_length: int) -> Difference:
    """The difference, with its lag as a number."""
    return Difference(options.reach(season_length))
