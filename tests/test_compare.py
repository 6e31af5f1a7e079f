"""`forecast compare`: kinds of networks and runs beside each other, on the same rows."""

import csv
import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from forecast.scoring.metrics import Scale
from forecast.scoring.ranking import rank, verdict

Cli = Callable[..., CompletedProcess[str]]
CONFIG = """\
data: {path: load.csv, time: day, target: load}
split: {test: 24}
transforms: [standard]
window: {context_length: 7, horizon: 3}
model: {kind: gru, units: 3, patch_length: 7}
training: {epochs: 1, batch_size: 64}
"""


@pytest.fixture(scope="module")
def results(
    once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli
) -> list[CompletedProcess[str]]:
    """Two kinds, two seeds each, of a table of a week's season; then three runs of two splits."""

    def compare(folder: Path) -> list[CompletedProcess[str]]:
        random = np.random.default_rng(0)
        table = pd.DataFrame(
            {
                "day": pd.date_range("2024-01-01", periods=200, freq="D"),
                "load": 50 + 10 * np.sin(np.arange(200) * 2 * np.pi / 7) + random.normal(size=200),
            }
        )
        table.to_csv(folder / "load.csv", index=False)
        (folder / "load.yaml").write_text(CONFIG)
        words = ["--config", "load.yaml"]
        return [
            cli_in(
                "compare", *words, "--models", "gru,mlp", "--seeds", 2, "--format", "json",
                "--plot", "c.png", cwd=folder,
            ),
            *(
                cli_in("train", *words, "--name", name, "--set", f"split.test={test}", cwd=folder)
                for name, test in (("one", 24), ("other", 24), ("longer", 30))
            ),
        ]  # fmt: skip

    results = once("compared", compare)
    for result in results:
        assert result.returncode == 0, result.stderr
    return results


@pytest.fixture(scope="module")
def compared(results: list[CompletedProcess[str]]) -> CompletedProcess[str]:
    """The comparison of kinds."""
    return results[0]


@pytest.fixture(scope="module")
def folder(results: list[CompletedProcess[str]]) -> Path:
    """Where all of that was."""
    return Path(results[1].stdout.strip()).resolve().parents[1]


def test_kinds_are_compared_with_the_baselines(compared: CompletedProcess[str]) -> None:
    """Accuracy with its spread, and what each costs; a baseline costs nothing."""
    document = json.loads(compared.stdout)
    assert (document["split"], document["metric"]) == ("test", "rmse")
    models = {row["model"]: row for row in document["models"]}
    assert set(models) == {"gru", "mlp", "naive", "seasonal_naive"}
    assert document["models"][0]["verdict"] == "best"
    rmse = [row["rmse"] for row in document["models"]]
    assert rmse == sorted(rmse)
    for name in ("gru", "mlp"):
        row = models[name]
        assert row["seeds"] == 2
        assert row["rmse_sd"] > 0
        for cost in ("parameters", "onnx_bytes", "fit_seconds", "forecast_microseconds"):
            assert row[cost] > 0
    assert models["naive"]["parameters"] is None
    assert "22 forecasts on the test part, 3 steps ahead; of 2 seeds the mean" in compared.stderr


def test_runs_are_compared_on_the_rows_that_they_share(folder: Path, cli_in: Cli) -> None:
    """Equal trainings tie; a run that was scored on other rows is refused, and the way out said."""
    result = cli_in("compare", "one", "other", "--format", "csv", cwd=folder)
    assert result.returncode == 0, result.stderr
    rows = {row["model"]: row for row in csv.DictReader(StringIO(result.stdout))}
    assert rows["one"]["rmse"] == rows["other"]["rmse"]
    assert rows["one"]["verdict"] == rows["other"]["verdict"]
    assert {row["seeds"] for row in rows.values()} == {"1"}
    again = cli_in("compare", "one", "other", "one", "--format", "csv", cwd=folder)
    assert [row["model"] for row in csv.DictReader(StringIO(again.stdout))] == list(rows)
    shown = cli_in("compare", "one", "other", cwd=folder).stdout.splitlines()
    assert shown[0].split()[:3] == ["model", "rmse", "mae"]
    assert {line.split()[0]: line.split()[1] for line in shown[1:]} == {
        name: f"{float(row['rmse']):.4g}" for name, row in rows.items()
    }
    written = cli_in("compare", "one", "other", "--format", "md", cwd=folder).stdout.splitlines()
    assert [cell.strip() for cell in written[0].split("|")[1:3]] == ["model", "rmse"]
    assert len(written) == 1 + len(shown)
    result = cli_in("compare", "one", "longer", cwd=folder)
    assert (result.returncode, result.stdout) == (5, "")
    assert "longer was scored on other rows than one" in result.stderr


