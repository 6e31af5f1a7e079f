"""What the tests share: the command line as a subprocess, the airline data, and one real run."""

import json
import multiprocessing
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from forecast.commands.init import init_example
from forecast.data.panel import Panel

# A shell that runs the tests in the background has them ignore SIGINT, and so their children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]

# Time says nothing about these properties, and a busy machine would fail them.
settings.register_profile("forecast", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("forecast")

# What a person's own shell may say to the command line.
_PERSONAL = ("FORECAST_RUNS", "NO_COLOR", "FORCE_COLOR", "PYTHONWARNINGS", "COLUMNS")

# Their libraries warn of themselves; every other command has to run without a single warning.
_COMMANDS_WITH_KERAS = ("train", "doctor")

# XLA compiles in a third of the time when it is not to optimize, and tests train for so few steps
# that slower ones do not matter. The trainings of `training` and `start` are as a person's are.
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
_OPTIMIZED = {"XLA_FLAGS": ""}

# tf2onnx copies a graph before each pass over it, in case that pass fails; here a failure is one.
os.environ["TF2ONNX_CATCH_ERRORS"] = "no"

# numba takes half a minute to compile what a test of `auto_ces` runs three times.
os.environ["NUMBA_DISABLE_JIT"] = "1"

# `init` tries recipes unless it is told not to, which takes a training; what it writes by rule of
# thumb is asked for by all tests but those of its trials.
os.environ["FORECAST_EFFORT"] = "none"

# Seconds go by while these are imported: commands are forked from a process that has them. It has
# computed nothing: libraries begin their threads in each command. Which of them a command needs is
# asked of new interpreters (`test_imports.py`).
_OURS = [f"forecast.commands.{path.stem}" for path in (ROOT / "forecast/commands").glob("*.py")]
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    ["keras", "matplotlib.pyplot", "onnxruntime", "tf2onnx", "forecast.cli", *_OURS]
)


def run_cli(
    *arguments: str | Path,
    cwd: Path,
    stdin: str | None = None,
    environment: dict[str, str] | None = None,
    timeout: float = 300,
) -> CompletedProcess[str]:
    """Run `forecast` as a person does, in a folder.

    Where Keras is to have another backend than the one that it was loaded with, in a new process.
    """
    shell = {name: value for name, value in os.environ.items() if name not in _PERSONAL}
    words = [str(argument) for argument in arguments]
    if not set(_COMMANDS_WITH_KERAS) & set(words):
        shell["PYTHONWARNINGS"] = "error"
    shell |= environment or {}
    is_other = shell.get("KERAS_BACKEND", "tensorflow") != "tensorflow"
    if is_other or any("jax" in word for word in words):
        return subprocess.run(
            [sys.executable, "-m", "forecast", *words],
            cwd=cwd,
            env=shell,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    with tempfile.TemporaryDirectory() as temporary:
        streams = tuple(Path(temporary, name) for name in ("stdin", "stdout", "stderr"))
        for stream in streams:
            stream.touch()
        streams[0].write_text(stdin or "", encoding="utf-8")
        process = _forks.Process(
            target=runpy.run_path,
            args=(
                str(ROOT / "tests" / "in_a_fork.py"),
                {
                    "words": words,
                    "folder": cwd,
                    "shell": shell,
                    "streams": streams,
                },
            ),
        )
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"forecast {' '.join(words)}")
        texts = (stream.read_text(encoding="utf-8") for stream in streams[1:])
        return CompletedProcess(words, process.exitcode, *texts)


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., CompletedProcess[str]]:
    """`cli("predict", "--horizon", "2", stdin=..., environment=...)` in `tmp_path`."""

    def run(*arguments: str | Path, **options: object) -> CompletedProcess[str]:
        return run_cli(*arguments, **({"cwd": tmp_path} | options))  # type: ignore[arg-type]

    return run


@pytest.fixture(scope="session")
def cli_in() -> Callable[..., CompletedProcess[str]]:
    """`cli_in("predict", cwd=folder)`: the same for fixtures that tests share."""
    return run_cli


