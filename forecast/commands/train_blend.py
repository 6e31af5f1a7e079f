"""From the prepared job of a blend to a run: fit its members, weigh them, score, write.

Apart from the training of one network: a blend of statistical methods does not need Keras.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from forecast.commands.invocation import Invocation, announce, going_on, say_end
from forecast.jobs.blending import (
    FitNetworks,
    FittedBlend,
    fit_blends,
    no_network,
    say_worth,
)
from forecast.jobs.description import data_record
from forecast.jobs.job import Job
from forecast.jobs.kept_methods import kept_forecasts, methods_to_keep
from forecast.jobs.opening import open_network
from forecast.methods import BASELINES, EMPTY, Blend, Task, forecasts_of, named_methods
from forecast.runs import Run, RunRecord, Staging
from forecast.runs.checkpoint import Checkpoint
from forecast.runs.documents import (
    write_blend,
    write_config,
    write_data,
    write_intervals,
)
from forecast.runs.layout import RUN, most_bytes
from forecast.runs.regular import checksum
from forecast.runs.tables import (
    write_context,
    write_covariates,
    write_forecasts,
    write_scores,
)
from forecast.scoring.metrics import error_scales
from forecast.scoring.scores import score

if TYPE_CHECKING:  # it loads Keras
    from forecast.jobs.fitting import FittedJobs


@dataclass(frozen=True)
class NetworkTraining:
    """How the networks of a blend are trained; whoever tells it has loaded Keras."""

    fit: FitNetworks = no_network
    write: "Callable[[FittedJobs, Invocation, Staging], RunRecord]" = no_network
    """Write all files of a network's run but its record."""


def train_blend(
    job: Job,
    staging: Staging,
    invocation: Invocation,
    networks: NetworkTraining = NetworkTraining(),
    checkpoint: Checkpoint | None = None,
) -> Run:
    """Fit the members of a blend, weigh them, and leave a complete run.

    Whatever stops it before the end leaves no run; the members that are fitted by then stay in a
    checkpoint, if they are kept in one. Raises `DivergedError` where a network diverges.
    """
    console, stopwatch = invocation.console, invocation.stopwatch
    announce(job, invocation)
    if checkpoint:
        console.say(f"members are kept as they are fitted, for --resume {staging.name}")
    with console.stop.keeping(partial(_kept, job, invocation, staging.name, checkpoint)):
        with stopwatch.stage("fit"):
            memory = kept_forecasts(job, checkpoint, console) if checkpoint else EMPTY
            [fitted] = fit_blends([job], console, networks.fit, memory=memory)
        say_worth(fitted, console)
        run = staging.leave(partial(_write_run, fitted, invocation, networks))
    if checkpoint:
        checkpoint.remove()
    needs_future = any(done.trained[0].needs_future for done in fitted.networks.values())
    say_end(run, job, invocation, needs_future=needs_future)
    return run


def _kept(job: Job, invocation: Invocation, name: str, checkpoint: Checkpoint | None) -> str:
    """What a person is told of a training that is ended on the way."""
    count = checkpoint.count if checkpoint else 0
    if not count:
        return "interrupted before a member of the blend was fitted: nothing is kept."
    members = len(job.members) + len(methods_to_keep(job))
    again = going_on(invocation.argv, name)
    return f"interrupted: {count} of {members} members are kept as fitted; go on: {again}"


def _write_run(
    fitted: FittedBlend,
    invocation: Invocation,
    networks: NetworkTraining,
    staging: Staging,
) -> RunRecord:
    """Every file of the run; its networks are runs within it, and forecast as exported."""
    job, blend = fitted.job, fitted.blend
    members, parameters, checksums = dict(blend.members), 0, {}
    for name, done in fitted.networks.items():
        within = staging.member(name)
        record = within.seal(networks.write(done, invocation, within))
        members[name] = open_network(Run(within.path, record)).method
        checksums[name] = checksum(within.path / RUN, most_bytes(RUN))
        parameters += record.parameters
    blend = replace(blend, members=members)
    with invocation.stopwatch.stage("score"):
        scales = error_scales(job.panel.before(job.split.train_ends), job.season_length)
        forecasts = _forecasts(job, blend)
        scores = score(forecasts, scales)
    sealed = [
        own.model_copy(update={"checksum": checksums.get(own.name)})
        for own in fitted.record.members
    ]
    write_config(staging, job.source.text, job.config)
    write_blend(staging, fitted.record.model_copy(update={"members": sealed}))
    if blend.calibration:
        write_intervals(staging, blend.calibration.state())
    write_data(staging, data_record(job, scales))
    _write_context(staging, fitted)
    write_forecasts(staging, forecasts)
    write_scores(staging, scores)
    invocation.console.stop.ignore()  # the run is about to appear, whole
    return invocation.record(staging.name, job, parameters)


def _write_context(staging: Staging, fitted: FittedBlend) -> None:
    """The rows that `predict` goes on from: all of them where a method is fitted again to them."""
    job = fitted.job
    if job.config.blend and len(job.members) < len(job.config.blend.members):
        last = job.panel
    else:
        seen = [own.config.rows_seen(own.season_length) for own in job.members.values()]
        last = job.panel.tail(max(*seen, job.season_length))
    write_context(staging, last)
    if job.config.data.covariate_columns:
        write_covariates(staging, last)


def _forecasts(job: Job, blend: Blend) -> pd.DataFrame:
    """Forecasts of the test part beside the baselines.

    Statistical methods are fitted at every cutoff, too slowly to look at the training part too.
    """
    methods = [blend, *named_methods(BASELINES, job.season_length)]
    parts = [("test", job.scored_cutoffs("test"))]
    task = Task(job.panel, parts, job.config.window.horizon, job.config.quantile_levels)
    return forecasts_of(methods, task)
