"""Which season a table has, and whether its swings grow with its level."""

from collections.abc import Sequence

import numpy as np

from forecast.data.calendar import longer_season_of, season_length_of, seasons_of
from forecast.data.panel import FloatArray, Panel

# A season is believed where a season ago tells this much of today (a correlation), and more than
# chance makes of as few rows 19 times in 20.
_SEASONAL, _BY_CHANCE = 0.3, 1.96
_MOST_SERIES = 200  # that are asked, spread over the panel


def find_season(panel: Panel) -> tuple[int, bool]:
    """The season of a panel, and whether there is one: else it is what the frequency has usually.

    Of the seasons that are usual for the frequency and can be seen the shortest counts, unless
    repeating a longer one errs clearly less: the week of hourly data is their season only then.
    """
    series = _series(panel)
    strengths = {lag: _strength(series, lag) for lag in seasons_of(panel.freq)}
    best = max(strengths.values(), default=0.0)
    if best == 0.0:
        return season_length_of(panel.freq), False
    found, *longer = [lag for lag, strength in strengths.items() if strength > 0.8 * best]
    for lag in longer:
        if _median([_errors_ratio(y, lag, found) for y in series], unknown=1.0) < 0.8:
            found = lag
    return found, True


def find_longer_season(panel: Panel, season_length: int) -> int | None:
    """The cycle above the season, where it repeats clearly what the season leaves.

    A week of hours repeats their days, whatever the weekday: so the mean day is taken out first.
    """
    longer = longer_season_of(panel.freq)
    if longer <= season_length:
        return None
    left = [y - _profile(y, season_length) for y in _series(panel)]
    return longer if _strength(left, longer) > 0 else None


def _profile(y: FloatArray, length: int) -> FloatArray:
    """Of each step the mean over all steps at its place in the season."""
    places = np.arange(len(y)) % length
    sums, counts = np.bincount(places, y, length), np.bincount(places, minlength=length)
    means: FloatArray = (sums / np.maximum(counts, 1))[places]
    return means


def _strength(series: Sequence[FloatArray], lag: int) -> float:
    """The median over series of what a season ago tells, beyond the trend; 0 if that is chance."""
    found = [_seasonal_correlation(y, lag) for y in series]
    pairs = sum(
        len(y) - 2 * lag for y, each in zip(series, found, strict=True) if np.isfinite(each)
    )
    strength = _median(found)
    return strength if strength > max(_SEASONAL, _BY_CHANCE / np.sqrt(max(pairs, 1))) else 0.0


def _errors_ratio(y: FloatArray, longer: int, shorter: int) -> float:
    """What repeating the longer season errs to what the shorter does, on the same steps."""
    if len(y) <= 2 * longer:
        return float("nan")
    today = y[longer:]
    errors = [np.sqrt(np.mean((today - y[longer - lag : -lag]) ** 2)) for lag in (longer, shorter)]
    return float(errors[0] / errors[1]) if errors[1] > 0 else float("nan")


def _seasonal_correlation(y: FloatArray, lag: int) -> float:
    """The mean correlation of a series with itself one and two seasons ago, without its trend.

    The trend is a mean over one season around each step, as in classical decomposition. Smooth and
    rough seasons count alike; a random walk, whose differences from that mean do not come back, has
    none. Two seasons ago are asked where there are as many: what is chance rarely comes twice.
    """
    if len(y) < 2 * lag + 2 or np.ptp(y) == 0:
        return float("nan")
    detrended = _detrended(y, lag) if len(y) >= 3 * lag + 2 else y - _line(y)
    lags = [lag, 2 * lag] if len(detrended) >= 3 * lag else [lag]
    return float(np.mean([_correlation(detrended[:-each], detrended[each:]) for each in lags]))


def _correlation(before: FloatArray, after: FloatArray) -> float:
    """NaN where one of them is constant."""
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


def _median(numbers: list[float], unknown: float = 0.0) -> float:
    known = [number for number in numbers if np.isfinite(number)]
    return float(np.median(known)) if known else unknown
