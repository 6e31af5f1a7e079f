"""How far off is a network on ETTh1, by the measure that papers on long horizons use?

    python benchmarks/etth1.py --data DIR                    four and fourteen days ahead
    python benchmarks/etth1.py --data DIR --horizon 96 --set model.kind=seq2seq

DIR holds `etth1.csv.gz` (Zhou et al. 2021, https://arxiv.org/abs/2012.07436). As there, the first
12 months are for training, 4 for validation and 4 for the test; each of the seven columns is scaled
by its training rows, and errors are means over all windows and columns on that scale. Whoever
chooses between settings does so by the validation part.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.jobs.opening import OpenedRun, open_run, original_job
from forecast.runs import find_run

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "etth1.yaml"
ROWS = 20 * 30 * 24
AT_ONCE = 4000


def errors(opened: OpenedRun, part: str) -> tuple[int, float, float]:
    """How many windows a part has, and their mean squared and absolute error."""
    job = original_job(opened)
    panel, horizon, cutoffs = job.panel, opened.config.window.horizon, job.cutoffs[part]
    spans = zip(panel.starts, job.split.train_ends, strict=True)
    deviations = np.array([panel.values[begin:end].std() for begin, end in spans])
    squares, sizes = [], []
    for i in range(0, len(cutoffs), AT_ONCE):
        own = cutoffs[i : i + AT_ONCE]
        missed = opened.method.forecast(panel, own, horizon).y_hat - panel.truth_after(own, horizon)
        scaled = missed / deviations[panel.series_of(own)][:, None]
        squares.append((scaled**2).mean(axis=1))
        sizes.append(np.abs(scaled).mean(axis=1))
    return (
        len(cutoffs),
        float(np.concatenate(squares).mean()),
        float(np.concatenate(sizes).mean()),
    )


def main() -> None:
    """Train for each horizon, and print both parts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds etth1.csv.gz")
    parser.add_argument("--horizon", type=int, action="append", help="repeatable; 96 and 336")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    options = parser.parse_args()
    print("| horizon | part | windows | MSE | MAE |")
    print("| ---: | --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        table = pd.read_csv(options.data / "etth1.csv.gz", dtype=str, nrows=ROWS)
        table.to_csv(folder / "etth1.csv", index=False)
        (folder / "etth1.yaml").write_text(CONFIG.read_text())
        for horizon in options.horizon or (96, 336):
            settings = [f"window.horizon={horizon}", *options.settings]
            words = [word for setting in settings for word in ("--set", setting)]
            command = [sys.executable, "-m", "forecast", "-q", "train", "--config", "etth1.yaml"]
            subprocess.run([*command, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            opened = open_run(find_run(folder / "runs"))
            for part in ("validation", "test"):
                count, square, size = errors(opened, part)
                print(f"| {horizon} | {part} | {count} | {square:.4f} | {size:.4f} |", flush=True)


if __name__ == "__main__":
    main()
