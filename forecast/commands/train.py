"""From a prepared job to a run: fit, export, check, score, write."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from forecast.commands.invocation import Invocation, announce, say_end
from forecast.console import Console
from forecast.errors import ForecastError
from forecast.jobs.description import data_record
from forecast.jobs.fitting import FittedJobs, Fitting
from forecast.jobs.job import Job
from forecast.jobs.trained import TrainedJob
from forecast.methods import BASELINES, Compared, Method, Task, named_methods
from forecast.methods.agreement import refuse_disparity
from forecast.methods.network import OnnxPredictor, TrainedNetwork
from forecast.runs import Run, RunRecord, Staging, model_names
from forecast.runs.documents import (
    write_config,
    write_data,
    write_features,
    write_intervals,
    write_transforms,
)
from forecast.runs.tables import (
    write_context,
    write_covariates,
    write_history,
    write_scores,
    writing_forecasts,
)
from forecast.runs.tensorboard import write_events
from forecast.runs.weights import write_weights
from forecast.scoring.metrics import Scale, error_scales
from forecast.scoring.scores import score_series, with_means
from forecast.training import EpochLog, export
from forecast.windows import spread

# Of the transformed data, whose values are about 1.
_PARITY_WINDOWS = 2_000
# Of the table of forecasts that are scored at once: some 300 MB.
_ROWS = 1_000_000


def train(job: Job, staging: Staging, invocation: Invocation) -> Run:
    """Train the network of a job and leave a complete run.

    A signal to stop after the first epoch leaves a run of status `interrupted` with what was
    fitted until then. Raises `DivergedError`; then there is no run.
    """
    console, stopwatch = invocation.console, invocation.stopwatch
    fitting = _begun(job, invocation)
    with console.stop.keeping(partial(_keep, fitting, invocation, staging)):
        done = fitting.run(console)
        report(done, console)
        stopwatch.seconds["compile"] = done.compile_seconds
        stopwatch.seconds["fit"] = done.fit_seconds
        run = staging.leave(partial(_finish, done, invocation))
    say_end(run, job, invocation, needs_future=done.trained[0].needs_future)
    return run


def take_part(job: Job, invocation: Invocation) -> None:
    """Train the network of a job with another process, which leaves the run."""
    _begun(job, invocation).take_part(invocation.console)


def _begun(job: Job, invocation: Invocation) -> Fitting:
    """The fitting of a job, of which is said what is known beforehand."""
    announce(job, invocation)
    fitting = Fitting([job], invocation.start)
    for strange in fitting.strange:
        invocation.console.warn(strange)
    fitting.describe(invocation.console)
    return fitting


def _finish(done: FittedJobs, invocation: Invocation, staging: Staging) -> RunRecord:
    """Every file of the run, which is about to appear, whole."""
    record = write_run(done, invocation, staging)
    invocation.console.stop.ignore()
    return record


def write_run(done: FittedJobs, invocation: Invocation, staging: Staging) -> RunRecord:
    """Every file of the run: the network as exported, and what it forecasts and scores as such."""
    [trained], stopwatch = done.trained, invocation.stopwatch
    job, config = trained.job, trained.job.config
    with stopwatch.stage("export"):
        weights = dict(zip(model_names(len(trained.weights)), trained.weights, strict=True))
        export(trained.architecture, weights, config.training.ensemble, staging.path)
        onnx = [OnnxPredictor(staging.path / f"{name}.onnx") for name in weights]
        network = trained.network_of(onnx)
        _refuse_disparity(trained, network)
    with stopwatch.stage("score"):
        scales = error_scales(job.panel.before(job.split.train_ends), job.season_length)
        write_scores(staging, _score(job, trained.method(network), scales, staging))
    _write(staging, done, scales, invocation)
    return invocation.record(staging.name, job, trained.parameters)


def _keep(fitting: Fitting, invocation: Invocation, staging: Staging) -> str:
    """Leave a run of what is fitted so far; what a person is told of it."""
    done = fitting.so_far()
    if done is None:
        return "interrupted before the first epoch was done: nothing is kept."
    epoch = max(log.epoch for log in done.history)

    def write(spare: Staging) -> RunRecord:
        [trained] = done.trained
        past = trained.job.panel.before(trained.job.split.train_ends)
        _write(spare, done, error_scales(past, trained.job.season_length), invocation)
        return invocation.record(spare.name, trained.job, trained.parameters, is_whole=False)

    try:
        run = staging.keep(write)
    except ForecastError as error:
        return f"interrupted after epoch {epoch}: {error}"
    return f"interrupted after epoch {epoch}; what was fitted is kept: forecast predict {run.path}"


def report(done: FittedJobs, console: Console) -> None:
    """One line on what training came to."""
    job = done.trained[0].job
    last = done.history[-1]
    seconds = done.compile_seconds + done.fit_seconds
    monitored = last.monitored_loss
    label = "" if monitored is None else f", {job.monitored_loss} {monitored:.4g}"
    members = len({log.member for log in done.history})
    networks = f" of {members} networks" if members > 1 else ""
    console.say(
        f"fitted {last.epoch} epochs{networks} in {seconds:.1f} s: loss {last.loss:.4g}{label}"
    )


def _refuse_disparity(trained: TrainedJob, network: TrainedNetwork) -> None:
    """The export has to agree with Keras on the test windows: everything later runs on it."""
    part = trained.job.fitted_part
    shared = trained.transforms.shared.apply(part.panel).panel
    encoded = network.encoded(part.panel, part.config.window.horizon)
    chosen = spread(part.cutoffs["test"], _PARITY_WINDOWS)
    for in_memory, exported in zip(trained.network().branches, network.branches, strict=True):
        transformed = exported.transforms.apply(shared).panel
        by_keras = in_memory.call(transformed, chosen, encoded)
        refuse_disparity(exported.call(transformed, chosen, encoded), by_keras, "exported")


def _score(
    job: Job, network: Method, scales: Mapping[str, Scale], staging: Staging
) -> pd.DataFrame:
    """The scores of every split beside the baselines, whose forecasts are written."""
    horizon, levels = job.config.window.horizon, job.config.quantile_levels
    methods = [network, *named_methods(BASELINES, job.season_length)]
    parts = [(split, job.scored_cutoffs(split)) for split in job.cutoffs]
    compared = Compared.of(methods, Task(job.panel, parts, horizon, levels))
    able, scores = compared.able, []
    with writing_forecasts(staging, compared.rows) as write:
        for table in compared.tables(_ROWS):
            write(table)
            scores.append(score_series(table, scales, able))
    return with_means(scores)


def _write(
    staging: Staging, done: FittedJobs, scales: Mapping[str, Scale], invocation: Invocation
) -> None:
    """Everything of the run directory but the model and the tables of forecasts and scores."""
    [trained] = done.trained
    job = trained.job
    write_config(staging, job.source.text, job.config)
    write_transforms(staging, trained.transforms.states())
    if trained.calibration:
        write_intervals(staging, trained.calibration.state())
    write_data(staging, data_record(job, scales))
    history = _history(job, done.history)
    write_history(staging, history)
    if invocation.log:
        write_events(staging, history)
    write_weights(staging, trained.weights)
    kept = max(job.config.rows_seen(job.season_length), job.season_length)
    last = job.panel.tail(kept)
    if job.config.model.joint:
        # What is seen of a target that was not observed for longer is the value before.
        is_first = np.isin(np.arange(len(last.values)), last.starts)
        last = replace(last, observed=last.observed | is_first)
    write_context(staging, last)
    if trained.encoder is not None:
        write_features(staging, trained.encoder)
        write_covariates(staging, last)


def _history(job: Job, logs: Sequence[EpochLog]) -> pd.DataFrame:
    """A row an epoch and member; members count from 0, series by series and seed by seed."""
    members = {key: i for i, key in enumerate(dict.fromkeys(log.member for log in logs))}
    table = pd.DataFrame([log._asdict() | {"member": members[log.member]} for log in logs])
    return table.rename(columns={"monitored_loss": job.monitored_loss})
