"""How do cost and memory grow, and what would 1,000 machines take?

    python benchmarks/scale.py                  all of it: some 20 minutes on two idle cores
    python benchmarks/scale.py --only files     a part of it; repeatable
    python benchmarks/scale.py --panels 2000x500 20000x100 ...    so many series of so many days
    python benchmarks/scale.py --folder DIR     where to write (about 6 GB), and keep it

Of each panel a folder of Parquet is made, parted by year and month, so that every series is spread
over files. Then `forecast train` takes 200 steps on it, twice: the first time its table is put into
the cache, the second time it is there. `forecast predict` forecasts 14 days of every series.
Members are those of an ensemble on the smallest panel; nodes are Ray clusters of one core each on
this machine; files are tiny ones in one folder. Each command is a process of its own. Printed are
tables for docs/scale.md: seconds, the processor's seconds and the peak of memory, a model of them
that is linear in rows, series, members and files, and what it says of panels and clusters that
nobody has here.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import engines
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from linear import Model, duration, print_table

from forecast.console import Console
from forecast.data.panel import Panel
from forecast.data.sources.parquet import checksum, open_files
from forecast.engines import Asked, engine_of
from forecast.methods.baselines.naive import Naive
from forecast.methods.parts import Forecasting, Part

FILES = 4
PARTS = ("panels", "members", "nodes", "files")
MEMBERS = (1, 4, 16)
FOLDERS = (100, 1_000, 4_000)
ROWS_OF_FILE = 500_000  # of a folder that is not measured
SERIES_OF_PIECE, PIECES = 4_096, 200
HEAD = 64  # gigabytes of memory of the machine where a command is typed
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


class Size(NamedTuple):
    """Of a panel."""

    series: int
    days: int

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Of `2000x500`."""
        series, _, days = text.partition("x")
        return cls(int(series), int(days))

    @property
    def rows(self) -> int:
        """Of all series."""
        return self.series * self.days


PANELS = (
    Size(2_000, 500),
    Size(20_000, 500),
    Size(100_000, 500),
    Size(20_000, 100),
    Size(200_000, 100),
)


def write_panel(folder: Path, series: int, length: int = 500) -> None:
    """Daily sales with a week in them, in files of a month and of a part of the series."""
    random = np.random.default_rng(0)
    level, swing = random.gamma(2.0, 20.0, series), random.uniform(0.1, 0.4, series)
    ids = pa.array([f"S{number:06d}" for number in range(series)])
    days = np.datetime64("2023-01-01") + np.arange(length)
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


def make(folder: Path, size: Size) -> str:
    """Write a panel and its config, unless they are there; the name of both."""
    name = f"sales-{size.series}x{size.days}"
    if not (folder / name).exists():
        write_panel(folder / name, *size)
    (folder / f"{name}.yaml").write_text(CONFIG.format(table=name), encoding="utf-8")
    return name


def measure_panel(folder: Path, size: Size) -> dict[str, Cost]:
    """The costs of each command on a panel."""
    name = make(folder, size)
    train = ("train", "--config", f"{name}.yaml")
    return {
        "train, first": run(folder, *train),
        "train, again": run(folder, *train, "--name", name),
        "predict": run(folder, "predict", name, "--output", "next.csv"),
    }


def measure_members(folder: Path) -> dict[int, Cost]:
    """The costs of training so many networks together, on the smallest panel."""
    train = ("train", "--config", f"{make(folder, PANELS[0])}.yaml", "--set")
    return {count: run(folder, *train, f"training.ensemble={count}") for count in MEMBERS}


def measure_nodes(folder: Path) -> dict[int, float]:
    """The seconds of a backtest that refits 162 networks, on so many nodes of one core."""
    task = engines.TASKS["backtest"]
    command = partial(engines.run, task, task.words(200, folder))
    return {nodes: engines.on_nodes(command, nodes)[0] for nodes in (1, 2)}


