"""What of what is said about GRU, LSTM, SimpleRNN and Transformer is so?

    python benchmarks/claims.py [--data DIR]

Each claim is measured with `forecast` itself on the airline passengers and on planted problems;
with `--data` on panels (`nn5-daily-train.csv.gz` and so on) too. What came of it is told in
docs/explanation/gru-or-lstm.md.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

KINDS = ("gru", "lstm", "simple_rnn", "transformer")
GATED = ("gru", "lstm")
LAGS = (5, 20, 40)
GRADIENT_LAG = 40
PANELS = ("nn5-daily", "tourism-monthly")
_MEMORY = """\
data: {path: memory.csv, time: step, target: y, freq: 1, season_length: 1}
split: {test: 500}
transforms: [standard]
model: {units: 32, dropout: 0}
training: {batch_size: 64, epochs: 30, learning_rate: 0.005, schedule: cosine, clip_norm: 1}
"""
_JUMPS = """\
data: {path: jumps.csv, time: step, target: y, freq: 1, season_length: 1}
split: {test: 300}
transforms: [standard]
window: {context_length: 24}
model: {kind: gru, units: 32, dropout: 0}
training: {batch_size: 64, epochs: 30, learning_rate: 0.005, schedule: cosine}
"""


def forecast(*words: object, folder: Path) -> str:
    """What a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "forecast", "-q", *map(str, words)],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def compared(
    config: str, folder: Path, seeds: int, *settings: str, kinds: Sequence[str] = KINDS
) -> dict[str, dict[str, Any]]:
    """The rows of `forecast compare`, by model."""
    words = [word for setting in settings for word in ("--set", setting)]
    found = forecast(
        "compare", "--config", config, "--models", ",".join(kinds), "--seeds", seeds,
        "--format", "json", *words, folder=folder,
    )  # fmt: skip
    return {row["model"]: row for row in json.loads(found)["models"]}


def sizes_and_speed(folder: Path) -> None:
    """Parameters, and seconds of a training, of networks of 50 units on the airline passengers."""
    forecast("init", "--example", "airline", folder=folder)
    rows = compared("air.yaml", folder, 5)
    print("\n## Size, speed and accuracy: airline passengers, 50 units, five seeds\n")
    print("| | parameters | fit, LSTM = 1 | RMSE, tutorial's recipe |")
    print("| --- | ---: | ---: | ---: |")
    lstm = rows["lstm"]["fit_seconds"]
    for name, row in rows.items():
        size, time = "-", "-"
        if row["parameters"]:
            size, time = f"{row['parameters']:,.0f}", f"{row['fit_seconds'] / lstm:.2f}"
        spread = f" ± {row['rmse_sd']:.2g}" if row["rmse_sd"] else ""
        print(f"| {name} | {size} | {time} | {row['rmse']:.4g}{spread} |")
    print("\nWith the recipe of `air-best.yaml` (logarithm, difference, an ensemble of five):\n")
    print("| | RMSE | beside the best |\n| --- | ---: | --- |")
    for name, row in compared("air-best.yaml", folder, 3).items():
        spread = f" ± {row['rmse_sd']:.2g}" if row["rmse_sd"] else ""
        print(f"| {name} | {row['rmse']:.4g}{spread} | {row['verdict']} |")


