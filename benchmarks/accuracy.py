"""How good are the recipes, beside the methods that one would take otherwise?

    python benchmarks/accuracy.py --data DIR                 the airline data and all panels
    python benchmarks/accuracy.py --data DIR --only airline  one of them
    python benchmarks/accuracy.py --data DIR --peer auto_ets beside one statistical method
    python benchmarks/accuracy.py --data DIR --high          what `init --effort high` writes, too
    python benchmarks/accuracy.py --data DIR --seeds 3       means of three disjoint sets of seeds

DIR holds the panels as `NAME-train.csv.gz` and `NAME-test.csv.gz` (columns unique_id, ds, y) with
the split that was published. A recipe is trained on the training file alone: both files are joined
and the published test rows held out as the test part, of which `forecast train` then reports the
scores. What `forecast init` writes is found from the training file alone, and trained in the same
way. The airline recipe is fitted once, before the first of the last 27 months, with five disjoint
sets of seeds. Seconds are of the processor, all cores together, of a search and one training.

Those of the M1 panels are blends, with members of statsforecast, and take its extra.

With the extra `keras-forecast[stats]`, AutoARIMA, AutoCES, AutoETS and Theta are measured in the
same call: on the airline data fitted again at each cutoff, on a panel once for each series, on its
training rows, with all cores. (AutoARIMA takes hours for hourly series: `--peer` says which.)
Figures marked as quoted were published, or measured elsewhere, and are printed for comparison
alone.
"""

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import mean

import numpy as np

from forecast.data.forecasts import Forecasts
from forecast.data.panel import FloatArray, Past
from forecast.jobs.job import Job, prepare
from forecast.methods import BASELINES, Method, Task, forecasts_of, named_methods
from forecast.scoring.metrics import error_scales
from forecast.scoring.scores import overall, score

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
SEED_SETS = 5
APART = 100  # from one set of seeds to the next, of what `init` writes
HELD_OUT = 27  # months of the airline data
METRICS = ("mase", "smape", "mae")
COVERAGE = "coverage_80"
PEERS = ("auto_arima", "auto_ces", "auto_ets", "auto_theta")
MEDIAN = ("auto_theta", "auto_ets", "auto_ces")


@dataclass(frozen=True)
class Panel:
    """A panel, and what others reach on it: MASE, sMAPE (0 to 200) and MAE, where known."""

    name: str
    quoted: dict[str, tuple[float | None, float | None, float | None]]


PANELS = (
    Panel(
        "tourism-monthly",
        {
            "Theta": (1.683, 20.28, 2076),
            "AutoETS": (1.531, 19.09, 2288),
            "AutoCES": (1.511, 19.77, 2077),
            "GRU of neuralforecast": (1.694, 21.84, 2159),
            "NHITS of neuralforecast": (1.443, 18.81, 2037),
            "DeepAR (Monash archive)": (None, None, 1872),
        },
    ),
    Panel(
        "nn5-daily",
        {
            "Theta": (0.877, 22.31, 3.87),
            "AutoETS": (0.869, 22.19, 3.82),
            "AutoCES": (0.823, 20.99, 3.64),
            "GRU of neuralforecast": (0.891, 23.23, 3.92),
            "NHITS of neuralforecast": (0.809, 21.19, 3.57),
            "stacked LSTM (Hewamalage et al. 2021)": (None, 23.76, None),
            "TBATS (Monash archive)": (None, None, 3.70),
        },
    ),
    Panel(
        "m4-hourly",
        {
            "Theta": (2.385, 18.10, None),
            "AutoETS": (1.606, 17.19, None),
            "AutoCES": (1.178, 19.67, None),
            "GRU of neuralforecast": (1.338, 15.20, None),
            "NHITS of neuralforecast": (1.079, 14.86, None),
            "ES-RNN, winner of M4": (0.893, 9.33, None),
        },
    ),
    Panel("m1-yearly", {"Chronos-Bolt base": (4.405, None, None)}),
    Panel("m1-quarterly", {"Chronos-Bolt base": (1.774, None, None)}),
    Panel("m1-monthly", {"Chronos-Bolt base": (1.100, None, None)}),
)

