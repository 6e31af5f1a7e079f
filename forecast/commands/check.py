"""Is this config and its data ready to train? `train` begins with the same questions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from forecast.config import Config, LoadedConfig, load_config
from forecast.config.schema import IntervalsOptions
from forecast.data.calendar import is_freq, iso, season_length_of
from forecast.data.panel import IntArray, Panel
from forecast.data.split import Needs, Split, held_out, split_panel
from forecast.data.table import read_table
from forecast.errors import ConfigError, DataError, ForecastError, Problem
from forecast.scoring.conformal import errors_needed
from forecast.transforms.boxcox import BoxCox
from forecast.transforms.log import Log
from forecast.windows import cutoffs_within

LEAK = (
    "a transform is fitted on all rows (`fit_on: all`), the test part among them: the test scores "
    "leak, and say nothing about rows that nobody has seen."
)


@dataclass(frozen=True)
class Job:
    """A valid config and its data, split: all that training needs."""

    source: LoadedConfig
    panel: Panel
    sha256: str
    season_length: int
    needs: Needs
    split: Split

    @property
    def config(self) -> Config:
        """What was asked."""
        return self.source.config

    @property
    def far(self) -> int:
        """How many steps ahead a backtest forecasts."""
        config = self.config
        return config.backtest.horizon or config.predict.horizon or config.window.horizon

    @property
    def ahead(self) -> int:
        """How many steps ahead a run's intervals are calibrated: for its scores and `predict`."""
        return max(self.config.predict.horizon or 1, self.config.window.horizon)

    def cutoffs(self) -> dict[str, IntArray]:
        """The cutoffs of each split: of whole windows for training, of any context elsewhere.

        A gap was interpolated towards what comes after it. So no cutoff lies in one, and training
        windows end before one that the training part ends in.
        """
        needs, panel, cutoffs = self.needs, self.panel, {}
        for name, begins, ends in self.split.parts(panel):
            known = panel.observed_until(ends) if name == "train" else ends
            rows = cutoffs_within(
                panel, begins, known, needs.rows_before_cutoff(name), needs.horizon
            )
            cutoffs[name] = rows[panel.observed[rows]]
        return cutoffs


def prepare(config: Path, settings: Sequence[str] = ()) -> Job:
    """Load the config and its data. Raises `ConfigError` or `DataError` with all that is wrong."""
    source = load_config(config, settings)
    options = source.config.data
    if options.freq is not None and not is_freq(options.freq):
        message = f"`data.freq` should be a frequency, and is {options.freq!r}."
        advice = "Aliases are those of pandas: h, D, B, W-SUN, MS, ME, QS, YS, 15min, ..."
        raise ConfigError(source.problem(("data", "freq"), message, advice))
    table = read_table(options)
    season_length = options.season_length or season_length_of(table.panel.freq)
    needs = needs_of(source, season_length)
    split = split_panel(table.panel, source.config.split, needs)
    job = Job(source, table.panel, table.sha256, season_length, needs, split)
    _refuse_unfit(job)
    return job


def needs_of(source: LoadedConfig, season_length: int) -> Needs:
    """The rows that one window takes.

    Raises `ConfigError` where the context does not hold the season that the network corrects, or is
    no whole number of patches, or where there is no season to take out.
    """
    config, window = source.config, source.config.window
    for key, option in config.each_transform():
        if option.kind == "deseasonalize" and season_length < 2:
            message = "deseasonalize needs a season, and `data.season_length` is 1."
            advice = "Set `data.season_length` to 2 or more, or leave deseasonalize out."
            raise ConfigError(source.problem(key, message, advice))
    if window.residual_of.startswith("seasonal") and season_length > window.context_length:
        message = (
            f"`window.residual_of: {window.residual_of}` repeats a season of {season_length} "
            f"steps, and `window.context_length` is {window.context_length}."
        )
        advice = f"Set window.context_length to {season_length} or more."
        raise ConfigError(source.problem(("window", "residual_of"), message, advice))
    patch = config.model.steps_per_patch(season_length)
    if window.context_length % patch:
        message = (
            f"`model.patch_length` is {patch} steps, which `window.context_length` "
            f"{window.context_length} is no multiple of."
        )
        nearest = max(1, round(window.context_length / patch)) * patch
        advice = f"Set window.context_length to {nearest}."
        raise ConfigError(source.problem(("model", "patch_length"), message, advice))
    length, masked = window.context_length, 0
    if window.padding == "mask":
        masked = max(length - season_length, 0)
    return Needs(length, config.reach(season_length), window.horizon, masked)