def measure_pieces() -> float:
    """The seconds of a piece that is given out to a node, which has next to nothing to do.

    It is the last rows of so many series as `predict` gives out at least.
    """
    rows, begins = np.zeros(28 * SERIES_OF_PIECE), np.zeros(SERIES_OF_PIECE, "datetime64[us]")
    names = tuple(f"S{number:06d}" for number in range(SERIES_OF_PIECE))
    offsets = np.arange(0, len(rows) + 1, 28)
    panel = Panel(names, offsets, pd.DatetimeIndex(begins), rows, rows == 0, "D")
    pieces = [Part(panel, panel.ends - 1)] * PIECES
    work, console = Forecasting(Naive(1), 14, ()), Console(quiet=True)
    with engines.cluster(2) as made, engine_of("ray", Asked(console, made.address)) as engine:
        engine.map(work, pieces[:2], console)  # workers begin
        begin = time.perf_counter()
        engine.map(work, pieces, console)
        return (time.perf_counter() - begin) / PIECES


def measure_files(folder: Path) -> dict[int, float]:
    """The seconds that it takes to list so many files of Parquet, to open and to check each."""
    found = {}
    for count in FOLDERS:
        path = folder / f"files-{count}"
        path.mkdir(exist_ok=True)
        table = pa.table({"store": ["a"], "day": [0], "sold": [1.0]})
        for number in range(count):
            pq.write_table(table, path / f"part-{number:05}.parquet")
        begin = time.perf_counter()
        open_files([path], ["store", "day", "sold"]).count_rows()
        checksum(path)
        found[count] = time.perf_counter() - begin
    return found


# --- tables -------------------------------------------------------------------------------------


def report_panels(costs: dict[Size, dict[str, Cost]]) -> dict[str, tuple[Model, Model]]:
    """What was measured, and models of the processor's seconds and of memory, by command."""
    print_table(
        ("", "rows", "series", "seconds", "processor (s)", "peak memory (GB)"),
        [
            (
                name, f"{size.rows / 1e6:g} million", f"{size.series:,}", f"{cost.seconds:.1f}",
                f"{cost.processor:.1f}", f"{cost.peak:.2f}",
            )
            for size, each in costs.items()
            for name, cost in each.items()
        ],
    )  # fmt: skip
    sizes = [(size.rows, size.series) for size in costs]
    models = {}
    for name in next(iter(costs.values())):
        own = [each[name] for each in costs.values()]
        models[name] = (
            Model.fit(sizes, [cost.processor for cost in own]),
            Model.fit(sizes, [cost.peak for cost in own]),
        )
    print_table(
        ("a model", "at the begin", "a million rows", "100,000 series", "off by at most"),
        [
            (
                f"{name}, {what}", f"{model.begin:.2f}", f"{model.each[0] * 1e6:.3f}",
                f"{model.each[1] * 1e5:.3f}", f"{100 * model.deviation:.0f} %",
            )
            for name, pair in models.items()
            for what, model in zip(("processor (s)", "memory (GB)"), pair, strict=True)
        ],
    )  # fmt: skip
    _report_straightness(costs)
    return models


def _report_straightness(costs: dict[Size, dict[str, Cost]]) -> None:
    """What a row more costs up to the middle panel of one length, and up to the largest."""
    alike = sorted(size for size in costs if size.days == PANELS[0].days)
    if len(alike) < 3:
        return
    small, *_, middle, large = alike
    rows = []
    for name in costs[small]:
        first, second = (
            (costs[end][name].processor - costs[small][name].processor) / (end.rows - small.rows)
            for end in (middle, large)
        )
        numbers = f"{first * 1e6:.2f}", f"{second * 1e6:.2f}", f"{second / first:.2f}"
        rows.append((name, *numbers))
    middle_, large_ = (f"to {size.rows / 1e6:g} million rows" for size in (middle, large))
    print_table(("microseconds a row", middle_, large_, "ratio"), rows)


def report_members(costs: dict[int, Cost]) -> None:
    """What networks that are trained together take, and what one more does."""
    rows = [
        (f"{count}", f"{cost.seconds:.1f}", f"{cost.processor:.1f}", f"{cost.peak:.2f}")
        for count, cost in costs.items()
    ]
    print_table(("networks", "seconds", "processor (s)", "peak memory (GB)"), rows)
    sizes = [(count,) for count in costs]
    processor = Model.fit(sizes, [cost.processor for cost in costs.values()])
    memory = Model.fit(sizes, [cost.peak for cost in costs.values()])
    print(
        f"\nOne network more: {processor.each[0]:.2f} s of the processor, "
        f"{memory.each[0] * 1e3:.0f} MB (off by at most {100 * processor.deviation:.0f} and "
        f"{100 * memory.deviation:.0f} %)."
    )


