"""`forecast explain`: which covariates and lags matter, and that what does not is named."""

import csv
import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

Cli = Callable[..., CompletedProcess[str]]
CONFIG = """\
data: {path: load.csv, time: hour, target: load, covariates: {known: [heat], past: [noise]}}
split: {test: 96}
transforms: [standard]
window: {context_length: 24, horizon: 4}
model: {kind: mlp, layers: [16], dropout: 0}
training: {epochs: 15, batch_size: 64, learning_rate: 0.01}
"""


@pytest.fixture(scope="module")
def explained(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> Path:
    """A folder with a run whose load follows heat, and not the noise."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        random = np.random.default_rng(0)
        heat = random.normal(size=600)
        table = pd.DataFrame(
            {
                "hour": pd.date_range("2024-01-01", periods=600, freq="h"),
                "load": 50 + 5 * heat + random.normal(size=600),
                "heat": heat,
                "noise": random.normal(size=600),
            }
        )
        table.to_csv(folder / "load.csv", index=False)
        (folder / "load.yaml").write_text(CONFIG)
        return [cli_in("train", "--config", "load.yaml", cwd=folder)]

    [result] = once("explained", train)
    assert result.returncode == 0, result.stderr
    return Path(str(result.args))


def test_what_matters_comes_first_and_what_does_not_is_named(explained: Path, cli_in: Cli) -> None:
    """By permutation; in every format the same numbers, and the same again."""
    result = cli_in("explain", "--format", "csv", "--plot", "why.png", cwd=explained)
    assert result.returncode == 0, result.stderr
    assert re.search(r"no help seen in \d+ windows: noise\n", result.stderr)
    rows = list(csv.DictReader(StringIO(result.stdout)))
    assert (rows[0]["feature"], rows[0]["part"]) == ("heat", "known")
    assert float(rows[0]["increase"]) > 2 * float(rows[1]["increase"])
    features = {row["feature"]: row["part"] for row in rows}
    assert features["noise"] == "past"
    lags = [name for name, part in features.items() if part == "lag"]
    assert sorted(lags) == ["lag 1", "lag 2", "lag 24", "lag 3", "lags 4 to 23"]
    again = cli_in("explain", "--format", "json", cwd=explained)
    assert [row["increase"] for row in json.loads(again.stdout)] == [
        pytest.approx(float(row["increase"])) for row in rows
    ]
    assert (explained / "why.png").read_bytes().startswith(b"\x89PNG")
    table = cli_in("explain", "--repeats", "1", cwd=explained).stdout
    header = " ".join(table.splitlines()[0].split())
    assert header == "feature part added MASE standard error of the error"


def test_what_moves_one_forecast_most_comes_first(explained: Path, cli_in: Cli) -> None:
    """Heat of 3, where its mean is 0 and each unit adds 5, adds about 15."""
    words = ("explain", "--method", "integrated_gradients", "--set-known", "heat=3")
    result = cli_in(*words, "--format", "csv", cwd=explained)
    assert result.returncode == 0, result.stderr
    baseline, first, *_ = csv.DictReader(StringIO(result.stdout))
    assert (first["feature"], first["part"]) == ("heat", "known")
    assert float(first["attribution"]) == pytest.approx(15, abs=3)
    assert float(baseline["attribution"]) == pytest.approx(50, abs=3)


def test_rows_that_were_fitted_on_tell_nothing_of_a_newer_table(
    explained: Path, cli_in: Cli
) -> None:
    """A table with all rows, old and new, is explained by those from the test part on."""
    own = cli_in("explain", "--format", "csv", cwd=explained)
    whole = cli_in("explain", "--format", "csv", "--input", "load.csv", cwd=explained)
    assert (whole.returncode, whole.stdout) == (0, own.stdout), whole.stderr


def test_a_run_whose_table_has_changed_is_explained_on_newer_rows_alone(
    explained: Path, cli_in: Cli
) -> None:
    """Exit 4 with the way out."""
    table = explained / "load.csv"
    text = table.read_text()
    table.write_text(text.rsplit("\n", 2)[0] + "\n")
    try:
        result = cli_in("explain", cwd=explained)
    finally:
        table.write_text(text)
    assert (result.returncode, result.stdout) == (4, "")
    assert "is not the table that the run was made from" in result.stderr
    assert "--input FILE" in result.stderr


def test_series_that_never_changed_have_nothing_to_measure_by(cli: Cli, tmp_path: Path) -> None:
    """Exit 4, and no table of what is no number."""
    days = pd.date_range("2024-01-01", periods=60)
    table = pd.DataFrame({"day": days, "y": 5, "p": range(60)})
    table.to_csv(tmp_path / "flat.csv", index=False)
    (tmp_path / "flat.yaml").write_text(
        "data: {path: flat.csv, time: day, target: y, covariates: {past: [p]}}\n"
        "window: {context_length: 5, horizon: 2}\nmodel: {kind: dlinear}\ntraining: {epochs: 1}\n"
    )
    assert cli("train", "--config", "flat.yaml").returncode == 0
    result = cli("explain")
    assert (result.returncode, result.stdout) == (4, "")
    assert "no series has a scale to measure errors by (MASE)" in result.stderr