def memory(folder: Path) -> None:
    """How much is explained of a value that depends on the one `lag` steps before it alone."""
    print("\n## Memory: share of the variance that is explained; the best that can be is 0.90\n")
    names = [*KINDS, *(f"{kind}, chrono" for kind in GATED)]
    print("| depends on the value ... steps back | " + " | ".join(names) + " |")
    print("| ---: |" + " ---: |" * len(names))
    random = np.random.default_rng(0)
    for lag in LAGS:
        shocks = random.normal(size=4000)
        values = shocks.copy()
        for i in range(lag, len(values)):
            values[i] = np.sqrt(0.9) * values[i - lag] + np.sqrt(0.1) * shocks[i]
        table = pd.DataFrame({"step": np.arange(len(values)), "y": values})
        table.to_csv(folder / "memory.csv", index=False)
        (folder / "memory.yaml").write_text(_MEMORY)
        context = f"window.context_length={lag + 8}"
        rows = compared("memory.yaml", folder, 2, context)
        chrono = "model.bias_initializer=chrono"
        opened = compared("memory.yaml", folder, 2, context, chrono, kinds=GATED)
        variance = float(np.var(values[-500:]))
        errors = [rows[kind]["rmse"] for kind in KINDS] + [opened[kind]["rmse"] for kind in GATED]
        shares = [f"{1 - error**2 / variance:.2f}" for error in errors]
        print(f"| {lag} | {' | '.join(shares)} |", flush=True)
        if lag == GRADIENT_LAG:
            said = reaches(folder)
    print(f"\nWhere it is {GRADIENT_LAG} steps: {' '.join(said)}")


def reaches(folder: Path) -> list[str]:
    """How far back gradients reach in trained networks."""
    said = []
    length = f"window.context_length={GRADIENT_LAG + 8}"
    for name, settings in (
        ("simple_rnn", ["model.kind=simple_rnn"]),
        ("gru", []),
        ("gru-chrono", ["model.bias_initializer=chrono"]),
    ):
        words = [word for setting in (length, *settings) for word in ("--set", setting)]
        forecast("train", "--config", "memory.yaml", "--name", name, *words, folder=folder)
        found = forecast("inspect", "gradients", name, "--format", "json", folder=folder)
        verdict = json.loads(found)["verdicts"][0].partition(": ")[2]
        said.append(f"{name}: {verdict}")
    return said


def jumps(folder: Path) -> None:
    """Does the update gate open at a sudden event? A calm series whose level jumps at times."""
    random = np.random.default_rng(0)
    level = np.repeat(random.normal(0, 3, 50), 60)
    values = level + random.normal(0, 0.5, len(level))
    table = pd.DataFrame({"step": np.arange(len(values)), "y": values})
    table.to_csv(folder / "jumps.csv", index=False)
    (folder / "jumps.yaml").write_text(_JUMPS)
    forecast("train", "--config", "jumps.yaml", "--name", "jumps", folder=folder)
    text = forecast(
        "inspect", "gates", "jumps", "--windows", 2000, "--format", "csv", folder=folder
    )
    rows = pd.DataFrame(csv.DictReader(StringIO(text)))
    opened = 1 - rows["update_gate"].astype(float)
    since = rows["ds"].astype(int) % 60
    print("\n## Gates: mean share that a GRU lets in (1 - z of Keras)\n")
    print("| | mean | 10 % to 90 % of units and dates |\n| --- | ---: | --- |")
    for name, own in (
        ("at a jump", opened[since == 0]),
        ("one step after it", opened[since == 1]),
        ("in calm steps", opened[since > 10]),
    ):
        low, high = np.quantile(own, (0.1, 0.9))
        print(f"| {name} | {own.mean():.2f} | {low:.2f} to {high:.2f} |")


def panels(data: Path, folder: Path) -> None:
    """MASE of each kind with the recipe that `forecast init` writes, on the last training rows."""
    print("\n## Panels: MASE with the recipe of `forecast init`, on the end of the training rows\n")
    print("| | " + " | ".join(KINDS) + " | seasonal naive |\n| --- |" + " ---: |" * 5)
    for name in PANELS:
        forecast("init", data / f"{name}-train.csv.gz", "-o", f"{name}.yaml", folder=folder)
        rows = compared(f"{name}.yaml", folder, 1)
        scores = [f"{rows[kind]['mase']:.3f}" for kind in (*KINDS, "seasonal_naive")]
        print(f"| {name} | {' | '.join(scores)} |", flush=True)


def main() -> None:
    """Measure claim by claim."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="the folder with the panels")
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sizes_and_speed(folder)
        memory(folder)
        jumps(folder)
        if data:
            panels(data.resolve(), folder)


if __name__ == "__main__":
    main()
