"""How good are the recipes, beside the methods that one would take otherwise?

    python benchmarks/accuracy.py --data DIR                 the airline data and all panels
    python benchmarks/accuracy.py --data DIR --only airline  one of them

DIR holds the panels as `NAME-train.csv.gz` and `NAME-test.csv.gz` (columns unique_id, ds, y) with
the split that was published. A recipe is trained on the training file alone: both files are joined
and the published test rows held out as the test part, of which `forecast train` then reports the
scores. The airline recipe is fitted once, before the first of the last 27 months, with five
disjoint sets of seeds. Figures marked as quoted were published, or measured elsewhere, and are
printed for comparison alone.
"""

import argparse
import csv
import gzip
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
SEED_SETS = 5
HELD_OUT = 27  # months of the airline data
METRICS = ("mase", "smape", "mae")


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


def scores_of(document: str, segment: str) -> dict[str, dict[str, float]]:
    """The scores over all series of a JSON document, by model and metric."""
    result: dict[str, dict[str, float]] = {}
    for row in json.loads(document)["scores"]:
        if row["unique_id"] is None and row["segment"] == segment:
            result.setdefault(row["model"], {})[row["metric"]] = row["value"]
    return result


def airline(config: Path) -> None:
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
    quoted = [(f"{name} (quoted)", *map(str, pair)) for name, pair in AIRLINE_QUOTED.items()]
    print_table("airline passengers, RMSE", ("one step", "12 steps"), rows + quoted)
    spread = "; ".join(f"{one:.2f} and {twelve:.2f}" for one, twelve in by_model["gru"])
    print(f"\ngru by set of seeds: {spread}")
    if coverage:
        print(f"80 % intervals cover {mean(coverage):.1f} % on the mean of all backtests")


def ensemble_size(config: Path) -> int:
    """Members of the recipe, so that sets of seeds are disjoint."""
    document = json.loads(forecast("check", "--config", str(config), "--format", "json"))
    return int(document["members"])


def panel(recipe: Path, which: Panel, data: Path, folder: Path) -> None:
    """Scores on the published test rows."""
    joined = folder / f"{which.name}.csv"
    join(data / f"{which.name}-train.csv.gz", data / f"{which.name}-test.csv.gz", joined)
    start = time.perf_counter()
    run = forecast(
        "train", "--config", str(recipe), "--set", f"data.path={joined}",
        "--runs", str(folder / "runs"),
    ).strip()  # fmt: skip
    seconds = time.perf_counter() - start
    ours = scores_of(forecast("runs", "show", run, "--format", "json"), "test")
    rows = [(model, *(shown(s.get(metric)) for metric in METRICS)) for model, s in ours.items()]
    rows += [(f"{name} (quoted)", *map(shown, values)) for name, values in which.quoted.items()]
    print_table(which.name, METRICS, rows)
    print(f"\ntrained in {seconds:.0f} s", end="")
    coverage = ours["gru"].get("coverage_80")
    print(f"; 80 % intervals cover {coverage:.1f} %" if coverage is not None else "")


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
    arguments = parser.parse_args()
    wanted = arguments.only or names
    if "airline" in wanted:
        airline(CONFIGS / "air-best.yaml")
    with tempfile.TemporaryDirectory() as folder:
        for which in PANELS:
            if which.name in wanted:
                panel(CONFIGS / f"{which.name}.yaml", which, arguments.data, Path(folder))


if __name__ == "__main__":
    main()
