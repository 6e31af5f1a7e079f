"""Differences: each value less the one some steps before, a season for example."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from forecast.config.schema import DifferenceOptions
from forecast.data.panel import FloatArray, IntArray, Panel, Past
from forecast.transforms.transform import Code, Kind, Terms


@dataclass(frozen=True)
class Difference:
    """`value[t] - value[t - lag]`; the first `lag` rows of each series have none and are NaN."""

    lag: int

    def apply(self, panel: Panel) -> Panel:
        """Subtract from every row the one `lag` steps before it."""
        differences = np.full_like(panel.values, np.nan)
        differences[self.lag :] = panel.values[self.lag :] - panel.values[: -self.lag]
        first = np.minimum(panel.starts[:, None] + np.arange(self.lag), panel.ends[:, None] - 1)
        differences[first] = np.nan
        return panel.with_values(differences)

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` on the scale of `panel`, on the rows before each cutoff.

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

    def of(self, series: IntArray) -> Self:
        """See `Transform.of`: it is the same for all."""
        return self

    def code(self, terms: Terms) -> Code:
        """See `Transform.code`."""
        values, lag = terms.values, self.lag
        return Code(
            f"{terms.transformed} = {values}[{lag}:] - {values}[:-{lag}]",
            f"whole = list({values})\n"
            f"for step in {terms.forecast_transformed}:\n"
            f"    whole.append(whole[-{lag}] + step)\n"
            f"{terms.forecast} = np.array(whole[-len({terms.forecast_transformed}) :])",
        )

    def state(self) -> dict[str, Any]:
        """The lag."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        return cls(**state)


def fit(options: DifferenceOptions, past: Past, season_length: int) -> Difference:
    """The difference, with its lag as a number: there is nothing else to fit."""
    return Difference(options.reach(season_length))


KIND = Kind(Difference, fit)