def report_nodes(seconds: dict[int, float], piece: float) -> None:
    """What a cluster takes by Amdahl's law: what one node does alone, and what all share.

    And how many workers are kept busy by pieces that are given out one after another.

    Amdahl 1967, https://doi.org/10.1145/1465482.1465560
    """
    one, two = seconds[1], seconds[2]
    shared = 2 * (one - two)
    alone = one - shared
    print_table(
        ("nodes of one core", "seconds", "times as fast"),
        [(f"{nodes}", f"{took:.1f}", f"{one / took:.2f}") for nodes, took in seconds.items()],
    )
    print(
        f"\nAmdahl's law: {alone:.0f} s go by whatever nodes there are, {shared:.0f} s are shared. "
        "Of work of so many hours on one core:"
    )
    hours = (1, 10, 100, 1_000)
    print_table(
        ("machines of one core", *(f"{own:,} h" for own in hours)),
        [
            (f"{nodes:,}", *(duration(alone + own * 3600 / nodes) for own in hours))
            for nodes in (1, 10, 100, 1_000)
        ],
    )

    print(
        f"\nA piece of {SERIES_OF_PIECE:,} series is given out in {1e3 * piece:.1f} ms: pieces of "
        f"10 s keep {10 / piece:,.0f} workers busy."
    )


def report_files(seconds: dict[int, float]) -> Model:
    """What it takes to list files."""
    print_table(
        ("files", "seconds"), [(f"{count:,}", f"{own:.2f}") for count, own in seconds.items()]
    )
    model = Model.fit([(count,) for count in seconds], list(seconds.values()))
    print(f"\n{model.each[0] * 1e3:.2f} ms a file (off by at most {100 * model.deviation:.0f} %).")
    return model


def report_what_breaks(models: dict[str, tuple[Model, Model]], files: Model | None) -> None:
    """The same for panels that nobody has here, beside the memory that the head has."""
    panels = [Size(series, 500) for series in (200_000, 1_000_000, 10_000_000, 100_000_000)]
    head = ["series of 500 days", "rows", *(f"{name} (GB)" for name in models)]
    head += [f"{name}, processor" for name in models]
    head += ["listing of its files"] if files else []
    rows = []
    for size in panels:
        sizes = size.rows, size.series
        row = [f"{size.series:,}", f"{size.rows / 1e9:g} billion"]
        row += [f"{memory.of(*sizes):,.0f}" for _, memory in models.values()]
        row += [duration(processor.of(*sizes)) for processor, _ in models.values()]
        row += [duration(files.of(size.rows / ROWS_OF_FILE))] if files else []
        rows.append(row)
    print_table(head, rows)
    print(f"\nOf a machine with {HEAD} GB the memory is full with so many series of 500 days:")
    print_table(
        ("", "series"),
        [(name, f"{_most(memory):,}") for name, (_, memory) in models.items()],
    )


def _most(memory: Model) -> int:
    """How many series of 500 days the head has memory for, in two digits."""
    most = (HEAD - memory.begin) / (500 * memory.each[0] + memory.each[1])
    return int(float(f"{most:.1e}"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--panels", type=Size.parse, nargs="+", default=PANELS)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args(arguments)
    parts = given.only or PARTS
    engines.set_environment()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the begin")
    with ExitStack() as stack:
        folder = given.folder
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="forecast-")))
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("runs", "cache"):
            shutil.rmtree(folder / name, ignore_errors=True)
        models: dict[str, tuple[Model, Model]] = {}
        if "panels" in parts:
            costs = {}
            for size in given.panels:
                print(f"{size.series:,} series of {size.days} days ...", file=sys.stderr)
                costs[size] = measure_panel(folder, size)
            models = report_panels(costs)
        if "members" in parts:
            report_members(measure_members(folder))
        if "nodes" in parts:
            report_nodes(measure_nodes(folder), measure_pieces())
        files = report_files(measure_files(folder)) if "files" in parts else None
        if models:
            report_what_breaks(models, files)


if __name__ == "__main__":
    main()
