"""A command that is asked to stop: how it ends, what it says, and what it keeps."""

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from forecast.commands.invocation import going_on
from forecast.signals import SIGNALS, Stop

ROOT = Path(__file__).parents[1]
Cli = Callable[..., CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]

# What a training keeps: all but what takes TensorFlow to make, or the network to score.
KEPT = [
    "config.yaml", "context.csv", "data.json", "history.csv", "plots", "resolved.yaml", "run.json",
    "timings.csv", "transforms.json", "weights.npy",
]  # fmt: skip


class Terminal:
    """A terminal that a program writes its stderr to, and what stands on it without colours."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        self.text = ""

    def read_until(self, pattern: str, seconds: float = 120) -> None:
        """Read on until the pattern is there, or the program has closed the terminal."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text) and time.monotonic() < end:
            if not select.select([self.ours], [], [], 1)[0]:
                continue
            try:
                part = os.read(self.ours, 4096).decode(errors="replace")
            except OSError:  # the other side is closed
                return
            self.text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", self.text + part)


@pytest.mark.parametrize(
    ("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_training_that_is_stopped_keeps_what_was_fitted(
    cli: Cli, start: Start, run: Path, project: Path, stop: signal.Signals, code: int
) -> None:
    """On a terminal, where progress shows the epoch, the losses and the time that is left.

    The run can be predicted from by its name, which exports it; `latest` stays what it was.
    """
    terminal = Terminal()
    process = start(
        "train", "--config", "air.yaml", "--set", "training.epochs=1000000",
        "--set", "model={kind: mlp, layers: [4]}", "--name", "stopped",
        cwd=project, stderr=terminal.theirs,
    )  # fmt: skip
    os.close(terminal.theirs)
    try:
        # The second epoch or a later one is over.
        terminal.read_until(r"epoch +([2-9]|\d\d+)/1000000 .*loss .*\d+:\d\d")
        assert process.poll() is None
        for _ in range(3):
            process.send_signal(stop)
        terminal.read_until("$ this is never written")
        stdout, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(terminal.ours)
    kept = project / "runs" / "stopped"
    assert (process.returncode, stdout) == (code, "")
    assert "Traceback" not in terminal.text
    lines = re.findall(r"interrupted after epoch \d+; .*", terminal.text)
    assert len(lines) == 1
    assert lines[0].strip().endswith(f"; what was fitted is kept: forecast predict {kept}")
    assert sorted(path.name for path in kept.iterdir()) == KEPT
    assert json.loads((kept / "run.json").read_text())["status"] == "interrupted"
    assert (project / "runs" / "latest").resolve() == run.resolve()
    assert {path.name for path in run.parent.iterdir()} == {run.name, "latest", "stopped"}
    for said in ("the run was interrupted before its network was exported", ""):
        forecast = cli("predict", "stopped", "--horizon", "1")
        assert forecast.stdout.startswith("unique_id,ds,cutoff,step,y_hat\nPassengers,1961-01-01,")
        assert said in forecast.stderr
        assert bool(said) is bool(forecast.stderr)
    assert cli("runs", "verify", "stopped").returncode == 0


def test_a_training_that_is_stopped_while_it_loads_leaves_nothing(
    start: Start, project: Path
) -> None:
    """There is nothing to keep yet."""
    process = start("train", "--config", "air.yaml", cwd=project)
    while not list(project.glob("runs/.staging-*")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.endswith("\ninterrupted: nothing is kept.\n")
    assert list((project / "runs").iterdir()) == []


IN_A_LIBRARY = """\
import sys
import forecast.commands.doctor as module
from forecast.cli import main
from forecast.commands.invocation import going_on
from forecast.signals import Stop

def doctor():
    {what}

module.doctor, sys.argv = doctor, ["forecast", "doctor"]
stop = Stop()
stop.listen()
main(stop)
"""
KILL = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"


@pytest.mark.parametrize(
    "what",
    [
        # As dataclasses do it while a library loads: Python would end itself by the signal.
        f'exec("{KILL}; [0 for _ in range(10**6)]")',
        # Libraries that swallow what they do not know.
        f"""
    try:
        {KILL}
        [0 for _ in range(10**6)]
    except BaseException:
        pass""",
        # A call that does not come back to Python for a long time.
        f"""
    import hashlib, threading
    threading.Timer(0.2, lambda: exec({KILL!r})).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)""",
    ],
    ids=["exec", "swallowed", "away"],
)
def test_a_signal_ends_the_process_wherever_it_strikes(tmp_path: Path, what: str) -> None:
    """Inside libraries too, within two seconds."""
    (tmp_path / "stopped.py").write_text(IN_A_LIBRARY.format(what=what))
    begin = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-m", "stopped"], cwd=tmp_path, capture_output=True, timeout=60, text=True
    )
    assert time.monotonic() - begin < 20
    assert (result.returncode, result.stdout) == (143, "")
    assert result.stderr == "\ninterrupted: nothing is kept.\n"


def test_whoever_ignores_hang_ups_is_obeyed(project: Path) -> None:
    """As `nohup` has it."""
    process = subprocess.Popen(
        ["nohup", sys.executable, "-m", "forecast", "check", "--config", "air.yaml"],
        cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    process.send_signal(signal.SIGHUP)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGHUP)  # before nohup was there to ignore it
    assert bool(stdout) is (process.returncode == 0)


def test_a_stop_that_does_not_listen_leaves_signals_alone() -> None:
    """As where a training is a call in a process of somebody else."""
    before = [signal.getsignal(signum) for signum in SIGNALS]
    Stop().ignore()
    assert [signal.getsignal(signum) for signum in SIGNALS] == before


TWO_NETWORKS = """\
extends: air.yaml
model: {kind: mlp, layers: [4]}
training: {epochs: 2}
blend: {members: [{}, {training: {epochs: 1000000}}, naive], weights: equal}
"""


def test_networks_of_a_blend_are_kept_whatever_stops_its_training(
    cli: Cli, start: Start, project: Path
) -> None:
    """A kill and Ctrl-C; what is said is what to type to go on."""
    (project / "two.yaml").write_text(TWO_NETWORKS)
    runs = project / "runs"
    words = ("train", "--config", "two.yaml", "--name", "two")
    process = start(*words, cwd=project)
    while not list(runs.glob(".checkpoint-two/*.npz")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.communicate()
    again = ("train", "--config", "two.yaml", "--resume", "two")
    for wrong, code, message in (
        (words, 2, "--resume two"),
        ((*again, "--set", "training.seed=3"), 2, "of another config: training.seed differ"),
    ):
        refused = cli(*wrong)
        assert (refused.returncode, message in refused.stderr) == (code, True), refused.stderr
    process = start(*again, cwd=project)
    assert process.stderr is not None
    said = ""
    while "network mlp-2:" not in said:
        said += process.stderr.readline()
    assert said.endswith(
        "network mlp:\nit was fitted before the training was ended\nnetwork mlp-2:\n"
    )
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.endswith(
        "\ninterrupted: 1 of 2 members are kept as fitted; go on: "
        "forecast train --config two.yaml --resume two\n"
    )
    assert [path.name for path in runs.iterdir()] == [".checkpoint-two"]
    assert cli("runs", "delete", "two").returncode == 0
    assert list(runs.iterdir()) == []


def test_a_search_that_is_stopped_keeps_what_was_tried(start: Start, project: Path) -> None:
    """And says what to type to go on, with all that was typed."""
    search = "search={space: {window.context_length: {low: 1, high: 30}}, trials: 30, n_windows: 1}"
    typed = (
        "tune", "--config", "air.yaml", "--set", "model={kind: mlp, layers: [4]}",
        "--set", search, "--engine", "threads",
    )  # fmt: skip
    process = start(*typed, cwd=project)
    while not any(path.read_bytes().count(b"\n") for path in project.glob("runs/*/trials.jsonl")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    [study] = (project / "runs").iterdir()
    assert sorted(path.name for path in study.iterdir()) == ["study.json", "trials.jsonl"]
    again = shlex.join(["forecast", *typed, "--resume", str(study)])
    assert stderr.endswith(f"\ninterrupted: what was tried is kept; go on: {again}\n")


def test_what_names_what_was_begun_is_left_out_of_what_goes_on() -> None:
    """All else of what was typed stays."""
    typed = ("-q", "tune", "--name", "one", "--set", "a=b", "--resume=two", "--engine", "ray")
    again = "forecast -q tune --set a=b --engine ray --resume 'the study'"
    assert going_on(typed, "the study") == again


def test_commands_stopped_at_random_moments_end_as_they_should() -> None:
    """A few of the many that the benchmark stops, with more patience on a busy machine."""
    result = subprocess.run(
        [
            sys.executable, str(ROOT / "benchmarks" / "interrupts.py"),
            "--trainings", "2", "--backtests", "1", "--within", "6", "--longest", "20",
        ],
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
