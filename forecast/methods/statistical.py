"""What the methods of statsforecast share: they are fitted again at every cutoff."""

from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import require_extra
from forecast.methods.method import Baseline


@dataclass(frozen=True)
class Statistical(Baseline):
    """A model of statsforecast, which is loaded only where one is asked for."""

    model: ClassVar[str]
    """Its class in `statsforecast.models`."""

    def __post_init__(self) -> None:
        """Raises `MissingExtraError` where the extra is not installed."""
        require_extra("statsforecast", "stats")

    def points(self, panel: Panel, cutoffs: IntArray, horizon: int) -> FloatArray:
        """See `Baseline.points`."""
        model = getattr(import_module("statsforecast.models"), self.model)
        starts = panel.starts[panel.series_of(cutoffs)]
        return np.stack(
            [
                model(season_length=self.season_length).forecast(past, horizon)["mean"]
                for past in (panel.values[i:j] for i, j in zip(starts, cutoffs + 1, strict=True))
            ]
        )
