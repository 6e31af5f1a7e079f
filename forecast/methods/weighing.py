"""How much of each member a blend takes, as errors of its forecasts of the past say.

They are in units of each series' scale, as in MASE, so that every series counts alike, and their
mean absolute size is what weights are judged by. Forecasts of the past are few and err alike, so
little is left to them: whether a member does harm, and a slight departure from equal weights.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import nnls

from forecast.config.blend import BlendOptions
from forecast.data.panel import FloatArray, IntArray
from forecast.methods.blend import BlendWeights

# A member does harm where the mean of all errs less without it by this share ...
_HARM = 0.01
# ... and by so many standard errors of that difference.
_CERTAINTY = 1.0
# The pull of stacked weights towards equal ones, in parts of the errors of the best member.
_SHRINKAGE = 1.0
# Forecasts of a step or of a series that count as much as all others together do.
_PRIOR = 20
_ROUNDS = 20  # of least squares that come to least absolute errors
_LEAST_ERROR = 0.05  # below which an absolute error counts as a squared one
_FIRMNESS = 1e3  # with which least squares hold the sum of the weights to 1

Fit = Callable[[FloatArray], FloatArray]
"""Weights `(members,)` from errors `(forecasts, steps, members)`."""


def fit_weights(
    errors: FloatArray, series: IntArray, count: int, options: BlendOptions
) -> BlendWeights:
    """Weights from errors `(forecasts, steps, members)`, each of one of `count` series.

    Truth less forecast, in units of each series' scale; NaN where nothing was observed.
    """
    fit = _FITS[options.weights]
    common = fit(errors)
    if options.by == "all":
        return BlendWeights(common[None, None])
    if options.by == "step":
        by_step = [_own(fit, errors[:, [step]], common) for step in range(errors.shape[1])]
        return BlendWeights(np.stack(by_step)[None])
    by_series = [_own(fit, errors[series == i], common) for i in range(count)]
    return BlendWeights(np.stack([common, *by_series])[:, None])


def _own(fit: Fit, errors: FloatArray, common: FloatArray) -> FloatArray:
    """Weights of some of the errors, the nearer to common ones the fewer forecasts there are."""
    share = len(errors) / (len(errors) + _PRIOR)
    return share * fit(errors) + (1 - share) * common


def _observed(errors: FloatArray) -> FloatArray:
    """The forecasts `(forecasts, steps, members)` of which some step was observed."""
    return errors[np.isfinite(errors).all(axis=-1).any(axis=-1)]


def _equal(errors: FloatArray) -> FloatArray:
    members = errors.shape[-1]
    return np.full(members, 1 / members)


def _harmless(errors: FloatArray) -> list[int]:
    """The members that are left when the most harmful is left out again and again."""

    def each(members: list[int]) -> FloatArray:
        """The mean absolute error of each forecast."""
        sizes: FloatArray = np.nanmean(np.abs(errors[..., members].mean(axis=-1)), axis=-1)
        return sizes

    kept = list(range(errors.shape[-1]))
    while len(kept) > 1:
        before = each(kept)
        gains = {i: before - each([other for other in kept if other != i]) for i in kept}
        worst = max(gains, key=lambda i: gains[i].mean())
        gain = gains[worst]
        uncertain = gain.std() / np.sqrt(len(gain))
        if gain.mean() <= max(_HARM * before.mean(), _CERTAINTY * uncertain):
            break
        kept.remove(worst)
    return kept


def _among_harmless(choose: Fit, errors: FloatArray) -> FloatArray:
    """Weights that are chosen among the members that do no harm; 0 for the others."""
    observed = _observed(errors)
    if not len(observed):
        return _equal(errors)
    weights, kept = np.zeros(errors.shape[-1]), _harmless(observed)
    weights[kept] = choose(observed[..., kept])
    return weights


def _stacked(errors: FloatArray) -> FloatArray:
    """Weights of least absolute error, none negative, of sum 1, and shrunk towards equal ones.

    Breiman 1996, "Stacked regressions", https://doi.org/10.1007/BF00117832; least absolute errors
    come of least squares in which each row counts for the inverse of its error.
    """
    members, weights = errors.shape[-1], _equal(errors)
    rows = errors.reshape(-1, members)
    rows = rows[np.isfinite(rows).all(axis=1)]
    for _ in range(_ROUNDS):
        size = np.sqrt(np.maximum(np.abs(rows @ weights), _LEAST_ERROR))
        weighted = rows / size[:, None]
        unit = max(float(np.sqrt((weighted**2).sum(axis=0).min())), _LEAST_ERROR)
        pull = np.sqrt(_SHRINKAGE)
        left = np.vstack([weighted / unit, pull * np.eye(members), np.full(members, _FIRMNESS)])
        right = np.hstack([np.zeros(len(rows)), np.full(members, pull / members), _FIRMNESS])
        weights, _ = nnls(left, right)
    total: FloatArray = weights / weights.sum()
    return total


_FITS: Mapping[str, Fit] = {
    "equal": _equal,
    "validated": lambda errors: _among_harmless(_equal, errors),
    "stacked": lambda errors: _among_harmless(_stacked, errors),
}
