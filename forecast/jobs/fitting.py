"""Fitting what configs ask for on their training parts: what `train` and `backtest` share.

Every network that a command needs is a member of one program: the seeds of an ensemble, the
networks that calibrate intervals, and all of that again at every cutoff of a backtest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from forecast.console import Console
from forecast.data.panel import FloatArray, IntArray
from forecast.display import epoch_progress, text_table
from forecast.jobs.calibration import calibrate
from forecast.jobs.job import Job
from forecast.jobs.trained import TrainedJob
from forecast.networks import Architecture, Weights
from forecast.training import CompiledForward, EpochLog, Fitted, Member, fit, layers
from forecast.transforms import Pipelines, fit_pipelines
from forecast.windows import Windows, spread

# Windows whose loss is measured after each epoch; more would tell little more and take long.
_MONITORED = 10_000


@dataclass(frozen=True)
class FittedJobs:
    """What came of jobs that were fitted together."""

    trained: Sequence[TrainedJob]
    """In the order of the jobs."""
    fitted: Fitted
    """How it went; the history is that of the first job's members."""


def fit_jobs(jobs: Sequence[Job], console: Console) -> FittedJobs:
    """Fit the transforms and the networks of all jobs, each on its own training part alone.

    The jobs have a config in common. Where they plan a calibration, their intervals are calibrated.

    Raises `DivergedError` where a loss is no longer a number.
    """
    plans = [job.calibration for job in jobs]
    trained, fitted = _fit([*jobs, *(plan.earlier for plan in plans if plan)], console)
    earlier = iter(trained[len(jobs) :])
    finals = [
        replace(final, calibration=calibrate(plan, next(earlier), final)) if plan else final
        for plan, final in zip(plans, trained, strict=False)
    ]
    return FittedJobs(finals, fitted)


def _fit(jobs: Sequence[Job], console: Console) -> tuple[list[TrainedJob], Fitted]:
    config = jobs[0].config
    network = Architecture(config.model, config.window, jobs[0].season_length)
    _describe(network, console)
    pipelines = [_fit_transforms(job) for job in jobs]
    members = [
        member
        for job, transforms in zip(jobs, pipelines, strict=True)
        for member in _members(job, transforms)
    ]
    with epoch_progress(console, config.training.epochs * len(members)) as advance:

        def report(log: EpochLog) -> None:
            monitored_loss = (
                ""
                if log.monitored_loss is None
                else f", {jobs[0].monitored_loss} {log.monitored_loss:.4g}"
            )
            advance(f"loss {log.loss:.4g}{monitored_loss}")

        fitted = fit(network, members, config.training, report)
    fitted.refuse_divergence()
    each, running = len(members) // len(jobs), CompiledForward(network)
    trained = []
    for i, (job, transforms) in enumerate(zip(jobs, pipelines, strict=True)):
        rows = np.split(np.arange(i * each, (i + 1) * each), len(transforms.branches))
        weights = [_trained(fitted, own, config.model.scope) for own in rows]
        trained.append(TrainedJob(job, transforms, network, running, weights))
    fitted.history = [log for log in fitted.history if log.member < each]
    return trained, fitted


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
        {"train": job.panel.before(job.split.train_ends), "all": job.panel.before(job.panel.ends)},
        job.season_length,
    )


def _members(job: Job, transforms: Pipelines) -> list[Member]:
    """The members of one job, pipeline after pipeline."""
    shared = transforms.shared.apply(job.panel).panel
    return [
        member
        for branch in transforms.branches
        for member in _members_of(job, branch.apply(shared).panel.values, branch.reach)
    ]


def _members_of(job: Job, values: FloatArray, reach: int) -> list[Member]:
    """Networks of the same units that differ in their seeds, and in their series if local.

    The first `reach` rows of each series have no value in these units.
    """
    window, options, cutoffs = job.config.window, job.config.training, job.cutoffs
    first = None
    if window.padding == "mask":
        first = np.repeat(job.panel.starts + reach, np.diff(job.panel.offsets))

    def windows(rows: IntArray) -> Windows:
        series = job.panel.series_of(rows)
        whole = rows + 1 - job.panel.starts[series] >= job.needs.rows_before
        rows, series = rows[whole], series[whole]
        return Windows(values, rows, series, window.context_length, window.horizon, first)

    train = windows(cutoffs["train"])
    monitored = windows(spread(cutoffs[job.monitored_split], _MONITORED))
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
