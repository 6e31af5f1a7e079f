"""One window that leaves with a network: what it sees, and what it forecasts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.data.calendar import dates, iso
from forecast.data.panel import FloatArray, Panel
from forecast.windows import Inputs


@dataclass(frozen=True)
class Example:
    """The last window of one series, or of those of the targets that are forecast together."""

    panel: Panel
    """The last rows of every series that the networks know."""
    series: tuple[int, ...]
    """Which of them it is, or which they are, in the order of the targets."""
    inputs: Sequence[Inputs]
    """What each network sees, without an axis of windows."""
    forecasts: FloatArray
    """`(series, horizon, quantiles)`, on the scale of the data."""

    @property
    def unique_ids(self) -> tuple[str, ...]:
        """The names of the series."""
        return tuple(self.panel.unique_ids[place] for place in self.series)

    @property
    def values(self) -> list[FloatArray]:
        """The rows of each of the series."""
        starts, ends = self.panel.starts, self.panel.ends
        return [self.panel.values[starts[place] : ends[place]] for place in self.series]

    @property
    def ds(self) -> tuple[list[str], list[str]]:
        """The dates of the rows, and those of the forecast."""
        count = len(self.values[0])
        steps = np.arange(count + self.forecasts.shape[1])
        begins = self.panel.begins[np.full(len(steps), self.series[0])]
        every = iso(dates(begins, steps, self.panel.freq))
        return every[:count], every[count:]

    def document(self, names: Sequence[str]) -> str:
        """All of it as JSON, with the inputs of each network by its name.

        `series` are all that the networks know, in the order of fitted numbers. Of several targets
        that are forecast together names, values and forecasts are lists, one a target.
        """

        def of_each(own: Sequence[Any]) -> Any:
            return own[0] if len(own) == 1 else own

        before, after = self.ds
        inputs = {
            name: {part: array.tolist() for part, array in own.named.items()}
            for name, own in zip(names, self.inputs, strict=True)
        }
        document = {
            "series": self.panel.unique_ids,
            "unique_id": of_each(self.unique_ids),
            "ds": before,
            "values": of_each([own.tolist() for own in self.values]),
            "inputs": inputs,
            "forecast_ds": after,
            "forecast": of_each(self.forecasts.tolist()),
        }
        return json.dumps(document, allow_nan=False) + "\n"
