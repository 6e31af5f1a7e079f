"""Does work go faster where there are more workers, and is what comes of it the same?

    python benchmarks/engines.py                   all commands on all engines
    python benchmarks/engines.py --only tune       one command; repeatable
    python benchmarks/engines.py --epochs 20       less work, to see that it runs

The same `predict`, `backtest --refit`, `tune` and `compare` run by threads, by processes, and on
Ray clusters of one and of two nodes of this machine, each a raylet with one core and an object
store of its own. In the last run a node is killed in the middle. What a command writes has to be
the same each time. Seconds are of the whole command, loading included. It ends with 1 where results
differ by more than rounding.
"""

import argparse
import importlib
import math
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "air.yaml"
ROUNDING = 1e-4
ON = ("--config", str(CONFIG))
SPACE = (
    "search={space: {model.units: [20, 50], model.linear: [false, true], "
    "window.context_length: [12, 24], training.learning_rate: [0.001, 0.003, 0.01]}}"
)


@dataclass(frozen=True)
class Task:
    """A command, and where it leaves what is compared."""

    words: Callable[[int, Path], list[str]]
    """What is typed, for a number of epochs; what it takes is made in a folder."""
    result: Callable[[str], str]
    """Of its stdout."""


def _predict(epochs: int, folder: Path) -> list[str]:
    """A year and more of 10,000 series that have four, by a network that was trained on them."""
    months = [f"20{year:02}-{month:02}" for year in range(4) for month in range(1, 13)]
    rows = [
        f"{series},{month},{100 + series % 97 + 10 * math.sin(i / 2) + i * series % 7}"
        for series in range(10_000)
        for i, month in enumerate(months)
    ]
    (folder / "table.csv").write_text("id,month,y\n" + "\n".join(rows), encoding="utf-8")
    settings = (
        "data={path: table.csv, time: month, target: y, id: id}", "transforms=[standard]",
        "split.test=12", "window.horizon=12", "training.epochs=1", "training.batch_size=1024",
    )  # fmt: skip
    (folder / "panel.yaml").write_text(f"extends: {CONFIG}\n", encoding="utf-8")
    words = ["train", "--config", "panel.yaml", "--runs", ".", "--name", "panel"]
    words += [word for setting in settings for word in ("--set", setting)]
    subprocess.run(
        [sys.executable, "-m", "forecast", "-q", *words],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    return ["predict", str(folder / "panel"), "--horizon", "120"]


def _backtest(epochs: int, folder: Path) -> list[str]:
    words = ["backtest", *ON, "--refit", "--windows", "27", "--stride", "1", "--format", "csv"]
    return [*words, "--set", "training.ensemble=6", "--set", f"training.epochs={epochs}"]


def _tune(epochs: int, folder: Path) -> list[str]:
    settings = ["--set", SPACE, "--set", f"training.epochs={epochs}"]
    return ["tune", *ON, "--trials", "24", *settings]


def _compare(epochs: int, folder: Path) -> list[str]:
    kinds = "gru,lstm,simple_rnn,mlp"
    settings = ["--set", f"training.epochs={epochs}"]
    return ["compare", *ON, "--models", kinds, "--format", "csv", *settings]


def _leaderboard(stdout: str) -> str:
    return (Path(stdout.strip()).parent / "leaderboard.csv").read_text(encoding="utf-8")


def _scores(stdout: str) -> str:
    """Without costs, which are seconds."""
    return "\n".join(",".join(line.split(",")[:8]) for line in stdout.splitlines())


TASKS = {
    "predict": Task(_predict, str),
    "backtest": Task(_backtest, str),
    "tune": Task(_tune, _leaderboard),
    "compare": Task(_compare, _scores),
}


Run = Callable[[Sequence[str]], tuple[float, str]]
"""Runs a command with further words: its seconds, and what came of it."""


def run(task: Task, words: Sequence[str], engine: Sequence[str]) -> tuple[float, str]:
    """Seconds of a command on an engine, and what came of it."""
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "forecast", "-q", *words, *engine]
        environment = {**os.environ, "FORECAST_RUNS": str(Path(temporary, "runs"))}
        begin = time.perf_counter()
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, env=environment
        )
        return time.perf_counter() - begin, task.result(done.stdout)


@contextmanager
def cluster(nodes: int) -> Iterator[Any]:
    """A Ray cluster of so many nodes of one core each."""
    made = importlib.import_module("ray.cluster_utils").Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    try:
        for _ in range(nodes - 1):
            made.add_node(num_cpus=1)
        yield made
    finally:
        made.shutdown()


def on_nodes(command: Run, nodes: int, kill_after: float | None = None) -> tuple[float, str]:
    """On a Ray cluster, of which one node is killed after so many seconds."""
    with cluster(nodes) as made:
        timer = Timer(kill_after or 0, _kill, [made])
        if kill_after is not None:
            timer.start()
        try:
            return command(["--engine", "ray", "--address", made.address])
        finally:
            timer.cancel()


def _kill(made: Any) -> None:
    [node] = made.worker_nodes
    made.remove_node(node, allow_graceful=False)


def measure(name: str, epochs: int, folder: Path) -> bool:
    """Print a table of one command; whether all results are the same."""
    task = TASKS[name]
    words = task.words(epochs, folder)
    command = partial(run, task, words)
    found = {
        "threads": command([]),
        "processes": command(["--engine", "processes"]),
        "ray, 1 node of 1 core": on_nodes(command, 1),
        "ray, 2 nodes of 1 core": on_nodes(command, 2),
    }
    half = found["ray, 2 nodes of 1 core"][0] / 2
    found["the same, one killed after half the time"] = on_nodes(command, 2, half)
    print(f"\n{shlex.join(words)}\n")
    print("| engine | seconds | times faster than 1 node | result |\n| --- | --- | --- | --- |")
    one, expected = found["ray, 1 node of 1 core"][0], found["threads"][1]
    differences = [difference(expected, result) for _, result in found.values()]
    for (engine, (seconds, _)), most in zip(found.items(), differences, strict=True):
        what = "the same" if most == 0 else f"but for {most:.0e}"
        print(f"| {engine} | {seconds:.1f} | {one / seconds:.2f} | {what} |")
    sys.stdout.flush()
    return max(differences) < ROUNDING


def difference(one: str, other: str) -> float:
    """The largest relative difference of two numbers in the same place; infinite of other words."""
    words = [re.split(r"[,\s]+", text) for text in (one, other)]
    if len(words[0]) != len(words[1]):
        return math.inf
    return max(map(_difference, *words))


def _difference(one: str, other: str) -> float:
    if one == other:
        return 0.0
    try:
        a, b = float(one), float(other)
    except ValueError:
        return math.inf
    return abs(a - b) / max(abs(a), abs(b))


def set_environment() -> None:
    """What the processes of a cluster have to know: where this program is, and to tell nobody."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=TASKS)
    parser.add_argument("--epochs", type=int, default=200)
    asked = parser.parse_args()
    set_environment()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the begin")
    with tempfile.TemporaryDirectory() as folder:
        same = [measure(name, asked.epochs, Path(folder)) for name in asked.only or TASKS]
    sys.exit(not all(same))


if __name__ == "__main__":
    main()
