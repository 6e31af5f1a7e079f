"""`model.scope: local`: one network a series, all in one file, each by itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from forecast.commands.backtest import backtest
from forecast.console import Console
from forecast.data.panel import Panel
from forecast.jobs.fitting import Fitting, fit_methods
from forecast.jobs.job import Job, prepare
from forecast.jobs.opened_network import OpenedNetwork
from forecast.jobs.opening import open_network
from forecast.networks import Architecture
from forecast.runs import find_run
from forecast.runs.weights import read_weights
from forecast.training import CompiledForward, KerasPredictor

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CONFIG = """\
data: {path: sales.csv, time: month, target: sales, id: shop}
split: {test: 6}
transforms: [minmax]
window: {context_length: 6, horizon: 2}
model: {units: 3, scope: local}
training: {epochs: 3, learning_rate: 0.02, ensemble: 2}
"""
LENGTHS = {"ann": 40, "bob": 31, "cat": 22}


def _write(folder: Path, lengths: dict[str, int], model: str = "units: 3") -> Path:
    """A config and its table of shops of unlike length and level."""
    random, lines = np.random.default_rng(0), ["shop,month,sales"]
    for level, (shop, length) in enumerate(lengths.items(), start=1):
        sales = 100.0**level * (1 + 0.1 * random.normal(size=length).cumsum())
        lines += [
            f"{shop},{2000 + i // 12}-{1 + i % 12:02}-01,{y:.4f}" for i, y in enumerate(sales)
        ]
    (folder / "sales.csv").write_text("\n".join(lines) + "\n")
    (folder / "sales.yaml").write_text(CONFIG.replace("units: 3", model))
    return folder / "sales.yaml"


@pytest.fixture(scope="module")
def opened(
    once: Callable[..., list[CompletedProcess[str]]], cli_in: Callable[..., CompletedProcess[str]]
) -> OpenedNetwork:
    """A run of three shops with two networks each."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        _write(folder, LENGTHS)
        return [cli_in("train", "--config", "sales.yaml", "--name", "local", cwd=folder)]

    (result,) = once("local", train)
    assert result.returncode == 0, result.stderr
    return open_network(find_run(Path(str(result.args)) / "runs", "local"))


@pytest.fixture(scope="module")
def job(opened: OpenedNetwork) -> Job:
    """What was trained on."""
    return prepare(opened.run.path.parents[1] / "sales.yaml")


def _cutoffs(panel: Panel) -> np.ndarray:
    """Unlike numbers of each shop, out of order."""
    first, second, third = panel.starts
    return np.array([third + 8, first + 9, first + 30, panel.ends[1] - 1, second + 5, first + 2])


def test_a_run_keeps_a_row_of_weights_for_each_network(opened: OpenedNetwork) -> None:
    """Series after series, where a run of one network for all keeps one for Keras."""
    config = opened.config
    network = Architecture(config.model, config.window, 12)
    assert not (opened.run.path / "model.keras").exists()
    [weights] = read_weights(opened.run, 1)
    assert weights.shape == (3, 2, network.parameters)


def test_the_export_forecasts_as_the_networks_in_memory_do(opened: OpenedNetwork, job: Job) -> None:
    """Any number of cutoffs of each series, in any order, and beyond the network's horizon."""
    config = opened.config
    [weights] = read_weights(opened.run, 1)
    running = CompiledForward(Architecture(config.model, config.window, job.season_length))
    [branch] = opened.network.branches
    network = KerasPredictor(running, weights, config.training.ensemble)
    in_memory = replace(opened.network, branches=[replace(branch, network=network)])
    cutoffs = _cutoffs(job.panel)
    by_export = opened.network.forecast(job.panel, cutoffs, 5).y_hat
    by_memory = in_memory.forecast(job.panel, cutoffs, 5).y_hat
    np.testing.assert_allclose(by_export, by_memory, rtol=1e-4)
    for i, cutoff in enumerate(cutoffs):
        alone = opened.network.forecast(job.panel, np.array([cutoff]), 5).y_hat
        np.testing.assert_allclose(by_export[i], alone[0], rtol=1e-4)


def test_each_series_has_the_mean_of_its_own_members(opened: OpenedNetwork, job: Job) -> None:
    """By hand, in plain Keras: the rows of weights that belong to the series, averaged."""
    config = opened.config
    network = Architecture(config.model, config.window, job.season_length)
    [weights] = read_weights(opened.run, 1)
    [branch] = opened.network.branches
    shared = opened.network.shared.apply(job.panel).panel
    cutoffs = job.panel.ends - 1
    rows = cutoffs[:, None] + np.arange(1 - config.window.context_length, 1)
    transformed = branch.transforms.apply(shared).panel
    contexts = transformed.values[rows].astype(np.float32)[..., None]
    said = branch.call(transformed, cutoffs)[..., 0]
    for i in range(3):
        members = [network.model(row)(contexts[i : i + 1]) for row in weights[i]]
        np.testing.assert_allclose(said[i], np.mean(members, axis=0)[0], rtol=1e-4, atol=1e-5)


