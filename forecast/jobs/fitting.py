"""Fitting what configs ask for on their training parts: what `train` and `backtest` share.

Every network that a command needs is a member of one program: the seeds of an ensemble, the
networks that calibrate intervals, and all of that again at every cutoff of a backtest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecast.config import Config
from forecast.config.schema import TrainingOptions
from forecast.console import Console
from forecast.data.joint import first_of
from forecast.data.panel import IntArray, Past
from forecast.data.split import has_target
from forecast.display import epoch_progress, text_table
from forecast.engines import Engine, Threads
from forecast.errors import ConfigError
from forecast.features import (
    Encoder,
    fit_encoder,
    vocabulary,
)
from forecast.jobs.calibration import calibrate
from forecast.jobs.columns import columns_of
from forecast.jobs.job import Job, refuse_too_large
from forecast.jobs.trained import TrainedJob
from forecast.jobs.warm_start import WarmStart
from forecast.methods import NetworkOrFallback
from forecast.networks import Architecture, Weights
from forecast.training import (
    CompiledForward,
    EpochLog,
    Fitted,
    FittedBlock,
    Member,
    MemberKey,
    fit,
    layers,
)
from forecast.transforms import Pipelines, fit_pipelines
from forecast.windows import Columns, Windows, spread

# Windows whose loss is measured after each epoch; more would tell little more and take long.
_MONITORED = 10_000


@dataclass(frozen=True)
class FittedJobs:
    """What came of jobs that were fitted together."""

    trained: Sequence[TrainedJob]
    """In the order of the jobs."""
    history: Sequence[EpochLog]
    """Of the first job's members."""
    compile_seconds: float = 0.0
    fit_seconds: float = 0.0
    is_whole: bool = True
    """Whether all epochs are done, and intervals calibrated."""


def shared_part(config: Config) -> Config:
    """A config without what jobs that are fitted together may differ in: equal, if they may be.

    They are one program, in which each member has its own values, seed, epochs, learning rate and
    dropout.
    """
    model, training = config.model, config.training
    if "dropout" in type(model).model_fields:
        model = model.model_copy(update={"dropout": 0.0})
    own = ("seed", "epochs", "learning_rate", "ensemble")
    defaults = {name: TrainingOptions.model_fields[name].default for name in own}
    return config.model_copy(
        update={
            "transforms": (),
            "model": model,
            "training": training.model_copy(update=defaults),
        }
    )


