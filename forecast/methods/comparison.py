"""The long table of forecasts: several methods on the same rows, beside the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.data.forecasts import forecast_table
from forecast.data.panel import IntArray, Panel
from forecast.methods.method import Method


@dataclass(frozen=True)
class Task:
    """What is to be forecast: some steps after rows of a panel, in which all targets lie."""

    panel: Panel
    parts: Sequence[tuple[str, IntArray]]
    """The split and the cutoffs of each part of the table; a split may have several."""
    horizon: int
    quantile_levels: Sequence[float] = ()


def forecasts_of(methods: Sequence[Method], task: Task) -> pd.DataFrame:
    """Forecasts of every method, part by part, with the truth beside them.

    Each method is asked once, for all cutoffs. Columns `unique_id, ds, cutoff, step, model, split,
    y, y_hat`, and those of quantiles, which not all methods have. After a cutoff in a gap there is
    no truth to score against, for the gap's values were interpolated towards it. `y_hat` is NaN
    where a method can not forecast.
    """
    panel, horizon = task.panel, task.horizon
    whole = np.concatenate([cutoffs for _, cutoffs in task.parts])
    by_name = {
        method.name: method.forecast(panel, whole, horizon, task.quantile_levels)
        for method in methods
    }
    tables, begin = [], 0
    for split, cutoffs in task.parts:
        rows = slice(begin, begin := begin + len(cutoffs))
        y = panel.truth_after(cutoffs, horizon).ravel()
        tables += [
            forecast_table(panel, cutoffs, forecasts.of(rows)).assign(model=name, split=split, y=y)
            for name, forecasts in by_name.items()
        ]
    table = pd.concat(tables, ignore_index=True)
    first = ["unique_id", "ds", "cutoff", "step", "model", "split", "y", "y_hat"]
    return table[[*first, *table.columns.difference(first)]]