def test_a_series_does_not_depend_on_the_others(job: Job) -> None:
    """Whatever another shop sold, what is learned of this one and forecast stays."""
    values = job.panel.values.copy()
    bob = slice(job.panel.starts[1], job.panel.ends[1])
    values[bob] = values[bob][::-1] ** 2
    other = replace(job, panel=job.panel.with_values(values))
    forecasts = []
    for each in (job, other):
        [trained] = Fitting([each]).run(Console(quiet=True)).trained
        panel = each.panel
        forecasts.append(trained.method().forecast(panel, panel.ends - 1, 4).y_hat)
    np.testing.assert_allclose(forecasts[0][[0, 2]], forecasts[1][[0, 2]], rtol=1e-5)
    assert (forecasts[0][1] != forecasts[1][1]).all()


def test_a_series_too_short_for_a_network_of_its_own_is_named(tmp_path: Path) -> None:
    """It gets a simple forecast instead, unless a network for all series knows it too."""
    config = _write(tmp_path, {**LENGTHS, "dan": 13})
    assert prepare(config).warnings == [
        (
            "1 of 4 series is too short for the network (dan): its forecast will be seasonal "
            "naive, or naive where it does not reach back a season, without intervals."
        )
    ]
    assert prepare(config, ["model.scope=global"]).warnings == []


@pytest.mark.parametrize("command", ["check", "train", "backtest"])
def test_where_all_series_are_too_short_nothing_is_trained(
    command: str, tmp_path: Path, cli: Callable[..., CompletedProcess[str]]
) -> None:
    """Every command that would train says what a network takes."""
    _write(tmp_path, {"dan": 13, "eve": 12})
    result = cli(command, "--config", "sales.yaml")
    assert (result.returncode, result.stdout) == (4, "")
    assert "need at least 8 there" in result.stderr
    assert not (tmp_path / "runs").exists()


def _backtest(config: Path, *settings: str) -> pd.DataFrame:
    result = backtest(prepare(config, settings), ["naive"], Console(quiet=True), fit_methods)
    return result.forecasts[result.forecasts["model"] == "gru"].reset_index(drop=True)


def test_a_backtest_forecasts_each_series_with_its_own_networks(tmp_path: Path) -> None:
    """Fitted once or at every cutoff; another shop's past changes nothing."""
    config = _write(tmp_path, LENGTHS)
    settings = ["backtest.n_windows=2", "backtest.stride=3"]
    once, again = (_backtest(config, *settings, f"backtest.refit={r}") for r in ("false", "true"))
    assert once["unique_id"].unique().tolist() == ["ann", "bob", "cat"]
    assert len(once) == len(again) == 3 * 2 * 2
    first = once["cutoff"] == once.groupby("unique_id")["cutoff"].transform("min")
    assert first.sum() == 6
    np.testing.assert_allclose(again.loc[first, "y_hat"], once.loc[first, "y_hat"], rtol=1e-5)
    assert (again.loc[~first, "y_hat"] != once.loc[~first, "y_hat"]).all()
    lines = (tmp_path / "sales.csv").read_text().splitlines()
    alone = [line for line in lines if line.startswith(("shop", "cat"))]
    (tmp_path / "sales.csv").write_text("\n".join(alone) + "\n")
    cat = _backtest(config, *settings, "backtest.refit=true")
    own = again[again["unique_id"] == "cat"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, cat, rtol=1e-4)


def test_a_series_too_short_before_a_cutoff_is_forecast_by_its_last_value(tmp_path: Path) -> None:
    """Though it is long enough to train on all of its rows; the others have their networks."""
    job = prepare(_write(tmp_path, LENGTHS), ["backtest.n_windows=8", "backtest.stride=2"])
    table = backtest(job, ["naive"], Console(quiet=True), fit_methods).forecasts
    assert table["cutoff"].groupby(table["unique_id"]).nunique().to_dict() == dict.fromkeys(
        LENGTHS, 8
    )
    wide = table.pivot(index=["unique_id", "cutoff", "step"], columns="model", values="y_hat")
    alike = (wide["gru"] == wide["naive"]).groupby("unique_id").agg(list)
    assert all(alike["cat"][:2])
    assert not any(alike["ann"] + alike["bob"])


@pytest.mark.parametrize(
    "model",
    [
        "kind: mlp, layers: [4]",
        "kind: dlinear, kernel_size: 3",
        "kind: 'own_networks:connect', options: {units: 2}, folder: FOLDER",
    ],
)
def test_networks_of_any_kind_may_be_local(
    tmp_path: Path, cli: Callable[..., CompletedProcess[str]], model: str
) -> None:
    """The export agrees with Keras, or `train` fails; each series is forecast."""
    _write(tmp_path, LENGTHS, model.replace("FOLDER", str(Path(__file__).parent)))
    result = cli("train", "--config", "sales.yaml", "--set", "training.ensemble=1")
    assert result.returncode == 0, result.stderr
    rows = cli("predict", "--horizon", "3").stdout.splitlines()
    assert [row.split(",")[0] for row in rows[1::3]] == list(LENGTHS)
