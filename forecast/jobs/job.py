"""From a config and its table to a `Job`: the panel, its split and all cutoffs, each found once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from forecast.config import Config, LoadedConfig, load_config
from forecast.data.calendar import is_freq, season_length_of
from forecast.data.panel import IntArray, Panel
from forecast.data.split import (
    Needs,
    Split,
    cutoffs_by_split,
    rolling_cutoffs,
    split_panel,
    split_past,
)
from forecast.data.table import Reading, Table, read_table
from forecast.errors import ConfigError, DataError, Problem
from forecast.scoring.conformal import errors_needed
from forecast.transforms import refuse_unfit

LEAK = (
    "a transform is fitted on all rows (`fit_on: all`), the test part among them: the test scores "
    "leak, and say nothing about rows that nobody has seen."
)


@dataclass(frozen=True)
class CalibrationPlan:
    """Forecasts within the training part, whose errors will say how wide intervals have to be."""

    past: Panel
    """The training part."""
    cutoffs: Sequence[IntArray]
    """Rows of it, one a series: window by window, oldest first."""
    horizon: int
    earlier: "Job"
    """The job as it was before all of them: what is fitted to make them."""

    @property
    def errors(self) -> int:
        """How many errors there will be of each step."""
        return len(self.cutoffs) * len(self.past.unique_ids)


@dataclass(frozen=True)
class Job:
    """A valid config and its data, split: all that training needs."""

    source: LoadedConfig
    panel: Panel
    sha256: str
    season_length: int
    needs: Needs
    split: Split
    cutoffs: Mapping[str, IntArray]
    """Of each split: of whole windows for training, of any context elsewhere."""
    calibration: CalibrationPlan | None = None
    """Where the config asks for intervals."""
    reading: Reading = field(default_factory=Reading)
    """What was done to the rows of the table."""

    @property
    def config(self) -> Config:
        """What was asked."""
        return self.source.config

    @property
    def backtest_horizon(self) -> int:
        """How many steps ahead a backtest forecasts."""
        config = self.config
        return config.backtest.horizon or config.predict.horizon or config.window.horizon

    @property
    def monitored_split(self) -> str:
        """The split whose loss is measured by epoch; the test part is for the figure alone."""
        return "validation" if self.split.has_validation else "test"

    @property
    def monitored_loss(self) -> str:
        """The column of that loss in the history."""
        return "val_loss" if self.split.has_validation else "test_loss"

    def as_of(self, cutoffs: IntArray) -> "Job":
        """The job as it was at one cutoff a series, the last row seen of it.

        Its validation part, if any, is the last of these rows. Raises `DataError` where a series
        that is to have its own network has too few.
        """
        past = self.panel.before(cutoffs + 1).panel
        split = split_past(past, self.config.split, self.needs)
        planned = cutoffs_by_split(past, split, self.needs)
        job = replace(self, panel=past, split=split, cutoffs=planned, calibration=None)
        _refuse_untrainable(job)
        return job

    def calibrated(self, horizon: int) -> "Job":
        """The job with a plan to calibrate intervals for `horizon` steps, if it asks for them.

        Raises `DataError` where the training part is too short for it.
        """
        options = self.config.intervals
        if options is None:
            return self
        past = self.panel.before(self.split.train_ends).panel
        cutoffs = rolling_cutoffs(past, self.needs, options.n_windows, options.stride, horizon)
        earlier = replace(self, panel=past).as_of(cutoffs[0])
        return replace(self, calibration=CalibrationPlan(past, cutoffs, horizon, earlier))


def prepare(
    config: Path, settings: Sequence[str] = (), overrides: Mapping[str, object] | None = None
) -> Job:
    """Load the config, with what lies on top of it as in `load_config`, and its data.

    Raises `ConfigError` or `DataError` with all that is wrong.
    """
    source = load_config(config, settings, overrides)
    options = source.config.data
    if options.freq is not None and not is_freq(options.freq):
        message = f"`data.freq` should be a frequency, and is {options.freq!r}."
        advice = "Aliases are those of pandas: h, D, B, W-SUN, MS, ME, QS, YS, 15min, ..."
        raise ConfigError(source.problem(("data", "freq"), message, advice))
    return plan_job(source, read_table(options))


def plan_job(source: LoadedConfig, table: Table) -> Job:
    """What a config asks for of a table that was read: see `prepare`."""
    panel = table.panel
    season_length = source.config.data.season_length or season_length_of(panel.freq)
    needs = _needs_of(source, season_length)
    split = split_panel(panel, source.config.split, needs)
    cutoffs = cutoffs_by_split(panel, split, needs)
    job = Job(
        source, panel, table.sha256, season_length, needs, split, cutoffs, reading=table.reading
    )
    refuse_unfit(job.config.pipelines, panel)
    _refuse_untrainable(job)
    job = job.calibrated(max(source.config.predict.horizon or 1, source.config.window.horizon))
    if job.calibration:
        _refuse_few_errors(job, job.calibration)
    return job


def _needs_of(source: LoadedConfig, season_length: int) -> Needs:
    """The rows that one window takes.

    Raises `ConfigError` with all that does not suit a season of so many steps.
    """
    config, window = source.config, source.config.window
    problems = config.problems(season_length)
    if problems:
        raise ConfigError(*(source.problem(*problem) for problem in problems))
    length, masked = window.context_length, 0
    if window.padding == "mask":
        masked = max(length - season_length, 0)
    return Needs(length, config.reach(season_length), window.horizon, masked)


def _refuse_untrainable(job: Job) -> None:
    """Raise `DataError` where a series that is to have its own network is too short for one."""
    if job.config.model.scope == "global":
        return
    has = np.zeros(len(job.panel.unique_ids), bool)
    has[job.panel.series_of(job.cutoffs["train"])] = True
    if has.all():
        return
    i = int(np.flatnonzero(~has)[0])
    needed = job.needs.rows_before + job.needs.horizon
    rows = int(job.split.train_ends[i] - job.panel.starts[i])
    message = (
        f"{job.panel.unique_ids[i]} has {rows} rows to train on, and a network of its own "
        f"(`model.scope: local`) takes {needed}: {job.needs} ({int((~has).sum())} such series)."
    )
    raise DataError(Problem(message, "Leave such series out, or set model.scope to global."))


def _refuse_few_errors(job: Job, plan: CalibrationPlan) -> None:
    """Raise `ConfigError` where a plan gives too few errors for the quantiles that are wanted."""
    for level in job.config.quantile_levels:
        if plan.errors < errors_needed(level):
            message = f"{plan.errors} calibration errors are too few for the quantile {level:g}."
            advice = f"Raise intervals.n_windows: it takes {errors_needed(level)} errors."
            key = ("intervals", "quantile_levels")
            raise ConfigError(job.source.problem(key, message, advice))
