"""One window that leaves with a network: what it sees, and what it forecasts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.data.calendar import dates, iso
from forecast.data.panel import FloatArray, Panel
from forecast.windows import Inputs


@dataclass(frozen=True)
class Example:
    """The last window of one series."""

    panel: Panel
    """The last rows of every series that the networks know."""
    series: int
    """Which of them it is."""
    inputs: Sequence[Inputs]
    """What each network sees, without an axis of windows."""
    forecasts: FloatArray
    """`(horizon, quantiles)`, on the scale of the data."""

    @property
    def unique_id(self) -> str:
        """The name of the series."""
        return self.panel.unique_ids[self.series]

    @property
    def values(self) -> FloatArray:
        """The rows of the series."""
        return self.panel.values[self.panel.starts[self.series] : self.panel.ends[self.series]]

    @property
    def ds(self) -> tuple[list[str], list[str]]:
        """The dates of the rows, and those of the forecast."""
        count = len(self.values)
        steps = np.arange(count + len(self.forecasts))
        begins = self.panel.begins[np.full(len(steps), self.series)]
        every = iso(dates(begins, steps, self.panel.freq))
        return every[:count], every[count:]

    def document(self, names: Sequence[str]) -> str:
        """All of it as JSON, with the inputs of each network by its name.

        `series` are all that the networks know, in the order of fitted numbers.
        """
        before, after = self.ds
        inputs = {
            name: {part: array.tolist() for part, array in own.named.items()}
            for name, own in zip(names, self.inputs, strict=True)
        }
        document = {
            "series": self.panel.unique_ids,
            "unique_id": self.unique_id,
            "ds": before,
            "values": self.values.tolist(),
            "inputs": inputs,
            "forecast_ds": after,
            "forecast": self.forecasts.tolist(),
        }
        return json.dumps(document, allow_nan=False) + "\n"
