"""Quantiles that the network forecasts itself: in order, learned, told, and refused."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecast.config.models import SimpleRNNOptions
from forecast.config.schema import WindowOptions
from forecast.errors import ConfigError
from forecast.jobs.job import prepare
from forecast.jobs.opening import open_network
from forecast.networks import Architecture
from forecast.runs import find_run
from forecast.windows import Inputs

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Cli = Callable[..., CompletedProcess[str]]
LEVELS = (0.05, 0.3, 0.5, 0.9)
SETTINGS = [
    "model.quantiles=[0.1, 0.5, 0.9]",
    "training.loss=pinball",
    "training.epochs=3",
    "training.learning_rate=0.01",
    "model.units=4",
    "window.horizon=3",
]


def _words(settings: list[str]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


NETWORK = Architecture(
    SimpleRNNOptions(kind="simple_rnn", units=1, quantiles=LEVELS),
    WindowOptions(context_length=4, horizon=2, normalize="standard", residual_of="last"),
    1,
)


@given(
    weights=arrays(np.float32, (1, NETWORK.parameters), elements=st.floats(-1e3, 1e3, width=32)),
    contexts=arrays(np.float32, (1, 3, 4, 1), elements=st.floats(-1e3, 1e3, width=32)),
)
def test_quantiles_never_cross(weights: np.ndarray, contexts: np.ndarray) -> None:
    """Whatever the weights and the window: each is at least the one before, step by step."""
    quantiles = np.asarray(NETWORK.forward(weights, Inputs(contexts)).value)
    assert quantiles.shape == (1, 3, 2, len(LEVELS))
    assert (np.diff(quantiles, axis=-1) >= 0).all()


def _train(
    once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli, name: str, settings: list[str]
) -> Path:
    """A folder with a run of the airline example and these settings."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        init = cli_in("init", "--example", "airline", cwd=folder)
        return [init, cli_in("train", "--config", "air.yaml", *_words(settings), cwd=folder)]

    _, result = once(name, train)
    assert result.returncode == 0, result.stderr
    return Path(str(result.args))


@pytest.fixture(scope="module")
def learned(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> Path:
    """A folder with a run of a network that forecasts three quantiles, three steps at once."""

    return _train(once, cli_in, "quantiles", SETTINGS)


def _rows(result: CompletedProcess[str]) -> list[dict[str, str]]:
    assert (result.returncode, result.stderr) == (0, "")
    return list(csv.DictReader(StringIO(result.stdout)))


def test_the_middle_quantile_is_the_forecast(learned: Path, cli_in: Cli) -> None:
    """Also beyond the network's own horizon, where the forecast is fed back."""
    rows = _rows(cli_in("predict", "--horizon", "8", cwd=learned))
    assert list(rows[0])[-4:] == ["y_hat", "q0.1", "q0.5", "q0.9"]
    assert len(rows) == 8
    for row in rows:
        assert row["q0.5"] == row["y_hat"]
        assert float(row["q0.1"]) < float(row["y_hat"]) < float(row["q0.9"])


def test_some_of_the_quantiles_can_be_asked_for(learned: Path, cli_in: Cli) -> None:
    """They are the same as all of them are."""
    whole = _rows(cli_in("predict", cwd=learned))
    some = _rows(cli_in("predict", "--quantiles", "0.9", cwd=learned))
    assert [row["q0.9"] for row in some] == [row["q0.9"] for row in whole]
    assert "q0.1" not in some[0]


def test_a_quantile_that_the_network_lacks_is_refused(learned: Path, cli_in: Cli) -> None:
    """With those that it has."""
    result = cli_in("predict", "--quantiles", "0.1,0.2", cwd=learned)
    assert (result.returncode, result.stdout, result.stderr) == (
        5,
        "",
        "error: the network does not forecast the quantile 0.2.\nIt forecasts 0.1, 0.5, 0.9.\n",
    )


def test_learned_quantiles_are_scored_as_calibrated_ones_are(learned: Path, cli_in: Cli) -> None:
    """By CRPS, coverage and width, when they are trained and when they are evaluated."""
    rows = list(csv.DictReader(StringIO((learned / "runs/latest/scores.csv").read_text())))
    own = {row["metric"] for row in rows if (row["split"], row["model"]) == ("test", "gru")}
    assert own >= {"crps", "coverage_80", "width_80"}
    again = cli_in("-q", "evaluate", "--format", "json", cwd=learned)
    assert (again.returncode, again.stderr) == (0, "")
    assert "crps" in json.dumps(json.loads(again.stdout))


@pytest.fixture(scope="module")
def stretched(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> Path:
    """The same with intervals, which calibrate two of four quantiles for two years."""
    settings = [
        *SETTINGS,
        "model.quantiles=[0.05, 0.1, 0.5, 0.9]",
        "intervals={quantile_levels: [0.1, 0.9], n_windows: 12}",
        "predict.horizon=24",
    ]

    return _train(once, cli_in, "stretched", settings)


def test_intervals_stretch_what_the_network_learned(stretched: Path, cli_in: Cli) -> None:
    """By hand: each learned distance from the forecast, times the factor of its step."""
    run = find_run(stretched / "runs")
    factors = json.loads(run.file("intervals.json").read_text())["factors"]
    assert {level: len(own) for level, own in factors.items()} == {"0.1": 24, "0.9": 24}
    opened = open_network(run)
    shared, panel = opened.network.shared, opened.known
    said = opened.network.predictions(shared.apply(panel).panel, panel.ends - 1, 24)
    rows = _rows(cli_in("predict", cwd=stretched))
    assert list(rows[0])[-3:] == ["y_hat", "q0.1", "q0.9"]
    for level in (0.1, 0.9):
        moved = said[0.5] + (said[level] - said[0.5]) * np.array(factors[str(level)])
        by_hand = shared.apply(panel).invert(moved, panel.ends - 1)[0]
        assert [float(row[f"q{level}"]) for row in rows] == pytest.approx(list(by_hand))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--quantiles", "0.05"],
            "the network does not forecast the quantile 0.05.\nIt forecasts 0.1, 0.9.",
        ),
        (
            ["--horizon", "25"],
            "intervals are calibrated for 24 steps, not 25.\nTrain with a longer predict.horizon.",
        ),
    ],
)
def test_what_was_not_calibrated_is_refused(
    stretched: Path, cli_in: Cli, words: list[str], message: str
) -> None:
    """A quantile that is learned alone, and a step too far."""
    result = cli_in("predict", *words, cwd=stretched)
    assert (result.returncode, result.stdout) == (5, "")
    assert result.stderr == f"error: {message}\n"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["training.loss=pinball"], "`training.loss: pinball` is the loss of quantiles"),
        (["model.quantiles=[0.1, 0.5]"], "are fitted with the pinball loss alone"),
        (["model.quantiles=[0.1, 0.9]", "training.loss=pinball"], "should hold 0.5"),
        (["model.quantiles=[0.5, 0.1]", "training.loss=pinball"], "should ascend"),
        (["model.quantiles=[0.5, 0.5]", "training.loss=pinball"], "should ascend"),
        (
            ["model.quantiles=[0.1, 0.5]", "training.loss=pinball", "intervals={}"],
            "of the network, which has not all of them",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_quantiles_that_can_not_be_learned_are_refused(
    project: Path, settings: list[str], message: str
) -> None:
    """Before anything is trained, and with the place in the config."""
    with pytest.raises(ConfigError) as caught:
        prepare(project / "air.yaml", settings)
    assert message in str(caught.value)
    assert caught.value.exit_code == 3
    assert caught.value.problems[0].place is not None
