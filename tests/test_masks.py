"""Series shorter than the context, masked: what is not there changes nothing."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pandas as pd
import pytest
from keras import ops
from pydantic import TypeAdapter

from forecast.backends import backend
from forecast.config.models import ModelOptions
from forecast.config.schema import TrainingOptions, WindowOptions
from forecast.data.panel import Panel
from forecast.jobs.job import prepare
from forecast.networks import Architecture
from forecast.training import Member, MemberKey, fit
from forecast.windows import Columns, Inputs, Windows, gather

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Cli = Callable[..., CompletedProcess[str]]
MODEL: TypeAdapter[ModelOptions] = TypeAdapter(ModelOptions)
LONG, SHORT, SEASON = 12, 8, 4  # steps

KINDS: list[dict[str, Any]] = [
    {"kind": "gru"},
    {"kind": "gru", "reset_after": False, "activation": "sigmoid"},
    {"kind": "lstm", "activation": "sigmoid"},
    {"kind": "simple_rnn", "activation": "relu"},
    {"kind": "lstm", "patch_length": 4},
    {"kind": "gru", "quantiles": [0.1, 0.5, 0.9]},
    {"kind": "lstm", "bidirectional": True},
    {"kind": "gru", "layers": [3, 3], "bidirectional": True, "residual": True, "layer_norm": True},
    {"kind": "tcn"},
    {"kind": "seq2seq", "attention": True},
]
WINDOWS: list[dict[str, Any]] = [
    {},
    {"normalize": "mean", "residual_of": "last"},
    {"normalize": "standard", "residual_of": "seasonal_mean"},
    {"normalize": "last", "residual_of": "seasonal_naive"},
]


def _network(model: dict[str, Any], window: dict[str, Any], length: int) -> Architecture:
    padding = "mask" if length == LONG else "season"
    options = {**window, "context_length": length, "horizon": 5, "padding": padding}
    width = "filters" if model["kind"] == "tcn" else "units"
    model = {width: 3, "dropout": 0, **model}
    return Architecture(MODEL.validate_python(model), WindowOptions.model_validate(options), SEASON)


def _inputs() -> tuple[Inputs, Inputs]:
    """Short contexts, and the same behind what is not there: `(1, windows, steps, 1)`."""
    short = np.random.default_rng(1).normal(size=(1, 7, SHORT, 1)).astype(np.float32)
    before = ((0, 0), (0, 0), (LONG - SHORT, 0), (0, 0))
    return Inputs(short), Inputs(np.pad(short, before), present=np.pad(np.ones_like(short), before))


def _by_keras(network: Architecture, weights: np.ndarray, inputs: Inputs) -> np.ndarray:
    """What the plain model of one member makes of the inputs of all."""
    named = inputs.map(lambda part: part[0]).named
    model = network.model(weights)
    return np.asarray(model(named if len(named) > 1 else named["past"], training=False))


def _weights(network: Architecture) -> np.ndarray:
    return np.stack([network.initial(np.random.default_rng(seed)) for seed in range(2)])


def _weighed(values: Any) -> Any:
    """A number that weighs every forecast differently."""
    flat = ops.reshape(values, (-1,))
    return ops.sum(flat * np.cos(np.arange(flat.shape[0], dtype=np.float32)))


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("model", KINDS, ids=str)
def test_a_masked_context_is_a_shorter_one(model: dict[str, Any], window: dict[str, Any]) -> None:
    """For members, their gradients and plain Keras alike: the network of the shorter context."""
    networks = _network(model, window, SHORT), _network(model, window, LONG)
    weights, said, slopes = _weights(networks[0]), [], []
    for network, inputs in zip(networks, _inputs(), strict=True):

        def total(flat: Any, network: Architecture = network, inputs: Inputs = inputs) -> Any:
            value = network.forward(flat, inputs, differentiable=True).value
            return _weighed(value), value

        value, slope = backend().gradient(total, ops.convert_to_tensor(weights))
        said.append(np.asarray(value))
        slopes.append(np.asarray(slope))
        plain = _by_keras(network, weights[1], inputs)
        np.testing.assert_allclose(said[-1][1], plain, rtol=1e-4, atol=1e-5)
        forward = np.asarray(network.forward(weights, inputs).value)
        np.testing.assert_allclose(forward, said[-1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(said[1], said[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(slopes[1], slopes[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("patch_length", [1, 4])
def test_a_transformer_looks_at_what_is_there(patch_length: int) -> None:
    """The last layer aside, which weighs all steps, its weights are those of a shorter context."""
    model = {"kind": "transformer", "units": 4, "num_heads": 2, "patch_length": patch_length}
    short, long = (_network(model, {"normalize": "mean"}, length) for length in (SHORT, LONG))
    models = long.model(_weights(long)[0]), short.model(_weights(short)[0])
    for layer in models[1].layers:
        weights = models[0].get_layer(layer.name).get_weights()
        if layer.name == "forecast":
            weights[0] = weights[0][-len(layer.get_weights()[0]) :]
        layer.set_weights(weights)
    inputs = _inputs()
    by_long = np.asarray(models[0](inputs[1].map(lambda part: part[0]).named))
    np.testing.assert_allclose(by_long, models[1](inputs[0].past[0]), rtol=1e-4, atol=1e-5)
    by_members = long.forward(_weights(long), inputs[1]).value
    np.testing.assert_allclose(np.asarray(by_members)[0], by_long, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_a_whole_context_is_seen_as_without_masks(window: dict[str, Any]) -> None:
    """Where all is there, the option changes nothing."""
    model = {"kind": "gru", "linear": True, "patch_length": "season"}
    masking = _network(model, window, LONG)
    options = WindowOptions.model_validate({**window, "context_length": LONG, "horizon": 5})
    plain = Architecture(
        MODEL.validate_python({"units": 3, "dropout": 0, **model}), options, SEASON
    )
    contexts = np.random.default_rng(2).normal(size=(1, 7, LONG, 1)).astype(np.float32)
    weights = _weights(masking)
    whole = Inputs(contexts, present=np.ones_like(contexts))
    by_mask = np.asarray(masking.forward(weights, whole).value)
    by_none = np.asarray(plain.forward(weights, Inputs(contexts)).value)
    np.testing.assert_allclose(by_mask, by_none, rtol=1e-4, atol=1e-5)


def test_a_step_of_the_season_that_is_not_there_takes_the_last_value() -> None:
    """Three values of a season of four, repeated: a network of zeros says so."""
    context = np.array([0.0] * 9 + [1.0, 2.0, 3.0], np.float32)[None, None, :, None]
    inputs = Inputs(context, present=np.sign(context))
    network = _network({"kind": "gru"}, {"residual_of": "seasonal_naive"}, LONG)
    weights = np.zeros((1, network.parameters), np.float32)
    said = np.asarray(network.forward(weights, inputs).value)
    assert said.tolist() == [[[3.0, 1.0, 2.0, 3.0, 3.0]]]


def test_contexts_without_a_period_lack_what_is_before_their_series(
    make_panel: Callable[..., Panel],
) -> None:
    """Zeros stand there, whatever the series before holds, and it is said where."""
    panel = make_panel([[1.0, 2.0, 3.0], [4.0, 5.0]])
    cutoffs = np.array([1, 2, 4])
    inputs = gather(
        np, Columns(panel.values), cutoffs, 3, starts=np.array([0, 0, 3]), is_masked=True
    )
    np.testing.assert_array_equal(inputs.past[..., 0], [[0, 1, 2], [1, 2, 3], [0, 4, 5]])
    np.testing.assert_array_equal(inputs.present[..., 0], [[0, 1, 1], [1, 1, 1], [0, 1, 1]])


def test_training_sees_the_contexts_that_a_forecast_does() -> None:
    """The loss before anything is learned: of each window by hand, the first ones of two series."""
    values = np.concatenate([np.sin(np.arange(20.0)), np.cos(np.arange(16.0)) * 3])
    first = np.repeat([0, 20], [20, 16])
    cutoffs = np.array([3, 7, 14, 23, 24, 30])
    windows = Windows(values, cutoffs, np.repeat([0, 1], 3), LONG, 5, first)
    network = _network({"kind": "gru"}, {"normalize": "standard", "residual_of": "last"}, LONG)
    options = TrainingOptions(epochs=1, optimizer="sgd", learning_rate=1e-9, batch_size=4)
    # Behind other values, as those of another job are.
    other = Windows(values[::-1].copy(), np.array([15]), np.array([0]), LONG, 5, first)
    fitted = fit(
        network,
        [Member(MemberKey(1), other, None), Member(MemberKey(0), windows, windows)],
        options,
        print,
    )
    weights = np.stack([network.initial(np.random.default_rng(s)) for s in _initial_seeds(0)])
    inputs = gather(
        np, Columns(values.astype(np.float32)), cutoffs, LONG, starts=first[cutoffs], is_masked=True
    )
    seen = network.forward(weights, inputs.map(lambda part: part[None]))
    targets = values[cutoffs[:, None] + np.arange(1, 6)].astype(np.float32)[None]
    by_hand = np.mean((np.asarray(seen.of(targets)) - np.asarray(seen.forecast)) ** 2)
    log = next(log for log in fitted.history if log.member.seed == 0)
    assert log.loss == pytest.approx(by_hand, rel=1e-4)
    assert log.monitored_loss == pytest.approx(by_hand, rel=1e-4)


def _initial_seeds(seed: int) -> list[np.random.SeedSequence]:
    """That of a member's first weights."""
    return np.random.SeedSequence(seed).spawn(3)[:1]


