"""Which values are not what a run's network expected of them, by more than its errors allow?

A value is compared with the forecast of some steps before. How far the truth may lie from it is
told by errors on rows that the network was not fitted on: those that calibrated its intervals, or
else those of its test part. This is split conformal prediction (see `scoring.conformal`), so that
of values that go on as those did a share of `1 - level` at most is called an anomaly.

A value that is strange makes later ones look strange too, as long as the network sees it. So an
anomaly has to be one both by the past as it was, and by the past in which earlier anomalies are
replaced by what was expected of them. By the first alone there would be such echoes; by the second
the network might be led astray by what it says to itself, and a new level would never be normal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.arrays import ranges
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import Problem, RunError
from forecast.jobs.opened_network import OpenedNetwork
from forecast.methods import BASELINES
from forecast.methods.network import TrainedNetwork
from forecast.runs.tables import read_forecasts
from forecast.scoring.conformal import Conformal, errors_needed, usable
from forecast.transforms.pipeline import Transformed

SPLIT = "test"
_TINY = np.finfo(np.float64).tiny
_BLOCK = 256  # rows of a series that are judged at once


@dataclass(frozen=True)
class Level:
    """How sure one wants to be, and the quantiles between which a value is expected."""

    share: float
    """Of values that are as ever, those that are expected, such as 0.99."""

    @property
    def quantiles(self) -> tuple[float, float]:
        """The lower and the upper one."""
        outside = round((1 - self.share) / 2, 12)
        return outside, round(1 - outside, 12)


def own_points(opened: OpenedNetwork, level: Level, step: int) -> pd.DataFrame:
    """The test part of a run: `unique_id, ds, y, y_hat, low, high, score`, a row a value.

    `score` is the distance from the forecast in units of the one that is allowed: above 1 it is an
    anomaly. Raises `RunError` where too few errors are known for the level.
    """
    errors = _TestErrors.of(opened, step)
    calibration = errors.calibration
    _refuse_few([calibration], level)
    bounds = [
        errors.forecasts.invert(errors.middle + offset, errors.rows)[:, 0]
        for offset in (calibration.quantile(q, errors.series)[:, -1:] for q in level.quantiles)
    ]
    y, y_hat = (errors.table[name].to_numpy() for name in ("y", "y_hat"))
    expected = _Expected.of_values(y, bounds[0], y_hat, bounds[1])
    return errors.table.assign(**expected._asdict())


def newer_points(
    opened: OpenedNetwork, panel: Panel, begins: IntArray, level: Level, step: int
) -> pd.DataFrame:
    """The same of rows `begins[i] ...` of each series `i` of a panel, of those that are forecast.

    Rows whose forecast would need more than the panel has are left out, and blank ones.
    """
    keep = np.isin(panel.unique_ids, opened.fitted)
    moved = panel.rows_of(keep, np.minimum(begins, panel.ends - 1)) + (begins >= panel.ends)
    panel, begins = panel.of(keep), moved[keep]
    network = _calibrated(opened, level, step)
    begins = np.maximum(begins, panel.starts + network.reach + step)
    every = ranges(begins, np.maximum(begins, panel.ends))

    def expected(values: FloatArray, rows: IntArray) -> _Expected:
        forecasts = network.forecast(panel.with_values(values), rows - step, step, level.quantiles)
        low, high = (forecasts.quantiles[q][:, -1] for q in level.quantiles)
        return _Expected.of_values(panel.values[rows], low, forecasts.y_hat[:, -1], high)

    found = _Expected.nowhere(len(panel.values)).with_rows(every, expected(panel.values, every))
    found = _without_echoes(found, expected, panel, begins, opened.config.joint_targets)
    judged = every[panel.observed[every]]
    names = np.array(panel.unique_ids, dtype=object)[panel.series_of(judged)]
    table = pd.DataFrame({"unique_id": names, "ds": panel.dates(judged)})
    return table.assign(y=panel.values[judged], **found.of(judged)._asdict())


def _without_echoes(
    found: "_Expected",
    expected: Callable[[FloatArray, IntArray], "_Expected"],
    panel: Panel,
    begins: IntArray,
    targets: int,
) -> "_Expected":
    """What was found of rows `begins[i] ...`, less strange where the past was strange before them.

    `expected` tells what is expected of rows after other values, in which an anomaly has become
    what was expected of it. So many `targets` are forecast together.
    """
    values, place = panel.values.copy(), begins
    while (place < panel.ends).any():
        ends = np.minimum(place + _BLOCK, panel.ends)
        rows = ranges(place, ends)
        again = expected(values, rows)
        is_out = panel.observed[rows] & (found.score[rows] > 1) & (again.score > 1)
        first = ends.copy()
        np.minimum.at(first, panel.series_of(rows[is_out]), rows[is_out])
        # What is strange of one target is seen by the forecasts of those beside it.
        steps = (first - panel.starts).reshape(targets, -1)
        first = panel.starts + np.tile(steps.min(axis=0), len(steps))
        told = (rows <= first[panel.series_of(rows)]) & (again.score < found.score[rows])
        found = found.with_rows(rows[told], again.of(told))
        at, own = rows[is_out], again.y_hat[is_out]
        is_first = at == first[panel.series_of(at)]
        values[at[is_first]] = own[is_first]
        place = np.minimum(first + 1, ends)
    return found


def with_events(points: pd.DataFrame) -> pd.DataFrame:
    """Only the anomalies, with the number of the event that each belongs to.

    Those of a series between which no value was judged to be as expected are one event.
    """
    is_out = (points["score"] > 1).to_numpy()
    place = np.arange(len(points))[is_out]
    anomalies = points[is_out].reset_index(drop=True)
    begins = np.diff(place, prepend=-2) > 1
    begins |= (anomalies["unique_id"] != anomalies["unique_id"].shift()).to_numpy()
    return anomalies.assign(event=np.cumsum(begins))


def events(anomalies: pd.DataFrame) -> pd.DataFrame:
    """A row an event, the strangest first: where, from when to when, how many, how far."""
    grouped = anomalies.assign(above=anomalies["y"] > anomalies["y_hat"]).groupby("event")
    table = grouped.agg(
        unique_id=("unique_id", "first"), begin=("ds", "first"), end=("ds", "last"),
        values=("ds", "size"), score=("score", "max"), above=("above", "mean"),
    )  # fmt: skip
    return table.sort_values("score", ascending=False, kind="stable").reset_index()


class _Expected(NamedTuple):
    """What was expected of rows, `(rows,)` each."""

    y_hat: FloatArray
    low: FloatArray
    high: FloatArray
    score: FloatArray
    """How far the value is from its forecast, in units of the distance that is allowed."""

    @classmethod
    def of_values(
        cls, y: FloatArray, low: FloatArray, y_hat: FloatArray, high: FloatArray
    ) -> "_Expected":
        """Of values."""
        room = np.maximum(np.where(y < y_hat, y_hat - low, high - y_hat), _TINY)
        return cls(y_hat, low, high, np.abs(y - y_hat) / room)

    @classmethod
    def nowhere(cls, rows: int) -> "_Expected":
        """Of rows of which nothing is known yet."""
        return cls(*(np.full(rows, np.nan) for _ in cls._fields))

    def of(self, rows: IntArray | NDArray[np.bool_]) -> "_Expected":
        """Some of the rows."""
        return _Expected(*(part[rows] for part in self))

    def with_rows(self, rows: IntArray, others: "_Expected") -> "_Expected":
        """The same, with others in some rows."""
        parts = [part.copy() for part in self]
        for part, other in zip(parts, others, strict=True):
            part[rows] = other
        return _Expected(*parts)


def _calibrated(opened: OpenedNetwork, level: Level, step: int) -> TrainedNetwork:
    """The run's network, calibrated for the level at this step."""
    network, own = opened.network, opened.network.calibration
    of_run = [own] if isinstance(own, Conformal) and own.horizon >= step else []
    if of_run and _can_tell(of_run[0], level):
        return network
    of_test = _TestErrors.of(opened, step).calibration
    _refuse_few([*of_run, of_test], level)
    return replace(network, calibration=of_test)


