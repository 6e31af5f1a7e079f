"""Box-Cox: between the values themselves and their logarithms, as the past asks for.

Box, Cox 1964, https://doi.org/10.1111/j.2517-6161.1964.tb00553.x
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.transforms.log import refuse_outside

ADVICE = "Set its offset, such as `offset: 1` for data with zeros."


@dataclass(frozen=True)
class BoxCox:
    """`((value + offset)^power - 1) / power`, with one power a series, or one for all.

    A power of 0 is the logarithm.
    """

    power: FloatArray
    offset: float

    @property
    def reach(self) -> int:
        """Every row keeps a value."""
        return 0

    def apply(self, panel: Panel) -> Panel:
        """The power of every row. Raises `DataError` for values that have none."""
        refuse_outside(panel, self.offset, "boxcox", ADVICE)
        logs = np.log(panel.values + self.offset)
        power = panel.by_row(self.power)
        zero = power == 0
        return panel.with_values(
            np.where(zero, logs, np.expm1(power * logs) / np.where(zero, 1, power))
        )

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` in the units of `panel`.

        A forecast that no value maps to is taken to the nearest that some value does.
        """
        power = panel.by_cutoff(self.power, cutoffs)
        zero = power == 0
        within = np.maximum(power * forecasts, -1 + 1e-9)
        logs = np.where(zero, forecasts, np.log1p(within) / np.where(zero, 1, power))
        return np.exp(logs) - self.offset

    def state(self) -> dict[str, Any]:
        """The power, a number a series or one for all, and the offset."""
        return {"power": self.power.tolist(), "offset": self.offset}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        return cls(np.array(state["power"]), state["offset"])
