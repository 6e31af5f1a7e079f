"""What a run knows of its series, continued by newer rows of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.data.arrays import FloatArray
from forecast.data.calendar import dates, grid, steps_between, zone_of
from forecast.data.covariates import Covariates
from forecast.data.export import panel_table
from forecast.data.gaps import Grid, fill
from forecast.data.panel import Panel
from forecast.errors import DataError, Problem, did_you_mean, some_of


def named(path: Path) -> str:
    """How errors call a table."""
    return "standard input" if str(path) == "-" else str(path)


def continue_panel(known: Panel, newer: Panel, path: Path, least: int) -> Panel:
    """The known rows of each series followed by newer ones; where both have a date, newer wins.

    Known rows that a gap parts from the newer ones are left out. What either knows of covariates
    stays known, also after the last row. Raises `DataError` for a series that is not known, another
    time zone, a static covariate that is another, and fewer than `least` rows in all.
    """
    zones = zone_of(newer.begins), zone_of(known.begins)
    if zones[0] != zones[1]:
        message = f"{named(path)}: the times are in zone {zones[0]}, and the run's in {zones[1]}."
        raise DataError(Problem(message))
    strange = [name for name in newer.unique_ids if name not in known.unique_ids]
    if strange:
        near = did_you_mean(strange[0], list(known.unique_ids))
        advice = "Leave the rows of new series out: `predict` alone takes them."
        message = f"{named(path)}: the run has no series {some_of(strange)}."
        raise DataError(Problem(message, f"{near} {advice}" if near else advice))
    begins = dict(zip(newer.unique_ids, newer.begins, strict=True))
    before = panel_table(known)
    first = before["unique_id"].map(begins)
    before = before[first.isna() | (before["ds"] < first)]
    # Of the known rows, those stay whose series goes on without a gap.
    last = before.groupby("unique_id")["ds"].transform("max")
    follows = np.asarray(grid(pd.Index(last), 1, known.freq) == pd.Index(first[before.index]))
    before = before[follows | first[before.index].isna().to_numpy()]

    joined = pd.concat([before, panel_table(newer)])
    codes = pd.Index(known.unique_ids).get_indexer(pd.Index(joined["unique_id"]))
    order = np.lexsort((joined["ds"].to_numpy(), codes))
    joined, codes = joined.iloc[order], codes[order]
    offsets = np.searchsorted(codes, np.arange(len(known.unique_ids) + 1)).astype(np.int64)
    # A series that the run knows less of is forecast from what there is.
    short = np.flatnonzero(np.diff(offsets) < np.minimum(least, np.diff(known.offsets)))
    if short.size:
        name = known.unique_ids[short[0]]
        message = f"{named(path)}: {name} has {np.diff(offsets)[short[0]]} rows without a gap"
        advice = f"The network needs the last {least}: add the rows that are missing before them."
        raise DataError(Problem(message + ".", advice))
    y = joined["y"].to_numpy(dtype=np.float64)
    panel = replace(
        known,
        offsets=offsets,
        begins=pd.Index(joined["ds"].iloc[offsets[:-1]]),
        values=y,
        observed=np.isfinite(y),
    )
    panel = replace(panel, covariates=_joined(panel, known, newer, path))
    return panel.with_values(fill(Grid(offsets, panel.begins, y, offsets), "interpolate"))


def _joined(panel: Panel, known: Panel, newer: Panel, path: Path) -> Covariates | None:
    """The covariates of both at the dates of the panel; where both have a value, newer wins."""
    if known.covariates is None or newer.covariates is None:
        return None
    own = known.covariates
    nothing = {name: np.array([]) for name in own.columns}
    joined = replace(own, offsets=np.zeros_like(own.offsets), columns=nothing)
    for source, covariates in ((known, own), (newer, newer.covariates)):
        series, steps = covariates.rows
        moments = dates(source.begins[series], steps, panel.freq)
        codes = pd.Index(panel.unique_ids).get_indexer(pd.Index(source.unique_ids))[series]
        steps = steps_between(panel.begins[codes], moments, panel.freq)
        here = (steps >= 0) & np.asarray(dates(panel.begins[codes], steps, panel.freq) == moments)
        columns = {name: column[here] for name, column in covariates.columns.items()}
        joined = joined.laid_over(
            codes[here].astype(np.int64), steps[here], columns, covariates.levels
        )
    _refuse_other_static(own, known.unique_ids, newer.covariates, newer.unique_ids, path)
    return joined


def _refuse_other_static(
    known: Covariates,
    unique_ids: Sequence[str],
    newer: Covariates,
    newer_ids: Sequence[str],
    path: Path,
) -> None:
    places = pd.Index(unique_ids).get_indexer(pd.Index(newer_ids))
    for name, column in newer.static.items():
        now, then = (
            _shown(column, newer.levels.get(name)),
            _shown(known.static[name][places], known.levels.get(name)),
        )
        for series, one, other in zip(newer_ids, now, then, strict=True):
            if one is not None and other is not None and one != other:
                message = (
                    f"{named(path)}: `{name}` of {series} is {one}, and in the run it is {other}."
                )
                advice = "A static covariate stays as it was: correct it, or train again."
                raise DataError(Problem(message, advice))


def _shown(column: FloatArray, levels: Sequence[str] | None) -> list[str | None]:
    """Words, or numbers as they are shown; None where there is none."""
    if levels is None:
        return [None if np.isnan(value) else f"{value:.15g}" for value in column]
    return [None if np.isnan(value) else levels[int(value)] or None for value in column]