def until(job: Job, cutoffs: IntArray) -> Job:
    """The job as it was at the cutoffs; its validation part, if any, is the last of these rows."""
    past = job.panel.until(cutoffs + 1).panel
    split = Split(past.ends, past.ends)
    if job.config.split.validation is not None:
        rows = held_out(job.config.split.validation, past, past.ends, job.needs)
        split = Split(past.ends - rows, past.ends)
    return replace(job, panel=past, split=split)


def rolling_cutoffs(job: Job, windows: int, stride: int, horizon: int) -> list[IntArray]:
    """The cutoff of each series, window by window, oldest first; the last has whole targets.

    Raises `DataError` where not enough rows lie before the first.
    """
    panel = job.panel
    back = np.arange(windows - 1, -1, -1) * stride
    cutoffs = [panel.ends - 1 - horizon - steps for steps in back]
    needed = job.needs.rows_before + job.needs.horizon
    room = int((panel.ends - panel.starts).max()) - horizon - needed
    if back[0] > room:
        message = (
            f"{windows} cutoffs with a stride of {stride} and a horizon of {horizon} do not fit: "
            f"before the first, {job.needs} need at least {needed} rows."
        )
        most = room // stride + 1
        advice = f"At most {most} fit." if room >= 0 else "Shorten the horizon or the context."
        raise DataError(Problem(message, advice))
    short = cutoffs[0] < panel.starts + job.needs.reach
    if short.any():
        name = panel.unique_ids[int(np.flatnonzero(short)[0])]
        message = f"{name} has no row before the first of {windows} cutoffs."
        raise DataError(Problem(message, "Ask for fewer windows, or leave the series out."))
    return cutoffs


def calibration_cutoffs(
    job: Job, options: IntervalsOptions, horizon: int
) -> tuple[Job, list[IntArray]]:
    """The job as it was at the end of its training part, and cutoffs there, oldest first."""
    past = until(job, job.split.train_ends - 1)
    return past, rolling_cutoffs(past, options.n_windows, options.stride, horizon)


def refuse_untrainable(job: Job) -> None:
    """Raise `DataError` where a series that is to have its own network is too short for one."""
    if job.config.model.scope == "global":
        return
    has = np.zeros(len(job.panel.unique_ids), bool)
    has[job.panel.series_of(job.cutoffs()["train"])] = True
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


def _refuse_unfit(job: Job) -> None:
    """Raise for what training would find out too late: intervals and logarithms that can not be."""
    for key, option in job.config.each_transform():
        if key[-1] != 0:  # it sees what an earlier one made
            continue
        if option.kind in ("log", "log1p"):
            Log(offset=float(option.kind == "log1p")).apply(job.panel)
        if option.kind == "boxcox":
            BoxCox(np.ones(1), option.offset).apply(job.panel)
    refuse_untrainable(job)
    options = job.config.intervals
    if options is None:
        return
    _, cutoffs = calibration_cutoffs(job, options, job.ahead)
    errors = len(cutoffs) * len(job.panel.unique_ids)
    for level in options.quantile_levels:
        if errors < errors_needed(level):
            message = f"{errors} calibration errors are too few for the quantile {level:g}."
            advice = f"Raise intervals.n_windows: it takes {errors_needed(level)} errors."
            key = ("intervals", "quantile_levels")
            raise ConfigError(job.source.problem(key, message, advice))


@dataclass(frozen=True)
class Findings:
    """What there is to train on."""

    config: str
    data: str
    rows: int
    series: int
    first: str
    last: str
    freq: str
    season_length: int
    members: int
    windows: dict[str, int]
    warnings: list[str]

    def __str__(self) -> str:
        """A line for each, for a person."""
        lines = [f"{key}: {value}" for key, value in list(vars(self).items())[:-2]]
        lines.append("windows: " + ", ".join(f"{n} {name}" for name, n in self.windows.items()))
        return "\n".join(lines + [f"warning: {warning}" for warning in self.warnings])


def describe(job: Job) -> Findings:
    """Counts of rows, series and windows, dates and frequency."""
    panel = job.panel
    return Findings(
        config=str(job.source.path),
        data=job.config.data.path,
        rows=len(panel.values),
        series=len(panel.unique_ids),
        first=min(iso(panel.begins)),
        last=max(iso(panel.lasts)),
        freq=panel.freq,
        season_length=job.season_length,
        members=job.config.training.ensemble.size * len(job.config.pipelines),
        windows={name: len(cutoffs) for name, cutoffs in job.cutoffs().items()},
        warnings=[LEAK] if job.config.leaks else [],
    )


def problems_document(error: ForecastError) -> dict[str, object]:
    """What `check --format json` prints where something is wrong."""
    return {"ok": False, "problems": [asdict(problem) for problem in error.problems]}
