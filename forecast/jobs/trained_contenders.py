"""Networks that are trained to be compared: of one kind each, with several seeds at once.

Of a config of a blend, blends: each has the networks of one kind as the config blends them.

Apart from other contenders: to compare runs that exist, nobody needs Keras.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from forecast.config.schema import BLEND
from forecast.console import Console
from forecast.engines import Engine, Threads, Work, Workplace
from forecast.errors import DivergedError
from forecast.jobs.blending import asked_of_methods, fit_blends
from forecast.jobs.contenders import SPLIT, Contender, Costs, microseconds, test_forecasts
from forecast.jobs.fitting import FittedJobs, Fitting
from forecast.jobs.job import Job
from forecast.jobs.trained import TrainedJob
from forecast.methods import EMPTY, Memory, Method, named_methods, remember
from forecast.runs import model_names
from forecast.training import export_onnx


def trained_contenders(
    jobs: Sequence[Job], seeds: int, console: Console, engine: Engine | None = None
) -> list[Contender]:
    """The network of each job, with so many seeds; one that diverges is said and left out.

    An engine trains some at a time; threads, where it is left out, one after another. Raises
    `DivergedError` where all diverge.
    """
    engine = engine or Threads()
    memory = _memory(jobs, console, engine)
    results = engine.map(TrainingContenders(seeds, memory), jobs, console)
    found = [own for own in results if isinstance(own, Contender)]
    if not found:
        raise next(own for own in results if isinstance(own, DivergedError))
    return found


def _memory(jobs: Sequence[Job], console: Console, engine: Engine) -> Memory:
    """What methods of a blend forecast, which is the same with each kind of network and seed."""
    first = jobs[0]
    horizon, test = first.config.window.horizon, first.scored_cutoffs(SPLIT)
    weighed = [_weighed(job) for job in jobs if job.config.blend]
    asked = [(first.panel, test, horizon), *chain.from_iterable(map(asked_of_methods, weighed))]
    methods = named_methods(first.source.methods, first.season_length)
    return remember(EMPTY, methods, asked, console, engine)


@dataclass(frozen=True)
class TrainingContenders(Work[Job, Contender | DivergedError]):
    """Trains the networks of jobs, each with so many seeds; one that diverges is said."""

    seeds: int
    memory: Memory
    """Of methods that blends have as members."""
    noun = "kind"
    is_parallel = True

    def begin(self, place: Workplace) -> Callable[[Job], Contender | DivergedError]:
        """See `Work.begin`."""
        return lambda job: self._trained(job, place)

    def label(self, piece: Job) -> str:
        """The kind of network, and whether it is blended."""
        return _name(piece)

    def _trained(self, job: Job, place: Workplace) -> Contender | DivergedError:
        place.console.say(f"{_name(job)}: {self.seeds} seeds")
        try:
            return trained_contender(job, self.seeds, place.console, place.engine, self.memory)
        except DivergedError as error:
            place.console.warn(f"{_name(job)} is left out: {error}")
            return error


def trained_contender(
    job: Job, seeds: int, console: Console, engine: Engine, memory: Memory
) -> Contender:
    """The network of a job, trained with so many seeds at once, each of them scored; or its blend.

    An ensemble has so many of its own. Intervals are left out. Raises `DivergedError`.
    """
    jobs = [_weighed(job).reseeded(number) for number in range(seeds)]
    fit = _fit_blends if job.config.blend else _fit_networks
    methods, costs = fit(jobs, console, engine, memory)
    tables = [
        test_forecasts([method], job).assign(seed=seed, model=_name(job))
        for seed, method in enumerate(methods)
    ]
    return Contender(_name(job), pd.concat(tables, ignore_index=True), costs)


def _name(job: Job) -> str:
    kind = job.config.model.kind
    return f"{BLEND} of {kind}" if job.config.blend else kind


def _weighed(job: Job) -> Job:
    """The job with a plan for the weights of a blend, and none for intervals."""
    return replace(job, calibration=None).weighed()


def _fit_networks(
    jobs: Sequence[Job], console: Console, engine: Engine, memory: Memory
) -> tuple[Sequence[Method], Costs]:
    done = Fitting(jobs).run(console, engine)
    return [trained.method() for trained in done.trained], _costs(done)


def _fit_blends(
    jobs: Sequence[Job], console: Console, engine: Engine, memory: Memory
) -> tuple[Sequence[Method], Costs]:
    def fit(jobs: Sequence[Job], console: Console) -> FittedJobs:
        return Fitting(jobs).run(console, engine)

    fitted = fit_blends(jobs, console, fit, memory=memory)
    each = [_costs(done) for done in fitted[0].networks.values()]
    # How long methods take depends on the series: as of runs, their time is not told.
    return [own.blend for own in fitted], Costs(
        sum(own.parameters for own in each),
        sum(own.onnx_bytes for own in each),
        sum(own.fit_seconds for own in each),
        math.nan,
        math.nan,
    )


def _costs(done: FittedJobs) -> Costs:
    """What the network of the first of several jobs takes, which were fitted together."""
    first, epochs = done.trained[0], max(log.epoch for log in done.history)
    with _exported(first) as folder:
        files = sorted(folder.glob("*.onnx"))
        return Costs(
            first.parameters,
            sum(file.stat().st_size for file in files),
            done.fit_seconds,
            done.fit_seconds / epochs,
            sum(map(microseconds, files)),
        )


@contextmanager
def _exported(trained: TrainedJob) -> Iterator[Path]:
    """A folder with the ONNX files of a trained job."""
    with TemporaryDirectory(prefix="forecast-") as temporary:
        folder = Path(temporary)
        weights = dict(zip(model_names(len(trained.weights)), trained.weights, strict=True))
        export_onnx(trained.architecture, weights, trained.job.config.training.ensemble, folder)
        yield folder