CONFIG = """\
data: {path: sales.csv, time: month, target: sales, id: shop}
split: {test: 4}
transforms: [log, difference, standard]
window: {context_length: 24, horizon: 2, padding: mask, normalize: mean, residual_of: last}
model: {units: 3, patch_length: 2}
training: {epochs: 3, learning_rate: 0.02, ensemble: 2}
predict: {horizon: 5}
"""
LENGTHS = {"ann": 60, "bob": 22, "cat": 9}


def _write(folder: Path) -> Path:
    random, lines = np.random.default_rng(0), ["shop,month,sales"]
    for shop, length in LENGTHS.items():
        sales = 100 * np.exp(0.1 * random.normal(size=length).cumsum())
        months = pd.date_range("2000-01-01", periods=length, freq="MS")
        lines += [f"{shop},{m:%Y-%m-%d},{y:.4f}" for m, y in zip(months, sales, strict=True)]
    (folder / "sales.csv").write_text("\n".join(lines) + "\n")
    (folder / "sales.yaml").write_text(CONFIG)
    return folder / "sales.yaml"


def test_short_series_are_learned_from_as_soon_as_they_have_a_season(tmp_path: Path) -> None:
    """bob has 17 differences before the test part, and so windows from the twelfth on."""
    config = _write(tmp_path)
    job = prepare(config)
    series = job.panel.series_of(job.cutoffs["train"])
    # Rows to learn from, less a difference, less all but the last of a season, less the horizon.
    assert np.bincount(series, minlength=3).tolist() == [56 - 1 - 11 - 2, 18 - 1 - 11 - 2, 0]
    whole = prepare(config, ["window.padding=season"])
    assert set(whole.panel.series_of(whole.cutoffs["train"])) == {0}


def test_short_series_are_forecast(tmp_path: Path, cli: Cli) -> None:
    """The export agrees with Keras on them, or `train` fails; cat has fewer rows than a season."""
    _write(tmp_path)
    train = cli("train", "--config", "sales.yaml")
    assert train.returncode == 0, train.stderr
    run = Path(train.stdout.strip())
    scores = csv.DictReader(StringIO((run / "scores.csv").read_text()))
    scored = {row["unique_id"] for row in scores if row["model"] == "gru"}
    assert scored == {"", "ann", "bob"}  # cat has no last season to be compared with
    result = cli("predict", "--format", "jsonl")
    assert (result.returncode, result.stderr) == (0, "")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["unique_id"] for row in rows] == ["ann"] * 5 + ["bob"] * 5 + ["cat"] * 5
    assert all(np.isfinite(row["y_hat"]) for row in rows)