@pytest.fixture(scope="session")
def refused_without() -> Callable[..., None]:
    """`refused_without("pyarrow", "parquet", "predict", cwd=folder)`: a library that lacks.

    The command ends with 8, and says which extra brings it.
    """

    def run(module: str, extra: str, *words: str, cwd: Path) -> None:
        lacking = (
            f"import sys; sys.modules['{module}'] = None; sys.argv = ['forecast', *sys.argv[1:]]; "
            "from forecast.__main__ import main; main()"
        )
        result = subprocess.run(
            [sys.executable, "-c", lacking, *words], cwd=cwd, capture_output=True, text=True
        )
        assert (result.returncode, result.stdout, result.stderr) == (
            8,
            "",
            (
                f"error: this needs {module}, which is not installed.\n"
                f"Install it: pip install 'keras-forecast[{extra}]'\n"
            ),
        )

    return run


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen[str]]:
    """`start("train", ..., cwd=folder)`: a command that goes on while the test does."""

    def run(*arguments: str, cwd: Path, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        environment = {key: value for key, value in os.environ.items() if key != "FORECAST_RUNS"}
        environment |= _OPTIMIZED
        return subprocess.Popen(
            [sys.executable, "-m", "forecast", *arguments],
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    return run


@pytest.fixture(scope="session")
def airline_csv() -> Path:
    """The airline passengers as they come: 144 months, CRLF, quoted."""
    return ROOT / "data" / "airline-passengers.csv"


@pytest.fixture(scope="session")
def airline_lines(airline_csv: Path) -> tuple[str, ...]:
    """The lines of the airline table, the header first."""
    return tuple(airline_csv.read_text(encoding="utf-8").splitlines())


@pytest.fixture(scope="session")
def airline_values(airline_lines: Sequence[str]) -> np.ndarray:
    """The 144 numbers of passengers, read without pandas."""
    return np.array([float(line.split(",")[1]) for line in airline_lines[1:]])


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[CompletedProcess[str]]]:
    """`once(name, make)`: what `make(folder)` ran in one of the workers; the others wait for it."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def run(
        name: str, make: Callable[[Path], list[CompletedProcess[str]]]
    ) -> list[CompletedProcess[str]]:
        folder, done = root / name, root / f"{name}.json"
        try:
            folder.mkdir()
        except FileExistsError:
            while not done.exists():
                time.sleep(0.1)
        else:
            ran: list[object] = []
            try:
                ran += [[one.returncode, one.stdout, one.stderr] for one in make(folder)]
            finally:
                part = done.with_suffix(".part")
                part.write_text(json.dumps(ran))
                part.rename(done)
        return [CompletedProcess(folder, *ran) for ran in json.loads(done.read_text())]

    return run


@pytest.fixture(scope="session")
def training(once: Callable[..., list[CompletedProcess[str]]]) -> CompletedProcess[str]:
    """One real training of three epochs, in a folder that held nothing: its `args`."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        init = run_cli("init", "--example", "airline", cwd=folder)
        words = ["train", "--config", "air.yaml", "--set", "training.epochs=3"]
        return [init, run_cli(*words, cwd=folder, environment=_OPTIMIZED)]

    init, result = once("person", train)
    assert (init.returncode, result.returncode) == (0, 0), result.stderr
    return result


@pytest.fixture(scope="session")
def trained(training: CompletedProcess[str]) -> Path:
    """The run of that training, to be read and never changed."""
    return Path(training.stdout.strip())


PANEL_CONFIG = """\
data: {path: load.csv, time: hour, target: load, id: house, missing: interpolate}
split: {test: 24, validation: 24}
transforms: [log, {kind: difference, lag: season}, {kind: minmax, fit_on: all}]
window: {context_length: 24, horizon: 6, normalize: standard, residual_of: last}
model: {units: 4, patch_length: 6, linear: true}
training:
  epochs: 4
  learning_rate: 0.02
  batch_size: 32
  early_stopping: {patience: 1}
  ensemble: {size: 2, combine: median}
intervals: {quantile_levels: [0.1, 0.5, 0.9], n_windows: 12}
predict: {horizon: 12}
"""


def _panel_table() -> str:
    """Two houses hour by hour in one time zone, of unlike length and level; two hours are empty."""
    lines = ["house,hour,load"]
    for house, hours, level in (("007", 200, 100), ("NE", 220, 5)):
        for i in range(hours):
            swing = 0.3 * np.sin(i / 24 * 2 * np.pi) + 0.01 * (i * 7919 % 13)
            load = "" if i in (50, 51) else f"{level * (1 + swing):.3f}"
            moment = f"2020-01-{1 + i // 24:02}T{i % 24:02}:00:00+05:30"
            lines.append(f"{house},{moment},{load}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def panel_table() -> str:
    """The table of `panel_training`."""
    return _panel_table()


@pytest.fixture(scope="session")
def panel_training(once: Callable[..., list[CompletedProcess[str]]]) -> CompletedProcess[str]:
    """A training of everything at once: a panel, a zone, gaps, members, intervals, a leak."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        (folder / "load.csv").write_text(_panel_table())
        (folder / "load.yaml").write_text(PANEL_CONFIG)
        return [run_cli("train", "--config", "load.yaml", "--name", "load", cwd=folder)]

    (result,) = once("panel", train)
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="session")
def trained_panel(panel_training: CompletedProcess[str]) -> Path:
    """The run of that training, to be read and never changed."""
    return Path(panel_training.stdout.strip())


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of that run in `tmp_path`, as its `latest`; a test may do with it what it likes."""
    copy = tmp_path / "runs" / trained.name
    shutil.copytree(trained, copy)
    (copy.parent / "latest").symlink_to(copy.name)
    return copy


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """`tmp_path` with air.yaml and its CSV, as `forecast init --example airline` leaves it."""
    init_example(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def make_panel() -> Callable[..., Panel]:
    """`make_panel([[1, 2], [3]])`: monthly series named a, b, ... that begin in January 2000."""

    def make(series: Sequence[Sequence[float]], freq: str = "MS") -> Panel:
        lengths = [len(values) for values in series]
        [begin] = pd.date_range("2000-01-01", periods=1, freq=freq)
        values = np.concatenate([np.asarray(part, dtype=np.float64) for part in series])
        return Panel(
            tuple("abcdefghij"[: len(series)]),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            pd.DatetimeIndex([begin] * len(series)),
            values,
            np.isfinite(values),
            freq,
        )

    return make
