"""Series of several targets that are forecast together, over the same rows.

A panel has the series of one target after those of another, in one order. So where those of a
group, which is what the targets of one table or of one id are, have the same dates, the rows of a
panel are equal parts, one a target, and a row of the first part stands for a row of each.
"""

from dataclasses import replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from forecast.config.data import DataOptions
from forecast.data.calendar import dates, iso, steps_between
from forecast.data.columns import series_of_target, target_of_series
from forecast.data.panel import IntArray, Panel, ranges
from forecast.data.table import Table
from forecast.errors import DataError, Problem, some_of

_APART = "forecast the targets apart: `model.joint: false`"


def joint_panel(table: Table, options: DataOptions) -> Panel:
    """The panel of a table, in which the series of each group have the same dates.

    They begin with the first value of any of them and end with the last. What others lack there was
    not observed; but with `data.missing: zero` the end is zeros. Raises `DataError` where
    `data.missing` has no word for a target that ends before another, or has no value at all.
    """
    panel, count = _with_every_target(table, options), len(options.targets)
    groups = np.arange(len(panel.unique_ids)).reshape(count, -1)
    begins = panel.begins[np.tile(groups[0], count)]
    firsts = steps_between(begins, panel.begins, panel.freq).reshape(count, -1)
    lasts = firsts + np.diff(panel.offsets).reshape(count, -1)
    begin, end = firsts.min(axis=0), lasts.max(axis=0)
    if options.missing == "error":
        _refuse_early_ends(panel, lasts)
    earliest = np.tile(groups[firsts.argmin(axis=0), np.arange(groups.shape[1])], count)
    offsets = np.concatenate([[0], np.cumsum(np.tile(end - begin, count))])
    at = offsets[:-1] + (firsts - begin).ravel()
    rows = ranges(at, at + np.diff(panel.offsets))
    values = np.full(offsets[-1], np.nan)
    observed = np.zeros(len(values), bool)
    values[rows], observed[rows] = panel.values, panel.observed
    if options.missing == "zero":
        behind = ranges(at + np.diff(panel.offsets), offsets[1:])
        values[behind], observed[behind] = 0.0, True
    return replace(
        panel,
        offsets=offsets,
        begins=panel.begins[earliest],
        values=values,
        observed=observed,
        covariates=None if panel.covariates is None else panel.covariates.of(earliest),
    )


def joint_table(table: Table, options: DataOptions) -> Table:
    """A table whose targets are forecast together: see `joint_panel` and `without_hindsight`."""
    panel = joint_panel(table, options)
    whole = without_hindsight(panel, len(options.targets))
    alone = int(panel.observed.sum() - whole.observed.sum())
    return replace(table, panel=whole, reading=replace(table.reading, alone=alone))


def without_hindsight(panel: Panel, targets: int) -> Panel:
    """Such a panel with the value before in each row that was not observed.

    A line towards a later value would tell it to the forecasts of the other targets. Rows before
    the first value of any target of a group are left out. Raises `DataError` where none is left,
    and `ValueError` where the series of a group have unlike dates.
    """
    _refuse_unlike(panel, targets)
    if panel.observed.all():
        return panel
    rows = np.arange(len(panel.values))
    last = np.maximum.accumulate(np.where(panel.observed, rows, -1))
    seen = last >= np.repeat(panel.starts, np.diff(panel.offsets))
    unseen = np.concatenate([[0], np.cumsum(~seen)])
    lacks = (unseen[panel.ends] - unseen[panel.starts]).reshape(targets, -1)
    first = np.tile(lacks.max(axis=0), targets)
    empty = np.flatnonzero(first == np.diff(panel.offsets))
    if len(empty):
        group = int(empty[0]) % lacks.shape[1]
        name = panel.unique_ids[int(lacks[:, group].argmax()) * lacks.shape[1] + group]
        message = f"{name} has no value, and is forecast together with others."
        raise DataError(Problem(message, f"Give its values, or {_APART}."))
    values = np.where(seen, panel.values[np.maximum(last, 0)], np.nan)
    return panel.with_values(values).between(panel.starts + first, panel.ends)


