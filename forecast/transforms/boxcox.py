"""Box-Cox: between the values themselves and their logarithms, as the past asks for.

Box, Cox 1964, https://doi.org/10.1111/j.2517-6161.1964.tb00553.x
"""

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Self

import numpy as np

from forecast.config.schema import BoxCoxOptions
from forecast.data.panel import FloatArray, IntArray, Panel, Past
from forecast.transforms.log import refuse_outside
from forecast.transforms.scalers import groups_of
from forecast.transforms.transform import Code, Kind, Terms, kept, numbers_of

_ADVICE = "Set its offset, such as `offset: 1` for data with zeros."


@dataclass(frozen=True)
class BoxCox:
    """`((value + offset)^power - 1) / power`, with one power a series, or one for all.

    A power of 0 is the logarithm.
    """

    power: FloatArray
    offset: float

    def apply(self, panel: Panel) -> Panel:
        """The power of every row. Raises `DataError` for values that have none."""
        refuse_outside(panel, self.offset, "boxcox", _ADVICE)
        logs = np.log(panel.values + self.offset)
        power = panel.by_row(self.power)
        zero = power == 0
        return panel.with_values(
            np.where(zero, logs, np.expm1(power * logs) / np.where(zero, 1, power))
        )

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` on the scale of `panel`.

        A forecast that no value maps to is taken to the nearest that some value does.
        """
        power = panel.by_cutoff(self.power, cutoffs)
        zero = power == 0
        within = np.maximum(power * forecasts, -1 + 1e-9)
        logs = np.where(zero, forecasts, np.log1p(within) / np.where(zero, 1, power))
        return np.exp(logs) - self.offset

    def of(self, series: IntArray) -> Self:
        """See `Transform.of`."""
        return replace(self, power=numbers_of(self.power, series))

    def code(self, terms: Terms) -> Code:
        """See `Transform.code`."""
        place = terms.series if len(self.power) > 1 else 0
        logs, offset = f"np.log({terms.values} + {self.offset!r})", repr(self.offset)
        if self.power[place] == 0:
            return Code(
                f"{terms.transformed} = {logs}",
                f"{terms.forecast} = np.exp({terms.forecast_transformed}) - {offset}",
            )
        power = f'{terms.state}["power"][{place}]'
        within = f"np.maximum({power} * {terms.forecast_transformed}, -1 + 1e-9)"
        return Code(
            f"{terms.transformed} = np.expm1({power} * {logs}) / {power}",
            f"{terms.forecast} = np.exp(np.log1p({within}) / {power}) - {offset}",
        )

    def state(self) -> dict[str, Any]:
        """The power, a number a series or one for all, and the offset."""
        return {"power": self.power.tolist(), "offset": self.offset}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        return cls(np.array(state["power"]), state["offset"])


def fit(options: BoxCoxOptions, past: Past, season_length: int) -> BoxCox:
    """Fit one power a series, or one for all. A constant series keeps its values (power 1).

    It is the power that makes the past look most like a normal distribution (maximum likelihood).
    """
    refuse(options, past.panel)
    if options.power is not None:
        return BoxCox(np.array([options.power]), options.offset)
    transformer = import_module("sklearn.preprocessing").PowerTransformer

    def power(rows: FloatArray) -> float:
        if np.ptp(rows) == 0:
            return 1.0
        fitted = transformer("box-cox", standardize=False).fit(rows[:, None] + options.offset)
        return float(fitted.lambdas_[0])

    groups = groups_of(past, options.per)
    parts = np.split(groups.values, groups.begins[1:])
    return BoxCox(np.array([power(rows) for rows in parts]), options.offset)


def refuse(options: BoxCoxOptions, panel: Panel) -> None:
    """Raise `DataError` for values that have no power."""
    refuse_outside(panel, options.offset, "boxcox", _ADVICE)


def keep(options: BoxCoxOptions, fitted: BoxCox, earlier: BoxCox, places: IntArray) -> BoxCox:
    """The powers of an earlier fit, and new ones for the series that it did not know."""
    if options.per == "global" or options.power is not None:
        return earlier
    return BoxCox(kept(fitted.power, earlier.power, places), options.offset)


KIND = Kind(BoxCox, fit, refuse, keep)
