"""`forecast inspect`: gates and states are Keras's own, gradients those of small differences."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from forecast.commands.gradients import judged
from forecast.config.models import ModelOptions
from forecast.config.schema import TrainingOptions, WindowOptions
from forecast.networks import Architecture
from forecast.training import Inside
from forecast.windows import Inputs

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Cli = Callable[..., CompletedProcess[str]]
MODEL: TypeAdapter[ModelOptions] = TypeAdapter(ModelOptions)
CONTEXT = 6


def _inside(**options: Any) -> Inside:
    """A network with weights as they are drawn, biases too, and five windows."""
    random = np.random.default_rng(0)
    window = WindowOptions(context_length=CONTEXT, horizon=2, padding="mask")
    model = MODEL.validate_python({"units": 3, "dropout": 0, **options})
    network = Architecture(model, window, 3)
    weights = random.normal(0, 0.6, (1, network.parameters)).astype(np.float32)
    past = random.normal(size=(5, CONTEXT, 1)).astype(np.float32)
    present = np.ones_like(past)
    present[0, :2] = past[0, :2] = 0
    inputs = Inputs(past=past, present=present)
    targets = random.normal(size=(5, 2))
    return Inside(network, weights, TrainingOptions(loss="mae"), inputs, targets)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"reset_after": False},
        {"kind": "lstm"},
        {"kind": "simple_rnn"},
        {"layers": [3, 2], "layer_norm": True},
        {"layers": [3, 3], "bidirectional": True, "residual": True},
    ],
    ids=str,
)
def test_states_are_those_of_keras_at_every_step(options: dict[str, Any]) -> None:
    """Of each layer, in both directions, with steps that are not there; and gates make them."""
    inside = _inside(**options)
    seen, model = inside.look(), inside.architecture.model(inside.weights[0])
    recurrent = [layer for layer in model.layers if hasattr(layer, "cell")]
    assert {layer.name for layer in recurrent} == set(seen)
    entered = [keras.tree.flatten(layer.input)[0] for layer in recurrent]
    named = {"past": inside.inputs.past, "present": inside.inputs.present}
    inputs = keras.tree.flatten(keras.Model(model.input, entered)(named))
    mask = inside.inputs.present[..., 0] > 0.5
    for layer, steps in zip(recurrent, inputs, strict=True):
        copy = type(layer).from_config({**layer.get_config(), "return_sequences": True})
        copy.build(steps.shape)
        copy.set_weights(layer.get_weights())
        states = np.array(copy(steps, mask=mask))
        if layer.go_backwards:
            states = states[:, ::-1]
        np.testing.assert_allclose(seen[layer.name]["state"], states, atol=1e-6)
    first = seen[recurrent[0].name]
    if "update_gate" in first and not recurrent[0].go_backwards:
        before = np.pad(first["state"], ((0, 0), (1, 0), (0, 0)))[:, :-1]
        made = first["update_gate"] * before + (1 - first["update_gate"]) * first["candidate"]
        np.testing.assert_allclose(first["state"][1:], made[1:], atol=1e-6)


@pytest.mark.parametrize("kind", ["gru", "lstm", "mlp"])
@pytest.mark.parametrize("of_loss", [False, True])
def test_gradients_are_those_of_small_differences(kind: str, of_loss: bool) -> None:
    """By each step of the past, of the mean forecast and of the loss."""
    inside = _mlp() if kind == "mlp" else _inside(kind=kind)
    slopes = inside.input_gradients(of_loss=of_loss)[..., 0]

    def number(past: np.ndarray) -> np.ndarray:
        inputs = inside.inputs._replace(past=past)
        seen = inside.architecture.forward(inside.weights, inputs.map(lambda part: part[None]))
        forecast = np.asarray(seen.value)[0]
        loss = np.abs(inside.targets - forecast)
        return np.asarray((loss if of_loss else forecast).mean(axis=1))

    for step in (2, CONTEXT - 1):
        low, high = inside.inputs.past.copy(), inside.inputs.past.copy()
        low[:, step], high[:, step] = low[:, step] - 1e-2, high[:, step] + 1e-2
        by_hand = (number(high) - number(low)) / 2e-2
        np.testing.assert_allclose(slopes[:, step], by_hand, atol=2e-3)


def _mlp() -> Inside:
    random = np.random.default_rng(1)
    window = WindowOptions(context_length=CONTEXT, horizon=2)
    model = MODEL.validate_python({"kind": "mlp", "layers": [4], "activation": "tanh"})
    network = Architecture(model, window, 3)
    weights = random.normal(0, 0.6, (1, network.parameters)).astype(np.float32)
    past = random.normal(size=(5, CONTEXT, 1)).astype(np.float32)
    return Inside(
        network, weights, TrainingOptions(loss="mae"), Inputs(past=past), random.normal(size=(5, 2))
    )


def test_the_gradient_by_a_state_is_what_the_state_does() -> None:
    """A SimpleRNN without an activation: by hand, the powers of its recurrent matrix."""
    inside = _inside(kind="simple_rnn", activation="linear")
    layers = inside.architecture.by_layer(inside.weights)
    recurrent, last = (
        np.array(layers[name][i][0]) for name, i in (("simple_rnn", 1), ("forecast", 0))
    )
    [norms] = inside.state_gradients().values()
    slope = last.mean(axis=1)
    for step in reversed(range(2, CONTEXT)):
        np.testing.assert_allclose(norms[:, step], np.linalg.norm(slope), rtol=1e-4)
        slope = recurrent @ slope


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (
            [1.0, 0.5, 0.2],
            "reaches back to lag 3, where it is 20% of the last step's.",
        ),
        ([1.0, 0.02, 1e-4], "the gradient vanishes: beyond lag 2 of 3"),
        ([1.0, 20.0, 400.0], "the gradient explodes: at lag 3 it is 400 times"),
        ([1.0, np.nan, np.nan], "the gradient explodes: at lag 2"),
        ([0.0, 0.0, 0.0], "no gradient reaches it"),
    ],
)
def test_vanishing_and_exploding_are_named(shares: list[float], said: str) -> None:
    """With what to do."""
    assert said in judged(np.array(shares), np.array([1, 2, 3]))


@pytest.fixture(scope="module")
def folder(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> Path:
    """A panel's run: an ensemble of two GRUs that read patches, with quantiles; and an mlp's."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        days = pd.date_range("2024-01-01", periods=90, freq="D")
        tables = [
            pd.DataFrame({"id": name, "day": days, "y": np.sin(np.arange(90) / 1.1) + i})
            for i, name in enumerate(("north", "south"))
        ]
        pd.concat(tables).to_csv(folder / "t.csv", index=False)
        (folder / "t.yaml").write_text(
            "data: {path: t.csv, time: day, target: y, id: id}\n"
            "split: {test: 10}\n"
            "window: {context_length: 14, horizon: 2}\n"
            "model: {units: 3, patch_length: 7, quantiles: [0.1, 0.5, 0.9]}\n"
            "training: {epochs: 1, loss: pinball, ensemble: 2}\n"
        )
        train = ("train", "--config", "t.yaml", "--name")
        mlp = ("--set", "model={kind: mlp, layers: [2]}", "--set", "training={epochs: 1}")
        return [cli_in(*train, "gru", cwd=folder), cli_in(*train, "mlp", *mlp, cwd=folder)]

    results = once("inspect", train)
    assert [result.returncode for result in results] == [0, 0], results[-1].stderr
    return Path(results[0].stdout.strip()).resolve().parents[1]


