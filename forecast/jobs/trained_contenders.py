"""Networks that are trained to be compared: of one kind each, with several seeds at once.

Apart from other contenders: to compare runs that exist, nobody needs Keras.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from forecast.console import Console
from forecast.errors import DivergedError
from forecast.jobs.contenders import Contender, Costs, microseconds, test_forecasts
from forecast.jobs.fitting import Fitting
from forecast.jobs.job import Job
from forecast.jobs.trained import TrainedJob
from forecast.runs import model_names
from forecast.training import export_onnx


def trained_contenders(jobs: Sequence[Job], seeds: int, console: Console) -> list[Contender]:
    """The network of each job, with so many seeds; one that diverges is said and left out.

    Raises `DivergedError` where all do.
    """
    found, diverged = [], []
    for job in jobs:
        console.say(f"{job.config.model.kind}: {seeds} seeds")
        try:
            found.append(trained_contender(job, seeds, console))
        except DivergedError as error:
            console.warn(f"{job.config.model.kind} is left out: {error}")
            diverged.append(error)
    if not found:
        raise diverged[0]
    return found


def trained_contender(job: Job, seeds: int, console: Console) -> Contender:
    """The network of a job, trained with so many seeds at once, each of them scored.

    An ensemble has so many of its own. Intervals are left out. Raises `DivergedError`.
    """
    options, job = job.config.training, replace(job, calibration=None)
    steps = range(0, seeds * options.ensemble.size, options.ensemble.size)
    jobs = [job.with_seed(options.seed + step) for step in steps]
    done = Fitting(jobs).run(console)
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
