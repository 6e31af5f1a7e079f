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
    """Sorted sizes of errors `(horizon, errors)`, and the scale of each series `(series,)`."""

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
        return cls(np.sort(scaled[np.isfinite(scaled).all(axis=1)], axis=0).T, scales)

    @property
    def horizon(self) -> int:
        """Steps for which there are errors."""
        return len(self.errors)

    def can_tell(self, level: float) -> bool:
        """Whether there are errors enough for a quantile so far out."""
        count: int = self.errors.shape[1]
        return count >= errors_needed(level)

    def quantile(self, level: float, series: IntArray) -> FloatArray:
        """What to add to a forecast of each of these series: `(forecasts, horizon)`.

        The interval from the quantile q to 1 - q is to cover 1 - 2 q. Of n errors it takes the one
        of rank (n + 1) (1 - 2 q), rounded up, which makes the coverage hold for few errors too.
        """
        count = self.errors.shape[1]
        share = abs(2 * level - 1)
        rank = math.ceil((count + 1) * share - 1e-9)
        size = self.errors[:, min(rank, count) - 1] if rank else np.zeros(self.horizon)
        offsets: FloatArray = np.sign(level - 0.5) * self.scales[series, None] * size
        return offsets

    def state(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"errors": self.errors.tolist(), "scales": self.scales.tolist()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        return cls(np.array(state["errors"]), np.array(state["scales"]))
