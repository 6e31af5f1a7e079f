"""Each series scaled to 0 ... 1 by the smallest and largest value that fitting saw."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel


@dataclass(frozen=True)
class Fitted:
    """`scaled = value * scale + shift`, with one scale and one shift a series.

    Values outside what fitting saw land outside 0 ... 1; nothing is clipped, so that inverting
    gives every value back.
    """

    scale: FloatArray
    shift: FloatArray

    def apply(self, panel: Panel) -> Panel:
        """Scale every row by its series."""
        rows = np.diff(panel.offsets)
        scaled = panel.values * np.repeat(self.scale, rows) + np.repeat(self.shift, rows)
        return panel.with_values(scaled)

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` in the units of `panel`."""
        series = panel.series_of(cutoffs)
        return (forecasts - self.shift[series, None]) / self.scale[series, None]

    def state(self) -> dict[str, Any]:
        """Scale and shift, a number a series."""
        return {"scale": self.scale.tolist(), "shift": self.shift.tolist()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        return cls(np.array(state["scale"]), np.array(state["shift"]))
