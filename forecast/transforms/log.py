"""Logarithms: growth in percent becomes growth in steps of equal size."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from forecast.config.schema import LogOptions
from forecast.data.panel import FloatArray, IntArray, Panel, Past
from forecast.errors import DataError, Problem
from forecast.transforms.transform import Code, Kind, Terms


@dataclass(frozen=True)
class Log:
    """`log(value + offset)`: an offset of 0 is `log`, an offset of 1 is `log1p`."""

    offset: float

    def refuse(self, panel: Panel) -> None:
        """Raise `DataError` where a value has no logarithm."""
        low = panel.values.min()
        advice = f"Leave the logarithm out, or use boxcox with an `offset` above {-low:g}."
        if self.offset == 0 and low > -1:
            advice = "Use log1p for data with zeros, or leave the logarithm out."
        refuse_outside(panel, self.offset, "the logarithm", advice)

    def apply(self, panel: Panel) -> Panel:
        """The logarithm of every row. Raises `DataError` where there is none."""
        self.refuse(panel)
        return panel.with_values(np.log(panel.values + self.offset))

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` on the scale of `panel`."""
        return np.exp(forecasts) - self.offset

    def of(self, series: IntArray) -> Self:
        """See `Transform.of`: it is the same for all."""
        return self

    def code(self, terms: Terms) -> Code:
        """See `Transform.code`."""
        plus, minus = (f" {sign} {self.offset:g}" if self.offset else "" for sign in "+-")
        return Code(
            f"{terms.transformed} = np.log({terms.values}{plus})",
            f"{terms.forecast} = np.exp({terms.forecast_transformed}){minus}",
        )

    def state(self) -> dict[str, Any]:
        """The offset."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        return cls(**state)


def refuse_outside(panel: Panel, offset: float, name: str, advice: str) -> None:
    """Raise `DataError` that names the first row with no `name`, unless all exceed `-offset`."""
    rows = np.flatnonzero(panel.values + offset <= 0)
    if not rows.size:
        return
    message = (
        f"{name} needs values above {0 - offset:g}, and {panel.describe(rows[0])} "
        f"({rows.size} such rows)."
    )
    raise DataError(Problem(message, advice))


def fit(options: LogOptions, past: Past, season_length: int) -> Log:
    """The logarithm itself: there is nothing to fit. Raises `DataError` where it is none."""
    refuse(options, past.panel)
    return Log(offset=0.0)


def refuse(options: LogOptions, panel: Panel) -> None:
    """See `Log.refuse`."""
    Log(offset=0.0).refuse(panel)


KIND = Kind(Log, fit, refuse)