def _can_tell(calibration: Conformal, level: Level) -> bool:
    return calibration.can_tell(level.quantiles[0])


def _refuse_few(candidates: Sequence[Conformal], level: Level) -> None:
    """Raise `RunError` where none of the calibrations has errors enough for the level."""
    if any(_can_tell(one, level) for one in candidates):
        return
    errors = max(int(np.median(one.counts)) for one in candidates)
    least = errors_needed(level.quantiles[0])
    most = np.floor(1000 * errors / (errors + 1)) / 1000
    message = (
        f"{errors} errors of the run are too few to tell where {100 * level.share:g} % of the "
        f"values are expected: it takes {least}."
    )
    advice = f"Give --level {most:g} or less, or train with a longer test part (`split.test`)."
    raise RunError(Problem(message, advice))


@dataclass(frozen=True)
class _TestErrors:
    """The forecasts that a run has of its test part, some steps ahead, and how far they were off.

    Series that the network was not fitted on have none.
    """

    table: pd.DataFrame
    """`unique_id, ds, y, y_hat`, series after series in the network's order."""
    series: IntArray
    forecasts: Transformed
    """Of a panel of the table's rows."""
    calibration: Conformal

    @property
    def rows(self) -> IntArray:
        """Those of the table."""
        return np.arange(len(self.table))

    @property
    def middle(self) -> FloatArray:
        """The forecasts on the scale on which they are combined, `(rows, 1)`."""
        return self.forecasts.panel.values[:, None]

    @classmethod
    def of(cls, opened: OpenedNetwork, step: int) -> "_TestErrors":
        """Read them. Raises `RunError` where there are none of so many steps."""
        table = read_forecasts(opened.run)
        places = {name: i for i, name in enumerate(opened.fitted)}
        is_test = (table["split"] == SPLIT) & table["unique_id"].isin(places) & table["y"].notna()
        table = table[is_test]
        table = table.assign(place=table["unique_id"].map(places))
        own = table[(table["model"] == opened.model) & (table["step"] == step)]
        if own.empty:
            message = f"the run has no forecasts of its test part {step} steps ahead."
            most = int(table["step"].max()) if len(table) else 0
            advice = f"Give --step {most} at the most." if most else "Train it again."
            raise RunError(Problem(message, advice))
        own = own.sort_values(["place", "ds"], kind="stable").reset_index(drop=True)
        shared, series = opened.network.shared, own["place"].to_numpy()
        y_hat = shared.apply(_as_panel(opened, own, "y_hat"))
        y = shared.apply(_as_panel(opened, own, "y")).panel.values
        scales = _scales(opened, table)
        errors = np.full((len(own), step), np.nan)
        errors[:, -1] = y - y_hat.panel.values
        calibration = Conformal.calibrate(errors, scales[series], scales)
        return cls(own[["unique_id", "ds", "y", "y_hat"]], series, y_hat, calibration)


