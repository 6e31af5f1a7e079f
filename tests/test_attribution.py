"""`forecast explain --method integrated_gradients`: what each feature adds to a forecast."""

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

from forecast.jobs.opening import open_network
from forecast.runs import find_run
from forecast.windows import Inputs

Cli = Callable[..., CompletedProcess[str]]
METHOD = ("--method", "integrated_gradients")
LINEAR = """\
data: {path: line.csv, time: month, target: y}
split: {test: 12}
transforms: [standard]
window: {context_length: 6, horizon: 3}
model: {kind: dlinear, kernel_size: 3}
training: {epochs: 3, learning_rate: 0.05}
predict: {horizon: 5, maximum: 0}
"""
# All at once: pipelines, a median of members, quantiles, masks, words, lags, dates.
MANY = """\
data:
  path: sales.csv
  time: day
  target: sold
  id: shop
  covariates: {past: [visitors], known: [price, fair], static: [region]}
split: {test: 14}
window: {context_length: 14, horizon: 3, padding: mask, normalize: standard}
features: {lags: [21], rolling_means: [3], calendar: [day_of_week]}
model: {kind: gru, units: 4, quantiles: [0.1, 0.5, 0.9]}
training:
  epochs: 4
  learning_rate: 0.02
  batch_size: 64
  loss: pinball
  ensemble:
    size: 2
    combine: median
    transforms: [[log, standard], [log, {kind: difference, lag: 7}, minmax]]
"""
LOCAL = (
    *("--set", "model={kind: mlp, layers: [4], scope: local}", "--set", "training={epochs: 3}"),
    *("--set", "data.covariates={known: [price]}", "--set", "features={}"),
    *("--set", "transforms=[boxcox, standard]"),
)


def _sales() -> pd.DataFrame:
    """Three shops, of which one has just opened; the last three days are to come."""
    random = np.random.default_rng(0)
    shops = []
    for shop, days, level, region in (
        ("north", 120, 40, "hill"),
        ("south", 80, 70, "sea"),
        ("tiny", 8, 70, "sea"),
    ):
        price = 10 + random.normal(size=days)
        sold = level * (1 + 0.2 * np.sin(np.arange(days) / 7 * 2 * np.pi)) - 3 * (price - 10)
        sold[-3:] = np.nan
        shops.append(
            pd.DataFrame(
                {
                    "shop": shop,
                    "day": pd.date_range("2024-05-03", periods=days) - pd.Timedelta(days=days),
                    "sold": sold.round(2),
                    "price": price.round(2),
                    "fair": np.where(random.random(days) < 0.1, "fair", ""),
                    "visitors": random.normal(100, 10, days).round(),
                    "region": region,
                }
            )
        )
    return pd.concat(shops)


