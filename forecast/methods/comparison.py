"""The long table of forecasts: several methods on the same rows, beside the truth."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from forecast.data.forecasts import Forecasts, forecast_table
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


@dataclass(frozen=True)
class Compared:
    """Forecasts of several methods, which become long tables: of all series, or of some at once.

    Columns `unique_id, ds, cutoff, step, model, split, y, y_hat`, and those of quantiles, which not
    all methods have. After a cutoff in a gap there is no truth to score against, for the gap's
    values were interpolated towards it. `y_hat` is NaN where a method can not forecast.
    """

    task: Task
    forecasts: Mapping[str, Forecasts]
    """Of each method, for the cutoffs of all parts, one part after another."""

    @classmethod
    def of(cls, methods: Sequence[Method], task: Task) -> "Compared":
        """Ask each method once, for all cutoffs."""
        whole = np.concatenate([cutoffs for _, cutoffs in task.parts])
        by_name = {
            method.name: method.forecast(task.panel, whole, task.horizon, task.quantile_levels)
            for method in methods
        }
        return cls(task, by_name)

    @property
    def rows(self) -> int:
        """Of the table."""
        cutoffs = sum(len(own) for _, own in self.task.parts)
        return cutoffs * self.task.horizon * len(self.forecasts)

    @property
    def able(self) -> set[tuple[str, str]]:
        """Splits and methods that have any forecast there."""
        return {
            (split, name)
            for split, rows, _ in self._parts()
            for name, forecasts in self.forecasts.items()
            if not np.isnan(forecasts.of(rows).y_hat).all()
        }

    def table(self) -> pd.DataFrame:
        """Part by part, and in each method by method."""
        return self._table(self._parts())

    def tables(self, rows: int) -> Iterator[pd.DataFrame]:
        """The same of some series after others, about so many rows in each.

        The cutoffs of each part have to be in order.
        """
        series = len(self.task.panel.unique_ids)
        bounds = np.linspace(0, series, min(-(-self.rows // rows), series) + 1).astype(np.int64)
        for begin, end in pairwise(self.task.panel.offsets[bounds].tolist()):
            yield self._table(self._parts(begin, end))

    def _parts(
        self, begin: int = 0, end: int | None = None
    ) -> Iterator[tuple[str, slice, IntArray]]:
        """The split, the place and the cutoffs of each part, as far as these lie in some rows."""
        before = 0
        for split, cutoffs in self.task.parts:
            first, last = 0, len(cutoffs)
            if end is not None:
                first, last = np.searchsorted(cutoffs, [begin, end]).tolist()
            yield split, slice(before + first, before + last), cutoffs[first:last]
            before += len(cutoffs)

    def _table(self, parts: Iterable[tuple[str, slice, IntArray]]) -> pd.DataFrame:
        panel, tables = self.task.panel, []
        for split, rows, cutoffs in parts:
            y = panel.truth_after(cutoffs, self.task.horizon).ravel()
            tables += [
                forecast_table(panel, cutoffs, own.of(rows)).assign(model=name, split=split, y=y)
                for name, own in self.forecasts.items()
            ]
        table = pd.concat(tables, ignore_index=True)
        first = ["unique_id", "ds", "cutoff", "step", "model", "split", "y", "y_hat"]
        return table[[*first, *table.columns.difference(first)]]


def forecasts_of(methods: Sequence[Method], task: Task) -> pd.DataFrame:
    """Forecasts of every method with the truth beside them: see `Compared`."""
    return Compared.of(methods, task).table()