def _scales(opened: OpenedNetwork, table: pd.DataFrame) -> FloatArray:
    """How far naive forecasts of the test part are off, of each series `(series,)`.

    On the scale on which forecasts are combined, it makes the errors of restless and of calm series
    alike.
    """
    scales = np.full(len(opened.fitted), np.nan)
    for name in reversed(BASELINES):
        own = table[(table["model"] == name) & table["y_hat"].notna()]
        own = own.sort_values(["place", "ds"], kind="stable")
        y, y_hat = (
            opened.network.shared.apply(_as_panel(opened, own, column)).panel.values
            for column in ("y", "y_hat")
        )
        mean = pd.Series(np.abs(y - y_hat)).groupby(own["place"].to_numpy()).mean()
        scales[mean.index] = np.where(np.isnan(scales[mean.index]), mean, scales[mean.index])
    return usable(scales)


def _as_panel(opened: OpenedNetwork, table: pd.DataFrame, column: str) -> Panel:
    """A column of a table, sorted by series, as a panel of the network's series."""
    counts = np.bincount(table["place"], minlength=len(opened.fitted))
    values = table[column].to_numpy(np.float64)
    return replace(
        opened.known.of(np.isin(opened.known.unique_ids, opened.fitted)),
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        values=values,
        observed=np.ones(len(values), bool),
        covariates=None,
    )
