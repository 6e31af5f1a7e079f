"""From a config and its table to a `Job`: the panel, its split and all cutoffs, each found once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast.config import Config, LoadedConfig, load_config, parse_config
from forecast.console import Console
from forecast.data.cached import open_table
from forecast.data.calendar import is_freq, season_length_of
from forecast.data.covariate_health import covariates_health, missing_line
from forecast.data.joint import joint_table
from forecast.data.largest import refuse_overflow
from forecast.data.panel import IntArray, Panel
from forecast.data.split import (
    Needs,
    Split,
    cutoffs_by_split,
    fitted_series,
    has_target,
    latest_apart,
    rolling_cutoffs,
    split_panel,
    split_past,
)
from forecast.data.table import Reading, Table
from forecast.errors import ConfigError, DataError, Problem, did_you_mean, shortened
from forecast.features import unfit
from forecast.jobs.memory import too_large
from forecast.methods import FALLBACK, method_names, named_methods
from forecast.scoring.conformal import errors_needed
from forecast.transforms import refuse_unfit

LEAK = (
    "a transform is fitted on all rows (`fit_on: all`), the test part among them: the test scores "
    "leak, and say nothing about rows that nobody has seen."
)

_MANY_ERRORS = 10**6  # more than a table has room for
_SHOWN = 5  # series named in one message
_KEPT_ROWS = 50_000  # of the forecasts of a part, a model and a run


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
    weighing: Sequence[IntArray] = ()
    """Of a blend, the cutoffs that its weights are found from, likewise."""

    @property
    def all_cutoffs(self) -> IntArray:
        """Those of both, each once, in the order of the rows."""
        return np.unique(np.concatenate([*self.weighing, *self.cutoffs]))

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
    fitted: NDArray[np.bool_]
    """Which series the network forecasts; the others are too short, and get `Fallback`."""
    calibration: CalibrationPlan | None = None
    """Where the config asks for intervals."""
    reading: Reading = field(default_factory=Reading)
    """What was done to the rows of the table."""
    future_sha256: str | None = None
    """The checksum of `data.future`, where there is one."""
    members: "Mapping[str, Job]" = field(default_factory=dict)
    """Of a blend, the job of each of its networks, on the same rows."""

    @property
    def config(self) -> Config:
        """What was asked."""
        return self.source.config

    @property
    def networks(self) -> "list[Job]":
        """The job of each network, itself where it is no blend.

        A blend of methods that need no training has none.
        """
        return list(self.members.values()) if self.config.blend else [self]

    @property
    def warnings(self) -> list[str]:
        """What a person should know before training, a line each."""
        networks = self.networks
        found = [LEAK] if any(own.config.leaks for own in networks) else []
        found += self._beyond_bounds()
        found += self._partial_steps()
        missing = missing_line(covariates_health(self.panel, self.config.data.covariates))
        found += [missing] if missing else []
        return found + [own._too_short for own in networks if not own.fitted.all()]

    def _partial_steps(self) -> list[str]:
        """Of steps that are not summed from all of their rows."""
        steps, resample = self.reading.partial, self.config.data.resample
        if not steps or not resample:
            return []
        one = "1 step lacks some of its rows, and is"
        lack = one if steps == 1 else f"{steps} steps lack some of their rows, and are"
        way_out = "add the rows, or take their mean (data.resample.how)."
        return [f"{lack} the {resample.how} of the others: {way_out}"]

    def _beyond_bounds(self) -> list[str]:
        """Of values that no forecast may reach."""
        options, found = self.config.predict, []
        bounds = {
            "minimum": (options.minimum, np.less),
            "maximum": (options.maximum, np.greater),
        }
        for name, (bound, lies_beyond) in bounds.items():
            if bound is None:
                continue
            rows = np.flatnonzero(lies_beyond(self.panel.truth, bound))
            if len(rows):
                found.append(
                    f"{len(rows)} observed values lie beyond predict.{name} {bound:g}, where no "
                    f"forecast does: {self.panel.describe(rows[0])}."
                )
        return found

    @property
    def _too_short(self) -> str:
        short = [str(name) for name in compress(self.panel.unique_ids, ~self.fitted)]
        shown = ", ".join(short[:_SHOWN]) + (", ..." if len(short) > _SHOWN else "")
        are, their = ("is", "its forecast") if len(short) == 1 else ("are", "their forecasts")
        return (
            f"{len(short)} of {len(self.panel.unique_ids)} series {are} too short for the network "
            f"({shown}): {their} will be {FALLBACK}, without intervals."
        )

    @property
    def windows(self) -> dict[str, int]:
        """How many windows each part has; one of targets that are forecast together counts once."""
        if self.needs.targets == 1:
            return {name: len(own) for name, own in self.cutoffs.items()}
        rows = len(self.panel.values) // self.needs.targets
        return {name: len(np.unique(own % rows)) for name, own in self.cutoffs.items()}

    @property
    def prediction_horizon(self) -> int:
        """How many steps ahead `predict` forecasts."""
        return self.config.predict.horizon or self.config.window.horizon

    @property
    def calibration_horizon(self) -> int:
        """For how many steps intervals and weights are found: for all that is forecast."""
        return max(self.config.predict.horizon or 1, self.config.window.horizon)

    @property
    def backtest_horizon(self) -> int:
        """How many steps ahead a backtest forecasts."""
        config = self.config
        return config.backtest.horizon or self.prediction_horizon

    def scored_cutoffs(self, split: str) -> IntArray:
        """Those of a split from which forecasts are kept and scored.

        The test part is forecast from every cutoff, unless these are so many that the latest
        windows that do not overlap have to do. Of the other parts, which are there to compare
        with, these do.
        """
        horizon, rows = self.config.window.horizon, self.cutoffs[split]
        most = _KEPT_ROWS // horizon
        if split == "test" and len(rows) <= max(most, len(self.panel.unique_ids)):
            return rows
        return latest_apart(self.panel, rows, horizon, most)

    def reseeded(self, number: int) -> "Job":
        """The same job with its seeds of another number; those of 0 are the config's own.

        No two numbers have a seed in common: an ensemble has as many as it is large.
        """
        config, plan = self.config, self.calibration
        seed = config.training.seed + number * config.training.ensemble.size
        training = config.training.model_copy(update={"seed": seed})
        return replace(
            self,
            source=replace(self.source, config=config.model_copy(update={"training": training})),
            calibration=plan and replace(plan, earlier=plan.earlier.reseeded(number)),
            members={name: own.reseeded(number) for name, own in self.members.items()},
        )

    @property
    def monitored_split(self) -> str:
        """The split whose loss is measured by epoch; the test part is for the figure alone."""
        return "validation" if self.split.has_validation else "test"

    @property
    def monitored_loss(self) -> str:
        """The column of that loss in the history."""
        return "val_loss" if self.split.has_validation else "test_loss"

    @cached_property
    def fitted_part(self) -> "Job":
        """The job of the series that the network forecasts: all that fitting sees."""
        return self if self.fitted.all() else self._of(self.fitted)

    def on(self, panel: Panel) -> "Job":
        """The job on other rows, all of them to train on."""
        whole = Split(panel.ends, panel.ends)
        return replace(
            self,
            panel=panel,
            split=whole,
            cutoffs=cutoffs_by_split(panel, whole, self.needs),
            fitted=fitted_series(panel, whole, self.needs),
            calibration=None,
            members={name: own.on(panel) for name, own in self.members.items()},
        )

    def under(self, source: LoadedConfig) -> "Job":
        """The job of another config on the same rows, to be asked what it was `as_of` a cutoff.

        Raises `ConfigError` or `DataError` where the config does not suit them.
        """
        if source.config.blend:
            _refuse_unknown_methods(source, self.season_length)
            _refuse_unlike_networks(source)
            needs = _needs_of_blend(source, self.season_length)
            members = {name: self.under(own) for name, own in source.networks.items()}
            return replace(self, source=source, needs=needs, calibration=None, members=members)
        needs = _needs_of(source, self.season_length)
        _refuse_unfit_features(source, self.panel)
        refuse_unfit(source.config.pipelines, self.panel)
        return replace(self, source=source, needs=needs, calibration=None, members={})

    def as_of(self, cutoffs: IntArray) -> "Job":
        """The job as it was at one cutoff a series, the last row seen of it.

        Its validation part, if any, is the last of these rows. Raises `DataError` where no series
        has enough to train on.
        """
        past = self.panel.before(cutoffs + 1).panel
        split = split_past(past, self.config.split, self.needs)
        job = replace(
            self,
            panel=past,
            split=split,
            cutoffs=cutoffs_by_split(past, split, self.needs),
            fitted=fitted_series(past, split, self.needs),
            calibration=None,
            members={name: own.as_of(cutoffs) for name, own in self.members.items()},
        )
        _refuse_untrainable(job)
        return job

    def calibrated(self, horizon: int) -> "Job":
        """The job with a plan to calibrate intervals for `horizon` steps, if it asks for them.

        As to find the weights of a blend. A series that is too short for it adds no errors. Raises
        `DataError` where the training part of every series is.
        """
        return self._planning(self._origins(horizon), horizon)

    def weighed(self) -> "Job":
        """The job with a plan to find the weights of a blend alone, as training finds them.

        Itself where there is nothing to find. Raises `DataError` as `calibrated` does.
        """
        horizon = self.calibration_horizon
        windows = self._origins(horizon)
        return self._planning({use: windows[use] for use in windows if use == "weights"}, horizon)

    def _planning(self, windows: Mapping[str, tuple[int, int]], horizon: int) -> "Job":
        """The job with a plan of so many cutoffs, so far apart, by what their errors tell."""
        if not windows:
            return self
        part = self.fitted_part
        past = part.panel.before(part.split.train_ends).panel

        def cutoffs(panel: Panel) -> dict[str, list[IntArray]]:
            return {
                use: rolling_cutoffs(panel, self.needs, n_windows, stride, horizon)
                for use, (n_windows, stride) in windows.items()
            }

        first = np.min([own[0] for own in cutoffs(past).values()], axis=0)
        earlier = part._with_panel(past).as_of(first)
        past = past.of(earlier.fitted)
        own = cutoffs(past)
        plan = CalibrationPlan(
            past,
            own.get("intervals", ()),
            horizon,
            earlier.fitted_part,
            own.get("weights", ()),
        )
        return replace(self, calibration=plan)

    def _origins(self, horizon: int) -> dict[str, tuple[int, int]]:
        """How many cutoffs in the training part, and how far apart, by what their errors tell."""
        intervals, blend = self.config.intervals, self.config.blend
        found = {}
        if intervals:
            found["intervals"] = (intervals.n_windows, intervals.stride)
        if blend and blend.weights != "equal":
            found["weights"] = (blend.n_windows, blend.stride_of(horizon))
        return found

    def _with_panel(self, panel: Panel) -> "Job":
        """The same job on fewer rows of its panel."""
        members = {name: own._with_panel(panel) for name, own in self.members.items()}
        return replace(self, panel=panel, members=members)

    def _of(self, keep: NDArray[np.bool_]) -> "Job":
        """The job of some of the series `(series,)`."""
        panel = self.panel.of(keep)
        moved = panel.starts - self.panel.starts[keep]
        split = Split(self.split.train_ends[keep] + moved, self.split.test_begins[keep] + moved)
        return replace(
            self,
            panel=panel,
            split=split,
            cutoffs=cutoffs_by_split(panel, split, self.needs),
            fitted=self.fitted[keep],
            members={name: own._of(keep) for name, own in self.members.items()},
        )


def prepare(
    config: Path,
    settings: Sequence[str] = (),
    overrides: Mapping[str, object] | None = None,
    console: Console | None = None,
) -> Job:
    """Load the config, with what lies on top of it as in `load_config`, and its data.

    Raises `ConfigError` or `DataError` with all that is wrong.
    """
    [job] = prepare_each(config, settings, [overrides or {}], console)
    return job


def prepare_each(
    config: Path,
    settings: Sequence[str],
    overrides: Sequence[Mapping[str, object]],
    console: Console | None = None,
) -> list[Job]:
    """The job of a config with each of several overrides, none of them of the data: see `prepare`.

    The table is read once.
    """
    first = load_config(config, settings, overrides[0])
    # The config itself may be a pipe, which is read once too.
    others = [parse_config(first.text, first.path, settings, own) for own in overrides[1:]]
    sources, options = [first, *others], first.config.data
    if options.freq is not None and not is_freq(options.freq):
        message = f"`data.freq` should be a frequency, and is {options.freq!r}."
        advice = "Aliases are those of pandas: h, D, B, W-SUN, MS, ME, QS, YS, 15min, ..."
        raise ConfigError(first.problem(("data", "freq"), message, advice))
    for source in sources:
        for own in source.each_network:
            length = own.config.window.context_length
            refuse_too_large(own, own.config.model.least_parameters(length))
    table = open_table(options, console or Console(quiet=True))
    return [plan_job(source, table) for source in sources]


def plan_job(source: LoadedConfig, table: Table) -> Job:
    """What a config asks for of a table that was read: see `prepare`."""
    if source.config.joint_targets > 1:
        table = joint_table(table, source.config.data)
    panel = table.panel
    refuse_overflow(panel)
    season_length = source.config.data.season_length or season_length_of(panel.freq)
    if source.config.blend:
        job = _blend_job(source, table, season_length)
    else:
        job = _network_job(source, table, season_length)
    _refuse_unobserved(job)
    job = job.calibrated(job.calibration_horizon)
    if job.calibration and job.config.intervals:
        _refuse_few_errors(job, job.calibration)
    return job


def _network_job(
    source: LoadedConfig, table: Table, season_length: int, split: Split | None = None
) -> Job:
    """The job of one network, on a split that is given or its own."""
    panel = table.panel
    needs = _needs_of(source, season_length)
    _refuse_unfit_features(source, panel)
    job = _split_job(source, table, season_length, needs, split)
    refuse_unfit(source.config.pipelines, panel)
    _refuse_untrainable(job)
    return job


def _blend_job(source: LoadedConfig, table: Table, season_length: int) -> Job:
    """The job of a blend: its networks have a split in common, that of the most demanding."""
    _refuse_unknown_methods(source, season_length)
    job = _split_job(source, table, season_length, _needs_of_blend(source, season_length))
    _refuse_untrainable(job)
    _refuse_unlike_networks(source)
    members = {
        name: _network_job(own, table, season_length, job.split)
        for name, own in source.networks.items()
    }
    return replace(job, members=members)


def _split_job(
    source: LoadedConfig,
    table: Table,
    season_length: int,
    needs: Needs,
    split: Split | None = None,
) -> Job:
    """A job whose windows take so many rows."""
    panel = table.panel
    split = split or split_panel(panel, source.config.split, needs)
    return Job(
        source,
        panel,
        table.sha256,
        season_length,
        needs,
        split,
        cutoffs_by_split(panel, split, needs),
        fitted_series(panel, split, needs),
        reading=table.reading,
        future_sha256=table.future_sha256,
    )


def _refuse_unlike_networks(source: LoadedConfig) -> None:
    """Raise `ConfigError` for networks of a blend that can not be beside the others."""
    common, problems = source.config.training.backend, []
    for own in source.networks.values():
        if own.config.training.backend != common:
            message = f"networks of a blend are trained with one backend, which is {common}."
            way_out = "Set training.backend for all of them."
            problems.append(own.problem(("training", "backend"), message, way_out))
        if own.config.model.joint:
            message = "networks of a blend forecast one target at a time, and not `joint`."
            problems.append(own.problem(("model", "joint"), message, "Leave `joint` out."))
    if problems:
        raise ConfigError(*problems)


def _refuse_unknown_methods(source: LoadedConfig, season_length: int) -> None:
    """Raise `ConfigError` for members that are no methods.

    `MissingExtraError` for one whose extra is not installed.
    """
    known = method_names()
    problems = [
        source.problem(
            ("blend", "members", i),
            f"`blend.members`: there is no method {shortened(member)!r}.",
            did_you_mean(member, known),
        )
        for i, member in enumerate(source.config.blend.members if source.config.blend else ())
        if isinstance(member, str) and member not in known
    ]
    if problems:
        raise ConfigError(*problems)
    named_methods(source.methods, season_length)


def _refuse_unfit_features(source: LoadedConfig, panel: Panel) -> None:
    """Raise `ConfigError` with all features that the dates of a panel do not have."""
    problems = list(unfit(source.config.features, panel))
    if problems:
        raise ConfigError(*(source.problem(*problem) for problem in problems))


def _needs_of(source: LoadedConfig, season_length: int) -> Needs:
    """The rows that one window takes.

    Raises `ConfigError` with all that does not suit a season of so many steps.
    """
    problems = source.config.problems(season_length)
    if problems:
        raise ConfigError(*(source.problem(*problem) for problem in problems))
    return Needs.of(source.config, season_length)


def _needs_of_blend(source: LoadedConfig, season_length: int) -> Needs:
    """The rows that a window of the most demanding of its networks takes: see `_needs_of`."""
    needs = [_needs_of(own, season_length) for own in source.networks.values()]
    most = max((own.rows_before for own in needs), default=1)
    return Needs(most, 0, source.config.window.horizon)


def refuse_too_large(source: LoadedConfig, parameters: int, series: int = 1) -> None:
    """Raise `ConfigError` where networks of so many parameters do not fit into memory.

    As many as the config asks for, and for each of the series if they are local.
    """
    config = source.config
    networks = series * config.training.ensemble.size * len(config.pipelines)
    problem = too_large(config, parameters, networks)
    if problem:
        raise ConfigError(source.problem(("model",), *problem))


def _refuse_untrainable(job: Job) -> None:
    """Raise `DataError` where no series has a window to train on."""
    if len(job.cutoffs["train"]):
        return
    i = int(np.argmax(job.split.train_ends - job.panel.starts))
    rows = int(job.split.train_ends[i] - job.panel.starts[i])
    message = (
        f"no series has a window to train on: it takes {job.needs.rows_before + job.needs.horizon} "
        f"observed rows ({job.needs}), and {job.panel.unique_ids[i]} has {rows} rows."
    )
    raise DataError(Problem(message, f"Give more rows, or {job.needs.shorter}."))


def _refuse_unobserved(job: Job) -> None:
    """Raise `DataError` for a part in which the network could be held against nothing."""
    part = job.fitted_part
    for name, cutoffs in part.cutoffs.items():
        if has_target(part.panel, cutoffs, job.needs.horizon).any():
            continue
        message = (
            f"nothing can be scored on the {name} part: of the series that the network forecasts, "
            "none has an observed value there after an observed cutoff."
        )
        advice = (
            f"Choose another split.{name}, or take the rows with empty targets off the end."
            if name != "train"
            else "Give more rows with a value."
        )
        raise DataError(Problem(message, advice))


def _refuse_few_errors(job: Job, plan: CalibrationPlan) -> None:
    """Raise `ConfigError` where a plan gives too few errors for the quantiles that are wanted."""
    for level in job.config.quantile_levels:
        if plan.errors < errors_needed(level):
            message = f"{plan.errors} calibration errors are too few for the quantile {level:g}."
            advice = f"Raise intervals.n_windows: it takes {errors_needed(level)} errors."
            if errors_needed(level) > _MANY_ERRORS:
                advice = "Ask for a quantile that is nearer to the middle."
            key = ("intervals", "quantile_levels")
            raise ConfigError(job.source.problem(key, message, advice))
