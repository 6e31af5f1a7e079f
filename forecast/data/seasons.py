"""Which season a table has, and whether its swings grow with its level."""

import numpy as np

from forecast.data.calendar import season_length_of, seasons_of
from forecast.data.panel import FloatArray, Panel

# A season is believed where a season ago tells this much of today (a correlation).
_SEASONAL = 0.3
_MOST_SERIES = 200  # that are asked, spread over the panel


def find_season(panel: Panel) -> tuple[int, bool]:
    """The season of a panel, and whether there is one: else it is what the frequency has usually.

    Of the seasons that are usual for the frequency the shortest counts, unless a longer one says
    clearly more: the week of hourly data is a season of its own only then.
    """
    strengths = {lag: _strength(panel, lag) for lag in seasons_of(panel.freq)}
    best = max(strengths.values(), default=0.0)
    if best < _SEASONAL:
        return season_length_of(panel.freq), False
    return next(lag for lag, strength in strengths.items() if strength > 0.9 * best), True


def _strength(panel: Panel, lag: int) -> float:
    """The median over series of what a season ago tells, beyond the trend."""
    return _median([_seasonal_correlation(y, lag) for y in _series(panel)])


def _seasonal_correlation(y: FloatArray, lag: int) -> float:
    """The correlation of a series with itself a season ago, after its trend is taken out.

    The trend is a mean over one season around each step, as in classical decomposition. Smooth and
    rough seasons count alike; a random walk, whose differences from that mean do not come back, has
    none.
    """
    if len(y) < 2 * lag + 2 or np.ptp(y) == 0:
        return float("nan")
    detrended = _detrended(y, lag) if len(y) >= 3 * lag + 2 else y - _line(y)
    before, after = detrended[:-lag], detrended[lag:]
    if np.ptp(before) == 0 or np.ptp(after) == 0:
        return float("nan")
    return float(np.corrcoef(before, after)[0, 1])


def _detrended(y: FloatArray, length: int) -> FloatArray:
    """What is left beside the mean over one season around each step, half a season from each end.

    Of a season of even length the two steps at the ends count half.
    """
    sums = np.cumsum(np.r_[0.0, y - y.mean()])
    means = (sums[length:] - sums[:-length]) / length + y.mean()
    if length % 2 == 0:
        means = (means[:-1] + means[1:]) / 2
    half = length // 2
    detrended: FloatArray = y[half : half + len(means)] - means
    return detrended


def _line(y: FloatArray) -> FloatArray:
    """The straight line through a series."""
    steps = np.arange(len(y))
    line: FloatArray = np.polyval(np.polyfit(steps, y, 1), steps).astype(np.float64)
    return line


def is_multiplicative(panel: Panel, season_length: int) -> bool:
    """Whether the spread within seasons grows in proportion to their mean (Guerrero 1993)."""
    if panel.values.min() < 0:
        return False
    return _median([_growth_of_spread(y, max(season_length, 4)) for y in _series(panel)]) > 0.5


def _growth_of_spread(y: FloatArray, length: int) -> float:
    """The slope of the logarithm of the spread of each season on that of its mean."""
    seasons = y[len(y) % length :].reshape(-1, length)
    mean, spread = seasons.mean(axis=1), seasons.std(axis=1)
    usable = (mean > 0) & (spread > 0)
    if usable.sum() < 3 or np.ptp(np.log(mean[usable])) < 0.1:
        return float("nan")
    return float(np.polyfit(np.log(mean[usable]), np.log(spread[usable]), 1)[0])


def _series(panel: Panel) -> list[FloatArray]:
    spans = list(zip(panel.starts, panel.ends, strict=True))
    return [panel.values[i:j] for i, j in spans[:: max(1, len(spans) // _MOST_SERIES)]]


def _median(numbers: list[float]) -> float:
    known = [number for number in numbers if np.isfinite(number)]
    return float(np.median(known)) if known else 0.0