def first_of(panel: Panel, targets: int) -> Panel:
    """The series of the first target alone, whose rows stand for those of all."""
    if targets == 1:
        return panel
    return panel.of(np.arange(len(panel.unique_ids)) < len(panel.unique_ids) // targets)


def by_target(known: int, panel: Panel, targets: int) -> IntArray:
    """The order of a panel's series by target, of which the first `known` and the others are so."""
    places = np.arange(len(panel.unique_ids))
    parts = [places[:known].reshape(targets, -1), places[known:].reshape(targets, -1)]
    order: IntArray = np.concatenate(parts, axis=1).ravel()
    return order


def of_every_target(marks: NDArray[np.bool_], targets: int) -> NDArray[np.bool_]:
    """Which series `(series,)` are of a group of which all are marked."""
    return np.tile(marks.reshape(targets, -1).all(axis=0), targets)


def _with_every_target(table: Table, options: DataOptions) -> Panel:
    """The panel with a series for targets without a value too, of which nothing was observed.

    Raises `DataError` for these where `data.missing` does not say that it may be so: what is newer
    than a run may have none, and goes on from the values that the run has.
    """
    panel = table.panel
    places = {name: place for place, name in enumerate(panel.unique_ids)}
    groups = list(dict.fromkeys(target_of_series(name, options)[0] for name in places))
    names = [series_of_target(own, target, options) for target in options.targets for own in groups]
    lacking = np.array([name not in places for name in names])
    if not lacking.any():
        return panel
    if options.missing in ("error", "zero"):
        lacks = list(compress(names, lacking))
        have = "has" if len(lacks) == 1 else "have"
        message = f"{some_of(lacks)} {have} no value, and others of the same rows have."
        advice = f"Give values, leave these rows out (`data.where`), or {_APART}."
        raise DataError(Problem(message, advice))
    beside = {target_of_series(name, options)[0]: place for name, place in places.items()}
    chosen = [places.get(name, beside[target_of_series(name, options)[0]]) for name in names]
    whole = replace(panel.in_order(np.array(chosen)), unique_ids=tuple(names))
    is_lacking = np.repeat(lacking, np.diff(whole.offsets))
    return replace(whole, observed=whole.observed & ~is_lacking)


def _refuse_early_ends(panel: Panel, lasts: IntArray) -> None:
    """Raise `DataError` where a target ends before another of its group: `lasts`, by target."""
    early = lasts < lasts.max(axis=0)
    if not early.any():
        return
    series = int(np.flatnonzero(early.ravel())[0])
    group = series % lasts.shape[1]
    behind = panel.unique_ids[int(lasts[:, group].argmax()) * lasts.shape[1] + group]
    lacks = int((lasts.max(axis=0) - lasts.reshape(-1, lasts.shape[1])).ravel()[series])
    steps = np.diff(panel.offsets)[[series, series]] + np.array([0, lacks - 1])
    first, last = iso(dates(panel.begins[[series, series]], steps, panel.freq))
    span = f"on {first}" if lacks == 1 else f"from {first} to {last}"
    message = f"{panel.unique_ids[series]} has no value {span}, where {behind} has."
    if early.sum() > 1:
        message += f" {early.sum()} series end before others of the same rows."
    advice = (
        "Fill the values in, or say what to do about it: `data.missing: mask`, ffill or zero. Or "
        f"{_APART}."
    )
    raise DataError(Problem(message, advice))


def _refuse_unlike(panel: Panel, targets: int) -> None:
    """Raise `ValueError` where the series of a group do not have the same dates."""
    lengths = np.diff(panel.offsets).reshape(targets, -1)
    first = panel.begins[np.tile(np.arange(lengths.shape[1]), targets)]
    if (lengths != lengths[0]).any() or not np.asarray(first == panel.begins).all():
        raise ValueError("the series of targets that are forecast together have other dates")
