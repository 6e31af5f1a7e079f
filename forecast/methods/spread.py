"""A method that is fitted again for each forecast, on an engine: some forecasts are a piece."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from forecast.console import Console
from forecast.data.forecasts import Forecasts
from forecast.data.panel import IntArray, Panel
from forecast.engines import Engine, Work, Workplace
from forecast.errors import some_of
from forecast.methods.method import Method
from forecast.methods.statistical import Statistical

# Forecasts of a piece at the least, and pieces at the most.
_FEWEST, _PIECES = 8, 500


@dataclass(frozen=True)
class Part:
    """Some of the cutoffs of a panel, with their series alone."""

    panel: Panel
    cutoffs: IntArray


@dataclass(frozen=True)
class Forecasting(Work[Part, Forecasts]):
    """Asks a method for the forecasts of parts."""

    method: Method
    horizon: int
    quantile_levels: tuple[float, ...]
    noun = "part of the forecasts"

    def begin(self, place: Workplace) -> Callable[[Part], Forecasts]:
        """See `Work.begin`."""
        method, horizon, levels = self.method, self.horizon, self.quantile_levels
        return lambda part: method.forecast(part.panel, part.cutoffs, horizon, levels)

    def label(self, piece: Part) -> str:
        """Who forecasts which series."""
        return f"{self.method.name} of the series {some_of(piece.panel.unique_ids)}"


@dataclass(frozen=True)
class Spread:
    """A method whose forecasts are made in parts, of which each is what the method alone gives."""

    method: Method
    engine: Engine
    console: Console

    @property
    def name(self) -> str:
        """See `Method.name`."""
        return self.method.name

    def forecast(
        self, panel: Panel, cutoffs: IntArray, horizon: int, quantile_levels: Sequence[float] = ()
    ) -> Forecasts:
        """See `Method.forecast`."""
        order = np.argsort(cutoffs, kind="stable")  # rows of a series stand together
        size = max(_FEWEST, -(-len(cutoffs) // _PIECES))
        parts = [_part(panel, cutoffs[order[i : i + size]]) for i in range(0, len(cutoffs), size)]
        work = Forecasting(self.method, horizon, tuple(quantile_levels))
        found = self.engine.map(work, parts, self.console)
        return Forecasts.joined(found).of(np.argsort(order))


def _part(panel: Panel, cutoffs: IntArray) -> Part:
    series = np.zeros(len(panel.unique_ids), bool)
    series[panel.series_of(cutoffs)] = True
    return Part(panel.of(series), panel.rows_of(series, cutoffs))


def spread(methods: Sequence[Method], engine: Engine | None, console: Console) -> list[Method]:
    """The methods, those that take long on an engine, unless it has this process alone."""
    if engine is None or engine.is_here:
        return list(methods)
    return [
        Spread(own, engine, console) if isinstance(own, Statistical) else own for own in methods
    ]
