"""JAX beside TensorFlow: the same members, the same runs, and no other backend."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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

# Trains two members of each of several networks, in blocks of one, and writes what came of them;
# those of others as they begin, with their gradients; and then two local networks with two members
# each, in memory and exported.
PROGRAM = """
import sys
from pathlib import Path
import keras
import numpy as np
from keras import ops
from pydantic import TypeAdapter
from forecast.backends import backend
from forecast.config.models import ModelOptions
from forecast.config.schema import EnsembleOptions, TrainingOptions, WindowOptions
from forecast.networks import Architecture
from forecast.training import CompiledForward, KerasPredictor, Member, MemberKey, export, fit
from forecast.windows import Inputs, Windows

out = Path()
window = WindowOptions(horizon=2, normalize="standard", residual_of="last")
values = np.sin(np.arange(150.0) / 3) + np.arange(150) / 50

def network(options, **own):
    width = {} if options.get("kind", "gru") in WITHOUT_UNITS else {"units": 5}
    model = TypeAdapter(ModelOptions).validate_python({**width, **options})
    return Architecture(model, window.model_copy(update=own), 12)

WITHOUT_UNITS = ("mlp", "dlinear", "tcn", "nhits", "own_networks:connect")
OWN = {"kind": "own_networks:connect", "options": {"units": 3}, "folder": sys.argv[1]}

def windows(first, last):
    cutoffs = np.arange(first, last)
    return Windows(values, cutoffs, np.zeros_like(cutoffs), 12, 2)

arrays = {}
for options, training in (
    ({"dropout": 0.3, "patch_length": 3}, {"optimizer": "adam", "schedule": "cosine"}),
    ({"kind": "lstm", "linear": True}, {"optimizer": "adamw", "batch_size": 500, "clip_norm": 0.1}),
    ({"kind": "simple_rnn", "quantiles": (0.1, 0.5)}, {"optimizer": "rmsprop", "loss": "pinball"}),
    ({"kind": "mlp", "layers": (5, 4), "dropout": 0.3}, {"optimizer": "nadam"}),
    ({"kind": "dlinear", "kernel_size": 5}, {"optimizer": "sgd"}),
    (OWN, {"optimizer": "adam"}),
):
    members = [
        Member(MemberKey(1), windows(11, 110), windows(110, 148)),
        Member(MemberKey(2), windows(30, 70), None),
    ]
    options_ = TrainingOptions.model_validate({"epochs": 3, "learning_rate": 0.01, **training})
    fitted = fit(network(options), members, options_, lambda epoch: None, most=1)
    name = options.get("kind", "gru") + training["optimizer"]
    arrays[name + " weights"] = np.stack(list(fitted.weights.values()))
    arrays[name + " losses"] = np.array([log.loss for log in fitted.history])
    arrays[name + " monitored"] = np.array([log.monitored_loss or 0.0 for log in fitted.history])

cutoffs = np.arange(4, 60)
short = Windows(values, cutoffs, np.zeros_like(cutoffs), 12, 2, np.full(150, 2))
fitted = fit(
    network({}, padding="mask"),
    [Member(MemberKey(1), short, short)],
    TrainingOptions(epochs=3, learning_rate=0.01),
    lambda epoch: None,
)
[arrays["masked"]] = fitted.weights.values()
arrays["masked losses"] = np.array([(log.loss, log.monitored_loss) for log in fitted.history])

for options in (
    {"kind": "lstm", "bidirectional": True, "layer_norm": True},
    {"kind": "transformer", "num_layers": 1},
    {"kind": "tcn", "filters": 4},
    {"kind": "seq2seq", "attention": True},
    {"kind": "nhits", "layers": (4,), "pool_sizes": (4, 1), "downsampling": (2, 1)},
):
    chosen = network(options, padding="mask")
    rows = np.stack([chosen.initial(np.random.default_rng(seed)) for seed in range(2)])
    past = np.random.default_rng(1).normal(size=(2, 5, 12, 1)).astype(np.float32)
    there = (np.arange(12) >= np.arange(5)[:, None])[None, ..., None].astype(np.float32)
    inputs = Inputs(past, present=np.repeat(there, 2, axis=0))

    def total(weights):
        value = chosen.forward(weights, inputs, differentiable=True).value
        return ops.sum(ops.sin(value)), value

    both = backend().trace(lambda weights: backend().gradient(total, weights))
    value, gradient = both(ops.convert_to_tensor(rows))
    arrays[options["kind"] + " value"] = np.asarray(value)
    arrays[options["kind"] + " gradient"] = np.asarray(gradient)
assert ("tensorflow" in sys.modules) is (keras.backend.backend() == "tensorflow")

