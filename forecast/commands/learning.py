"""Fitting what configs ask for on their training parts: what `train` and `backtest` share.

Every network that a command needs is a member of one program: the seeds of an ensemble, the
networks that calibrate intervals, and all of that again at every cutoff of a backtest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecast.commands.check import Job, calibration_cutoffs, refuse_untrainable, until
from forecast.console import Console
from forecast.data.panel import FloatArray, IntArray
from forecast.display import epoch_progress, text_table
from forecast.inference import MIDDLE, Forecaster
from forecast.networks import Architecture, Weights
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles, usable
from forecast.scoring.metrics import scales_of
from forecast.training import CompiledForward, EpochLog, Fitted, KerasPredictor, Member, fit, layers
from forecast.transforms import Pipelines
from forecast.transforms.fitting import fit_pipelines
from forecast.windows import Windows, spread

# Windows whose loss is measured after each epoch; more would tell little more and take long.
_MONITORED = 10_000


@dataclass(frozen=True)
class TrainedJob:
    """What was learned for one job: transforms, and the weights of its members."""

    job: Job
    transforms: Pipelines
    network: Architecture
    running: CompiledForward
    weights: Sequence[Weights]
    """`(members, parameters)` of each pipeline; of local networks, series after series."""

    def forecaster(
        self, calibration: Conformal | ConformalizedQuantiles | None = None
    ) -> Forecaster:
        """A forecaster that runs on Keras, for as long as this process lives."""
        config = self.job.config
        networks = [
            KerasPredictor(self.running, weights, config.training.ensemble)
            for weights in self.weights
        ]
        season_length = self.job.season_length
        return Forecaster.of(config, networks, self.transforms, season_length, calibration)


@dataclass(frozen=True)
class Calibration:
    """Forecasts within the training part, whose errors say how wide intervals have to be."""

    past: Job
    cutoffs: list[IntArray]
    horizon: int

    @property
    def before(self) -> Job:
        """The job as it was before all of these forecasts: what is fitted for them."""
        return until(self.past, self.cutoffs[0])

    def of(self, learned: TrainedJob, final: TrainedJob) -> Conformal | ConformalizedQuantiles:
        """What the errors of what was learned before them come to, for what was learned later."""
        config, panel, cutoffs = self.past.config, self.past.panel, np.concatenate(self.cutoffs)
        forecaster = learned.forecaster()
        units = forecaster.shared.apply(panel)
        truth = units.truth_after(cutoffs, self.horizon)
        said = forecaster.say(units, cutoffs, self.horizon)
        if config.model.quantiles:
            return ConformalizedQuantiles.calibrate(truth, said, config.quantile_levels)
        # A scaler that saw fewer rows has other units.
        scales = self._scales(learned)[panel.series_of(cutoffs)]
        return Conformal.calibrate(truth - said[MIDDLE], scales, self._scales(final))

    def _scales(self, learned: TrainedJob) -> FloatArray:
        """The scale of each series in the units in which what was learned is combined."""
        units = learned.transforms.shared.apply(self.past.panel)
        return usable(scales_of(units.until(units.ends), self.past.season_length))


def monitored_part(job: Job) -> str:
    """The part whose loss is measured after every epoch: the test part for the figure alone."""
    return "validation" if job.split.has_validation else "test"


def calibration_of(job: Job, horizon: int) -> Calibration | None:
    """The calibration that the config asks for, if it asks for intervals."""
    options = job.config.intervals
    if options is None:
        return None
    past, cutoffs = calibration_cutoffs(job, options, horizon)
    return Calibration(past, cutoffs, horizon)


def learn(
    jobs: Sequence[Job], horizon: int, console: Console
) -> tuple[list[tuple[TrainedJob, Conformal | ConformalizedQuantiles | None]], Fitted]:
    """Fit the transforms and the networks of all jobs, each on its own training part alone.

    The jobs have a config in common. Where it asks for intervals they are calibrated for `horizon`
    steps. The log is that of the first job's members.

    Raises `DivergedError` where a loss is no longer a number.
    """
    planned = [calibration_of(job, horizon) for job in jobs]
    before = [calibration.before for calibration in planned if calibration]
    learned, fitted = _learn([*jobs, *before], console)
    finals, earlier = learned[: len(jobs)], iter(learned[len(jobs) :])
    calibrations = [
        calibration.of(next(earlier), final) if calibration else None
        for calibration, final in zip(planned, finals, strict=True)
    ]
    return list(zip(finals, calibrations, strict=True)), fitted


def _learn(jobs: Sequence[Job], console: Console) -> tuple[list[TrainedJob], Fitted]:
    for job in jobs:
        refuse_untrainable(job)
    config = jobs[0].config
    network = Architecture(config.model, config.window, jobs[0].season_length)
    _describe(network, console)
    pipelines = [_fit_transforms(job) for job in jobs]
    members = [
        member
        for job, transforms in zip(jobs, pipelines, strict=True)
        for member in _members(job, transforms)
    ]
    label = "val_loss" if jobs[0].split.has_validation else "test_loss"
    with epoch_progress(console, config.training.epochs * len(members)) as advance:

        def report(log: EpochLog) -> None:
            monitored_loss = (
                "" if log.monitored_loss is None else f", {label} {log.monitored_loss:.4g}"
            )
            advance(f"loss {log.loss:.4g}{monitored_loss}")

        fitted = fit(network, members, config.training, report)
    fitted.refuse_divergence()
    each, running = len(members) // len(jobs), CompiledForward(network)
    learned = []
    for i, (job, transforms) in enumerate(zip(jobs, pipelines, strict=True)):
        rows = np.split(np.arange(i * each, (i + 1) * each), len(transforms.branches))
        weights = [_trained(fitted, own, config.model.scope) for own in rows]
        learned.append(TrainedJob(job, transforms, network, running, weights))
    fitted.history = [log for log in fitted.history if log.member < each]
    return learned, fitted


def _trained(fitted: Fitted, members: IntArray, scope: Literal["global", "local"]) -> Weights:
    """The weights of those members that have gone through an epoch.

    Raises the interruption that left too few: none, or of local networks fewer than all.
    """
    rows = members[np.isin(members, fitted.trained)]
    if fitted.interruption and len(rows) < (len(members) if scope == "local" else 1):
        raise fitted.interruption
    return fitted.weights[rows]


def _fit_transforms(job: Job) -> Pipelines:
    return fit_pipelines(
        job.config.pipelines,
        {"train": job.panel.until(job.split.train_ends), "all": job.panel.until(job.panel.ends)},
        job.season_length,
    )


def _members(job: Job, transforms: Pipelines) -> list[Member]:
    """The members of one job, pipeline after pipeline."""
    shared = transforms.shared.apply(job.panel)
    return [
        member
        for branch in transforms.branches
        for member in _members_of(job, branch.apply(shared).values, branch.reach)
    ]


def _members_of(job: Job, values: FloatArray, reach: int) -> list[Member]:
    """Networks of the same units that differ in their seeds, and in their series if local.

    The first `reach` rows of each series have no value in these units.
    """
    window, options, cutoffs = job.config.window, job.config.training, job.cutoffs()
    first = None
    if window.padding == "mask":
        first = np.repeat(job.panel.starts + reach, np.diff(job.panel.offsets))

    def windows(rows: IntArray) -> Windows:
        series = job.panel.series_of(rows)
        whole = rows + 1 - job.panel.starts[series] >= job.needs.rows_before
        rows, series = rows[whole], series[whole]
        return Windows(values, rows, series, window.context_length, window.horizon, first)

    train = windows(cutoffs["train"])
    monitored = windows(spread(cutoffs[monitored_part(job)], _MONITORED))
    pairs = [(train, monitored)]
    if job.config.model.scope == "local":
        pairs = [(train.of(i), monitored.of(i)) for i in range(len(job.panel.unique_ids))]
    return [
        Member(own, seen if len(seen.cutoffs) else None, options.seed + i)
        for own, seen in pairs
        for i in range(options.ensemble.size)
    ]


def _describe(network: Architecture, console: Console) -> None:
    """The network layer by layer."""
    console.say(text_table(("layer", "type", "output", "parameters"), layers(network.keras_model)))
    console.say(f"{network.parameters:,} parameters")
