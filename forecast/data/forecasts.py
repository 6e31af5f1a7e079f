"""Forecasts as a long table: one row a series, cutoff and step."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecast.config.schema import PredictOptions
from forecast.data.calendar import grid
from forecast.data.panel import FloatArray, IntArray, Panel


@dataclass(frozen=True)
class Forecasts:
    """Point forecasts `(cutoffs, horizon)`, and quantiles of the same shape by their level."""

    y_hat: FloatArray
    quantiles: Mapping[float, FloatArray] = field(default_factory=dict)

    def within(self, options: PredictOptions) -> "Forecasts":
        """The same, rounded and clipped as a config asks for; NaN stays.

        Both keep the order of quantiles.
        """
        if options == PredictOptions(horizon=options.horizon):
            return self

        def bounded(values: FloatArray) -> FloatArray:
            values = np.rint(values) if options.round else values
            # What is added makes 0 of -0.
            return np.clip(values, options.minimum, options.maximum) + 0.0

        return Forecasts(
            bounded(self.y_hat),
            {level: bounded(values) for level, values in self.quantiles.items()},
        )

    def of(self, rows: slice | IntArray) -> "Forecasts":
        """Those of some of the cutoffs."""
        return Forecasts(
            self.y_hat[rows], {level: values[rows] for level, values in self.quantiles.items()}
        )

    @classmethod
    def joined(cls, parts: Sequence["Forecasts"]) -> "Forecasts":
        """Those of one or more parts, which have the same quantiles, one after another."""
        levels = parts[0].quantiles
        return cls(
            np.concatenate([part.y_hat for part in parts]),
            {level: np.concatenate([part.quantiles[level] for part in parts]) for level in levels},
        )


def quantile_column(level: float) -> str:
    """The column of a quantile: `q0.1`."""
    return f"q{level:g}"


def quantile_levels(columns: Iterable[str]) -> dict[str, float]:
    """Of the columns of a table of forecasts those of quantiles, each with its level."""
    found = {}
    for name in map(str, columns):
        with suppress(ValueError):
            level = float(name.removeprefix("q"))
            if name == quantile_column(level):
                found[name] = level
    return found


def forecast_table(panel: Panel, cutoffs: IntArray, forecasts: Forecasts) -> pd.DataFrame:
    """Columns `unique_id, ds, cutoff, step, y_hat` and one for each quantile, `q0.1` ..."""
    horizon = forecasts.y_hat.shape[1]
    names = np.array(panel.unique_ids, dtype=object)[panel.series_of(cutoffs)]
    moments = panel.dates(cutoffs)
    return pd.DataFrame(
        {
            "unique_id": np.repeat(names, horizon),
            "ds": grid(moments, horizon, panel.freq),
            "cutoff": moments.repeat(horizon),
            "step": np.tile(np.arange(1, horizon + 1), len(cutoffs)),
            "y_hat": forecasts.y_hat.ravel(),
        }
        | {quantile_column(level): values.ravel() for level, values in forecasts.quantiles.items()}
    )