class Fitting:
    """Jobs that are fitted together: to be run, and to be asked in between how far it is.

    Their configs are alike but for what members of one program may differ in: see `shared_part`.
    Where they plan a calibration, their intervals are calibrated.
    """

    def __init__(self, jobs: Sequence[Job], start: WarmStart | None = None) -> None:
        """Fit the transforms of all jobs, each on its own training part alone.

        Networks and transforms go on from `start`; but in a calibration on rows that it has seen
        they begin anew.
        """
        first = jobs[0]
        shared = shared_part(first.config)
        if any(shared_part(job.config) != shared for job in jobs):
            raise ValueError("the configs of these jobs differ in more than members may")
        plans = {f"calibration {i}": job.calibration for i, job in enumerate(jobs)}
        self._finals = {f"job {i}": job for i, job in enumerate(jobs)}
        self._plans = {name: plan for name, plan in plans.items() if plan}
        self._jobs = self._finals | {name: plan.earlier for name, plan in self._plans.items()}
        self._starts = {
            name: start if start and start.suits(job) else None for name, job in self._jobs.items()
        }
        words = vocabulary([_training_part(job).panel for job in self._jobs.values()])
        words |= start.words if start else {}
        self._encoders = {
            name: _fit_encoder(job, words, self._starts[name]) for name, job in self._jobs.items()
        }
        encoder = self._encoders["job 0"]
        self.architecture = Architecture.of(first.config, first.season_length, encoder)
        _refuse_others(self.architecture, start, first)
        self._transforms = {
            name: _fit_transforms(job.fitted_part, self._starts[name])
            for name, job in self._jobs.items()
        }
        refuse_too_large(
            first.source,
            self.architecture.parameters,
            sum(len(_networks(job.fitted_part)) for job in self._jobs.values()),
        )
        self._blocks: dict[tuple[MemberKey, ...], FittedBlock] = {}
        self._logs: list[EpochLog] = []

    @property
    def strange(self) -> list[str]:
        """What covariates are unlike all that the first job was fitted to, in sentences."""
        encoder, part = self._encoders["job 0"], self._finals["job 0"].fitted_part
        if encoder is None or part.panel.covariates is None:
            return []
        # An encoder that is kept was not fitted to the training rows either.
        is_kept = self._starts["job 0"] is not None
        begins = None if is_kept else part.split.train_ends - part.panel.starts
        return encoder.strange(part.panel.covariates, begins)

    def describe(self, console: Console) -> None:
        """Say what the network is, layer by layer."""
        console.say(
            text_table(
                ("layer", "type", "output", "parameters"), layers(self.architecture.keras_model)
            )
        )
        console.say(f"{self.architecture.parameters:,} parameters")

    def run(self, console: Console, engine: Engine | None = None) -> FittedJobs:
        """Fit the networks, by threads where no engine is given.

        Raises `DivergedError` where a loss is no longer a number.
        """
        fitted = self._fit(console, engine or Threads())
        fitted.refuse_divergence()
        _say_skipped(fitted, len(fitted.weights), console)
        trained = self._trained(fitted.weights, self._jobs)
        finals = [
            replace(final, calibration=calibrate(plan, trained[f"calibration {i}"], final))
            if plan
            else final
            for i, plan in enumerate(job.calibration for job in self._finals.values())
            for final in [trained[f"job {i}"]]
        ]
        return FittedJobs(
            finals, _of_first_job(fitted.history), fitted.compile_seconds, fitted.fit_seconds
        )

    def run_each(self, console: Console, engine: Engine | None = None) -> list[TrainedJob | None]:
        """Fit the networks, without intervals: what came of each job, None where one diverged."""
        fitted = self._fit(console, engine or Threads())
        diverged = {key.job for key in fitted.diverged}
        whole = {name: job for name, job in self._finals.items() if name not in diverged}
        trained = self._trained(fitted.weights, whole)
        return [trained.get(name) for name in self._finals]

    def _fit(self, console: Console, engine: Engine) -> Fitted:
        """Fit all members, and take notes of how far they are."""
        first = self._finals["job 0"].fitted_part
        members = [
            member
            for name, job in self._jobs.items()
            for member in _members(
                name,
                job.fitted_part,
                self._transforms[name],
                self._encoders[name],
                self._starts[name],
            )
        ]
        epochs = max(job.config.training.epochs for job in self._jobs.values())
        # An engine elsewhere tells of its blocks, and of no epochs.
        told = console if engine.is_here else replace(console, progress=False)
        with epoch_progress(told, epochs, len(members)) as advance:

            def note(epoch: FittedBlock) -> None:
                self._blocks[epoch.keys] = epoch
                for log in epoch.history:
                    self._logs.append(log)
                    monitored = log.monitored_loss
                    label = "" if monitored is None else f", {first.monitored_loss} {monitored:.4g}"
                    advance(f"loss {log.loss:.4g}{label}")

            options = first.config.training
            return fit(
                self.architecture, members, options, note, console, engine, table=self._table
            )

    @property
    def _table(self) -> str:
        """What values follow from, wherever the tables lie: what is in them, and the configs."""
        places = {"data": {"path", "future", "cache"}}
        return " ".join(
            f"{job.sha256} {job.future_sha256} {job.config.model_dump_json(exclude=places)}"
            for job in self._finals.values()
        )

    def so_far(self) -> FittedJobs | None:
        """What there is after whole epochs, without intervals; None where that is too little."""
        weights = {
            key: row for block in self._blocks.values() for key, row in block.weights.items()
        }
        logs = sorted(self._logs, key=lambda log: (log.epoch, log.member))
        try:
            trained = self._trained(weights, self._finals)
        except LookupError:
            return None
        return FittedJobs(list(trained.values()), _of_first_job(logs), is_whole=False)

    def restored(self, weights: Sequence[Sequence[Weights]]) -> list[TrainedJob]:
        """The jobs with weights that were fitted for them before, as `TrainedJob` has them.

        Raises `LookupError` where these can not be of such networks.
        """
        found = {}
        for (name, job), own in zip(self._finals.items(), weights, strict=True):
            part = job.fitted_part
            shape = len(_networks(part)), len(_seeds(part)), self.architecture.parameters
            if any(array.shape != shape or array.dtype != np.float32 for array in own):
                raise LookupError(name)
            found[name] = own
        return list(self._trained_of(found).values())

    def _trained(
        self, weights: Mapping[MemberKey, Weights], jobs: Mapping[str, Job]
    ) -> dict[str, TrainedJob]:
        return self._trained_of(
            {name: _weights(weights, name, job.fitted_part) for name, job in jobs.items()}
        )

    def _trained_of(self, weights: Mapping[str, Sequence[Weights]]) -> dict[str, TrainedJob]:
        """The jobs of these names, each with its weights by pipeline."""
        forward = CompiledForward(self.architecture)
        return {
            name: TrainedJob(
                self._jobs[name],
                self._transforms[name],
                self._architecture_of(self._jobs[name]),
                forward,
                own,
                encoder=self._encoders[name],
            )
            for name, own in weights.items()
        }

    def _architecture_of(self, job: Job) -> Architecture:
        """The one of all jobs, but for the job's own dropout."""
        options = job.config.model
        is_first = options == self.architecture.options
        return self.architecture if is_first else replace(self.architecture, options=options)


