"""The long table of forecasts: several methods on the same rows, beside the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from forecast.data.forecasts import forecast_table
from forecast.data.panel import IntArray, Panel
from forecast.methods.method import Method


@dataclass(frozen=True)
class Task:
    """What is to be forecast: some steps after rows of a panel, in which all targets lie."""

    panel: Panel
    cutoffs: IntArray
    horizon: int
    quantile_levels: Sequence[float] = ()


def forecasts_of(methods: Sequence[Method], task: Task, split: str) -> pd.DataFrame:
    """Forecasts of every method, with the truth beside them.

    Columns `unique_id, ds, cutoff, step, model, split, y, y_hat`, and those of quantiles, which
    not all methods have. After a cutoff in a gap there is no truth to score against, for the gap's
    values were interpolated towards it. `y_hat` is NaN where a method can not forecast.
    """
    panel, cutoffs, horizon = task.panel, task.cutoffs, task.horizon
    y = panel.truth_after(cutoffs, horizon).ravel()
    tables = []
    for method in methods:
        forecasts = method.forecast(panel, cutoffs, horizon, task.quantile_levels)
        table = forecast_table(panel, cutoffs, forecasts)
        tables.append(table.assign(model=method.name, split=split, y=y))
    table = pd.concat(tables, ignore_index=True)
    first = ["unique_id", "ds", "cutoff", "step", "model", "split", "y", "y_hat"]
    return table[[*first, *table.columns.difference(first)]]
