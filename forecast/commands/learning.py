"""Fitting what configs ask for on their training parts: what `train` and `backtest` share.

Every network that a command needs is a member of one program: the seeds of an ensemble, the
networks that calibrate intervals, and all of that again at every cutoff of a backtest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.commands.check import Job, refuse_untrainable, rolling_cutoffs, until
from forecast.console import Console
from forecast.data.panel import IntArray
from forecast.display import epoch_progress, text_table
from forecast.inference import Forecaster
from forecast.networks import Network, Weights
from forecast.scoring.conformal import Conformal
from forecast.scoring.metrics import scales_of
from forecast.training import EpochLog, Fitted, InMemory, Member, Running, fit, layers
from forecast.transforms import Pipeline
from forecast.transforms.fitting import fit_pipeline
from forecast.windows import Windows, spread

# Windows whose loss is measured after each epoch; more would tell little more and take long.
_WATCHED = 10_000


@dataclass(frozen=True)
class Learned:
    """What was learned for one job: transforms, and the weights of its members."""

    job: Job
    transforms: Pipeline
    network: Network
    running: Running
    weights: Weights
    """`(members, parameters)`; of local networks, series after series."""

    def forecaster(self, conformal: Conformal | None = None) -> Forecaster:
        """A forecaster that runs on Keras, for as long as this process lives."""
        config = self.job.config
        network = InMemory(self.running, self.weights, config.training.ensemble)
        return Forecaster.of(config, network, self.transforms, self.job.season_length, conformal)


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

    def conformal(self, learned: Learned) -> Conformal:
        """The errors of what was learned before them."""
        forecaster, past = learned.forecaster(), self.past.panel
        cutoffs = np.concatenate(self.cutoffs)
        units = forecaster.transforms.pointwise.apply(past)
        errors = units.truth_after(cutoffs, self.horizon)
        errors = errors - forecaster.forecast_pointwise(past, cutoffs, self.horizon)
        scales = scales_of(units.until(units.ends), self.past.season_length)
        scale = np.array([scales[name] for name in units.unique_ids])
        return Conformal.calibrate(errors, past.series_of(cutoffs), scale)


def watched_segment(job: Job) -> str:
    """The part whose loss is measured after every epoch: the test part for the figure alone."""
    return "validation" if job.split.has_validation else "test"


def calibration_of(job: Job, horizon: int) -> Calibration | None:
    """The calibration that the config asks for, if it asks for intervals."""
    options = job.config.intervals
    if options is None:
        return None
    past = until(job, job.split.train_ends - 1)
    return Calibration(
        past, rolling_cutoffs(past, options.windows, options.stride, horizon), horizon
    )


def learn(
    jobs: Sequence[Job], horizon: int, console: Console
) -> tuple[list[tuple[Learned, Conformal | None]], Fitted]:
    """Fit the transforms and the networks of all jobs, each on its own training part alone.

    The jobs have a config in common. Where it asks for intervals they are calibrated for `horizon`
    steps. The log is that of the first job's members.

    Raises `DivergedError` where a loss is no longer a number.
    """
    calibrations = [calibration_of(job, horizon) for job in jobs]
    whole = [*jobs, *(calibration.before for calibration in calibrations if calibration)]
    learned, fitted = _learn(whole, console)
    before = iter(learned[len(jobs) :])
    conformals = [
        calibration.conformal(next(before)) if calibration else None for calibration in calibrations
    ]
    return list(zip(learned[: len(jobs)], conformals, strict=True)), fitted


def _learn(jobs: Sequence[Job], console: Console) -> tuple[list[Learned], Fitted]:
    for job in jobs:
        refuse_untrainable(job)
    config = jobs[0].config
    network = Network(config.model, config.window, jobs[0].season_length)
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
            watched_loss = "" if log.watched_loss is None else f", {label} {log.watched_loss:.4g}"
            advance(f"loss {log.loss:.4g}{watched_loss}")

        fitted = fit(network, members, config.training, report)
    fitted.refuse_divergence()
    each, running = len(members) // len(jobs), Running(network)
    trained = set(fitted.trained)
    learned = []
    for i, (job, transforms) in enumerate(zip(jobs, pipelines, strict=True)):
        rows = [k for k in range(i * each, (i + 1) * each) if k in trained]
        whole = each if config.model.scope == "local" else 1
        if fitted.interruption and len(rows) < whole:
            raise fitted.interruption
        learned.append(Learned(job, transforms, network, running, fitted.weights[rows]))
    fitted.history = [log for log in fitted.history if log.member < each]
    return learned, fitted


def _fit_transforms(job: Job) -> Pipeline:
    return fit_pipeline(
        job.config.transforms,
        {"train": job.panel.until(job.split.train_ends), "all": job.panel.until(job.panel.ends)},
        job.season_length,
    )


def _members(job: Job, transforms: Pipeline) -> list[Member]:
    """The members of one job: networks that differ in their seeds, and in their series if local."""
    window, options = job.config.window, job.config.training
    values, cutoffs = transforms.apply(job.panel).values, job.cutoffs()

    def windows(rows: IntArray) -> Windows:
        series = job.panel.series_of(rows)
        whole = rows + 1 - job.panel.starts[series] >= job.needs.rows_before
        rows, series = rows[whole], series[whole]
        return Windows(values, rows, series, window.context_length, window.horizon)

    train = windows(cutoffs["train"])
    watched = windows(spread(cutoffs[watched_segment(job)], _WATCHED))
    pairs = [(train, watched)]
    if job.config.model.scope == "local":
        pairs = [(train.of(i), watched.of(i)) for i in range(len(job.panel.unique_ids))]
    return [
        Member(own, seen if len(seen.cutoffs) else None, options.seed + i)
        for own, seen in pairs
        for i in range(options.ensemble.size)
    ]


def _describe(network: Network, console: Console) -> None:
    """The network layer by layer."""
    console.say(text_table(("layer", "type", "output", "parameters"), layers(network.plain)))
    console.say(f"{network.parameters:,} parameters")
