"""Does a covariate that is the cause help, does one that is none do harm, and is it told apart?

    python benchmarks/covariates.py
    python benchmarks/covariates.py --kind gru --draws 3

Two shops sell ten more on days of a promotion, which come at random; all else is noise and a
Saturday. Each draw is trained on without covariates, with the promotions, and with the same
shuffled among the days. What `forecast explain` ranks first is asked of a network that sees five
columns of noise beside the promotions.
"""

import argparse
import csv
import io
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pandas as pd

DAYS, TEST, IDLE = 400, 84, 5
CONFIG = """\
data: {{path: sales.csv, time: day, target: sales, id: shop, covariates: {{known: [{known}]}}}}
split: {{validation: 56, test: {test}}}
transforms: [standard]
window: {{context_length: 14, horizon: 7}}
model: {{kind: {kind}}}
training:
  epochs: 60
  batch_size: 32
  learning_rate: 0.005
  loss: mae
  early_stopping: {{patience: 10}}
  ensemble: 3
  seed: {seed}
"""


def sales(seed: int) -> pd.DataFrame:
    """One draw of both shops, with its promotions, these shuffled, and columns of noise."""
    random = np.random.default_rng(seed)
    days = pd.date_range("2022-01-01", periods=DAYS)
    promotion = random.random((2, DAYS)) < 0.3
    sold = 20 + 2 * (days.day_of_week == 5) + 10 * promotion + random.normal(size=(2, DAYS))
    shuffled = random.permutation(promotion.ravel()).reshape(2, DAYS)
    idle = random.normal(size=(2, DAYS, IDLE))
    parts = [
        pd.DataFrame({"shop": f"s{i}", "day": days, "sales": sold[i]}).assign(
            promotion=promotion[i].astype(int),
            shuffled=shuffled[i].astype(int),
            **{f"idle{k}": idle[i, :, k] for k in range(IDLE)},
        )
        for i in range(2)
    ]
    return pd.concat(parts)


def _forecast(*words: str, folder: Path) -> list[dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-m", "forecast", "-q", *words],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return list(csv.DictReader(io.StringIO(done.stdout)))


def error(known: str, kind: str, seed: int, folder: Path) -> float:
    """The mean absolute error of the test part."""
    config = CONFIG.format(known=known, kind=kind, seed=seed, test=TEST)
    (folder / "sales.yaml").write_text(config)
    _forecast("train", "--config", "sales.yaml", folder=folder)
    rows = _forecast("evaluate", "--format", "csv", folder=folder)
    of_test = (row for row in rows if row["split"] == "test" and row["model"] == kind)
    return next(float(row["value"]) for row in of_test if row["metric"] == "mae")


def main() -> None:
    """Train every draw without, with the cause, and with its twin; print errors and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kind", default="mlp", help="kind of network")
    parser.add_argument("--draws", type=int, default=5)
    options = parser.parse_args()
    causes, twins = [], []
    print("| draw | no covariate | the cause | shuffled | first of `explain` |")
    print("| --- | ---: | ---: | ---: | --- |")
    for seed in range(options.draws):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            sales(seed).to_csv(folder / "sales.csv", index=False)
            alone, twin = (error(k, options.kind, seed, folder) for k in ("", "shuffled"))
            cause = error("promotion", options.kind, seed, folder)
            among = ", ".join(["promotion", *(f"idle{k}" for k in range(IDLE))])
            error(among, options.kind, seed, folder)
            first = _forecast("explain", "--format", "csv", folder=folder)[0]["feature"]
        causes.append(cause / alone)
        twins.append(twin / alone)
        print(f"| {seed} | {alone:.3f} | {cause:.3f} | {twin:.3f} | {first} |", flush=True)
    spread = f" ± {stdev(twins) / len(twins) ** 0.5:.3f}" if len(twins) > 1 else ""
    print(f"\nthe cause: {mean(causes):.3f} of the error; shuffled: {mean(twins):.3f}{spread}")


if __name__ == "__main__":
    main()
