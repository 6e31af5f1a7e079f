"""Intervals that cover what they promise: the errors of past forecasts, by step of the horizon.

Split conformal prediction (Vovk, Gammerman, Shafer 2005; for forecasts by step, Stankeviciute,
Alaa, van der Schaar 2021, "Conformal time-series forecasting", NeurIPS 34).
A network is fitted on the rows before the calibration cutoffs, so that no calibration row was ever
trained on; the size of its errors there says how far the truth may lie from a forecast. The errors
of overlapping forecasts tend to have one sign, which need not last: so their size counts alone.

It is counted on each series' own scale (`Conformal`), or on that of the quantiles that a network
forecasts, which know a calm week from a restless one (`ConformalizedQuantiles`).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.scoring.metrics import scales_of

_MOST_ERRORS = 1e15  # more are nowhere


def errors_needed(level: float) -> int:
    """How many errors a quantile so far out takes."""
    outside = 2 * min(level, 1 - level)  # 1 - abs(2 * level - 1) is 0 for the smallest levels
    return max(1, math.ceil(min(1 / outside, _MOST_ERRORS) - 1 - 1e-9))


@dataclass(frozen=True)
class Conformal:
    """Sorted sizes of errors `(horizon, errors)`, and the scale of each series `(series,)`.

    A step of which fewer errors are known, since values are missing, ends in NaN.
    """

    errors: FloatArray
    scales: FloatArray

    @classmethod
    def calibrate(cls, errors: FloatArray, scales_then: FloatArray, scales: FloatArray) -> Self:
        """From errors `(forecasts, horizon)`, truth less forecast.

        `scales_then` `(forecasts,)` are those of each forecast's series where it was made, `scales`
        `(series,)` those where the intervals are wanted.
        """
        scaled = np.abs(errors / scales_then[:, None])
        # A whole forecast is not left out for one missing value: errors are pooled by step.
        return cls(np.sort(scaled, axis=0).T, scales)

    @property
    def horizon(self) -> int:
        """Steps for which there are errors."""
        return len(self.errors)

    @property
    def counts(self) -> IntArray:
        """How many errors there are of each step."""
        return _counts(self.errors)

    def can_tell(self, level: float) -> bool:
        """Whether there are errors enough for a quantile so far out, of most steps at least."""
        return _can_tell(self.errors, level)

    def quantile(self, level: float, series: IntArray) -> FloatArray:
        """What to add to a forecast of each of these series: `(forecasts, horizon)`.

        It lies as far from the forecast as the one of 1 - level.
        """
        size = _size(self.errors, level)
        offsets: FloatArray = np.sign(level - 0.5) * self.scales[series, None] * size
        return offsets

    def state(self) -> dict[str, Any]:
        """Plain JSON."""
        errors = [sizes[np.isfinite(sizes)].tolist() for sizes in self.errors]
        return {"errors": errors, "scales": self.scales.tolist()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        longest = max(map(len, state["errors"]))
        errors = [sizes + [math.nan] * (longest - len(sizes)) for sizes in state["errors"]]
        return cls(np.array(errors, dtype=np.float64), np.array(state["scales"]))


def error_scales(past: Panel, season_length: int, others: FloatArray | None = None) -> FloatArray:
    """What the errors of each series are measured by, `(series,)`: the unit of MASE.

    The panel is on the scale on which forecasts are combined. A series that never changed has no
    scale of its own and takes the mean of the series, and of `others`, whose scales are known.
    """
    return usable(scales_of(past.before(past.ends), season_length), others)


def usable(scales: FloatArray, others: FloatArray | None = None) -> FloatArray:
    """Scales of series `(series,)`, the mean of all that are known for one that has none."""
    known = np.concatenate([scales] if others is None else [scales, others])
    known = known[_is_scale(known)]
    return np.where(_is_scale(scales), scales, known.mean() if len(known) else 1.0)


def _is_scale(scales: FloatArray) -> NDArray[np.bool_]:
    return np.isfinite(scales) & (scales > 0)


@dataclass(frozen=True)
class ConformalizedQuantiles:
    """How many times as far from the forecast each predicted quantile has to lie, `(horizon,)`.

    Conformalized quantile regression (Romano, Patterson, Candes 2019, NeurIPS 32,
    https://arxiv.org/abs/1905.03222), which moves quantiles by a distance; here it is by a factor,
    so that an interval that the network makes narrow stays narrow.
    """

    factors: Mapping[float, FloatArray]

    @classmethod
    def calibrate(
        cls, truth: FloatArray, predicted: Mapping[float, FloatArray], levels: Iterable[float]
    ) -> Self:
        """From what followed forecasts, `(forecasts, horizon)`, and the quantiles predicted of it.

        These have to hold 0.5, and with each of the levels its opposite, `1 - level`. A level that
        the errors are too few for is left out.
        """
        error = truth - predicted[0.5]
        factors = {}
        for level in levels:
            low, high = sorted((level, _opposite(level, predicted)))
            distance = np.where(
                error > 0, predicted[high] - predicted[0.5], predicted[0.5] - predicted[low]
            )
            sizes = np.abs(error) / np.maximum(distance, np.finfo(np.float32).tiny)
            sizes = np.sort(sizes, axis=0).T
            if _can_tell(sizes, level):
                factors[level] = _size(sizes, level)
        return cls(factors)

    @property
    def horizon(self) -> int:
        """Steps for which there are factors."""
        return len(next(iter(self.factors.values())))

    def quantiles(self, predicted: Mapping[float, FloatArray]) -> dict[float, FloatArray]:
        """The calibrated quantiles, of predicted ones `(forecasts, horizon)`; they do not cross.

        The horizon may be shorter than the calibrated one.
        """
        middle = predicted[0.5]
        steps = middle.shape[1]
        moved = {
            level: middle + (predicted[level] - middle) * factor[:steps]
            for level, factor in self.factors.items()
        }
        above, below = middle, middle
        for level in sorted(level for level in moved if level > 0.5):
            above = moved[level] = np.maximum(moved[level], above)
        for level in sorted((level for level in moved if level < 0.5), reverse=True):
            below = moved[level] = np.minimum(moved[level], below)
        return moved

    def state(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"factors": {str(level): own.tolist() for level, own in self.factors.items()}}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        return cls({float(level): np.array(own) for level, own in state["factors"].items()})


def _opposite(level: float, levels: Iterable[float]) -> float:
    """That of the levels which makes an interval about the forecast with this one."""
    return min(levels, key=lambda other: abs(level + other - 1))  # 1 - 0.9 is not quite 0.1


def _size(sizes: FloatArray, level: float) -> FloatArray:
    """Of sorted sizes of errors `(horizon, errors)` the one that a quantile lies at, by step.

    The interval from the quantile q to 1 - q is to cover 1 - 2 q. Of n errors it takes the one of
    rank (n + 1) (1 - 2 q), rounded up, which makes the coverage hold for few errors too. A step of
    too few, such as a day on which nothing was observed, lies between its neighbours.
    """
    counts, steps = _counts(sizes), np.arange(len(sizes))
    ranks = np.ceil((counts + 1) * abs(2 * level - 1) - 1e-9).astype(np.int64)
    chosen = np.clip(ranks, 1, np.maximum(counts, 1)) - 1
    told = counts >= errors_needed(level)
    size = np.interp(steps, steps[told], sizes[steps, chosen][told])
    return np.where(ranks > 0, size, 0.0)


def _can_tell(sizes: FloatArray, level: float) -> bool:
    return bool(np.median(_counts(sizes)) >= errors_needed(level))


def _counts(sizes: FloatArray) -> IntArray:
    counts: IntArray = np.isfinite(sizes).sum(axis=1)
    return counts
