"""Values less their season: what is usual in a July is taken from every July."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from forecast.data.calendar import from_iso, steps_between
from forecast.data.panel import FloatArray, IntArray, Panel


@dataclass(frozen=True)
class Deseasonalize:
    """`value - cycle[position]`, with one cycle a series, repeated for ever.

    `cycles` has shape `(series, season_length)`: the season that follows each series' anchor, the
    last date that its fit saw. The position of a row follows from its date and the frequency, so
    that the last rows of a series alone, or newer ones, find their place.
    """

    cycles: FloatArray
    anchors: tuple[str, ...]

    @property
    def reach(self) -> int:
        """Every row keeps a value."""
        return 0

    def apply(self, panel: Panel) -> Panel:
        """Subtract from every row what is usual at its position."""
        rows = np.arange(len(panel.values))
        seasonal = self._seasonal(rows, panel.series_of(rows), panel)
        return panel.with_values(panel.values - seasonal)

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` in the units of `panel`."""
        rows = cutoffs[:, None] + np.arange(1, forecasts.shape[1] + 1)
        return forecasts + self._seasonal(rows, panel.series_of(cutoffs)[:, None], panel)

    def _seasonal(self, rows: IntArray, series: IntArray, panel: Panel) -> FloatArray:
        """What is usual in each row of a series, rows past its end among them."""
        last = panel.ends - 1
        anchors = from_iso(self.anchors, panel.begins)
        steps = steps_between(anchors, panel.lasts, panel.freq)[series] + rows - last[series]
        seasonal: FloatArray = self.cycles[series, (steps - 1) % self.cycles.shape[1]]
        return seasonal

    def state(self) -> dict[str, Any]:
        """A cycle and an anchor, as ISO 8601, for each series."""
        return {"cycles": self.cycles.tolist(), "anchors": list(self.anchors)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        return cls(np.array(state["cycles"]), tuple(state["anchors"]))