local, ensemble = network({"scope": "local"}), EnsembleOptions(size=2)
weights = np.random.default_rng(0).normal(size=(2, 2, local.parameters)).astype(np.float32) / 3
arrays["contexts"] = np.random.default_rng(1).normal(size=(2, 5, 12, 1)).astype(np.float32)
named = {"model": weights, "model-2": weights[::-1]}
for name, own in named.items():
    predictor = KerasPredictor(CompiledForward(local), own, ensemble)
    arrays[name] = predictor.predict(Inputs(arrays["contexts"]))
export(local, named, ensemble, out)
np.savez(out / "arrays.npz", **arrays)
"""

# Runs a command as the console script does, then says which of the two are loaded.
SPYING = """
import sys
sys.argv = ["forecast", *sys.argv[1:]]
from forecast.cli import main
from forecast.signals import Stop
code = main(Stop())
print("LOADED", *sorted({"tensorflow", "jax"} & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


def _run(program: str, *arguments: str, cwd: Path, backend: str) -> CompletedProcess[str]:
    cwd.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=cwd,
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_members_learn_the_same_on_both_backends(tmp_path: Path) -> None:
    """Losses and weights, with dropout; what is exported agrees with what is in memory."""
    pytest.importorskip("jax")
    folders = [tmp_path / backend for backend in ("tensorflow", "jax")]
    arrays, own = [], str(Path(__file__).parent)
    with ThreadPoolExecutor() as pool:
        results = pool.map(
            lambda folder: _run(PROGRAM, own, backend=folder.name, cwd=folder), folders
        )
    for folder, result in zip(folders, results, strict=True):
        assert result.returncode == 0, result.stderr
        arrays.append(np.load(folder / "arrays.npz"))
        for name in ("model", "model-2"):
            exported = OnnxPredictor(folder / f"{name}.onnx").predict(
                Inputs(arrays[-1]["contexts"])
            )
            np.testing.assert_allclose(exported, arrays[-1][name], atol=1e-5)
        assert {path.name for path in folder.iterdir()} == {
            "arrays.npz",
            "model.onnx",
            "model-2.onnx",
        }
    assert len(arrays[0].files) == 6 * 3 + 2 + 5 * 2 + 3
    for name in arrays[0].files:
        np.testing.assert_allclose(
            arrays[0][name], arrays[1][name], rtol=1e-3, atol=1e-4, err_msg=name
        )


def _scores(run: Path) -> dict[tuple[str, ...], float]:
    with (run / "scores.csv").open(newline="", encoding="utf-8") as file:
        *_, last = rows = list(csv.DictReader(file))
    assert "value" in last
    return {tuple(list(row.values())[:-1]): float(row["value"]) for row in rows}


def test_a_run_on_jax_is_a_run_on_tensorflow(project: Path, trained: Path) -> None:
    """The same scores from the same config, and files that need no JAX; without TensorFlow."""
    pytest.importorskip("jax")
    words = ["train", "--config", "air.yaml", "--set", "training.epochs=3", "--backend", "jax"]
    result = _run(SPYING, *words, cwd=project, backend="tensorflow")
    assert result.returncode == 0, result.stderr
    assert result.stderr.splitlines()[-1] == "LOADED jax"
    run = Path(result.stdout.strip())
    assert {path.name for path in run.iterdir()} == {path.name for path in trained.iterdir()}
    assert "\n  backend: jax\n" in (run / "resolved.yaml").read_text()
    assert _scores(run) == pytest.approx(_scores(trained), rel=1e-3)
    model = keras.models.load_model(run / "model.keras", safe_mode=True)
    contexts = np.random.default_rng(0).uniform(size=(30, 12, 1)).astype(np.float32)
    by_onnx = OnnxPredictor(run / "model.onnx").predict(Inputs(contexts))
    np.testing.assert_allclose(by_onnx, np.asarray(model(contexts)), atol=1e-5)


@pytest.mark.parametrize("command", ["train", "backtest"])
def test_jax_without_its_extra_ends_with_8(project: Path, command: str) -> None:
    """And the command that installs it."""
    without = (
        "import sys; sys.modules['jax'] = None; sys.argv = ['forecast', *sys.argv[1:]]; "
        "from forecast.__main__ import main; main()"
    )
    words = [command, "--config", "air.yaml", "--set", "training.backend=jax"]
    result = subprocess.run(
        [sys.executable, "-c", without, *words], cwd=project, capture_output=True, text=True
    )
    assert (result.returncode, result.stdout, result.stderr) == (
        8,
        "",
        (
            "error: this needs jax, which is not installed.\n"
            "Install it: pip install 'keras-forecast[jax]'\n"
        ),
    )
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
