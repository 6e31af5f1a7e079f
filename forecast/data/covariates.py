"""Covariates: what is known of series beside their target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.arrays import FloatArray, IntArray, ranges
from forecast.data.calendar import Dates, dates

BLANK = ""
"""The word of a blank cell: of a column of holidays it says that there is none."""


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

    @property
    def lengths(self) -> IntArray:
        """The rows of each series."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> tuple[IntArray, IntArray]:
        """Of each row its series, and which of that series' rows it is."""
        series = np.repeat(np.arange(len(self.lengths)), self.lengths)
        return series, np.arange(len(series)) - self.starts[series]

    def of(self, series: NDArray[np.bool_] | IntArray) -> "Covariates":
        """Those of some of the series: of which is told for each, or of these places, in order."""
        static = {name: column[series] for name, column in self.static.items()}
        return self._rows(self.starts[series], self.ends[series], static)

    def beside_new(self, others: "Covariates", new: NDArray[np.bool_]) -> "Covariates":
        """With series of others `(their series,)` behind the own, without rows, as static as there.

        Raises `KeyError` where they lack a static column.
        """
        static, levels = {}, dict(self.levels)
        for name, column in self.static.items():
            values = others.static[name][new]
            if name in levels:
                values, levels[name] = recoded(values, others.levels[name], levels[name])
            static[name] = np.concatenate([column, values])
        offsets = np.pad(self.offsets, (0, int(new.sum())), mode="edge")
        return replace(self, offsets=offsets, static=static, levels=levels)

    def since(self, steps: IntArray) -> "Covariates":
        """Without the first `steps[i]` rows of each series `i`."""
        return self._rows(np.minimum(self.starts + steps, self.ends), self.ends, self.static)

    def up_to(self, lengths: IntArray) -> "Covariates":
        """The first `lengths[i]` rows of each series `i`."""
        return self._rows(self.starts, np.minimum(self.starts + lengths, self.ends), self.static)

    def laid_over(
        self,
        series: IntArray,
        steps: IntArray,
        columns: Mapping[str, FloatArray],
        levels: Mapping[str, tuple[str, ...]],
    ) -> "Covariates":
        """With values of the rows `steps[i]` of `series[i]` in place of those that are here.

        Series are longer where these rows lie behind their ends. A value that is missing takes
        nothing away. `levels` are those of the columns of words.
        """
        lengths = self.lengths.copy()
        np.maximum.at(lengths, series, steps + 1)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        here = ranges(offsets[:-1], offsets[:-1] + self.lengths)
        own, known = {}, {name: self.levels[name] for name in self.levels}
        for name, column in self.columns.items():
            own[name] = np.full(offsets[-1], np.nan)
            own[name][here] = column
            if name not in columns:
                continue
            values = columns[name]
            if name in known:
                values, known[name] = recoded(values, levels[name], known[name])
            there = ~np.isnan(values)
            own[name][offsets[series[there]] + steps[there]] = values[there]
        return replace(self, offsets=offsets, columns=own, levels=known)

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


def recoded(
    values: FloatArray, levels: Sequence[str], others: Sequence[str]
) -> tuple[FloatArray, tuple[str, ...]]:
    """Places of `levels` as places of other levels, behind which stand the words that they lack."""
    whole = tuple(dict.fromkeys((*others, *levels)))
    places = np.array([*map(whole.index, levels), np.nan], dtype=np.float64)
    return places[np.where(np.isnan(values), -1, values).astype(np.int64)], whole


def covariates_table(
    covariates: Covariates, unique_ids: Sequence[str], begins: Dates, freq: str
) -> pd.DataFrame:
    """A long table: `unique_id, ds` and a column for each covariate, words as words.

    Without rows of which nothing is known; but the first of each series is there.
    """
    series, steps = covariates.rows
    static = {name: column[series] for name, column in covariates.static.items()}
    there = np.logical_or.reduce(
        [steps == 0, *(~np.isnan(column) for column in covariates.columns.values())]
    )

    def shown(name: str, column: FloatArray) -> object:
        if name not in covariates.levels:
            return column[there]
        words = np.array([*covariates.levels[name], None], dtype=object)
        return words[np.where(np.isnan(column), -1, column).astype(np.int64)][there]

    return pd.DataFrame(
        {
            "unique_id": np.array(unique_ids, dtype=object)[series[there]],
            "ds": dates(begins[series[there]], steps[there], freq),
        }
        | {name: shown(name, own) for name, own in {**covariates.columns, **static}.items()}
    )


def covariates_from(
    table: pd.DataFrame,
    series: IntArray,
    steps: IntArray,
    count: int,
    static: Sequence[str],
    words: Sequence[str],
) -> Covariates:
    """The covariates of such a table, whose rows are the `steps` of `series`, of `count` series."""
    columns, levels = {}, {}
    for name in table.columns.drop(["unique_id", "ds"]):
        values = table[name]
        if name in words:
            codes, own = pd.factorize(values.fillna(BLANK), sort=True)
            levels[name] = tuple(map(str, own))
            columns[name] = codes.astype(np.float64)
        else:
            columns[name] = values.to_numpy(np.float64)
    fixed = {name: np.full(count, np.nan) for name in static}
    for name in static:
        fixed[name][series] = columns.pop(name)
    nothing = {name: np.array([]) for name in columns}
    empty = Covariates(np.zeros(count + 1, np.int64), nothing, fixed, levels)
    return empty.laid_over(series, steps, columns, levels)
