"""What whoever forecasts answers to, and the base of those that give one number a step."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from forecast.data.forecasts import Forecasts
from forecast.data.panel import FloatArray, IntArray, Panel

Note = Callable[[int], None]
"""Told how many steps have been forecast since it was told last."""


def unheard(steps: int) -> None:
    """Where nobody waits."""


class Method(Protocol):
    """Whoever forecasts: a baseline, a statistical method, a trained network."""

    @property
    def name(self) -> str:
        """What it is called in the column `model` of tables."""

    def forecast(
        self, panel: Panel, cutoffs: IntArray, horizon: int, quantile_levels: Sequence[float] = ()
    ) -> Forecasts:
        """Forecast steps 1 ... horizon after each cutoff, on the scale of the panel.

        `cutoffs` are rows of the panel; no row of their series after them may be looked at. Of the
        quantiles a method gives those that it has; NaN is a forecast that it can not make.
        """


@dataclass(frozen=True)
class Baseline(ABC):
    """A method that is asked for by name, and is fitted on the past of each cutoff.

    Its name is that of its module.
    """

    season_length: int

    @property
    def name(self) -> str:
        """See `Method.name`."""
        return type(self).__module__.rpartition(".")[2]

    def forecast(
        self, panel: Panel, cutoffs: IntArray, horizon: int, quantile_levels: Sequence[float] = ()
    ) -> Forecasts:
        """See `Method.forecast`; it has no quantiles."""
        return Forecasts(self.points(panel, cutoffs, horizon))

    @abstractmethod
    def points(self, panel: Panel, cutoffs: IntArray, horizon: int) -> FloatArray:
        """The forecasts themselves, `(cutoffs, horizon)`."""
