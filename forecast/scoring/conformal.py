"""Intervals that cover what they promise: the errors of past forecasts, by step of the horizon.

Split conformal prediction (Vovk, Gammerman, Shafer 2005; for forecasts by step, Stankeviciute,
Alaa, van der Schaar 2021, "Conformal time-series forecasting", NeurIPS 34).
A network is fitted on the rows before the calibration cutoffs, so that no calibration row was ever
trained on; the size of its errors there, in units of each series' own scale, says how far the truth
may lie from a forecast. The errors of overlapping forecasts tend to have one sign, which need not
last: so their size counts alone, and an interval lies evenly about its forecast.
"""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from forecast.data.panel import FloatArray, IntArray


def errors_needed(level: float) -> int:
    """How many errors a quantile so far out takes."""
    return max(1, math.ceil(1 / (1 - abs(2 * level - 1)) - 1 - 1e-9))


@dataclass(frozen=True)
class Conformal:
    """Sorted sizes of errors `(horizon, errors)`, and the scale of each series `(series,)`.

    A step of which fewer errors are known, since values are missing, ends in NaN.
    """

    errors: FloatArray
    scales: FloatArray

    @classmethod
    def calibrate(cls, errors: FloatArray, series: IntArray, scales: FloatArray) -> Self:
        """From errors `(forecasts, horizon)`, truth less forecast, of the named series.

        A series that never changed has no scale of its own and takes the mean of the others.
        """
        usable = np.isfinite(scales) & (scales > 0)
        scales = np.where(usable, scales, scales[usable].mean() if usable.any() else 1.0)
        scaled = np.abs(errors / scales[series, None])
        # A whole forecast is not left out for one missing value: errors are pooled by step.
        return cls(np.sort(scaled, axis=0).T, scales)

    @property
    def horizon(self) -> int:
        """Steps for which there are errors."""
        return len(self.errors)

    @property
    def counts(self) -> IntArray:
        """How many errors there are of each step."""
        counts: IntArray = np.isfinite(self.errors).sum(axis=1)
        return counts

    def can_tell(self, level: float) -> bool:
        """Whether there are errors enough for a quantile so far out, of most steps at least."""
        return bool(np.median(self.counts) >= errors_needed(level))

    def quantile(self, level: float, series: IntArray) -> FloatArray:
        """What to add to a forecast of each of these series: `(forecasts, horizon)`.

        The interval from the quantile q to 1 - q is to cover 1 - 2 q. Of n errors it takes the one
        of rank (n + 1) (1 - 2 q), rounded up, which makes the coverage hold for few errors too. A
        step of too few, such as a day on which nothing was observed, lies between its neighbours.
        """
        counts, share, steps = self.counts, abs(2 * level - 1), np.arange(self.horizon)
        ranks = np.ceil((counts + 1) * share - 1e-9).astype(np.int64)
        chosen = np.clip(ranks, 1, np.maximum(counts, 1)) - 1
        told = counts >= errors_needed(level)
        size = np.interp(steps, steps[told], self.errors[steps, chosen][told])
        size = np.where(ranks > 0, size, 0.0)
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
