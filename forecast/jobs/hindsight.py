"""How good were forecasts that were written down before the truth came?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config.data import CovariateOptions
from forecast.data.calendar import Dates, from_iso, iso, steps_between
from forecast.data.continuation import continue_panel, named
from forecast.data.forecasts import quantile_levels
from forecast.data.largest import refuse_overflow
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.data.table import read_table
from forecast.data.written_forecasts import read_forecasts
from forecast.errors import DataError, Problem
from forecast.methods import BASELINES, Method, named_methods
from forecast.runs import DataRecord, Run
from forecast.runs.documents import read_config, read_data
from forecast.runs.tables import read_context

_NOWHERE = -1  # the row of a date that a panel does not have


@dataclass(frozen=True)
class Hindsight:
    """Forecasts of a file beside those of the baselines and what came, and what was left out."""

    table: pd.DataFrame
    """`unique_id, ds, cutoff, step, model, y, y_hat` and quantiles: a row for each forecast that
    can be scored, and each model."""
    said: str
    """How many rows of the file these are, and why the others are not."""
    scenarios: tuple[str, ...]
    """The scenarios that the file's forecasts are of."""
    crossing: int
    """Forecasts that are scored with a quantile below one of a lower level."""


def look_back(run: Run, forecasts: Path, newer: Path) -> Hindsight:
    """Set forecasts of a run's series beside a table that was read with the run's data section.

    The baselines forecast from what was known at each cutoff: the run's last rows, or the table's
    where the cutoff lies beyond them. Dates that the network was trained on are left out. Raises
    `DataError` where the file or the table does not fit the run, and where no row can be scored.
    """
    data, known = read_data(run), read_context(run)
    given = read_forecasts(forecasts, known)
    scenarios = tuple(map(str, given.pop("scenario").unique())) if "scenario" in given else ()
    # Covariates say nothing of what came.
    changes = {"freq": data.freq, "covariates": CovariateOptions()}
    options = read_config(run).data.model_copy(update=changes)
    came = read_table(options, newer).panel
    refuse_overflow(came)
    pasts = [known, continue_panel(known, came, newer, least=0)]
    y = _truth(came, given)
    trained_on = "the network was trained on"
    why = {
        f"{named(newer)} has no value for": np.isnan(y),
        trained_on: _is_trained_on(data, given),
    }
    usable = ~np.logical_or.reduce(list(why.values()))
    baselines = {
        method.name: _baseline(method, pasts, given, usable)
        for method in named_methods(BASELINES, data.season_length)
    }
    bare = [np.isnan(y_hat) for y_hat in baselines.values() if np.isfinite(y_hat).any()]
    without = np.logical_or.reduce(bare) if bare else np.ones(len(given), bool)
    why["the baselines have too little history for, up to the cutoff"] = without
    scored = usable & ~without
    said = f"{scored.sum()} of {len(given)} forecasts of {named(forecasts)} are scored"
    counts = _counts(why)
    left_out = ", ".join(f"{count} that {reason}" for reason, count in counts.items())
    said += f"; not scored: {left_out}." if left_out else "."
    earlier = (
        "Were they forecast by an earlier run? Name it: "
        f"forecast evaluate RUN --forecasts {forecasts} --input {newer}"
        if trained_on in counts
        else ""
    )
    if not scored.any():
        raise DataError(_nothing(said, given, came, earlier))
    given = given.assign(y=y)
    beside = given[["unique_id", "ds", "cutoff", "step", "y"]]
    tables = [
        given.assign(model=run.record.model),
        *(beside.assign(model=name, y_hat=y_hat) for name, y_hat in baselines.items()),
    ]
    table = pd.concat([table[scored] for table in tables], ignore_index=True)
    crossing = int(_crosses(given[scored]).sum())
    return Hindsight(table, f"{said} {earlier}".rstrip(), scenarios, crossing)


def _crosses(given: pd.DataFrame) -> NDArray[np.bool_]:
    """Which forecasts have a quantile below one of a lower level."""
    levels = quantile_levels([str(name) for name in given])
    names = sorted(levels, key=lambda name: levels[str(name)])
    ordered = given[names].to_numpy(np.float64)
    return np.asarray((np.diff(ordered, axis=1) < 0).any(axis=1))


def _truth(came: Panel, given: pd.DataFrame) -> FloatArray:
    """What was observed of each forecast, NaN where nothing was."""
    rows = _rows(came, given["unique_id"], pd.Index(given["ds"]))
    return np.where(rows == _NOWHERE, np.nan, came.truth[rows])


def _rows(panel: Panel, unique_ids: "pd.Series[str]", moments: Dates) -> IntArray:
    """The rows of a panel with these series and dates, or `_NOWHERE`."""
    series = pd.Index(panel.unique_ids).get_indexer(pd.Index(unique_ids))
    rows = panel.starts[series] + steps_between(panel.begins[series], moments, panel.freq)
    inside = (series >= 0) & (panel.starts[series] <= rows) & (rows < panel.ends[series])
    found = np.where(inside, rows, 0)
    return np.where(inside & np.asarray(panel.dates(found) == moments), found, _NOWHERE)


def _is_trained_on(data: DataRecord, given: pd.DataFrame) -> NDArray[np.bool_]:
    begins = {series.unique_id: series.test_begin for series in data.per_series}
    ds = pd.Index(given["ds"])
    firsts = dict(zip(begins, from_iso(list(begins.values()), ds), strict=True))
    return np.asarray(ds < pd.Index(given["unique_id"].map(firsts)))


def _counts(why: dict[str, NDArray[np.bool_]]) -> dict[str, int]:
    """How many rows each reason leaves out; a row that has several counts for the first."""
    counts, left = {}, np.ones(len(next(iter(why.values()))), bool)
    for reason, applies in why.items():
        count = int((applies & left).sum())
        left &= ~applies
        if count:
            counts[reason] = count
    return counts


def _baseline(
    method: Method, pasts: Sequence[Panel], given: pd.DataFrame, usable: NDArray[np.bool_]
) -> FloatArray:
    """A forecast of each usable row, from the first of the panels that has its cutoff; else NaN."""
    y_hat = np.full(len(given), np.nan)
    step = given["step"].to_numpy()
    for panel in pasts:
        rows = _rows(panel, given["unique_id"], pd.Index(given["cutoff"]))
        # The values of a gap were interpolated towards what came.
        here = usable & np.isnan(y_hat) & (rows != _NOWHERE) & panel.observed[rows]
        if here.any():
            own, which = np.unique(rows[here], return_inverse=True)
            points = method.forecast(panel, own, int(step[here].max())).y_hat
            y_hat[here] = points[which, step[here] - 1]
    return y_hat


def _nothing(said: str, given: pd.DataFrame, came: Panel, earlier: str) -> Problem:
    first, last = iso(pd.Index([given["ds"].min(), given["ds"].max()]))
    begin, end = iso(pd.Index([came.begins.min(), came.lasts.max()]))
    message = f"{said} They are of {first} to {last}, and the values of {begin} to {end}."
    way_out = "Give a table that reaches into the dates that were forecast: --input."
    return Problem(message, earlier or way_out)
