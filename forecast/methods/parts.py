"""Methods that take long, on an engine: some of the forecasts are a piece."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from forecast.console import Console
from forecast.data.forecasts import Forecasts
from forecast.data.panel import IntArray, Panel
from forecast.engines import Engine, Work, Workplace
from forecast.errors import some_of
from forecast.methods.blend import Blend
from forecast.methods.fallback import NetworkOrFallback
from forecast.methods.method import Method, Note, unheard
from forecast.methods.statistical import Statistical

# Forecasts of a piece at the least, and pieces at the most: of a method that is fitted for each,
# and of a network.
_FITTED, _FITTED_PIECES = 8, 500
_FEWEST, _PIECES = 4096, 32


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
    """A method that is fitted for each forecast, which are made in parts.

    Each is what the method alone gives.
    """

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
        size = max(_FITTED, -(-len(cutoffs) // _FITTED_PIECES))
        rows = [cutoffs[order[i : i + size]] for i in range(0, len(cutoffs), size)]
        work = Forecasting(self.method, horizon, tuple(quantile_levels))
        found = self.engine.map(work, _Parts(panel, rows), self.console)
        return Forecasts.joined(found).of(np.argsort(order))


@dataclass(frozen=True)
class _Parts(Sequence[Part]):
    """Parts of a panel, each of which is made when it is asked for, and need not stay."""

    panel: Panel
    cutoffs: Sequence[IntArray]
    """Those of each part."""
    together: int = 1
    """How many targets are forecast together: of each series of a part those of all targets."""

    def __len__(self) -> int:
        return len(self.cutoffs)

    @overload
    def __getitem__(self, place: int) -> Part: ...

    @overload
    def __getitem__(self, place: slice) -> "_Parts": ...

    def __getitem__(self, place: int | slice) -> "Part | _Parts":
        if isinstance(place, slice):
            return replace(self, cutoffs=self.cutoffs[place])
        cutoffs = self.cutoffs[place]
        series = np.zeros(len(self.panel.unique_ids), bool)
        series[self.panel.series_of(cutoffs)] = True
        by_target = series.reshape(self.together, -1)
        series = np.tile(by_target.any(axis=0), self.together)
        return Part(self.panel.of(series), self.panel.rows_of(series, cutoffs))


@dataclass(frozen=True)
class Continuing(Work[Part, Forecasts]):
    """Asks the network of a run for the forecasts of parts."""

    method: NetworkOrFallback
    horizon: int
    quantile_levels: tuple[float, ...]
    noun = "part of the forecasts"

    def begin(self, place: Workplace) -> Callable[[Part], Forecasts]:
        """See `Work.begin`."""
        method, horizon, levels = self.method, self.horizon, self.quantile_levels

        def forecast(part: Part) -> Forecasts:
            own = method.for_series(part.panel.unique_ids)
            return own.forecast(part.panel, part.cutoffs, horizon, levels)

        return forecast

    def label(self, piece: Part) -> str:
        """Who forecasts which series."""
        return f"{self.method.name} of the series {some_of(piece.panel.unique_ids)}"


@dataclass(frozen=True)
class SpreadNetwork:
    """A network that all series share, whose forecasts are made in parts.

    A worker is given the rows of its own series. Where several targets are forecast together, a
    part has all targets of its rows.
    """

    method: NetworkOrFallback
    engine: Engine
    console: Console

    @property
    def name(self) -> str:
        """See `Method.name`."""
        return self.method.name

    def passes(self, cutoffs: int) -> int:
        """See `TrainedNetwork.passes`."""
        return self.method.passes(cutoffs)

    def forecast(
        self,
        panel: Panel,
        cutoffs: IntArray,
        horizon: int,
        quantile_levels: Sequence[float] = (),
        note: Note = unheard,
    ) -> Forecasts:
        """See `Method.forecast`; nothing is noted."""
        together = self.method.targets
        windows = cutoffs % (len(panel.values) // together)
        order = np.argsort(windows, kind="stable")  # targets of one window stand together
        size = max(_FEWEST, -(-len(cutoffs) // _PIECES))
        size = -(-size // together) * together
        rows = [cutoffs[order[i : i + size]] for i in range(0, len(cutoffs), size)]
        work = Continuing(self.method, horizon, tuple(quantile_levels))
        found = self.engine.map(work, _Parts(panel, rows, together), self.console)
        return Forecasts.joined(found).of(np.argsort(order))


def spread(methods: Sequence[Method], engine: Engine | None, console: Console) -> list[Method]:
    """The methods, those that are fitted again and again on an engine.

    All as they are, where that has this process alone.
    """
    if engine is None or engine.is_here:
        return list(methods)
    return [
        Spread(own, engine, console) if isinstance(own, Statistical) else own for own in methods
    ]


def spread_opened(
    method: NetworkOrFallback | Blend, engine: Engine | None, console: Console
) -> NetworkOrFallback | SpreadNetwork | Blend:
    """The method of a run on an engine: its networks, which are on ONNX Runtime, too."""
    if engine is None or engine.is_here:
        return method
    if isinstance(method, NetworkOrFallback):
        return SpreadNetwork(method, engine, console) if method.is_shared else method
    members = {
        name: spread_opened(own, engine, console) if isinstance(own, NetworkOrFallback) else own
        for name, own in method.members.items()
    }
    fitted = spread(list(members.values()), engine, console)
    return replace(method, members=dict(zip(members, fitted, strict=True)))
