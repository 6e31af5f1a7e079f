"""Models to be compared on a test part: runs that exist, and baselines."""

import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from forecast.errors import Problem, RunError
from forecast.jobs.job import Job
from forecast.jobs.opened_run import scales_of
from forecast.methods import BASELINES, Method, Task, forecasts_of, named_methods
from forecast.methods.network import OnnxPredictor
from forecast.runs import Run, model_names
from forecast.runs.documents import read_config, read_data
from forecast.runs.tables import read_forecasts, read_history
from forecast.scoring.metrics import Scale

SPLIT = "test"
_CALLS, _FIRST_CALLS = 200, 20
_GLOBAL_AXES = 3  # of the past of a network that all series share; local ones have one more


class Costs(NamedTuple):
    """What a model takes."""

    parameters: int
    onnx_bytes: int
    """Of all files that forecast."""
    fit_seconds: float
    """The training itself, without compiling, of all seeds together."""
    epoch_seconds: float
    forecast_microseconds: float
    """The median time of the network, by ONNX Runtime, for one forecast."""


@dataclass(frozen=True)
class Contender:
    """A model with its forecasts of the test part."""

    name: str
    forecasts: pd.DataFrame
    """The columns of `forecasts_of`, and `seed`."""
    costs: Costs | None = None
    """None of a baseline."""


def test_forecasts(methods: Sequence[Method], job: Job) -> pd.DataFrame:
    """Forecasts of the test part of a job, as those that a run keeps."""
    task = Task(job.panel, [(SPLIT, job.scored_cutoffs(SPLIT))], job.config.window.horizon)
    return forecasts_of(methods, task)


def baselines(job: Job) -> list[Contender]:
    """Naive and seasonal naive on the same rows."""
    methods = named_methods(BASELINES, job.season_length)
    return [Contender(own.name, test_forecasts([own], job).assign(seed=0)) for own in methods]


def microseconds(file: Path) -> float:
    """The median time that an exported network takes for one forecast."""
    network = OnnxPredictor(file)
    example, spent = network.example(), []
    for _ in range(_FIRST_CALLS + _CALLS):
        begin = time.perf_counter()
        forecasts = network.predict(example)
        spent.append(time.perf_counter() - begin)
    local = forecasts.shape[0] if example.past.ndim > _GLOBAL_AXES else 1
    return 1e6 * statistics.median(spent[_FIRST_CALLS:]) / local


def contenders_of(runs: Sequence[Run]) -> tuple[list[Contender], Mapping[str, Scale]]:
    """Finished runs, and the baselines of the first, as far as they have a test part in common.

    Each is named after its run, and by its path where that would be the name of another. Raises
    `RunError` where they were scored on other rows.
    """
    tables, found = [], []
    names = Counter([*(run.record.name for run in runs), *BASELINES])
    for run in runs:
        table = read_forecasts(run)
        tables.append(table[table["split"] == SPLIT].assign(seed=0))
    for run, table in zip(runs, tables, strict=True):
        _refuse_other_rows(run, table, runs[0], tables[0])
        name = run.record.name if names[run.record.name] == 1 else str(run.path)
        own = table[table["model"] == run.record.model]
        found.append(Contender(name, own.assign(model=name), _costs(run)))
    beside = [Contender(name, tables[0][tables[0]["model"] == name]) for name in BASELINES]
    return [*found, *beside], scales_of(read_data(runs[0]))


def _costs(run: Run) -> Costs:
    """Of a blend, what its networks take; how long its methods do depends on the series."""
    seconds = run.record.seconds.get("fit", float("nan"))
    files = [file for network in run.members.values() or [run] for file in _onnx_files(network)]
    size = sum(file.stat().st_size for file in files)
    if run.is_blend:
        return Costs(run.record.parameters, size, seconds, float("nan"), float("nan"))
    epochs = read_history(run)["epoch"].max()
    each = seconds / float(epochs)
    return Costs(run.record.parameters, size, seconds, each, sum(map(microseconds, files)))


def _onnx_files(run: Run) -> list[Path]:
    if run.is_blend:
        return []
    return [run.file(f"{name}.onnx") for name in model_names(len(read_config(run).pipelines))]


def _refuse_other_rows(run: Run, table: pd.DataFrame, first: Run, beside: pd.DataFrame) -> None:
    """Raise `RunError` where two runs were not scored on the same truth."""
    keys = ["unique_id", "ds", "cutoff", "step"]
    rows, others = (
        own[own["model"] == of.record.model].sort_values(keys)[[*keys, "y"]].reset_index(drop=True)
        for own, of in ((table, run), (beside, first))
    )
    if len(rows) and rows.equals(others):
        return
    message = (
        f"{run.record.name} was scored on other rows than {first.record.name}: their scores can "
        "not be compared."
    )
    advice = (
        "Train both on the same table with the same `split` and `window.horizon`; or compare kinds "
        "of networks with --config and --models."
    )
    raise RunError(Problem(message, advice))
