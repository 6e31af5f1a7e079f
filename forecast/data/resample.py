"""Rows of any distance become even steps."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

from forecast.config.data import How, ResampleOptions
from forecast.data.arrays import FloatArray, IntArray
from forecast.data.beside import Beside
from forecast.data.columns import Rows
from forecast.data.covariates import BLANK
from forecast.data.frequency import infer_grid
from forecast.errors import DataError, Problem

# Share of rows at one distance from each other, from which on a row that is not there is missing.
_REGULAR = 0.9


@dataclass(frozen=True)
class Resampled:
    """Rows as parts of even steps."""

    steps: Rows
    """A row for each step, at the place of the first of its parts, or -1 where it has none."""
    places: IntArray
    """Of the rows that are parts, in the raw table."""
    step: IntArray
    """Which of the steps each is part of."""
    options: ResampleOptions
    cut: int
    """How many first and last steps were not seen whole, and so have no value."""
    partial: int
    """How many of the others have a sum, or a count, of some of their rows alone."""

    def beside(self, beside: Beside, static: Collection[str] = ()) -> Beside:
        """Columns beside the target, which have the values of steps at the places of these.

        Of a `static` one that is the first there is, which is as good as any.
        Raises `DataError` for a column of words that is to be resampled as numbers are.
        """
        columns = {}
        for name, column in beside.columns.items():
            words, how = beside.levels.get(name), self.options.covariates.get(name)
            if words is not None and how is not None:
                message = f"`{name}` is a column of words, of which there is no {how}."
                advice = "Take it out of `data.resample.covariates`: a step has its usual word."
                raise DataError(Problem(message, advice))
            values = column[self.places]
            if words is None:
                own = _by_step(values, self.step, how or ("first" if name in static else "mean"))
            else:
                own = self._usual(values, words)
            columns[name] = column.copy()  # a step without a part has that of the place -1
            columns[name][self.steps.places[own.index]] = own
        return replace(beside, columns=columns)

    def _usual(self, values: FloatArray, words: tuple[str, ...]) -> "pd.Series[float]":
        """The word that each step has most often; a blank where it has no other."""
        is_blank = values == words.index(BLANK) if BLANK in words else np.zeros(len(values), bool)
        table = pd.DataFrame({"step": self.step, "word": values, "is_blank": is_blank})
        counts = table.groupby([*table], sort=False).size().rename("count").reset_index()
        counts = counts.sort_values(["is_blank", "count"], ascending=[True, False], kind="stable")
        return counts.groupby("step")["word"].first()


def resample(rows: Rows, options: ResampleOptions) -> Resampled:
    """Steps of rows that are in order, of all series, from the first to the last of each.

    Of sums and counts the first and the last step have no value where it is plain that rows of them
    are not there: half a day of readings is no day with half the use.
    """
    firsts = np.flatnonzero(np.diff(rows.codes, prepend=-1))
    labels, codes, counts, whole, partial = [], [], [], [], 0
    for own in np.split(np.arange(len(rows.codes)), firsts[1:]):
        sizes = pd.Series(0, index=rows.ds[own]).resample(options.freq).size()
        labels.append(sizes.index)
        codes.append(np.full(len(sizes), rows.codes[own[0]]))
        counts.append(sizes.to_numpy(np.int64))
        seen = pd.DatetimeIndex(rows.ds[own[~np.isnan(rows.y[own])]]).unique()
        offset = _distance(seen, options)
        cut = _cut(seen, offset, options)
        whole.append(~sizes.index.isin(cut))
        partial += int((~_partial(seen, offset, options).isin(cut)).sum())
    count = np.concatenate(counts)
    step = np.repeat(np.arange(len(count)), count)
    y = np.full(len(count), 0.0 if options.how == "count" else np.nan)
    values = _by_step(rows.y, step, options.how)
    y[values.index] = values
    is_whole = np.concatenate(whole)
    y[~is_whole] = np.nan
    first = np.cumsum(count) - count
    steps = replace(
        rows,
        codes=np.concatenate(codes),
        ds=pd.DatetimeIndex(labels[0].append(labels[1:])).as_unit("us"),
        y=y,
        places=np.where(count > 0, rows.places[first], -1),
    )
    return Resampled(steps, rows.places, step, options, int((~is_whole).sum()), partial)


def _cut(
    ds: pd.DatetimeIndex, offset: BaseOffset | None, options: ResampleOptions
) -> pd.DatetimeIndex:
    """The first and the last step of the dates that have a value, where they were not seen whole.

    They were not where the row before the first, or after the last, would belong to them.
    """
    if offset is None:
        return ds[:0]
    longer = ds.insert(0, ds[0] - offset).insert(len(ds) + 1, ds[-1] + offset)
    steps, around = (pd.Series(0, index=own).resample(options.freq).size() for own in (ds, longer))
    if not steps.index.isin(around.index).all():
        return ds[:0]  # steps begin with the first row
    is_cut = around.iloc[[0, -1]].to_numpy() > 1
    ends = pd.DatetimeIndex(steps.index[[0, -1]])
    return ends[:0] if is_cut.sum() >= len(steps) else ends[is_cut]


def _partial(
    ds: pd.DatetimeIndex, offset: BaseOffset | None, options: ResampleOptions
) -> pd.DatetimeIndex:
    """The steps of the dates that have a value of which some, and not all, are there."""
    if offset is None:
        return ds[:0]
    all_ds = pd.date_range(ds[0], ds[-1], freq=offset)
    there, all_there = (
        pd.Series(0, index=own).resample(options.freq).size() for own in (ds, all_ds)
    )
    there = there.reindex(all_there.index, fill_value=0)
    return pd.DatetimeIndex(all_there.index[(there > 0) & (there < all_there)])


def _distance(ds: pd.DatetimeIndex, options: ResampleOptions) -> BaseOffset | None:
    """How far apart dates are; None where that is not plain, or they are not summed or counted."""
    if options.how not in ("sum", "count"):
        return None
    freq = infer_grid(ds)
    offset = None if freq is None else to_offset(freq)
    if offset is None or (ds[:-1] + offset == ds[1:]).mean() < _REGULAR:
        return None
    return offset


def _by_step(values: FloatArray, step: IntArray, how: How) -> "pd.Series[float]":
    """One value of those that each step has, by step; NaN where it has rows, and no value."""
    groups = pd.Series(values).groupby(step)
    if how == "sum":
        return groups.sum(min_count=1)
    found: pd.Series[float] = getattr(groups, how)().astype(np.float64)
    return found.where(groups.count() > 0) if how == "count" else found
