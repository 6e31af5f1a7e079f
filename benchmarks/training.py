"""How fast are networks trained, beside Keras's own `fit` and a loop in PyTorch?

    python benchmarks/training.py                         all of it
    python benchmarks/training.py --only members          one part; repeatable
    python benchmarks/training.py --torch PYTHON          an interpreter that has PyTorch

Seconds differ from machine to machine, so what counts is the ratio to a peer measured in the same
run. Every measurement is a fresh process, and the sides take turns. It measures and does not
judge. Imports are left out: here is the time from the first line that builds a network to the end
of its last epoch, compiling included where a table says so.

A window costs 6 T (3 H (D + H) + H) operations to learn from, forwards and backwards, with T steps
of D features and H units: what is counted as the share of the arithmetic peak, which is measured
beside it as a product of large matrices.
"""

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

PEERS = Path(__file__).resolve().parent / "peers"
CONFIGS = Path(__file__).resolve().parents[1] / "configs"
UNITS = 50
SEEDS = 5
CUTOFFS = 27
PARTS = ("members", "backtest", "panel", "covariates", "costs", "cores", "local")


@dataclass(frozen=True)
class Size:
    """What is trained."""

    windows: int
    batch: int
    epochs: int
    context: int = 12
    units: int = UNITS
    members: int = 1
    covariates: int = 0
    """Columns of the past beside the target."""


AIRLINE = Size(windows=105, batch=16, epochs=50)
PANEL = Size(windows=50_000, batch=1024, epochs=4)


