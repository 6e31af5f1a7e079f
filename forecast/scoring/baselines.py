"""Forecasts that need no training: what every network has to beat.

A baseline maps a panel, cutoffs `(n,)`, a horizon and a season length to `(n, horizon)`; NaN
where the series does not reach back far enough.
"""

from collections.abc import Callable, Sequence

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import Problem, UsageError, did_you_mean
from forecast.scoring.seasonality import has_season, seasonal_factors

Baseline = Callable[[Panel, IntArray, int, int], FloatArray]


def naive(panel: Panel, cutoffs: IntArray, horizon: int, season_length: int) -> FloatArray:
    """The last value, repeated."""
    return np.repeat(panel.values[cutoffs, None], horizon, axis=1)


def seasonal_naive(panel: Panel, cutoffs: IntArray, horizon: int, season_length: int) -> FloatArray:
    """The last season, repeated."""
    steps = np.arange(horizon) % season_length
    rows = cutoffs[:, None] + 1 - season_length + steps
    missing = rows < panel.starts[panel.series_of(cutoffs), None]
    return np.where(missing, np.nan, panel.values[np.where(missing, 0, rows)])


def drift(panel: Panel, cutoffs: IntArray, horizon: int, season_length: int) -> FloatArray:
    """The line through the first value and the last, continued."""
    first = panel.starts[panel.series_of(cutoffs)]
    slope: FloatArray = (panel.values[cutoffs] - panel.values[first]) / np.maximum(
        cutoffs - first, 1
    )
    line: FloatArray = panel.values[cutoffs, None] + slope[:, None] * np.arange(1, horizon + 1)
    return line


def naive2(panel: Panel, cutoffs: IntArray, horizon: int, season_length: int) -> FloatArray:
    """M4's Naive2: the last value, moved along with the season where there is one.

    That is naive on seasonally adjusted values. The season is looked for in the rows up to each
    cutoff alone, and taken to be multiplicative: where one of them is zero or negative, or none is
    found, it is plain naive. Makridakis, Spiliotis, Assimakopoulos 2020,
    https://doi.org/10.1016/j.ijforecast.2019.04.014
    """
    starts = panel.starts[panel.series_of(cutoffs)]
    pasts = [panel.values[begin:end] for begin, end in zip(starts, cutoffs + 1, strict=True)]
    return np.stack([_naive2(past, horizon, season_length) for past in pasts])


def _naive2(past: FloatArray, horizon: int, season_length: int) -> FloatArray:
    """Steps 1 ... horizon after the rows `past` of one series."""
    steps = len(past) - 1 + np.arange(horizon + 1)  # from that of the last row
    factors = np.ones(1)
    if past.min() > 0 and has_season(past, season_length):
        factors = seasonal_factors(past, season_length)
    last, later = np.split(factors[steps % len(factors)], [1])
    forecasts: FloatArray = past[-1] / last * later
    return forecasts


BASELINES: tuple[Baseline, ...] = (naive, seasonal_naive)  # beside every score
NAMES = tuple(baseline.__name__ for baseline in BASELINES)
AT_CHOICE: tuple[Baseline, ...] = (*BASELINES, drift, naive2)


def chosen(names: Sequence[str], known: Sequence[Baseline]) -> list[Baseline]:
    """The baselines of these names. Raises `UsageError` for one that is not known."""
    by_name = {baseline.__name__: baseline for baseline in known}
    for name in names:
        if name not in by_name:
            advice = did_you_mean(name, list(by_name))
            raise UsageError(Problem(f"--against: there is no baseline {name!r}.", advice))
    return [by_name[name] for name in names]
