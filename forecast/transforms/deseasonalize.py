"""Values less their season: what is usual in a July is taken from every July.

The season is found by STL: Cleveland, Cleveland, McRae, Terpenning 1990, STL: a seasonal-trend
decomposition procedure based on loess, Journal of Official Statistics 6 (1), 3-73.
"""

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Self

import numpy as np

from forecast.config.schema import DeseasonalizeOptions
from forecast.data.calendar import from_iso, iso, steps_between
from forecast.data.panel import FloatArray, IntArray, Panel, Past
from forecast.transforms.transform import Code, Kind, Terms, kept

# The least that the paper takes for the seasonal smoother, so that a season may change.
_WINDOW = 7
# Seasons whose mean is repeated: the last alone would repeat its noise too, and the mean of all
# would lag behind a season that changes.
_SEASONS = 3


@dataclass(frozen=True)
class Deseasonalize:
    """`value - cycle[position]`, with one cycle a series, repeated for ever.

    `cycles` has shape `(series, season_length)`: the season that follows each series' anchor, the
    last date that its fit saw. The position of a row follows from its date and the frequency, so
    that the last rows of a series alone, or newer ones, find their place.
    """

    cycles: FloatArray
    anchors: tuple[str, ...]

    def apply(self, panel: Panel) -> Panel:
        """Subtract from every row what is usual at its position."""
        rows = np.arange(len(panel.values))
        seasonal = self._seasonal(rows, panel.series_of(rows), panel)
        return panel.with_values(panel.values - seasonal)

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` on the scale of `panel`."""
        rows = cutoffs[:, None] + np.arange(1, forecasts.shape[1] + 1)
        return forecasts + self._seasonal(rows, panel.series_of(cutoffs)[:, None], panel)

    def _seasonal(self, rows: IntArray, series: IntArray, panel: Panel) -> FloatArray:
        """What is usual in each row of a series, rows past its end among them."""
        last = panel.ends - 1
        anchors = from_iso(self.anchors, panel.begins)
        steps = steps_between(anchors, panel.lasts, panel.freq)[series] + rows - last[series]
        seasonal: FloatArray = self.cycles[series, (steps - 1) % self.cycles.shape[1]]
        return seasonal

    def of(self, series: IntArray) -> Self:
        """See `Transform.of`."""
        anchors = tuple(self.anchors[place] for place in series)
        return replace(self, cycles=self.cycles[series], anchors=anchors)

    def code(self, terms: Terms) -> Code:
        """See `Transform.code`."""
        panel, series = terms.panel, terms.series
        anchors = from_iso(self.anchors, panel.begins)
        steps = steps_between(anchors, panel.lasts, panel.freq)[series]
        cycle = f'np.array({terms.state}["cycles"][{series}])'
        rows, ahead = f"len({terms.values})", f"len({terms.forecast_transformed})"
        length = self.cycles.shape[1]
        return Code(
            f"# {steps} steps lie from {self.anchors[series]}, after which the cycle begins, to the"
            " last value.\n"
            f"places = ({steps} + np.arange(-{rows}, 0)) % {length}\n"
            f"{terms.transformed} = {terms.values} - {cycle}[places]",
            f"places = ({steps} + np.arange({ahead})) % {length}\n"
            f"{terms.forecast} = {terms.forecast_transformed} + {cycle}[places, None]",
        )

    def state(self) -> dict[str, Any]:
        """A cycle and an anchor, as ISO 8601, for each series."""
        return {"cycles": self.cycles.tolist(), "anchors": list(self.anchors)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        return cls(np.array(state["cycles"]), tuple(state["anchors"]))


def fit(options: DeseasonalizeOptions, past: Past, season_length: int) -> Deseasonalize:
    """Fit one cycle a series; a season has two steps at least.

    A series of less than two seasons gets a cycle of zeros, which changes nothing. Rows that an
    earlier difference left undefined are passed over: they stand at the start, and places in the
    season are counted from the end.
    """
    panel = past.panel
    parts = [panel.values[i:j] for i, j in zip(panel.starts, panel.ends, strict=True)]
    cycles = [_cycle(part[np.isfinite(part)], season_length) for part in parts]
    return Deseasonalize(np.stack(cycles), tuple(iso(panel.lasts)))


def _cycle(y: FloatArray, season_length: int) -> FloatArray:
    """The season `(season_length,)` that follows `y`; its mean is 0, so that levels stay."""
    if len(y) < 2 * season_length:
        return np.zeros(season_length)
    # Between the steps of a jump loess is interpolated, as the paper does; this is the faster, the
    # longer the season, and as accurate.
    jump = 1 + season_length // 10
    stl = import_module("statsmodels.tsa.seasonal").STL(
        y, period=season_length, seasonal=_WINDOW, trend_jump=jump, low_pass_jump=jump
    )
    seasonal: FloatArray = stl.fit().seasonal
    seasons = seasonal[len(y) % season_length :].reshape(-1, season_length)
    cycle: FloatArray = seasons[-_SEASONS:].mean(axis=0)
    cycle -= cycle.mean()
    return cycle


def keep(
    options: DeseasonalizeOptions,
    fitted: Deseasonalize,
    earlier: Deseasonalize,
    places: IntArray,
) -> Deseasonalize:
    """The cycles of an earlier fit, and new ones for the series that it did not know."""
    anchors = kept(np.array(fitted.anchors), np.array(earlier.anchors), places)
    return Deseasonalize(kept(fitted.cycles, earlier.cycles, places), tuple(map(str, anchors)))


KIND = Kind(Deseasonalize, fit, keep=keep)
