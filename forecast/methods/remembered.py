"""Methods that are fitted at every cutoff, where many ask for the same forecasts: made once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from forecast.console import Console
from forecast.data.forecasts import Forecasts
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.engines import Engine
from forecast.methods.method import Method
from forecast.methods.parts import spread
from forecast.methods.statistical import Statistical

Memory = Mapping[bytes, FloatArray]
"""Forecasts `(horizon,)` by a digest of who forecasts how far from which values."""

Asked = tuple[Panel, IntArray, int]
"""A panel, cutoffs in it, and a horizon."""

EMPTY: Memory = {}


@dataclass(frozen=True)
class Remembered:
    """A method whose forecasts are taken from memory, as far as they are there."""

    method: Method
    memory: Memory

    @property
    def name(self) -> str:
        """See `Method.name`."""
        return self.method.name

    def forecast(
        self, panel: Panel, cutoffs: IntArray, horizon: int, quantile_levels: Sequence[float] = ()
    ) -> Forecasts:
        """See `Method.forecast`; it has no quantiles."""
        keys = _keys(self.name, panel, cutoffs, horizon)
        y_hat = np.array([self.memory.get(key, np.full(horizon, np.nan)) for key in keys])
        new = np.array([key not in self.memory for key in keys])
        if new.any():
            y_hat[new] = self.method.forecast(panel, cutoffs[new], horizon).y_hat
        return Forecasts(y_hat)


def taking_long(methods: Sequence[Method]) -> list[Method]:
    """Those of the methods that are fitted at each cutoff, which takes long."""
    return [own for own in methods if isinstance(own, Statistical)]


def remember(
    memory: Memory,
    methods: Sequence[Method],
    asked: Sequence[Asked],
    console: Console,
    engine: Engine | None = None,
) -> Memory:
    """With what those of the methods that take long forecast, where it is asked; on an engine."""
    found = dict(memory)
    for method in spread(taking_long(methods), engine, console):
        for panel, cutoffs, horizon in asked:
            y_hat = Remembered(method, found).forecast(panel, cutoffs, horizon).y_hat
            found |= zip(_keys(method.name, panel, cutoffs, horizon), y_hat, strict=True)
    return found


def remembering(methods: Sequence[Method], memory: Memory) -> list[Method]:
    """The methods, those that take long with a memory; all as they are where that is empty."""
    if not memory:
        return list(methods)
    return [Remembered(own, memory) if isinstance(own, Statistical) else own for own in methods]


def _keys(name: str, panel: Panel, cutoffs: IntArray, horizon: int) -> list[bytes]:
    """A digest for each cutoff, of the values up to it: a method sees nothing else."""
    begins = panel.starts[panel.series_of(cutoffs)]
    asked = f"{name} {horizon} ".encode()
    return [
        blake2b(asked + panel.values[begin:end].tobytes()).digest()
        for begin, end in zip(begins, cutoffs + 1, strict=True)
    ]
