"""Is there a season, and what does each of its steps amount to? The questions of Naive2.

Both are answered as in the M4 competition: Makridakis, Spiliotis, Assimakopoulos 2020,
https://doi.org/10.1016/j.ijforecast.2019.04.014
"""

import numpy as np

from forecast.data.panel import FloatArray

# Of a standard normal, nine tenths lie between this and its negative.
_NINE_TENTHS = 1.645


def has_season(y: FloatArray, season_length: int) -> bool:
    """Whether values a season apart are more alike than chance makes them 9 times in 10.

    Their autocorrelation is held against Bartlett's standard error, which grows with those of the
    shorter lags. Fewer than three seasons `y` tell nothing, nor does a season of one step.
    """
    if season_length < 2 or len(y) < 3 * season_length:
        return False
    centred = y - y.mean()
    total = centred @ centred
    if not total:
        return False
    lags = range(1, season_length + 1)
    correlations = np.array([centred[lag:] @ centred[:-lag] for lag in lags]) / total
    error = np.sqrt((1 + 2 * np.sum(correlations[:-1] ** 2)) / len(y))
    return bool(abs(correlations[-1]) > _NINE_TENTHS * error)


def seasonal_factors(y: FloatArray, season_length: int) -> FloatArray:
    """What each step of the season multiplies a value by: `(season_length,)`, of mean 1.

    Classical decomposition: the shares of `y` in its moving average over a season, centred, and
    then their mean by step. The first factor is that of the first row; `y` is positive and at
    least two seasons long.
    """
    weights = np.ones(season_length)
    if season_length % 2 == 0:  # the average lies on a row only where half a step hangs over
        weights = np.concatenate([[0.5], weights[1:], [0.5]])
    trend = np.convolve(y, weights / season_length, mode="valid")
    rows = season_length // 2 + np.arange(len(trend))
    steps = rows % season_length
    sums = np.bincount(steps, y[rows] / trend, season_length)
    means = sums / np.bincount(steps, minlength=season_length)
    factors: FloatArray = means / means.mean()
    return factors