@dataclass(frozen=True)
class Side:
    """One way to train: an interpreter and a script."""

    name: str
    python: str
    script: str
    backend: str = "tensorflow"
    has_one_core: bool = False

    def epochs(self, size: Size) -> list[float]:
        """Seconds of every epoch, compiling among the first."""
        options = [f"--{key}={value}" for key, value in vars(size).items()]
        if self.script != "members_training.py":
            options = [option for option in options if not option.startswith("--members")]
        environment = {**os.environ, "KERAS_BACKEND": self.backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [self.python, str(PEERS / self.script), *options]
        done = subprocess.run(
            command, check=True, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
            preexec_fn=_keep_to_one_core if self.has_one_core else None,
        )  # fmt: skip
        seconds: list[float] = json.loads(done.stdout)["epochs"]
        return seconds

    def whole(self, size: Size) -> float:
        """Seconds in all."""
        return sum(self.epochs(size))

    def rate(self, size: Size) -> float:
        """Windows per second after the first epoch, of all members together."""
        epochs = self.epochs(size)[1:]
        return size.members * size.windows * len(epochs) / sum(epochs)


def _keep_to_one_core() -> None:
    """Where Linux is: others have no such call."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


OURS = Side("forecast", sys.executable, "members_training.py")
OURS_JAX = Side("forecast on JAX", sys.executable, "members_training.py", "jax")
KERAS = Side("Keras fit", sys.executable, "keras_training.py")


def sides(torch: str | None) -> list[Side]:
    """Those that are installed."""
    found = [OURS, KERAS]
    if importlib.util.find_spec("jax"):
        found.append(OURS_JAX)
    if torch or importlib.util.find_spec("torch"):
        found.append(Side("PyTorch", torch or sys.executable, "torch_training.py"))
    return found


def in_turns(
    repeats: int, measure: Sequence[tuple[Side, Size]], *, rates: bool = False
) -> list[float]:
    """The median of each measurement, taken in turns."""
    taken = [
        [side.rate(size) if rates else side.whole(size) for side, size in measure]
        for _ in range(repeats)
    ]
    return [median(column) for column in zip(*taken, strict=True)]


def members(repeats: int) -> None:
    """The airline passengers: one network, ten, fifty."""
    counts = (1, 10, 50)
    sizes = [(OURS, replace(AIRLINE, members=count)) for count in counts]
    keras, *ours = in_turns(repeats, [(KERAS, AIRLINE), *sizes])
    rows = [("1 by Keras fit", f"{keras:.2f}", "", "")]
    rows += [
        (f"{count} by forecast", f"{seconds:.2f}", f"{seconds / ours[0]:.1f}",
         f"{count * keras / seconds:.1f}")
        for count, seconds in zip(counts, ours, strict=True)
    ]  # fmt: skip
    print_table(
        "airline passengers, 105 windows of 12, batch 16, 50 epochs, compiling included",
        ("networks", "seconds", "times one of ours", "times faster than as many Keras fits"),
        rows,
    )


def backtest(repeats: int) -> None:
    """A refit at each of the last 27 months, 5 seeds each: 135 networks in one command."""
    settings = ["--set", f"training.ensemble={SEEDS}", "--set", "backtest.horizon=1"]
    command = [
        sys.executable, "-m", "forecast", "-q", "backtest", "--config", str(CONFIGS / "air.yaml"),
        "--windows", str(CUTOFFS), "--stride", "1", "--refit", *settings,
    ]  # fmt: skip
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken.append((time.perf_counter() - begin, KERAS.whole(AIRLINE)))
    ours, one = (median(column) for column in zip(*taken, strict=True))
    loop = CUTOFFS * SEEDS * one
    rows = [
        ("forecast backtest --refit, the whole command", f"{ours:.1f}", f"{loop / ours:.1f}"),
        ("Keras fit in a loop: one measured, times 135", f"{loop:.0f}", "1.0"),
    ]
    if importlib.util.find_spec("statsforecast"):
        seconds = auto_arima_seconds()
        rows.append(("27 refits of AutoARIMA (statsforecast)", f"{seconds:.1f}", ""))
    print_table(
        "airline backtest, 27 cutoffs x 5 seeds, refitted", ("", "seconds", "times faster"), rows
    )


def auto_arima_seconds() -> float:
    """Of 27 refits, compiling beforehand."""
    from statsforecast.models import AutoARIMA

    path = CONFIGS.parent / "data" / "airline-passengers.csv"
    y = np.loadtxt(path, delimiter=",", skiprows=1, usecols=1)
    AutoARIMA(season_length=12).forecast(y[:48], 1)
    begin = time.perf_counter()
    for cutoff in range(len(y) - CUTOFFS, len(y)):
        AutoARIMA(season_length=12).forecast(y[:cutoff], 1)
    return time.perf_counter() - begin


def panel(repeats: int, torch: str | None) -> None:
    """Throughput on 50,000 windows by batch size."""
    sizes = {
        batch: replace(PANEL, batch=batch, epochs=2 if batch < 256 else PANEL.epochs)
        for batch in (16, 64, 256, 1024)
    }
    throughput("", "batch", sizes, repeats, torch)


def covariates(repeats: int, torch: str | None) -> None:
    """Throughput with ten columns beside the target, which all sides read as ten features more."""
    sizes = {count: replace(PANEL, batch=256, epochs=2, covariates=count) for count in (0, 10)}
    throughput(", batch 256", "columns of the past", sizes, repeats, torch)


def throughput(
    what: str, varied: str, sizes: Mapping[int, Size], repeats: int, torch: str | None
) -> None:
    """A table of windows per second, a row for each size and a column for each side."""
    found = sides(torch)
    rows = []
    for value, size in sizes.items():
        rates = in_turns(repeats, [(side, size) for side in found], rates=True)
        rows.append((str(value), *(f"{rate:,.0f}" for rate in rates)))
    print_table(
        f"50,000 windows of 12, GRU({UNITS}){what}: windows per second, compiling left out",
        (varied, *(side.name for side in found)),
        rows,
    )


def costs(repeats: int) -> None:
    """How the time of a window grows with context, units, windows of a batch, and members."""
    base = Size(windows=8_192, batch=256, epochs=3)
    varied = [
        *(("context", n) for n in (12, 24, 48, 96)),
        *(("units", n) for n in (25, 50, 100, 200)),
        *(("batch", n) for n in (16, 64, 256, 1024)),
        *(("members", n) for n in (1, 4, 16)),
    ]
    peak = arithmetic_peak()
    rows = []
    for name, value in varied:
        size = replace(base, **{name: value})
        [rate] = in_turns(repeats, [(OURS, size)], rates=True)
        work = operations(size) * rate
        rows.append(
            (f"{name} {value}", f"{1e6 / rate:.1f}", f"{work / 1e9:.0f}", f"{work / peak:.0%}")
        )
    print_table(
        f"cost of a window about {base.windows:,} of context 12, {UNITS} units, batch 256, one "
        f"member; peak {peak / 1e9:.0f} GFLOP/s",
        ("", "microseconds", "GFLOP/s", "share of the peak"),
        rows,
    )


def cores(repeats: int) -> None:
    """One network on one core, and on all."""
    sizes = {
        "GRU(50), context 12, batch 1024": PANEL,
        "GRU(256), context 24, batch 256": Size(2_048, 256, 3, context=24, units=256),
    }
    found = [side for side in sides(None) if side.script == OURS.script] + [KERAS]
    rows = []
    for name, size in sizes.items():
        for side in found:
            one, all_ = in_turns(
                repeats, [(replace(side, has_one_core=True), size), (side, size)], rates=True
            )
            rows.append((name, side.name, f"{one:,.0f}", f"{all_:,.0f}", f"{all_ / one:.2f}"))
    print_table(
        f"one network on 1 and on {os.cpu_count()} cores: windows per second",
        ("", "", "one core", "all cores", "times as fast"),
        rows,
    )


def operations(size: Size) -> float:
    """Floating-point operations to learn from one window: O(T H (D + H))."""
    gates = 3 * size.units * (1 + size.units)
    return 6.0 * (size.context * gates + size.units)


def arithmetic_peak() -> float:
    """Operations per second in a product of large matrices of single precision."""
    n = 4096
    a = np.random.default_rng(0).random((n, n), dtype=np.float32)
    seconds = []
    for _ in range(4):
        begin = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - begin)
    return 2 * n**3 / min(seconds)


LOCAL = """\
data: {path: PATH, time: ds, target: y, id: unique_id, season_length: 24}
split: {test: 48}
transforms: [log1p]
window: {context_length: 168, horizon: 48, normalize: standard, residual_of: seasonal_naive}
model: {units: 20, patch_length: season, linear: true, dropout: 0, scope: local}
training: {loss: mae, learning_rate: 0.003, schedule: cosine, batch_size: 64, epochs: 20}
"""


def local(data: Path) -> None:
    """A network for each of the 414 series of M4's hourly data, beside a loop over the series."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = data / "m4-hourly-train.csv.gz"
        rows = np.loadtxt(table, delimiter=",", skiprows=1, usecols=0, dtype=str)
        config = folder / "local.yaml"
        config.write_text(LOCAL.replace("PATH", str(table)))
        command = [sys.executable, "-m", "forecast", "-q", "train", "--runs", str(folder / "runs")]
        begin = time.perf_counter()
        run = subprocess.run(
            [*command, "--config", str(config)], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
        ours = time.perf_counter() - begin
        seconds = json.loads((Path(run) / "run.json").read_text())["seconds"]
        count = len(set(rows))
        length = len(rows) // count - 168 - 48
        one = KERAS.whole(Size(windows=length, batch=64, epochs=20, context=7, units=20))
    print_table(
        f"{count} local GRUs on M4's hourly data, 20 epochs",
        ("", "seconds"),
        [
            ("forecast train, the whole command", f"{ours:.0f}"),
            ("of it, compiling and training", f"{seconds['compile'] + seconds['fit']:.0f}"),
            (f"Keras fit in a loop: one of {length} windows measured, times {count}",
             f"{count * one:.0f}"),
        ],
    )  # fmt: skip


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in Markdown."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(columns) + " |")
    print("| --- |" + " ---: |" * (len(columns) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def main() -> None:
    """Run what was asked for, print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; repeatable")
    parser.add_argument("--torch", help="an interpreter that has PyTorch")
    parser.add_argument("--data", type=Path, help="folder of the panels, for the part `local`")
    options = parser.parse_args()
    wanted = options.only or [part for part in PARTS if part != "local" or options.data]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    if "local" in wanted and options.data is None:
        parser.error("the part `local` needs --data")
    repeats, torch = options.repeats, options.torch
    measure: dict[str, Callable[[], None]] = {
        "members": lambda: members(repeats),
        "backtest": lambda: backtest(repeats),
        "panel": lambda: panel(repeats, torch),
        "covariates": lambda: covariates(repeats, torch),
        "costs": lambda: costs(repeats),
        "cores": lambda: cores(repeats),
        "local": lambda: local(options.data),
    }
    for part in wanted:
        measure[part]()


if __name__ == "__main__":
    main()