AIRLINE_QUOTED = {
    "Theta, refitted": (18.88, 29.16),
    "AutoETS, refitted": (23.21, 46.21),
    "GRU of neuralforecast": (17.31, 20.90),
    "NHITS of neuralforecast": (18.95, 33.17),
    "AutoARIMA, refitted": (16.44, 25.68),
    "AutoCES, refitted": (14.98, 20.98),
}


def forecast(*arguments: str) -> str:
    """What a command of `forecast` prints; its talk goes to our stderr."""
    command = [sys.executable, "-m", "forecast", "--quiet", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def scores_of(document: str, split: str) -> dict[str, dict[str, float]]:
    """The scores over all series of a JSON document, by model and metric."""
    result: dict[str, dict[str, float]] = {}
    for row in json.loads(document)["scores"]:
        if row["unique_id"] is None and row["split"] == split:
            result.setdefault(row["model"], {})[row["metric"]] = row["value"]
    return result


def airline(config: Path, peers: Sequence[str], efforts: Sequence[str], seeds: int) -> None:
    """RMSE one step ahead over the last 27 months, and 12 steps from the 16 last origins."""
    by_model: dict[str, list[tuple[float, float]]] = {}
    coverage = []
    size = ensemble_size(config)
    for i in range(SEED_SETS):
        columns = []
        for horizon in (1, 12):
            document = forecast(
                "backtest", "--config", str(config), "--format", "json", "--stride", "1",
                "--windows", str(HELD_OUT + 1 - horizon), "--set", f"backtest.horizon={horizon}",
                "--set", f"training.seed={i * size}",
                # A method without seeds says the same each time.
                "--against", ",".join([*BASELINES, *(() if i else peers)]),
            )  # fmt: skip
            columns.append(scores_of(document, "backtest"))
        for model in columns[0]:
            pair = (columns[0][model]["rmse"], columns[1][model]["rmse"])
            by_model.setdefault(model, []).append(pair)
        coverage += [c["gru"]["coverage_80"] for c in columns if "coverage_80" in c["gru"]]
    rows = [
        (model, *(f"{mean(column):.2f}" for column in zip(*pairs, strict=True)))
        for model, pairs in by_model.items()
    ]
    rows += [
        (f"init --effort {effort}", *airline_init(effort, config, seeds)) for effort in efforts
    ]
    quoted = [(f"{name} (quoted)", *map(str, pair)) for name, pair in AIRLINE_QUOTED.items()]
    print_table("airline passengers, RMSE", ("one step", "12 steps"), rows + quoted)
    spread = "; ".join(f"{one:.2f} and {twelve:.2f}" for one, twelve in by_model["gru"])
    print(f"\ngru by set of seeds: {spread}")
    if coverage:
        print(f"80 % intervals cover {mean(coverage):.1f} % on the mean of all backtests")


def airline_init(effort: str, config: Path, seeds: int) -> list[str]:
    """RMSE of what `init` writes for the months before those that are held out."""
    table = config.parent / "../data/airline-passengers.csv"
    with tempfile.TemporaryDirectory() as folder:
        first, written = Path(folder, "first.csv"), Path(folder, "init.yaml")
        lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
        first.write_text("".join(lines[:-HELD_OUT]), encoding="utf-8")
        forecast("init", str(first), "--effort", effort, "-o", str(written))
        pairs = [
            [airline_rmse(written, table, horizon, i * APART) for horizon in (1, 12)]
            for i in range(seeds)
        ]
    told(f"init --effort {effort}", pairs)
    return [f"{mean(column):.2f}" for column in zip(*pairs, strict=True)]


def airline_rmse(config: Path, table: Path, horizon: int, seed: int) -> float:
    """Over the months that are held out, fitted once before them."""
    document = forecast(
        "backtest", "--config", str(config), "--format", "json", "--stride", "1",
        "--windows", str(HELD_OUT + 1 - horizon), "--set", f"backtest.horizon={horizon}",
        "--set", f"data.path={table.resolve()}", "--set", f"split.test={HELD_OUT}",
        "--set", f"training.seed={seed}",
    )  # fmt: skip
    return own_scores(document, "backtest")["rmse"]


def told(name: str, of_sets: Sequence[Sequence[float]]) -> None:
    """Print what each set of seeds has, for a mean hides how far they are apart."""
    each = "; ".join(" and ".join(f"{score:.4g}" for score in scores) for scores in of_sets)
    print(f"{name}, by set of seeds: {each}", flush=True)


def own_scores(document: str, split: str) -> dict[str, float]:
    """The scores of what was trained, by metric."""
    by_model = scores_of(document, split)
    [ours] = [model for model in by_model if model not in BASELINES]
    return by_model[ours]


def ensemble_size(config: Path) -> int:
    """Members of the recipe, so that sets of seeds are disjoint."""
    document = json.loads(forecast("check", "--config", str(config), "--format", "json"))
    return int(document["members"])


@dataclass(frozen=True)
class Row:
    """What a model reaches on the test rows of a panel."""

    scores: Mapping[str, float | None]
    seconds: float | None = None
    before: float | None = None
    """Seconds of the search that came before."""

    @property
    def seconds_shown(self) -> str:
        """Both, where they are known."""
        known = [seconds for seconds in (self.before, self.seconds) if seconds is not None]
        return " + ".join(f"{seconds:.0f}" for seconds in known) or "-"


@dataclass(frozen=True)
class Trainings:
    """Trains configs on all but the test rows of a panel, equal ones once."""

    joined: Path
    horizon: int
    runs: Path
    seeds: int
    done: dict[str, Row] = field(default_factory=dict)

    def row(self, config: Path, name: str) -> Row:
        """What a config reaches, and the seconds that one training takes."""
        lines = config.read_text(encoding="utf-8").splitlines()
        text = "\n".join(line for line in lines if not line.startswith("#"))
        if text not in self.done:
            start = processor_seconds()
            sets = [self._scores(config, i * APART) for i in range(self.seeds)]
            seconds = (processor_seconds() - start) / self.seeds
            metrics = [metric for metric in (*METRICS, COVERAGE) if metric in sets[0]]
            told(name, [[own[metric] for metric in metrics] for own in sets])
            means = {metric: mean(own[metric] for own in sets) for metric in metrics}
            self.done[text] = Row(means, seconds)
        return self.done[text]

    def _scores(self, config: Path, seed: int) -> dict[str, float]:
        run = forecast(
            "train", "--config", str(config), "--set", f"data.path={self.joined}",
            "--set", f"split.test={self.horizon}", "--set", f"training.seed={seed}",
            "--runs", str(self.runs),
        ).strip()  # fmt: skip
        return own_scores(forecast("runs", "show", run, "--format", "json"), "test")


def panel(
    which: Panel, data: Path, folder: Path, peers: Sequence[str], efforts: Sequence[str], seeds: int
) -> None:
    """Scores on the published test rows."""
    recipe = CONFIGS / f"{which.name}.yaml"
    joined, train = folder / f"{which.name}.csv", data / f"{which.name}-train.csv.gz"
    join(train, data / f"{which.name}-test.csv.gz", joined)
    job = prepare(recipe, [f"data.path={joined}"])
    horizon = job.config.window.horizon
    trainings = Trainings(joined, horizon, folder / "runs", seeds)
    rows = {recipe.name: trainings.row(recipe, recipe.name)}
    for effort in efforts:
        start, config = processor_seconds(), folder / f"{which.name}-{effort}.yaml"
        words = ("--horizon", str(horizon), "--effort", effort, "-o", str(config))
        forecast("init", str(train), *words)
        searching, name = processor_seconds() - start, f"init --effort {effort}"
        own = trainings.row(config, name)
        rows[name] = replace(own, before=searching)
    forecasts = {}
    for method in named_methods([*BASELINES, *peers], job.season_length):
        start = processor_seconds()
        forecasts[method.name] = peer_forecasts(job, method)
        seconds = processor_seconds() - start
        rows[method.name] = Row(scores_of_peer(job, forecasts[method.name]), seconds)
    three = [forecasts[name] for name in MEDIAN if name in forecasts]
    if len(three) == len(MEDIAN):
        median = scores_of_peer(job, np.nanmedian(three, axis=0))
        rows["median of Theta, ETS, CES"] = Row(median)
    quoted = {
        f"{name} (quoted)": Row(dict(zip(METRICS, own, strict=True)))
        for name, own in which.quoted.items()
    }
    metrics = (*METRICS, COVERAGE)
    cells = [
        (model, *(shown(own.scores.get(metric)) for metric in metrics), own.seconds_shown)
        for model, own in (rows | quoted).items()
    ]
    print_table(which.name, (*METRICS, "80 % cover", "seconds"), cells)


@dataclass(frozen=True)
class Known:
    """Forecasts that were made elsewhere, as a method."""

    name: str
    forecasts: Forecasts

    def forecast(self, *_: object) -> Forecasts:
        """The same, whatever is asked."""
        return self.forecasts


def peer_forecasts(job: Job, method: Method) -> FloatArray:
    """One forecast for each series from its training rows, `(series, horizon)`."""
    forecast_one = partial(forecast_series, method, job.config.window.horizon)
    with ProcessPoolExecutor() as pool:
        pasts = (training_rows(job, i) for i in range(len(job.panel.unique_ids)))
        return np.concatenate(list(pool.map(forecast_one, pasts)))


def scores_of_peer(job: Job, y_hat: FloatArray) -> dict[str, float]:
    """Scores on the rows that ours has."""
    known = Known("peer", Forecasts(y_hat))
    task = Task(job.panel, [("test", job.split.test_begins - 1)], y_hat.shape[1])
    scales = error_scales(job.panel.before(job.split.train_ends), job.season_length)
    (means,) = overall(score(forecasts_of([known], task), scales), "test").to_dict("records")
    return {metric: means[metric] for metric in METRICS}


def training_rows(job: Job, i: int) -> Past:
    """The rows of one series before the test part: all that a process has to be sent."""
    panel = job.panel
    rows = slice(int(panel.starts[i]), int(job.split.test_begins[i]))
    one = replace(
        panel,
        unique_ids=panel.unique_ids[i : i + 1],
        offsets=np.array([0, rows.stop - rows.start]),
        begins=panel.begins[i : i + 1],
        values=panel.values[rows],
        observed=panel.observed[rows],
    )
    return Past(one)


def forecast_series(method: Method, horizon: int, past: Past) -> FloatArray:
    """What a method forecasts after the last row of one series: `(1, horizon)`."""
    return method.forecast(past.panel, past.panel.ends - 1, horizon).y_hat


def join(train: Path, test: Path, output: Path) -> None:
    """Both files as one table, series by series."""
    with gzip.open(train, "rt", newline="") as first, gzip.open(test, "rt", newline="") as second:
        header, *rows = csv.reader(first)
        rows += list(csv.reader(second))[1:]
    with output.open("w", newline="") as file:
        csv.writer(file).writerows([header, *sorted(rows)])


def shown(value: float | None) -> str:
    """A score with four digits, or a dash."""
    return "-" if value is None else f"{value:.4g}"


def processor_seconds() -> float:
    """What this process and all that it has waited for took of the processor until now."""
    took = os.times()
    return took.user + took.system + took.children_user + took.children_system


def print_table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """A table in Markdown."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(["", *columns]) + " |")
    print("| --- |" + " ---: |" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def main() -> None:
    """Run what was asked for, print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the panels")
    names = ["airline", *(which.name for which in PANELS)]
    parser.add_argument("--only", choices=names, action="append", help="one data set; repeatable")
    parser.add_argument(
        "--peer", choices=PEERS, action="append", help="one statistical method; repeatable"
    )
    parser.add_argument("--high", action="store_true", help="try `init --effort high` too")
    parser.add_argument("--seeds", type=int, default=1, help="sets of seeds; 1 unless given")
    arguments = parser.parse_args()
    efforts = ("none", "low", "high") if arguments.high else ("none", "low")
    wanted = arguments.only or names
    peers = (arguments.peer or PEERS) if find_spec("statsforecast") else ()
    if not peers:
        print("keras-forecast[stats] is not installed: statistical methods are quoted alone.")
    if "airline" in wanted:
        airline(CONFIGS / "air-best.yaml", peers, efforts, arguments.seeds)
    with tempfile.TemporaryDirectory() as folder:
        for which in PANELS:
            if which.name in wanted:
                panel(which, arguments.data, Path(folder), peers, efforts, arguments.seeds)


if __name__ == "__main__":
    main()
