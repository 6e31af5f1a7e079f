"""Covariates: what is known of series beside their target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.arrays import FloatArray, IntArray, ranges
from forecast.data.calendar import Dates, dates


@dataclass(frozen=True)
class Covariates:
    """Columns beside the target, by name.

    Row `k` of a series has the date of row `k` of that series in the panel; what is known beyond
    the last target goes on after it. NaN is a value that is missing. Of a column of words, which
    has `levels`, a value is the place of its word among them.
    """

    offsets: IntArray
    """Where the rows of each series begin, one entry more: `(series + 1,)`."""
    columns: Mapping[str, FloatArray]
    """One value a row, `(rows,)`: those that are known up to the cutoff, and beyond it."""
    static: Mapping[str, FloatArray] = field(default_factory=dict)
    """One value a series, `(series,)`."""
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each column of words, also of static ones: its words."""

    @property
    def starts(self) -> IntArray:
        """The first row of each series."""
        return self.offsets[:-1]

    @property
    def ends(self) -> IntArray:
        """The row after the last of each series."""
        return self.offsets[1:]

    def of(self, series: NDArray[np.bool_]) -> "Covariates":
        """Those of some of the series `(series,)`."""
        static = {name: column[series] for name, column in self.static.items()}
        return self._rows(self.starts[series], self.ends[series], static)

    def since(self, steps: IntArray) -> "Covariates":
        """Without the first `steps[i]` rows of each series `i`."""
        return self._rows(np.minimum(self.starts + steps, self.ends), self.ends, self.static)

    def up_to(self, lengths: IntArray) -> "Covariates":
        """The first `lengths[i]` rows of each series `i`."""
        return self._rows(self.starts, np.minimum(self.starts + lengths, self.ends), self.static)

    def _rows(
        self, begins: IntArray, ends: IntArray, static: Mapping[str, FloatArray]
    ) -> "Covariates":
        rows = ranges(begins, ends)
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(ends - begins)]).astype(np.int64),
            columns={name: column[rows] for name, column in self.columns.items()},
            static=static,
        )


def covariates_table(
    covariates: Covariates, unique_ids: Sequence[str], begins: Dates, freq: str
) -> pd.DataFrame:
    """A long table: `unique_id, ds` and a column for each covariate, words as words."""
    lengths = np.diff(covariates.offsets)
    series = np.repeat(np.arange(len(lengths)), lengths)
    steps = np.arange(len(series)) - covariates.starts[series]
    static = {name: column[series] for name, column in covariates.static.items()}

    def shown(name: str, column: FloatArray) -> object:
        if name not in covariates.levels:
            return column
        words = np.array([*covariates.levels[name], None], dtype=object)
        return words[np.where(np.isnan(column), -1, column).astype(np.int64)]

    return pd.DataFrame(
        {
            "unique_id": np.array(unique_ids, dtype=object)[series],
            "ds": dates(begins[series], steps, freq),
        }
        | {name: shown(name, own) for name, own in {**covariates.columns, **static}.items()}
    )


def covariates_from(
    table: pd.DataFrame, offsets: IntArray, static: Sequence[str], words: Sequence[str]
) -> Covariates:
    """The covariates of such a table, whose series begin at `offsets`."""
    columns, levels = {}, {}
    for name in table.columns.drop(["unique_id", "ds"]):
        values = table[name]
        if name in words:
            codes, own = pd.factorize(values, sort=True)
            levels[name] = tuple(map(str, own))
            columns[name] = np.where(codes < 0, np.nan, codes)
        else:
            columns[name] = values.to_numpy(np.float64)
    fixed = {name: columns.pop(name)[offsets[:-1]] for name in static}
    return Covariates(offsets, columns, fixed, levels)