def test_gates_over_time_are_told_and_drawn(folder: Path, cli_in: Cli) -> None:
    """Of the wanted series and member; a row a date, unit and step."""
    words = ("inspect", "gates", "gru", "--series", "south", "--member", 1, "--windows", 5)
    result = cli_in(*words, "--format", "csv", "--steps", "--plot", "g.png", cwd=folder)
    assert result.returncode == 0, result.stderr
    rows = list(csv.DictReader(StringIO(result.stdout)))
    assert len(rows) == 5 * 2 * 3
    assert {row["unique_id"] for row in rows} == {"south"}
    assert {row["lag"] for row in rows} == {"1", "8"}
    assert rows[0]["ds"] == "2024-03-26"
    assert all(0 <= float(row["update_gate"]) <= 1 for row in rows)
    assert (folder / "g.png").stat().st_size > 20_000
    text = cli_in(*words, cwd=folder).stdout
    assert "units remember: half of the state is left after" in text
    assert "lets in most at 2024-03-" in text


def test_gradients_are_told_by_lag_and_drawn(folder: Path, cli_in: Cli) -> None:
    """Of any network; those of a network without recurrence by its input alone."""
    for run, layers in (("gru", {"input", "gru"}), ("mlp", {"input"})):
        result = cli_in(
            "inspect", "gradients", run, "--format", "json", "--plot", "g.svg", cwd=folder
        )
        assert result.returncode == 0, result.stderr
        found = json.loads(result.stdout)
        assert {row["by"] for row in found["gradients"]} == layers
        by_input = [row["lag"] for row in found["gradients"] if row["by"] == "input"]
        assert sorted(set(by_input)) == list(range(1, 15))
        assert found["verdicts"][-2].startswith("the forecast depends most on lags ")
        said = "while it was trained: in its only epoch the gradient's norm is "
        assert found["verdicts"][-1].startswith(said)
    assert cli_in("inspect", "gradients", "gru", cwd=folder).returncode == 0


def test_a_summary_tells_what_a_training_takes(folder: Path, cli_in: Cli) -> None:
    """Layers as Keras has them, for a person and for a program."""
    found = json.loads(cli_in("inspect", "summary", "gru", "--format", "json", cwd=folder).stdout)
    assert found["members"] == 2
    assert found["parameters"] == sum(
        int(layer["parameters"].replace(",", "")) for layer in found["layers"]
    )
    assert "parameters; training takes about" in cli_in("inspect", "summary", cwd=folder).stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["gates", "mlp"], 5, "mlp has no recurrent layer, and so no gates."),
        (["gates", "gru", "--series", "nort"], 2, "Did you mean `north`?"),
        (["gates", "gru", "--member", "2"], 2, "--member 2: the run has 2, from 0 on."),
        (["gradients", "gru", "--plot", "g.txt"], 2, "the ending names no format of figures"),
        (["gates", "none"], 5, "none"),
    ],
)
def test_what_can_not_be_looked_at_is_said(
    folder: Path, cli_in: Cli, words: list[str], code: int, message: str
) -> None:
    """With the way out."""
    result = cli_in("inspect", *words, cwd=folder)
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr
