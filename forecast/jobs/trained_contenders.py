"""Networks that are trained to be compared: of one kind each, with several seeds at once.

Apart from other contenders: to compare runs that exist, nobody needs Keras.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from forecast.console import Console
from forecast.engines import Engine, Threads, Work, Workplace
from forecast.errors import DivergedError
from forecast.jobs.contenders import Contender, Costs, microseconds, test_forecasts
from forecast.jobs.fitting import Fitting
from forecast.jobs.job import Job
from forecast.jobs.trained import TrainedJob
from forecast.runs import model_names
from forecast.training import export_onnx


def trained_contenders(
    jobs: Sequence[Job], seeds: int, console: Console, engine: Engine | None = None
) -> list[Contender]:
    """The network of each job, with so many seeds; one that diverges is said and left out.

    An engine trains some at a time; threads, where it is left out, one after another. Raises
    `DivergedError` where all diverge.
    """
    results = (engine or Threads()).map(TrainingContenders(seeds), jobs, console)
    found = [own for own in results if isinstance(own, Contender)]
    if not found:
        raise next(own for own in results if isinstance(own, DivergedError))
    return found


@dataclass(frozen=True)
class TrainingContenders(Work[Job, Contender | DivergedError]):
    """Trains the networks of jobs, each with so many seeds; one that diverges is said."""

    seeds: int
    noun = "kind"
    is_parallel = True

    def begin(self, place: Workplace) -> Callable[[Job], Contender | DivergedError]:
        """See `Work.begin`."""
        return lambda job: self._trained(job, place)

    def label(self, piece: Job) -> str:
        """The kind of network."""
        return piece.config.model.kind

    def _trained(self, job: Job, place: Workplace) -> Contender | DivergedError:
        place.console.say(f"{self.label(job)}: {self.seeds} seeds")
        try:
            return trained_contender(job, self.seeds, place.console, place.engine)
        except DivergedError as error:
            place.console.warn(f"{self.label(job)} is left out: {error}")
            return error


def trained_contender(job: Job, seeds: int, console: Console, engine: Engine) -> Contender:
    """The network of a job, trained with so many seeds at once, each of them scored.

    An ensemble has so many of its own. Intervals are left out. Raises `DivergedError`.
    """
    options, job = job.config.training, replace(job, calibration=None)
    steps = range(0, seeds * options.ensemble.size, options.ensemble.size)
    jobs = [job.with_seed(options.seed + step) for step in steps]
    done = Fitting(jobs).run(console, engine)
    tables = [
        test_forecasts([trained.method()], job).assign(seed=seed)
        for seed, trained in enumerate(done.trained)
    ]
    first = done.trained[0]
    epochs = max(log.epoch for log in done.history)
    with _exported(first) as folder:
        files = sorted(folder.glob("*.onnx"))
        costs = Costs(
            first.parameters,
            sum(file.stat().st_size for file in files),
            done.fit_seconds,
            done.fit_seconds / epochs,
            sum(map(microseconds, files)),
        )
    return Contender(job.config.model.kind, pd.concat(tables, ignore_index=True), costs)


@contextmanager
def _exported(trained: TrainedJob) -> Iterator[Path]:
    """A folder with the ONNX files of a trained job."""
    with TemporaryDirectory(prefix="forecast-") as temporary:
        folder = Path(temporary)
        weights = dict(zip(model_names(len(trained.weights)), trained.weights, strict=True))
        export_onnx(trained.architecture, weights, trained.job.config.training.ensemble, folder)
        yield folder