def test_runs_of_one_name_are_told_apart(folder: Path, cli_in: Cli) -> None:
    """By their paths; as is one that is called as a baseline is."""
    for name in ("naive", "one"):
        shutil.copytree(folder / "runs/one", folder / "more" / name, dirs_exist_ok=True)
        record = folder / "more" / name / "run.json"
        document = json.loads(record.read_text()) | {"name": name}
        record.write_text(json.dumps(document))
    words = ("compare", "runs/one", "more/one", "more/naive", "--format", "csv")
    result = cli_in(*words, cwd=folder)
    assert result.returncode == 0, result.stderr
    rows = {row["model"]: row["rmse"] for row in csv.DictReader(StringIO(result.stdout))}
    paths = {str(folder / path) for path in words[1:4]}
    assert set(rows) == paths | {"naive", "seasonal_naive"}
    assert len({rows[path] for path in paths}) == 1 < len(set(rows.values()))


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "name runs, or a config and kinds of networks."),
        (["one"], 2, "one run can not be compared."),
        (["one", "one"], 2, "one run can not be compared."),
        (["--config", "load.yaml"], 2, "name runs, or a config and kinds of networks."),
        (["one", "other", "--seeds", "2"], 2, "--seeds is of networks that are trained"),
        (["--config", "load.yaml", "--models", "gru,lsmt"], 2, "Did you mean `lstm`?"),
        (["--config", "load.yaml", "--models", "gru,"], 2, "--models: there is no kind ''."),
    ],
)
def test_what_can_not_be_compared_is_said(
    folder: Path, cli_in: Cli, words: list[str], code: int, message: str
) -> None:
    """Before anything is trained."""
    result = cli_in("compare", *words, cwd=folder)
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr


def _forecasts(errors: dict[str, np.ndarray], series: int = 1) -> pd.DataFrame:
    """Errors of models `(seeds, cutoffs)`, one step ahead, of each of some series alike."""
    tables = []
    for model, own in errors.items():
        for seed, row in enumerate(own):
            for i in range(series):
                y_hat = row * (1 + 0.1 * i)
                table = pd.DataFrame({"cutoff": range(len(row)), "y": 0.0, "y_hat": y_hat})
                tables.append(table.assign(model=model, seed=seed, unique_id=f"s{i}"))
    whole = pd.concat(tables, ignore_index=True)
    return whole.assign(ds=whole["cutoff"] + 1, step=1, split="test")


@pytest.mark.parametrize("series", [1, 30])
def test_luck_with_seeds_is_no_better_model(series: int) -> None:
    """However sure the rows are: of two kinds that are alike but for their seeds' luck."""
    random = np.random.default_rng(4)
    luck = np.array([[1.0], [1.2], [3.0]])
    one = (1 + 0.01 * random.normal(size=(3, 40))) * luck
    other = (1 + 0.01 * random.normal(size=(3, 40))) * (luck + 0.3)
    clear = np.full((3, 40), 30.0) + random.normal(size=(3, 40))
    scales = {f"s{i}": Scale(1.0, 1.0) for i in range(series)}
    table = rank(_forecasts({"other": other, "clear": clear, "one": one}, series), scales)
    assert list(table["model"]) == ["one", "other", "clear"]
    said = [verdict(p_value) for p_value in table["p_value"].iloc[1:]]
    assert said[0].startswith("no clear difference (p = 0.")
    assert said[1].startswith("worse (p ")
