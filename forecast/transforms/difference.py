"""Differences: each value less the one some steps before, a season for example."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel


@dataclass(frozen=True)
class Difference:
    """`value[t] - value[t - lag]`; the first `lag` rows of each series have none and are NaN."""

    lag: int

    @property
    def reach(self) -> int:
        """The first `lag` rows of a series have nothing before them."""
        return self.lag

    def apply(self, panel: Panel) -> Panel:
        """Subtract from every row the one `lag` steps before it."""
        differences = np.full_like(panel.values, np.nan)
        differences[self.lag :] = panel.values[self.lag :] - panel.values[: -self.lag]
        first = np.minimum(panel.starts[:, None] + np.arange(self.lag), panel.ends[:, None] - 1)
        differences[first] = np.nan
        return panel.with_values(differences)

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` in the units of `panel`, on the rows before each cutoff.

        Beyond `lag` steps, what a step adds to is a forecast itself.
        """
        levels = np.empty_like(forecasts)
        for step in range(forecasts.shape[1]):
            if step < self.lag:
                before = panel.values[cutoffs + 1 + step - self.lag]
            else:
                before = levels[:, step - self.lag]
            levels[:, step] = before + forecasts[:, step]
        return levels

    def state(self) -> dict[str, Any]:
        """The lag."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        return cls(**state)