def fit_networks(jobs: Sequence[Job], console: Console, engine: Engine | None = None) -> FittedJobs:
    """Fit jobs that have a config in common, and say what is fitted. Raises `DivergedError`."""
    fitting = Fitting(jobs)
    for strange in fitting.strange:
        console.warn(strange)
    fitting.describe(console)
    return fitting.run(console, engine)


def fit_methods(
    jobs: Sequence[Job], console: Console, engine: Engine | None = None
) -> list[NetworkOrFallback]:
    """The same as methods, on Keras for as long as this process lives."""
    return [trained.method() for trained in fit_networks(jobs, console, engine).trained]


def _say_skipped(fitted: Fitted, networks: int, console: Console) -> None:
    """How many steps were not taken, and what to do where they are many."""
    if not fitted.skipped:
        return
    count, skipping = sum(fitted.skipped.values()), len(fitted.skipped)
    steps = "1 step was" if count == 1 else f"{count:,} steps were"
    of = f" of {skipping} of {networks} networks" if networks > 1 else ""
    console.warn(
        f"{steps} skipped{of}: the loss or its gradient was not finite. Where they are many, set "
        "training.clip_norm: 1, or lower training.learning_rate."
    )


def _of_first_job(logs: Sequence[EpochLog]) -> list[EpochLog]:
    return [log for log in logs if log.member.job == "job 0"]


def _weights(fitted: Mapping[MemberKey, Weights], name: str, job: Job) -> list[Weights]:
    """The weights of a job's members, by pipeline: `(series, size, parameters)`.

    Seeds that no epoch was finished for are left out. Raises `LookupError` where none is left.
    """
    weights = []
    for pipeline in range(len(job.config.pipelines)):
        rows = [
            [fitted.get(MemberKey(seed, series, pipeline, name)) for seed in _seeds(job)]
            for series in _networks(job)
        ]
        whole = [i for i, _ in enumerate(_seeds(job)) if all(row[i] is not None for row in rows)]
        if not whole:
            raise LookupError(name)
        weights.append(np.array([[row[i] for i in whole] for row in rows], np.float32))
    return weights


def _seeds(job: Job) -> list[int]:
    options = job.config.training
    return [options.seed + i for i in range(options.ensemble.size)]


