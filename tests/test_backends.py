"""JAX beside TensorFlow: the same members, the same runs, and no other backend."""

import csv
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import keras
import numpy as np
import pytest

from forecast.methods.network import OnnxPredictor
from forecast.windows import Inputs

Cli = Callable[..., CompletedProcess[str]]

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# Runs a command as the console script does, then says which of the two are loaded, and how many
# other interpreters were started, which might load them too.
SPYING = """
import sys
started = []

def hear(event, told):
    if event == "subprocess.Popen" and told[0] == sys.executable:
        started.append(told[1])

sys.addaudithook(hear)
sys.argv = ["forecast", *sys.argv[1:]]
from forecast.cli import main
from forecast.signals import Stop
code = main(Stop())
loaded = {"tensorflow", "jax"} & {name for name, module in sys.modules.items() if module}
print("LOADED", *sorted(loaded), "STARTED", len(started), file=sys.stderr)
sys.exit(code)
"""


MEMBERS = Path(__file__).parent / "members.py"


def _run(*words: str | Path, cwd: Path, backend: str) -> CompletedProcess[str]:
    """A program of Python in a process of its own, whose environment names this backend."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_members_learn_the_same_on_both_backends(tmp_path: Path) -> None:
    """Losses and weights, with all that there is; what is exported agrees with it."""
    pytest.importorskip("jax")
    here, there = tmp_path / "tensorflow", tmp_path / "jax"
    here.mkdir()
    there.mkdir()
    runpy.run_path(str(MEMBERS))["main"](here)
    result = _run(MEMBERS, there, cwd=there, backend="jax")
    assert result.returncode == 0, result.stderr
    by_tensorflow, by_jax = (np.load(folder / "arrays.npz") for folder in (here, there))
    assert len(by_jax.files) == 10 * 2 + 2 + 2 + 5 + 2
    for name in by_jax.files:
        np.testing.assert_allclose(
            by_tensorflow[name], by_jax[name], rtol=1e-3, atol=1e-4, err_msg=name
        )
    inputs = Inputs(*(by_jax[name] for name in Inputs._fields))
    for folder in (here, there):
        names = {path.name for path in folder.iterdir()}
        assert names == {"arrays.npz", "model.onnx", "own.onnx", "own.keras"}
        forecasts = OnnxPredictor(folder / "model.onnx").predict(inputs)
        np.testing.assert_allclose(forecasts, by_jax["forecasts"], atol=1e-5)
        forecasts = OnnxPredictor(folder / "own.onnx").predict(Inputs(by_jax["own past"]))
        np.testing.assert_allclose(forecasts, by_jax["own forecasts"], atol=1e-5)


def _scores(run: Path) -> dict[tuple[str, ...], float]:
    with (run / "scores.csv").open(newline="", encoding="utf-8") as file:
        *_, last = rows = list(csv.DictReader(file))
    assert "value" in last
    return {tuple(list(row.values())[:-1]): float(row["value"]) for row in rows}


def test_a_run_on_jax_is_a_run_on_tensorflow(project: Path, trained: Path) -> None:
    """The same scores from the same config, files that need no JAX, and forecasts explained."""
    pytest.importorskip("jax")
    words = ["train", "--config", "air.yaml", "--set", "training.epochs=3", "--backend", "jax"]
    result = _run("-c", SPYING, *words, cwd=project, backend="tensorflow")
    assert result.returncode == 0, result.stderr
    assert result.stderr.splitlines()[-1] == "LOADED jax STARTED 0"
    run = Path(result.stdout.strip())
    assert {path.name for path in run.iterdir()} == {path.name for path in trained.iterdir()}
    assert "\n  backend: jax\n" in (run / "resolved.yaml").read_text()
    assert _scores(run) == pytest.approx(_scores(trained), rel=1e-3)
    model = keras.models.load_model(run / "model.keras", safe_mode=True)
    contexts = np.random.default_rng(0).uniform(size=(30, 12, 1)).astype(np.float32)
    by_onnx = OnnxPredictor(run / "model.onnx").predict(Inputs(contexts))
    np.testing.assert_allclose(by_onnx, np.asarray(model(contexts)), atol=1e-5)
    words = ["explain", "--method", "integrated_gradients", "--format", "json"]
    explained = _run("-c", SPYING, *words, cwd=project, backend="tensorflow")
    assert explained.stderr.splitlines()[-1] == "LOADED jax STARTED 0"
    found = json.loads(explained.stdout)
    forecast = found["baseline"] + found["sum"]
    assert forecast == pytest.approx(found["forecast"], abs=0.01 * abs(found["sum"]))
    words = ["inspect", "gradients", "--windows", "9"]
    assert _run("-c", SPYING, *words, cwd=project, backend="tensorflow").returncode == 0


@pytest.mark.parametrize("command", ["train", "backtest"])
def test_jax_without_its_extra_ends_with_8(
    project: Path, command: str, refused_without: Callable[..., None]
) -> None:
    """And the command that installs it."""
    words = (command, "--config", "air.yaml", "--set", "training.backend=jax")
    refused_without("jax", "jax", *words, cwd=project)
    assert not (project / "runs").exists()


@pytest.mark.parametrize("command", ["train", "backtest"])
def test_another_backend_of_keras_is_refused_with_2(cli: Cli, project: Path, command: str) -> None:
    """Wherever its name comes from, with those that there are."""
    result = cli(command, "--config", "air.yaml", environment={"KERAS_BACKEND": "torch"})
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "error: KERAS_BACKEND is 'torch', and networks are trained with tensorflow or jax.\n"
        "Say --backend tensorflow, or unset the variable.\n"
    )
