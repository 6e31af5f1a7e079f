"""The logarithm of one more than the value, for data with zeros."""

from forecast.config.schema import Log1pOptions
from forecast.data.panel import Panel, Past
from forecast.transforms.log import Log
from forecast.transforms.transform import Kind


def fit(options: Log1pOptions, past: Past, season_length: int) -> Log:
    """The logarithm of one more than the value: there is nothing to fit."""
    refuse(options, past.panel)
    return Log(offset=1.0)


def refuse(options: Log1pOptions, panel: Panel) -> None:
    """See `Log.refuse`."""
    Log(offset=1.0).refuse(panel)


KIND = Kind(Log, fit, refuse)