def _networks(job: Job) -> Sequence[str]:
    """The series that have a network each, or the one that all series share, which has no name.

    Of targets that are forecast together, the series of the first stand for all.
    """
    if job.config.model.scope == "global":
        return [""]
    return first_of(job.panel, job.needs.targets).unique_ids


def _refuse_others(architecture: Architecture, start: WarmStart | None, job: Job) -> None:
    """Raise `ConfigError` where a run's weights are not those of the network that is built."""
    if start and start.parameters != architecture.parameters:
        message = (
            f"the network has {architecture.parameters:,} weights, and in the run "
            f"{start.run.record.name} {start.parameters:,}: it is built in another way."
        )
        advice = "Build it as it was, or train without --from."
        raise ConfigError(job.source.problem(("model", "kind"), message, advice))


def _training_part(job: Job) -> Past:
    """What may be fitted on: the rows of the series that the network forecasts."""
    part = job.fitted_part
    return part.panel.before(part.split.train_ends)


def _fit_encoder(
    job: Job, words: Mapping[str, tuple[str, ...]], start: WarmStart | None
) -> Encoder | None:
    """The covariates as the training part has them, or as `start` does."""
    if start and start.is_kept:
        return start.encoder
    return fit_encoder(job.config, _training_part(job), words)


def _fit_transforms(job: Job, start: WarmStart | None) -> Pipelines:
    past, whole = job.panel.before(job.split.train_ends), job.panel.before(job.panel.ends)
    earlier = start.earlier_fit(job.panel.unique_ids) if start else None
    try:
        return fit_pipelines(
            job.config.pipelines, {"train": past, "all": whole}, job.season_length, earlier
        )
    except LookupError as error:
        if start is None:
            raise
        raise start.damaged() from error


def _members(
    name: str,
    job: Job,
    transforms: Pipelines,
    encoder: Encoder | None,
    start: WarmStart | None,
) -> Iterator[Member]:
    """The members of one job, all of whose series are fitted, pipeline after pipeline."""
    seeds = _seeds(job)
    for i, columns in enumerate(columns_of(job, transforms, encoder)):
        for member in _members_of(name, job, i, columns):
            key = member.key
            first = start.initial(i, key.series, seeds.index(key.seed)) if start else None
            yield replace(member, initial=first)


def _members_of(name: str, job: Job, pipeline: int, columns: Columns) -> list[Member]:
    """Networks of one pipeline that differ in their seeds, and in their series if local.

    A window of targets that are forecast together is one of their common rows.
    """
    window, cutoffs, targets = job.config.window, job.cutoffs, job.needs.targets
    common = first_of(job.panel, targets)

    def windows(rows: IntArray) -> Windows:
        there = has_target(job.panel, rows, window.horizon)
        rows = rows if there.all() else rows[there]  # of large panels a copy takes much memory
        if targets > 1:
            rows = np.unique(rows % len(common.values))
        counts = np.diff(np.searchsorted(rows, common.offsets))
        series = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        whole = rows >= np.repeat(common.starts + job.needs.rows_before - 1, counts)
        if not whole.all():
            rows, series = rows[whole], series[whole]
        return Windows(
            columns.values,
            rows,
            series,
            window.context_length,
            window.horizon,
            columns.first,
            columns,
            columns.observed,
            job.config.features.lags,
        )

    train = windows(cutoffs["train"])
    monitor = windows(spread(cutoffs[job.monitored_split], _MONITORED))
    pairs = {"": (train, monitor)}
    if job.config.model.scope == "local":
        pairs = {s: (train.of(i), monitor.of(i)) for i, s in enumerate(common.unique_ids)}
    options = job.config.training
    return [
        Member(
            MemberKey(seed, series, pipeline, name),
            own,
            seen if len(seen.cutoffs) else None,
            job.split.has_validation,
            options.learning_rate,
            job.config.model.dropout_rate,
            options.epochs,
        )
        for series, (own, seen) in pairs.items()
        for seed in _seeds(job)
    ]