@pytest.fixture(scope="module")
def folder(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> Path:
    """A folder with a linear network, one with everything, and one for each series."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        random = np.random.default_rng(1)
        months = pd.date_range("2010-01-01", periods=90, freq="MS")
        values = 1000 + 100 * random.normal(size=90)
        pd.DataFrame({"month": months, "y": values}).to_csv(folder / "line.csv", index=False)
        _sales().to_csv(folder / "sales.csv", index=False)
        (folder / "line.yaml").write_text(LINEAR)
        (folder / "sales.yaml").write_text(MANY)
        train = ("train", "--config")
        return [
            cli_in(*train, "line.yaml", "--name", "line", cwd=folder),
            cli_in(*train, "sales.yaml", "--name", "local", *LOCAL, cwd=folder),
            cli_in(*train, "sales.yaml", "--name", "many", cwd=folder),
        ]

    results = once("attribution", train)
    assert [result.returncode for result in results] == [0, 0, 0], [r.stderr for r in results]
    return Path(results[0].stdout.strip()).resolve().parents[1]


def _explained(cli_in: Cli, folder: Path, *words: str) -> dict[str, Any]:
    result = cli_in("explain", *words, *METHOD, "--format", "json", cwd=folder)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def _predicted(cli_in: Cli, folder: Path, series: str, *words: str) -> list[float]:
    result = cli_in("predict", *words, cwd=folder)
    assert result.returncode == 0, result.stderr
    rows = csv.DictReader(StringIO(result.stdout))
    return [float(row["y_hat"]) for row in rows if row["unique_id"] == series]


def _refuse_incomplete(found: dict[str, Any]) -> None:
    """Fail where what is added up is not the forecast, or the integral misses much of it."""
    added = [row["attribution"] for row in found["attributions"]]
    assert found["sum"] == pytest.approx(sum(added))
    parts = (found[name] for name in ("baseline", "sum", "remainder", "bounds"))
    assert sum(parts) == pytest.approx(found["forecast"])
    assert abs(found["remainder"]) < 0.01 * sum(map(abs, added))


def test_of_a_linear_network_it_is_coefficient_times_distance(folder: Path, cli_in: Cli) -> None:
    """From the mean of the window, in the unit of the target; the coefficients by ONNX Runtime."""
    found = _explained(cli_in, folder, "line")
    assert (found["first_step"], found["last_step"]) == (1, 3)  # further ones are recursive
    opened = open_network(find_run(folder / "runs", "line"))
    [branch] = opened.network.branches
    panel = branch.transforms.apply(opened.network.shared.apply(opened.known).panel).panel
    context = branch.inputs(panel, panel.ends - 1, None).past[0, :, 0].astype(np.float64)
    ones = np.concatenate([np.zeros((1, 6)), np.eye(6)])[..., None].astype(np.float32)
    answers = branch.network.predict(Inputs(ones)).mean(axis=1)
    deviation = np.std(pd.read_csv(folder / "line.csv")["y"][:78])
    expected = (answers[1:] - answers[0]) * (context - context.mean()) * deviation
    by_lag = {row["feature"]: row["attribution"] for row in found["attributions"]}
    assert [by_lag[f"lag {lag}"] for lag in range(6, 0, -1)] == pytest.approx(expected, rel=1e-4)
    sizes = [abs(row["attribution"]) for row in found["attributions"]]
    assert sizes == sorted(sizes, reverse=True)


def test_every_format_has_the_same_numbers(folder: Path, cli_in: Cli) -> None:
    """What is taken apart is the network's forecast; what bounds make of it stands beside."""
    words = ("line", *METHOD, "--step", "2")
    found = _explained(cli_in, folder, *words)
    assert found["forecast"] == 0
    assert found["bounds"] < -500
    _refuse_incomplete(found)
    result = cli_in("explain", *words, "--format", "csv", "--plot", "why.png", cwd=folder)
    assert (folder / "why.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(StringIO(result.stdout)))
    assert sum(float(row["attribution"]) for row in rows) == pytest.approx(0, abs=1e-6)
    parts = [row["part"] for row in rows]
    assert [parts[0], *parts[-2:]] == ["baseline", "remainder", "bounds"]
    assert {row["cutoff"] for row in rows} == {found["cutoff"]} == {"2017-06-01"}
    shown = [line.split() for line in cli_in("explain", *words, cwd=folder).stdout.splitlines()]
    assert shown[0] == ["feature", "part", "y"]
    assert " ".join(shown[2][:-1]) == f"{rows[1]['feature']} lag"
    assert [line[0] for line in shown[-4:]] == ["sum", "remainder", "bounds", "forecast"]


@pytest.mark.parametrize("words", [("many", "--step", "2"), ("local",)], ids=" ".join)
def test_it_adds_up_to_what_is_predicted(folder: Path, cli_in: Cli, words: tuple[str, ...]) -> None:
    """Over pipelines, members, quantiles, masks and curved transforms; of one network a series."""
    found = _explained(cli_in, folder, *words, "--series", "south")
    y_hat = _predicted(cli_in, folder, "south", words[0])
    steps = y_hat[found["first_step"] - 1 : found["last_step"]]
    assert found["forecast"] == pytest.approx(np.mean(steps), rel=1e-5)
    _refuse_incomplete(found)
    features = {row["feature"]: row["part"] for row in found["attributions"]}
    if words[0] == "many":
        assert features.items() >= {
            ("visitors", "past"), ("price", "known"), ("fair", "known"), ("region", "static"),
            ("features.lags 21", "known"), ("features.rolling_means 3", "past"),
            ("features.calendar", "known"), ("lag 14", "lag"),
        }  # fmt: skip


def test_newer_rows_and_what_is_assumed_move_it(folder: Path, cli_in: Cli) -> None:
    """As they move what `predict` gives, of a new series too; a flat past adds nothing."""
    newer = _sales().query("region == 'hill'").assign(shop="west")
    is_flat = (newer["day"] > "2024-03-01") & newer["sold"].notna()
    newer.assign(sold=newer["sold"].mask(is_flat, 50)).to_csv(folder / "newer.csv", index=False)
    words = ("many", "--input", "newer.csv", "--set-known", "price=12")
    found = _explained(cli_in, folder, *words, "--series", "west")
    y_hat = _predicted(cli_in, folder, "west", *words)
    assert found["forecast"] == pytest.approx(np.mean(y_hat), rel=1e-5)
    _refuse_incomplete(found)
    lags = [row["attribution"] for row in found["attributions"] if row["part"] == "lag"]
    assert lags == [0.0] * 14
    assert found["sum"] != 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["line", *METHOD, "--step", "4"], 2, "Give 1 to 3."),
        (["line", *METHOD, "--seed", "4"], 2, "--seed is of permutations: --method permutation."),
        (["line", "--step", "1"], 2, "--step is of one forecast: --method integrated_gradients."),
        (["line", *METHOD, "--set-known", "price=1"], 2, "the run has no known covariates"),
        (["many", *METHOD, "--series", "nort"], 2, "Did you mean `north`?"),
        (["many", *METHOD, "--series", "tiny"], 4, "tiny is too short for the network"),
        (["many", *METHOD, "--input", "bare.csv"], 4, "`--future FILE` with this date"),
    ],
)
def test_what_can_not_be_explained_is_said(
    folder: Path, cli_in: Cli, words: list[str], code: int, message: str
) -> None:
    """With the way out."""
    _sales().assign(day=lambda t: t["day"] + pd.Timedelta(days=1)).dropna().to_csv(
        folder / "bare.csv", index=False
    )
    result = cli_in("explain", *words, cwd=folder)
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr


def test_the_mean_of_covariates_is_of_the_table_that_the_run_knows(
    folder: Path, cli_in: Cli
) -> None:
    """Exit 4 where that has changed; a network without covariates does not need it."""
    for name, run, code in (("sales.csv", "many", 4), ("line.csv", "line", 0)):
        table = folder / name
        text = table.read_text()
        table.write_text(text.rsplit("\n", 2)[0] + "\n")
        try:
            result = cli_in("explain", run, *METHOD, cwd=folder)
        finally:
            table.write_text(text)
        assert result.returncode == code, result.stderr
        assert ("restore it, or train again." in result.stderr) == bool(code)
