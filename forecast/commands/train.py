"""From a prepared job to a run: fit, export, check, score, write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from platform import python_version
from typing import Literal

import numpy as np
import pandas as pd

from forecast import __version__
from forecast.commands.scored import shown_scores
from forecast.commands.verdict import say_verdict
from forecast.console import Console
from forecast.data.calendar import iso, zone_of
from forecast.errors import ForecastError
from forecast.jobs.fitting import FittedJobs, Fitting
from forecast.jobs.job import Job
from forecast.jobs.trained import TrainedJob
from forecast.jobs.warm_start import WarmStart
from forecast.methods import BASELINES, Method, Task, forecasts_of, named_methods
from forecast.methods.agreement import refuse_disparity
from forecast.methods.network import OnnxPredictor, TrainedNetwork
from forecast.runs import DataRecord, Run, RunRecord, SeriesRecord, Staging, model_names
from forecast.runs.documents import (
    write_config,
    write_data,
    write_features,
    write_intervals,
    write_transforms,
)
from forecast.runs.tables import (
    read_scores,
    write_context,
    write_covariates,
    write_forecasts,
    write_history,
    write_scores,
)
from forecast.runs.tensorboard import write_events
from forecast.runs.weights import write_weights
from forecast.scoring.metrics import Scale, error_scales
from forecast.scoring.scores import score
from forecast.stopwatch import Stopwatch
from forecast.training import EpochLog, export
from forecast.windows import spread

# Of the transformed data, whose values are about 1.
_PARITY_WINDOWS = 2_000

_PACKAGES = ("keras", "tensorflow", "numpy", "onnxruntime", "pandas", "scikit-learn")


@dataclass(frozen=True)
class Invocation:
    """How a training was asked for: who is spoken to, since when, in which words."""

    console: Console = field(default_factory=Console)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    argv: Sequence[str] = ()

    start: WarmStart | None = None
    """What the training goes on from."""
    log: Literal["tensorboard"] | None = None
    """For which other program the history is written too."""

    def record(self, name: str, trained: TrainedJob, *, is_whole: bool) -> RunRecord:
        """What `run.json` tells of the run of this name."""
        self.stopwatch.seconds["total"] = self.stopwatch.total()
        return RunRecord(
            name=name,
            status="complete" if is_whole else "interrupted",
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            # A word may be the name of a file that is no UTF-8.
            argv=[
                word.encode(errors="surrogateescape").decode(errors="replace") for word in self.argv
            ],
            versions={"python": python_version(), "forecast": __version__}
            | {name: version(name) for name in _PACKAGES},
            model=trained.job.config.model.kind,
            parameters=sum(weights.size for weights in trained.weights),
            seconds={name: round(spent, 4) for name, spent in self.stopwatch.seconds.items()},
            warm_start=self.start.record(trained.job) if self.start else None,
        )


def train(job: Job, staging: Staging, invocation: Invocation) -> Run:
    """Train the network of a job and leave a complete run.

    A signal to stop after the first epoch leaves a run of status `interrupted` with what was
    fitted until then. Raises `DivergedError`; then there is no run.
    """
    console, stopwatch = invocation.console, invocation.stopwatch
    _announce(job, invocation)
    fitting = Fitting([job], invocation.start)
    for strange in fitting.strange:
        console.warn(strange)
    fitting.describe(console)
    with console.stop.keeping(partial(_keep, fitting, invocation, staging)):
        done = fitting.run(console)
        _report(job, done, console)
        stopwatch.seconds["compile"] = done.compile_seconds
        stopwatch.seconds["fit"] = done.fit_seconds
        run = staging.leave(partial(_write_run, done, invocation))
    scores = read_scores(run)
    console.say(shown_scores(scores, "test", job.config.data))
    _say_steps(job, console)
    say_verdict(scores, "test", job.config.model.kind, console, job.config)
    if console.verbose:
        for stage, seconds in run.record.seconds.items():
            console.say(f"{stage:>8} {seconds:7.2f} s")
    future = " --future future.csv" if done.trained[0].needs_future else ""
    console.say(f"next: forecast predict{future} --output forecast.csv; forecast plot{future}")
    return run


def _write_run(done: FittedJobs, invocation: Invocation, staging: Staging) -> RunRecord:
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
        forecasts = _forecasts(job, trained.method(network))
        scores = score(forecasts, scales)
    invocation.console.stop.ignore()  # the run is about to appear, whole
    _write(staging, done, scales, invocation)
    write_forecasts(staging, forecasts)
    write_scores(staging, scores)
    return invocation.record(staging.name, trained, is_whole=True)


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
        return invocation.record(spare.name, trained, is_whole=False)

    try:
        run = staging.keep(write)
    except ForecastError as error:
        return f"interrupted after epoch {epoch}: {error}"
    return f"interrupted after epoch {epoch}; what was fitted is kept: forecast predict {run.path}"


def _announce(job: Job, invocation: Invocation) -> None:
    panel, console, start = job.panel, invocation.console, invocation.start
    counts = ", ".join(f"{count} {name}" for name, count in job.windows.items())
    of = f" of {len(panel.unique_ids)} series" if len(panel.unique_ids) > 1 else ""
    console.say(f"{len(panel.values)} rows{of}, frequency {panel.freq}; windows: {counts}")
    if str(job.reading):
        console.say(str(job.reading))
    if start:
        scales = "its transforms" if start.transforms else "transforms that are fitted again"
        console.say(f"goes on from the run {start.run.record.name}: its weights, and {scales}")
    for warning in [*job.warnings, *(start.warnings(job) if start else [])]:
        console.warn(warning)


def _report(job: Job, done: FittedJobs, console: Console) -> None:
    """One line on what training came to."""
    last = done.history[-1]
    seconds = done.compile_seconds + done.fit_seconds
    monitored = last.monitored_loss
    label = "" if monitored is None else f", {job.monitored_loss} {monitored:.4g}"
    members = len({log.member for log in done.history})
    networks = f" of {members} networks" if members > 1 else ""
    console.say(
        f"fitted {last.epoch} epochs{networks} in {seconds:.1f} s: loss {last.loss:.4g}{label}"
    )


def _say_steps(job: Job, console: Console) -> None:
    """What the scores are of, where `predict` forecasts further than a call of the network."""
    scored, predicted = job.config.window.horizon, job.config.predict.horizon or 1
    if predicted > scored:
        ahead = "one step" if scored == 1 else f"{scored} steps"
        console.say(
            f"scored {ahead} ahead; forecasts of {predicted} steps are scored by "
            "`forecast backtest`."
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


def _forecasts(job: Job, network: Method) -> pd.DataFrame:
    """Forecasts of every split beside the baselines."""
    horizon, levels = job.config.window.horizon, job.config.quantile_levels
    methods = [network, *named_methods(BASELINES, job.season_length)]
    parts = [(split, job.scored_cutoffs(split)) for split in job.cutoffs]
    return forecasts_of(methods, Task(job.panel, parts, horizon, levels))


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
    write_data(staging, _data_record(job, scales))
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


def _data_record(job: Job, scales: Mapping[str, Scale]) -> DataRecord:
    panel, options = job.panel, job.config.data
    firsts, lasts = iso(panel.begins), iso(panel.lasts)
    test_begins = iso(panel.dates_by_series(job.split.test_begins))
    train_ends = iso(panel.dates_by_series(job.split.train_ends))
    zone = zone_of(panel.begins)
    return DataRecord(
        path=options.path,
        sha256=job.sha256,
        rows=len(panel.values),
        series=len(panel.unique_ids),
        first=firsts[int(np.argmin(panel.begins))],
        last=lasts[int(np.argmax(panel.lasts))],
        freq=panel.freq,
        timezone=None if zone is None else str(zone),
        season_length=job.season_length,
        columns={
            "time": ", ".join(options.time_columns),
            "target": ", ".join(options.targets),
            "id": ", ".join(options.ids) or None,
        },
        reading=job.reading.counts,
        per_series=[
            SeriesRecord(
                unique_id=name,
                rows=int(panel.ends[i] - panel.starts[i]),
                first=firsts[i],
                last=lasts[i],
                test_begin=test_begins[i],
                train_end=train_ends[i],
                is_fitted=bool(job.fitted[i]),
                scale=_or_none(scales[name].mae),
                rmsse_scale=_or_none(scales[name].rmse),
            )
            for i, name in enumerate(panel.unique_ids)
        ],
    )


def _or_none(scale: float) -> float | None:
    """JSON has no NaN."""
    return scale if np.isfinite(scale) else None
