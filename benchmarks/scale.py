"""How do cost and memory grow with the rows of a panel, to more than memory holds as a table?

    python benchmarks/scale.py                       1, 10 and 50 million rows of 500 days a series
    python benchmarks/scale.py --series 2000 20000   so many series, of 500 rows each
    python benchmarks/scale.py --folder DIR          where to write (about 3 GB), and keep it

For each size a folder of Parquet is made, parted by year and month, so that every series is spread
over 68 files. Then `forecast train` takes 200 steps on it, twice: the first time its table is put
into the cache, the second time it is there. `forecast predict` forecasts 14 days of every series.
Each is a process of its own; printed is a line for each, with its seconds, the processor's seconds,
and the peak of its memory, and at last how far the seconds are from a straight line: what a row
costs from the smallest to the largest, beside what it costs up to the middle.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DAYS, FILES = 500, 4
SERIES = (2_000, 20_000, 100_000)
# Linux counts the peak memory of a process in kilobytes, macOS in bytes.
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
CONFIG = """\
data:
  path: {table}
  time: day
  target: sold
  id: store
split:
  test: 14
transforms:
  - standard
window:
  context_length: 28
  horizon: 14
model:
  kind: gru
  units: 32
training:
  batch_size: 256
  epochs: 1
  steps_per_epoch: 200
predict:
  horizon: 14
"""


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    seconds: float
    processor: float
    peak: float
    """Gigabytes."""


def write_panel(folder: Path, series: int) -> None:
    """Daily sales with a week in them, in files of a month and of a part of the series."""
    random = np.random.default_rng(0)
    level, swing = random.gamma(2.0, 20.0, series), random.uniform(0.1, 0.4, series)
    ids = pa.array([f"S{number:06d}" for number in range(series)])
    days = np.datetime64("2023-01-01") + np.arange(DAYS)
    months = days.astype("datetime64[M]")
    for month in np.unique(months):
        own = np.flatnonzero(months == month)
        year, number = str(month).split("-")
        path = folder / f"year={year}" / f"month={number}"
        path.mkdir(parents=True)
        week = np.sin(2 * np.pi * own / 7)
        for i, part in enumerate(np.array_split(np.arange(series), FILES)):
            noise = random.normal(0, 3, (len(part), len(own)))
            sold = level[part, None] * (1 + swing[part, None] * week) + noise
            codes = pa.array(np.repeat(part, len(own)).astype(np.int32))
            table = pa.table(
                {
                    "store": pa.DictionaryArray.from_arrays(codes, ids),
                    "day": pa.array(np.tile(days[own].astype("datetime64[us]"), len(part))),
                    "sold": sold.round(2).ravel(),
                }
            )
            pq.write_table(table, path / f"part-{i}.parquet", row_group_size=2**18)


def run(folder: Path, *words: str) -> Cost:
    """Run `forecast` as a person does. Raises `SystemExit` where it fails."""
    environment = os.environ | {
        "FORECAST_RUNS": str(folder / "runs"),
        "FORECAST_CACHE": str(folder / "cache"),
    }
    command = [sys.executable, "-m", "forecast", "--quiet", *words]
    begin = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        said = process.stderr.read().decode(errors="replace") if process.stderr else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}\n{said}")
    seconds = time.perf_counter() - begin
    processor = usage.ru_utime + usage.ru_stime
    return Cost(seconds, processor, usage.ru_maxrss * PEAK_UNIT / 1e9)


def measure(folder: Path, series: int) -> dict[str, Cost]:
    """The costs of each command on a panel of so many series."""
    table = folder / f"sales-{series}"
    if not table.exists():
        write_panel(table, series)
    config = folder / f"sales-{series}.yaml"
    config.write_text(CONFIG.format(table=table.name), encoding="utf-8")
    train = ("train", "--config", config.name)
    return {
        "train, first": run(folder, *train),
        "train, again": run(folder, *train, "--name", f"sales-{series}"),
        "predict": run(folder, "predict", f"sales-{series}", "--output", "next.csv"),
    }


def report(costs: dict[int, dict[str, Cost]]) -> None:
    """A table for the docs, and how straight the lines are."""
    print("| rows | series | | seconds | processor (s) | peak memory (GB) |")
    print("| ---: | ---: | --- | ---: | ---: | ---: |")
    for series, each in costs.items():
        for name, cost in each.items():
            print(
                f"| {series * DAYS / 1e6:g} million | {series:,} | {name} | {cost.seconds:.1f} | "
                f"{cost.processor:.1f} | {cost.peak:.2f} |"
            )
    if len(costs) < 3:
        return
    small, *_, middle, large = costs
    print("\n| | microseconds a row, to the middle | to the largest | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for name in costs[small]:
        first, second = (
            (costs[end][name].processor - costs[small][name].processor) / (end - small) / DAYS
            for end in (middle, large)
        )
        print(f"| {name} | {first * 1e6:.2f} | {second * 1e6:.2f} | {second / first:.2f} |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--series", type=int, nargs="+", default=SERIES)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = given.folder
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="forecast-")))
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        costs = {}
        for series in given.series:
            print(f"{series:,} series ...", file=sys.stderr, flush=True)
            costs[series] = measure(folder, series)
        report(costs)


if __name__ == "__main__":
    main()
