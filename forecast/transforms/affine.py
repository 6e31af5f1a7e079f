"""Scaling by numbers fitted to the past: what `minmax`, `standard` and `robust` become."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from forecast.config.schema import MinMaxOptions, RobustOptions, StandardOptions
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.transforms.transform import Code, Terms, kept, numbers_of


@dataclass(frozen=True)
class Affine:
    """`scaled = value * scale + shift`, with one scale and one shift a series, or one for all.

    Values outside what fitting saw land outside its range; nothing is clipped, so that inverting
    gives every value back.
    """

    scale: FloatArray
    shift: FloatArray

    def apply(self, panel: Panel) -> Panel:
        """Scale every row by its series."""
        scaled = panel.values * panel.by_row(self.scale)
        scaled += panel.by_row(self.shift)  # in place: a panel may take much of the memory
        return panel.with_values(scaled)

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` on the scale of `panel`."""
        shift, scale = panel.by_cutoff(self.shift, cutoffs), panel.by_cutoff(self.scale, cutoffs)
        return (forecasts - shift) / scale

    def of(self, series: IntArray) -> Self:
        """See `Transform.of`."""
        return replace(
            self, scale=numbers_of(self.scale, series), shift=numbers_of(self.shift, series)
        )

    def code(self, terms: Terms) -> Code:
        """See `Transform.code`."""
        place = terms.series if len(self.scale) > 1 else 0
        scale, shift = (f'{terms.state}["{name}"][{place}]' for name in ("scale", "shift"))
        return Code(
            f"{terms.transformed} = {terms.values} * {scale} + {shift}",
            f"{terms.forecast} = ({terms.forecast_transformed} - {shift}) / {scale}",
        )

    def state(self) -> dict[str, Any]:
        """Scale and shift, a number a series or one for all."""
        return {"scale": self.scale.tolist(), "shift": self.shift.tolist()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""
        return cls(np.array(state["scale"]), np.array(state["shift"]))


def keep(
    options: MinMaxOptions | RobustOptions | StandardOptions,
    fitted: Affine,
    earlier: Affine,
    places: IntArray,
) -> Affine:
    """The scales of an earlier fit, and new ones for the series that it did not know."""
    if options.per == "global":
        return earlier
    return Affine(
        kept(fitted.scale, earlier.scale, places), kept(fitted.shift, earlier.shift, places)
    )
