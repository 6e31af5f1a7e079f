"""Is the difference of two models more than chance? Tests on the losses of the same forecasts."""

import numpy as np
from scipy.stats import t as student

from forecast.data.panel import FloatArray

_RESAMPLES = 10_000
_AT_ONCE = 500  # of them, which bounds memory


def diebold_mariano(differences: FloatArray, overlap: int = 1) -> float:
    """The p-value of equal accuracy, of one difference of losses a cutoff `(cutoffs,)` in order.

    `overlap` is the number of forecasts that share a step of time: forecasts of h steps from every
    step have errors that are correlated over h - 1 cutoffs. NaN of fewer than two cutoffs; 1 where
    all are equal. Two-sided.

    Diebold, Mariano 1995, https://doi.org/10.1080/07350015.1995.10524599, with the small-sample
    correction of Harvey, Leybourne, Newbold 1997, https://doi.org/10.1016/S0169-2070(96)00719-4.
    The variance has Bartlett's weights, with which it is never negative.
    """
    n = len(differences)
    if n < 2:
        return float("nan")
    overlap = min(overlap, n - 1)
    error = standard_error(differences, overlap)
    if error <= 0:
        return 1.0 if not differences.any() else 0.0
    correction = (n + 1 - 2 * overlap + overlap * (overlap - 1) / n) / n
    statistic = differences.mean() / error * np.sqrt(max(correction, 0.0))
    return float(2 * student.sf(abs(statistic), n - 1))


def standard_error(differences: FloatArray, overlap: int = 1) -> float:
    """Of the mean of differences `(n,)` in order, each correlated with `overlap` - 1 before it.

    With Bartlett's weights: Newey, West 1987, https://doi.org/10.2307/1913610.
    """
    n = len(differences)
    centred = differences - differences.mean()
    variance = np.mean(centred**2)
    for lag in range(1, min(overlap, n)):
        variance += 2 * (1 - lag / overlap) * np.sum(centred[lag:] * centred[:-lag]) / n
    return float(np.sqrt(max(variance, 0.0) / n))


def paired_bootstrap(differences: FloatArray, seed: int = 0) -> float:
    """The p-value of equal accuracy, of one mean difference of losses a series `(series,)`.

    Series are drawn again with replacement, which takes them for a sample of all that might be
    forecast. Two-sided; the least that can be told is one in 10,000.

    Efron, Tibshirani 1993, An Introduction to the Bootstrap, chapter 16.
    """
    random = np.random.default_rng(seed)
    centred = differences - differences.mean()
    as_far = 0
    for _ in range(_RESAMPLES // _AT_ONCE):
        rows = random.integers(0, len(centred), (_AT_ONCE, len(centred)))
        means = centred[rows].mean(axis=1)
        as_far += int(np.sum(np.abs(means) >= abs(differences.mean())))
    return (as_far + 1) / (_RESAMPLES + 1)


def welch(one: FloatArray, other: FloatArray) -> float:
    """The p-value of equal means of two models' losses, `(seeds,)` each.

    A model of one seed, such as a baseline, is taken for a constant. 0 where neither varies.
    Two-sided. Welch 1947, https://doi.org/10.1093/biomet/34.1-2.28.
    """
    shares = [own.var(ddof=1) / len(own) if len(own) > 1 else 0.0 for own in (one, other)]
    variance = sum(shares)
    if not variance > 0:
        return 0.0
    pairs = zip(shares, (one, other), strict=True)
    freedom = variance**2 / sum(share**2 / (len(own) - 1) for share, own in pairs if share)
    return float(2 * student.sf(abs(one.mean() - other.mean()) / np.sqrt(variance), freedom))


def holm(p_values: FloatArray) -> FloatArray:
    """P-values of several tests, such that one false alarm among all is as rare as they say.

    NaN stays. Holm 1979, Scandinavian Journal of Statistics 6, 65-70.
    """
    adjusted = np.full(len(p_values), np.nan)
    order = [int(i) for i in np.argsort(p_values) if np.isfinite(p_values[i])]
    least = 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * float(p_values[i])))
        adjusted[i] = least
    return adjusted
