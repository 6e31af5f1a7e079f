"""Fitting what configs ask for on their training parts: what `train` and `backtest` share.

Every network that a command needs is a member of one program: the seeds of an ensemble, the
networks that calibrate intervals, and all of that again at every cutoff of a backtest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Event

import numpy as np

from forecast.console import Console
from forecast.data.panel import FloatArray, IntArray
from forecast.display import epoch_progress, text_table
from forecast.jobs.calibration import calibrate
from forecast.jobs.job import Job
from forecast.jobs.trained import TrainedJob
from forecast.networks import Architecture, Weights
from forecast.training import CompiledForward, EpochLog, Fitted, Member, MemberKey, fit, layers
from forecast.transforms import Pipelines, fit_pipelines
from forecast.windows import Windows, spread

# Windows whose loss is measured after each epoch; more would tell little more and take long.
_MONITORED = 10_000


@dataclass(frozen=True)
class FittedJobs:
    """What came of jobs that were fitted together."""

    trained: Sequence[TrainedJob]
    """In the order of the jobs."""
    history: Sequence[EpochLog]
    """Of the first job's members."""
    fitted: Fitted
    """How it went."""


def fit_jobs(jobs: Sequence[Job], console: Console, stop: Event | None = None) -> FittedJobs:
    """Fit the transforms and the networks of all jobs, each on its own training part alone.

    The jobs have a config in common. Where they plan a calibration, their intervals are calibrated.
    Once `stop` is set, what is whole of the training has to do. Raises `DivergedError` where a loss
    is no longer a number, and `KeyboardInterrupt` where a stop left too little to forecast with.
    """
    plans = [job.calibration for job in jobs]
    named = {f"job {i}": job for i, job in enumerate(jobs)}
    named |= {f"calibration {i}": plan.earlier for i, plan in enumerate(plans) if plan}
    trained, fitted = _fit(named, console, stop or Event())
    finals = [
        replace(final, calibration=calibrate(plan, trained[f"calibration {i}"], final))
        if plan
        else final
        for i, plan in enumerate(plans)
        for final in [trained[f"job {i}"]]
    ]
    history = [log for log in fitted.history if log.member.job == "job 0"]
    return FittedJobs(finals, history, fitted)


def _fit(
    jobs: dict[str, Job], console: Console, stop: Event
) -> tuple[dict[str, TrainedJob], Fitted]:
    first = next(iter(jobs.values()))
    config, options = first.config, first.config.training
    architecture = Architecture(config.model, config.window, first.season_length)
    _describe(architecture, console)
    pipelines = {name: _fit_transforms(job) for name, job in jobs.items()}
    members = [
        member for name, job in jobs.items() for member in _members(name, job, pipelines[name])
    ]
    with epoch_progress(console, options.epochs, len(members)) as advance:

        def report(log: EpochLog) -> None:
            monitored = log.monitored_loss
            label = "" if monitored is None else f", {first.monitored_loss} {monitored:.4g}"
            advance(f"loss {log.loss:.4g}{label}")

        fitted = fit(architecture, members, options, report, stop)
    fitted.refuse_divergence()
    forward = CompiledForward(architecture)
    trained = {
        name: TrainedJob(job, pipelines[name], architecture, forward, _weights(fitted, name, job))
        for name, job in jobs.items()
    }
    return trained, fitted


def _weights(fitted: Fitted, name: str, job: Job) -> list[Weights]:
    """The weights of a job's members, by pipeline: `(series, size, parameters)`.

    After a stop the seeds that no epoch was finished for are left out. Raises `KeyboardInterrupt`
    where none is left.
    """
    weights = []
    for pipeline in range(len(job.config.pipelines)):
        rows = [
            [fitted.weights.get(MemberKey(seed, series, pipeline, name)) for seed in _seeds(job)]
            for series in _networks(job)
        ]
        whole = [i for i, _ in enumerate(_seeds(job)) if all(row[i] is not None for row in rows)]
        if not whole:
            raise KeyboardInterrupt
        weights.append(np.array([[row[i] for i in whole] for row in rows]))
    return weights


def _seeds(job: Job) -> list[int]:
    options = job.config.training
    return [options.seed + i for i in range(options.ensemble.size)]


def _networks(job: Job) -> Sequence[str]:
    """The series that have a network each, or the one that all series share, which has no name."""
    return job.panel.unique_ids if job.config.model.scope == "local" else [""]


def _fit_transforms(job: Job) -> Pipelines:
    return fit_pipelines(
        job.config.pipelines,
        {"train": job.panel.before(job.split.train_ends), "all": job.panel.before(job.panel.ends)},
        job.season_length,
    )


def _members(name: str, job: Job, transforms: Pipelines) -> list[Member]:
    """The members of one job, pipeline after pipeline."""
    shared = transforms.shared.apply(job.panel).panel
    return [
        member
        for i, branch in enumerate(transforms.branches)
        for member in _members_of(name, job, i, branch.apply(shared).panel.values, branch.reach)
    ]


def _members_of(name: str, job: Job, pipeline: int, values: FloatArray, reach: int) -> list[Member]:
    """Networks of one pipeline that differ in their seeds, and in their series if local.

    The first `reach` rows of each series have no value after its transforms.
    """
    window, cutoffs = job.config.window, job.cutoffs
    first = None
    if window.padding == "mask":
        first = np.repeat(job.panel.starts + reach, np.diff(job.panel.offsets))

    def windows(rows: IntArray) -> Windows:
        series = job.panel.series_of(rows)
        whole = rows + 1 - job.panel.starts[series] >= job.needs.rows_before
        rows, series = rows[whole], series[whole]
        return Windows(values, rows, series, window.context_length, window.horizon, first)

    train = windows(cutoffs["train"])
    monitor = windows(spread(cutoffs[job.monitored_split], _MONITORED))
    pairs = {"": (train, monitor)}
    if job.config.model.scope == "local":
        pairs = {s: (train.of(i), monitor.of(i)) for i, s in enumerate(job.panel.unique_ids)}
    return [
        Member(MemberKey(seed, series, pipeline, name), own, seen if len(seen.cutoffs) else None)
        for series, (own, seen) in pairs.items()
        for seed in _seeds(job)
    ]


def _describe(architecture: Architecture, console: Console) -> None:
    """The network layer by layer."""
    summary = layers(architecture.keras_model)
    console.say(text_table(("layer", "type", "output", "parameters"), summary))
    console.say(f"{architecture.parameters:,} parameters")
