"""One network on several devices, and by several processes: as on one."""

import csv
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

Cli = Callable[..., CompletedProcess[str]]

SETTINGS = (
    "--backend", "jax", "--set", "training.epochs=2", "--set", "training.batch_size=33",
    "--set", "model.units=4", "--runs", "runs",
)  # fmt: skip
TOGETHER = ("--set", "training.distribution=data")
PANEL = """\
data: {path: sales.csv, time: day, target: sold, id: shop, missing: interpolate, cache: always,
  covariates: {past: [price], static: [size]}}
split: {test: 5}
transforms: [standard]
features: {lags: [3]}
window: {context_length: 6, horizon: 2, padding: mask}
model: {kind: gru, dropout: 0.2}
training: {ensemble: 2}
"""


@pytest.fixture
def panel(tmp_path: Path) -> Path:
    """A folder with a config for four series of unlike lengths, which are kept in the cache."""
    random, lines = np.random.default_rng(0), ["day,shop,sold,price,size"]
    for shop, length in enumerate((60, 31, 45, 17)):
        days = np.datetime64("2024-01-01") + np.arange(length)
        numbers = zip(days, random.gamma(2, 20, length), random.random(length), strict=True)
        rows = [f"{day},S{shop},{sold:.2f},{price:.2f},{shop % 2}" for day, sold, price in numbers]
        lines += rows[:8] + rows[9:]
    (tmp_path / "sales.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "air.yaml").write_text(PANEL, encoding="utf-8")
    return tmp_path


def _train(folder: Path, name: str, *words: str, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            sys.executable, "-m", "forecast", "train", "--config", "air.yaml", *SETTINGS,
            "--name", name, *words,
        ],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={
            **os.environ, "OMP_NUM_THREADS": "1", "FORECAST_CACHE": str(folder / "cache"),
            **variables,
        },
    )  # fmt: skip


def _together(folder: Path, name: str, *different: str) -> list[tuple[int, str, str]]:
    """What two processes came to that train one network: exit status, stdout and stderr."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    processes = [
        _train(
            folder, name, *TOGETHER, *(different if own else ()),
            KERAS_DISTRIBUTION_JOB_ADDRESSES=f"127.0.0.1:{port}",
            KERAS_DISTRIBUTION_NUM_PROCESSES="2",
            KERAS_DISTRIBUTION_PROCESS_ID=str(own),
        )
        for own in range(2)
    ]  # fmt: skip
    ended = []
    for process in processes:
        stdout, stderr = process.communicate(timeout=300)
        ended.append((process.returncode, stdout, stderr))
    return ended


def _losses(run: Path) -> list[float]:
    with (run / "history.csv").open(newline="", encoding="utf-8") as file:
        return [float(row[key]) for row in csv.DictReader(file) for key in ("loss", "test_loss")]


def test_a_network_of_several_devices_is_that_of_one(panel: Path) -> None:
    """Of two in one process, and of two processes, of which the first one leaves the run.

    These come first, and one of them reads the table into the cache for all.
    """
    first, second = _together(panel, "processes")
    assert (first[0], first[1]) == (0, f"{panel / 'runs' / 'processes'}\n"), first[2]
    assert second[:2] == (0, ""), second[2]
    alone = _train(panel, "alone")
    devices = _train(panel, "devices", *TOGETHER, JAX_NUM_CPU_DEVICES="2")
    for process in (alone, devices):
        _, stderr = process.communicate(timeout=300)
        assert process.returncode == 0, stderr
        assert " once: about " not in stderr
    assert (first[2] + second[2]).count(" once: about ") == 1
    runs = panel / "runs"
    assert sorted(run.name for run in runs.iterdir()) == ["alone", "devices", "latest", "processes"]
    for name in ("devices", "processes"):
        np.testing.assert_allclose(_losses(runs / name), _losses(runs / "alone"), rtol=1e-4)


def test_processes_that_differ_are_refused(project: Path) -> None:
    """Rather than that each trains another network with the gradients of both."""
    for status, stdout, stderr in _together(project, "both", "--set", "training.learning_rate=0.1"):
        assert (status, stdout) == (2, "")
        assert "the processes that train together have different rows or configs.\n" in stderr
    assert not list(project.glob("runs/*"))


@pytest.mark.parametrize(
    ("count", "own", "address", "said"),
    [
        ("2", "2", "127.0.0.1:1", "this would be process 2 of 2, counted from 0."),
        ("2", "", "127.0.0.1:1", "this would be process ? of 2, counted from 0."),
        ("two", "0", "127.0.0.1:1", "this would be process 0 of two, counted from 0."),
        ("2", "0", "", "KERAS_DISTRIBUTION_JOB_ADDRESSES is not set."),
    ],
)
def test_variables_that_make_no_sense_end_with_2(
    cli: Cli, project: Path, count: str, own: str, address: str, said: str
) -> None:
    """Before anybody waits for anybody."""
    variables = {
        "KERAS_DISTRIBUTION_NUM_PROCESSES": count,
        "KERAS_DISTRIBUTION_PROCESS_ID": own,
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": address,
    }
    result = cli("train", "--config", "air.yaml", *SETTINGS, *TOGETHER, environment=variables)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"loading JAX ...\nerror: {said}\nSet KERAS_DISTR")


def test_tensorflow_does_not_train_with_others(cli: Cli, project: Path) -> None:
    """And says what does."""
    result = cli("train", "--config", "air.yaml", *TOGETHER)
    assert (result.returncode, result.stdout) == (3, "")
    assert "`distribution: data` takes the backend `jax`." in result.stderr
    assert "Set `training.backend: jax`, or leave it out." in result.stderr
