"""Networks that see the same data in different units, used as one."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import keras
import numpy as np
import pytest

from forecast.console import Console
from forecast.errors import ConfigError, DataError
from forecast.jobs.fitting import Fitting
from forecast.jobs.job import Job, prepare
from forecast.jobs.opening import open_network
from forecast.runs import find_run

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Cli = Callable[..., CompletedProcess[str]]
SEASON = "{kind: difference, lag: season}"
PIPELINES = [f"[log, {SEASON}, minmax]", f"[log, {SEASON}, difference, minmax]", "[log, standard]"]
SMALL = ["model={kind: mlp, layers: [4]}", "training.epochs=4", "training.learning_rate=0.02"]
PARAMETERS = (12 + 1) * 4 + (4 + 1)


def _settings(pipelines: list[str], *others: str, combine: str = "mean") -> list[str]:
    first, *further = pipelines
    ensemble = f"{{size: 2, combine: {combine}, transforms: [{', '.join(further)}]}}"
    return [f"transforms={first}", f"training.ensemble={ensemble}", *SMALL, *others]


def _forecast(job: Job, cutoffs: np.ndarray, horizon: int) -> np.ndarray:
    [trained] = Fitting([job]).run(Console(quiet=True)).trained
    return trained.method().forecast(job.panel, cutoffs, horizon).y_hat


def test_their_forecasts_are_combined_in_the_units_that_they_share(project: Path) -> None:
    """Each feeds its own forecasts back; together they are the mean, or median, of logarithms."""
    cutoffs = np.array([116, 130, 143])
    # Of one reach, so that each alone has the same windows to learn from.
    pipelines = [f"[log, {SEASON}, {scaler}]" for scaler in ("minmax", "standard", "robust")]
    alone = [
        np.log(_forecast(prepare(project / "air.yaml", _settings([own])), cutoffs, 5))
        for own in pipelines
    ]
    for combine, by_hand in (("mean", np.mean), ("median", np.median)):
        job = prepare(project / "air.yaml", _settings(pipelines, combine=combine))
        together = _forecast(job, cutoffs, 5)
        np.testing.assert_allclose(np.log(together), by_hand(alone, axis=0), rtol=1e-5)


@pytest.fixture(scope="module")
def trained_units(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> Path:
    """A run of three units with two networks each, with intervals."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        init = cli_in("init", "--example", "airline", cwd=folder)
        settings = _settings(PIPELINES, "intervals.n_windows=10")
        words = [word for setting in settings for word in ("--set", setting)]
        return [init, cli_in("train", "--config", "air.yaml", *words, cwd=folder)]

    _, result = once("units", train)
    assert result.returncode == 0, result.stderr
    return Path(result.stdout.strip())


def test_a_run_has_a_network_for_each_of_the_units(trained_units: Path) -> None:
    """As ONNX and for Keras; all are counted, and all are in the history."""
    names = {path.name for path in trained_units.iterdir()}
    for name in ("model", "model-2", "model-3"):
        assert {f"{name}.onnx", f"{name}.keras"} <= names
        model = keras.models.load_model(trained_units / f"{name}.keras", safe_mode=True)
        assert model.count_params() == 2 * PARAMETERS
    assert json.loads((trained_units / "run.json").read_text())["parameters"] == 6 * PARAMETERS
    states = json.loads((trained_units / "transforms.json").read_text())
    assert len(states) == 1 + 2 + 3 + 1  # the logarithm is fitted once
    rows = csv.DictReader(StringIO((trained_units / "history.csv").read_text()))
    assert {int(row["member"]) for row in rows} == set(range(6))


def test_a_run_forecasts_as_it_did_when_it_was_trained(trained_units: Path, cli_in: Cli) -> None:
    """From its own last rows, which are as many as the longest reach takes."""
    opened = open_network(find_run(trained_units.parent))
    job = prepare(trained_units / "resolved.yaml")
    kept = _rows(trained_units / "forecasts.csv", "test", "mlp")
    again = opened.network.forecast(job.panel, job.cutoffs["test"], 1, [0.1, 0.9])
    assert again.y_hat[:, 0].tolist() == [float(row["y_hat"]) for row in kept]
    assert again.quantiles[0.9][:, 0].tolist() == [float(row["q0.9"]) for row in kept]
    result = cli_in("predict", cwd=trained_units.parents[1])
    assert (result.returncode, result.stderr) == (0, "")
    said = [float(row["y_hat"]) for row in csv.DictReader(StringIO(result.stdout))]
    assert said == opened.network.forecast(job.panel, np.array([143]), 12).y_hat[0].tolist()


def _rows(file: Path, split: str, model: str) -> list[dict[str, str]]:
    rows = csv.DictReader(StringIO(file.read_text()))
    return [row for row in rows if (row["split"], row["model"]) == (split, model)]


def test_check_counts_the_networks_of_all_units(project: Path, cli: Cli) -> None:
    """Two seeds, three units."""
    words = [word for setting in _settings(PIPELINES) for word in ("--set", setting)]
    result = cli("check", "--config", "air.yaml", *words)
    assert (result.returncode, result.stderr) == (0, "")
    assert "members: 6\n" in result.stdout


ENSEMBLE = """
training:
  ensemble:
    size: 2
    transforms:
"""


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("      - minmax", ConfigError, "air.yaml:5:9: `training.ensemble.transforms.0` should be"),
        (
            "      - [log, minmx]",
            ConfigError,
            "air.yaml:5:15: `training.ensemble.transforms.0.1`: there is no kind 'minmx'.",
        ),
        (
            "      - [{kind: difference, lags: 1}]",
            ConfigError,
            "unknown key `training.ensemble.transforms.0.0.lags`.",
        ),
        ("      - [log]", DataError, "the logarithm needs values above 0"),
    ],
)
def test_units_that_can_not_be_are_refused(
    project: Path, line: str, error: type[ConfigError | DataError], message: str
) -> None:
    """With their place, or the row that has none."""
    config, table = project / "air.yaml", project / "airline-passengers.csv"
    config.write_text(ENSEMBLE.lstrip("\n") + line + "\n" + _without_training(config))
    table.write_text(table.read_text().replace(",112\n", ",-112\n"))
    with pytest.raises(error) as caught:
        prepare(config)
    assert message in str(caught.value)


def _without_training(config: Path) -> str:
    text = config.read_text()
    before, rest = text.split("\ntraining:\n")
    return before + "\n" + rest.partition("\n\n")[2]
