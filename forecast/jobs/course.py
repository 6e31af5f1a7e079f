"""Where trials of a search are judged: origins within the training rows, and forecasts from there.

A network is fitted before an origin, and forecasts from every row up to the next one. So a few
fits give many forecasts, none of which saw what it is scored against.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecast.config.search import SearchOptions
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import ConfigError, DataError, Problem
from forecast.jobs.job import Job
from forecast.methods import Method
from forecast.runs.study import Cell
from forecast.scoring.metrics import Scale, error_scales
from forecast.scoring.ranking import PANEL, no_difference

_MOST_FORECASTS = 20_000  # of an origin and a network


class Origin(NamedTuple):
    """A time at which networks are fitted."""

    fitted_at: IntArray
    """The last row of each series that is seen, which may lie before its first."""
    cutoffs: IntArray
    """Rows from which is forecast, series by series."""
    units: IntArray
    """Of each of them, what its loss is counted to: its series in a panel, else its time."""


@dataclass(frozen=True)
class Course:
    """Origins in the training rows of a job, oldest first, and how forecasts are judged."""

    past: Job
    """The job on its training rows: there are no others in it."""
    origins: tuple[Origin, ...]
    horizon: int
    metric: str
    scales: Mapping[str, Scale]
    overlap: int
    """Forecasts of a network that share a step of time."""

    @classmethod
    def of(cls, job: Job, options: SearchOptions) -> "Course":
        """That of a job. Raises `DataError` or `ConfigError` where the origins do not fit."""
        panel = job.panel.before(job.split.train_ends).panel
        past, horizon = job.on(panel), job.config.window.horizon
        stride = options.stride or _stride(past, options.n_windows)
        _refuse_no_room(past, options.n_windows, stride)
        step = max(1, -(-stride * len(panel.unique_ids) * horizon // _MOST_FORECASTS))
        ends = panel.ends - horizon
        back = range(options.n_windows * stride, 0, -stride)
        origins = tuple(_origin(panel, ends - rows, stride, step) for rows in back)
        scales = error_scales(panel.before(panel.ends), job.season_length)
        _refuse_no_scale(past, options.metric, scales)
        return cls(past, origins, horizon, options.metric, scales, -(-horizon // step))

    @property
    def is_panel(self) -> bool:
        """Whether series are what varies, or times."""
        return len(self.past.panel.unique_ids) >= PANEL

    def forecast(self, method: Method, origin: int) -> FloatArray:
        """What a method forecasts after an origin, `(cutoffs, horizon)`."""
        cutoffs = self.origins[origin].cutoffs
        return method.forecast(self.past.panel, cutoffs, self.horizon).y_hat

    def losses(self, y_hat: FloatArray, origin: int) -> tuple[float | None, ...]:
        """The mean loss of each unit; None where nothing was observed, or a forecast is missing."""
        panel, (_, cutoffs, units) = self.past.panel, self.origins[origin]
        truth = panel.truth_after(cutoffs, self.horizon)
        error = y_hat - truth
        if self.metric in ("mase", "rmsse"):
            names = [panel.unique_ids[i] for i in panel.series_of(cutoffs)]
            kind = "mae" if self.metric == "mase" else "rmse"
            unit = np.array([getattr(self.scales[name], kind) for name in names])
            error = error / np.where(unit > 0, unit, np.nan)[:, None]
        each = error**2 if self.is_squared else np.abs(error)
        known = np.isfinite(truth)
        sums = np.bincount(units, np.where(known, each, 0).sum(axis=1))
        counts = np.bincount(units, known.sum(axis=1))
        return tuple(
            float(total / count) if count and np.isfinite(total) else None
            for total, count in zip(sums, counts, strict=True)
        )

    @property
    def is_squared(self) -> bool:
        """Whether the metric is the root of a mean of squares."""
        return self.metric in ("rmse", "rmsse")

    def score(self, cells: Sequence[Cell]) -> float:
        """The metric over all of what cells forecast, the mean over their seeds; NaN of nothing."""
        table = _table(cells)
        if self.is_panel and self.metric == "rmsse":
            by_seed = _mean(np.sqrt(_mean(table, axis=1)), axis=1)
        else:
            flat = table.reshape(len(table), -1)
            by_seed = _mean(flat, axis=1)
            by_seed = np.sqrt(by_seed) if self.is_squared else by_seed
        return float(by_seed.mean())

    def p_value(self, one: Sequence[Cell], other: Sequence[Cell]) -> float:
        """Of no difference between two trials that were judged by the same origins and seeds."""
        tables = _table(one), _table(other)
        means = [_mean(table, axis=0) for table in tables]
        difference = means[0] - means[1]
        rows = _mean(difference, axis=0) if self.is_panel else difference.ravel()
        seeds = [_mean(table.reshape(len(table), -1), axis=1) for table in tables]
        return no_difference(
            rows[np.isfinite(rows)],
            (seeds[0], seeds[1]),
            is_panel=self.is_panel,
            overlap=self.overlap,
        )


def _table(cells: Sequence[Cell]) -> FloatArray:
    """Losses `(seeds, origins, units)`, in ascending order of each; NaN where there are none."""
    seeds = sorted({cell.seed for cell in cells}, key=lambda seed: -1 if seed is None else seed)
    origins = sorted({cell.origin for cell in cells})
    by_place = {(cell.seed, cell.origin): cell.losses or () for cell in cells}
    units = max(len(losses) for losses in by_place.values())
    table = np.full((len(seeds), len(origins), units), np.nan)
    for i, seed in enumerate(seeds):
        for j, origin in enumerate(origins):
            losses = by_place[seed, origin]
            table[i, j, : len(losses)] = np.array(losses, np.float64)
    return table


def _mean(table: FloatArray, axis: int) -> FloatArray:
    """The mean of what is known; NaN where nothing is."""
    known = np.isfinite(table)
    counts = known.sum(axis=axis)
    total = np.where(known, table, 0).sum(axis=axis)
    mean: FloatArray = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
    return mean


def _origin(panel: Panel, fitted_at: IntArray, stride: int, step: int) -> Origin:
    times = np.arange(0, stride, step)
    cutoffs = fitted_at[:, None] + times
    there = cutoffs >= panel.starts[:, None]
    series, time = np.nonzero(there)
    is_panel = len(panel.unique_ids) >= PANEL
    return Origin(fitted_at, cutoffs[there], series if is_panel else time)


def _stride(past: Job, n_windows: int) -> int:
    """A season, or the horizon if that is longer; less where few rows would be left to fit on."""
    horizon, rows = past.config.window.horizon, int(np.diff(past.panel.offsets).max())
    wanted = max(past.season_length, horizon)
    return max(1, min(wanted, (rows - horizon) // (2 * n_windows)))


def _refuse_no_scale(past: Job, metric: str, scales: Mapping[str, Scale]) -> None:
    """Raise `DataError` where a metric that is scaled is defined for no series."""
    if metric in ("mase", "rmsse") and not any(scale.mae > 0 for scale in scales.values()):
        message = (
            f"{metric.upper()} divides by the errors of seasonal naive on the training rows, and "
            "there are none."
        )
        raise DataError(Problem(message, "Set search.metric to mae or rmse."))


def _refuse_no_room(past: Job, n_windows: int, stride: int) -> None:
    """Raise `DataError` where not even the config's own network fits before the first origin."""
    horizon, needs = past.config.window.horizon, past.needs
    rows = int(np.diff(past.panel.offsets).max())
    left, needed = rows - horizon - n_windows * stride + 1, needs.rows_before + needs.horizon
    if left >= needed:
        return
    message = (
        f"the training part of the longest series has {rows} rows: before {n_windows} origins with "
        f"a stride of {stride} are {max(left, 0)}, and {needs} need {needed}."
    )
    advice = f"Set search.n_windows or search.stride lower, or take {needs.shorter}."
    if past.config.search is None:
        raise DataError(Problem(message, advice))
    raise ConfigError(past.source.problem(("search",), message, advice))
