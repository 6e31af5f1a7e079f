"""`forecast evaluate`: the same scores again, and those of newer rows."""

import csv
import hashlib
import json
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from forecast.commands.evaluate import own_scores
from forecast.commands.scored import with_targets
from forecast.config.data import DataOptions
from forecast.data.export import csv_text
from forecast.errors import RunError
from forecast.runs import Run, find_run
from forecast.runs.tables import read_forecasts

Cli = Callable[..., CompletedProcess[str]]


def _scores(result: CompletedProcess[str]) -> dict[tuple[str, ...], float]:
    """Values by series, split, model and metric."""
    assert result.stderr == ""
    return {
        (row["unique_id"], row["split"], row["model"], row["metric"]): float(row["value"])
        for row in csv.DictReader(StringIO(result.stdout))
    }


@pytest.mark.parametrize("kind", ["trained", "trained_panel"])
def test_the_scores_of_the_training_come_again(
    cli: Cli, kind: str, request: pytest.FixtureRequest
) -> None:
    """Byte by byte, from the forecasts that the run keeps."""
    path: Path = request.getfixturevalue(kind)
    result = cli("-q", "evaluate", path, "--format", "csv")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (path / "scores.csv").read_text()


def test_json_holds_the_same_scores(cli: Cli, trained: Path) -> None:
    """One document, null for what is over all series; digit by digit."""
    rows = json.loads(cli("-q", "evaluate", trained, "--format", "json").stdout)
    assert list(rows[0]) == ["unique_id", "split", "model", "metric", "value"]
    assert {row["unique_id"] for row in rows} == {None, "Passengers"}
    by_key = {
        (row["unique_id"] or "", row["split"], row["model"], row["metric"]): row["value"]
        for row in rows
    }
    assert by_key == _scores(cli("-q", "evaluate", trained, "--format", "csv"))


def test_of_several_targets_the_means_of_each_are_rows_too() -> None:
    """With a column that names the target, empty elsewhere; of one target there is none."""
    names = ["x/a", "x/b", "y/a", "y/b", None]
    table = pd.DataFrame(
        {
            "unique_id": names,
            "split": "test",
            "model": "gru",
            "metric": "mae",
            "value": [1.0, 2, 3, 4, 2.5],
        }
    )
    options = DataOptions.model_validate(
        {"path": "t.csv", "time": "t", "target": ["a", "b"], "id": "id"}
    )
    found = with_targets(table, options)
    assert list(found.columns) == [*table.columns, "target"]
    assert found["target"].iloc[:5].isna().all()
    means = found.iloc[5:]
    assert means["unique_id"].isna().all()
    assert dict(zip(means["target"], means["value"], strict=True)) == {"a": 2, "b": 3}
    assert with_targets(table, options.model_copy(update={"target": "a"})) is table


def test_a_person_sees_a_table(cli: Cli, trained: Path) -> None:
    """A row a split and model, a column a metric; the figures of the baselines are known."""
    lines = [line.split() for line in cli("-q", "evaluate", trained).stdout.splitlines()]
    assert lines[0] == ["split", "model", "rmse", "mae", "mape", "smape", "mase", "rmsse"]
    assert [line[:2] for line in lines[1:]] == [
        [split, model]
        for split in ("train", "test")
        for model in ("gru", "naive", "seasonal_naive")
    ]
    assert " ".join(lines[5]) == "test naive 50.74 43.78 9.995 9.913 1.498 1.54"
    assert " ".join(lines[6]) == "test seasonal_naive 47.19 42.96 9.548 10.12 1.47 1.433"


def test_the_whole_table_scores_as_the_test_part(
    cli: Cli, trained: Path, airline_csv: Path
) -> None:
    """Of its rows those count on which nothing was fitted."""
    input_ = _scores(cli("-q", "evaluate", trained, "--input", airline_csv, "--format", "csv"))
    whole = _scores(cli("-q", "evaluate", trained, "--format", "csv"))
    assert input_ == {
        (name, "input", model, metric): pytest.approx(value, rel=1e-6)
        for (name, split, model, metric), value in whole.items()
        if split == "test"
    }


def test_newer_rows_are_scored_beside_the_baselines(
    cli: Cli, trained: Path, airline_values: np.ndarray
) -> None:
    """Two months more: the naive forecast of each is the month before it."""
    stdin = "Month,Passengers\n1961-01,450\n1961-02,430\n"
    scores = _scores(cli("-q", "evaluate", trained, "--input", "-", "--format", "csv", stdin=stdin))
    assert {split for _, split, _, _ in scores} == {"input"}
    chosen = ("mae", "rmse", "mase", "rmsse")
    naive = {metric: scores["", "input", "naive", metric] for metric in chosen}
    errors = np.array([450 - airline_values[-1], 430 - 450])
    seasons = airline_values[12:117] - airline_values[:105]
    assert naive == {
        "mae": pytest.approx(np.abs(errors).mean()),
        "rmse": pytest.approx(np.sqrt((errors**2).mean())),
        "mase": pytest.approx(np.abs(errors).mean() / np.abs(seasons).mean()),
        "rmsse": pytest.approx(np.sqrt((errors**2).mean() / (seasons**2).mean())),
    }
    seasonal = scores["", "input", "seasonal_naive", "mae"]
    assert seasonal == pytest.approx((abs(450 - 417) + abs(430 - 391)) / 2)


def test_rows_that_the_network_was_trained_on_are_not_scored(
    cli: Cli, trained: Path, airline_lines: Sequence[str]
) -> None:
    """A table of them alone is refused."""
    stdin = "\n".join(airline_lines[:100]) + "\n"
    result = cli("-q", "evaluate", trained, "--input", "-", stdin=stdin)
    assert (result.returncode, result.stdout) == (4, "")
    assert "to score from 1958-10-01 on.\n" in result.stderr
    assert result.stderr.endswith("The network has seen the earlier rows in training.\n")


def test_a_run_made_before_rmsse_is_scored_without_it(
    cli: Cli, run: Path, airline_csv: Path
) -> None:
    """Its data record lacks the unit; all else is as it was."""
    words = ("-q", "evaluate", "--input", airline_csv, "--format")
    before = _scores(cli(*words, "csv"))
    data, record = (json.loads((run / name).read_text()) for name in ("data.json", "run.json"))
    del data["per_series"][0]["rmsse_scale"]
    text = json.dumps(data)
    record["checksums"]["data.json"] = hashlib.sha256(text.encode()).hexdigest()
    (run / "data.json").write_text(text)
    (run / "run.json").write_text(json.dumps(record))
    result = cli(*words, "json")
    assert (result.returncode, result.stderr) == (0, "")
    for row in json.loads(result.stdout):
        key = (row["unique_id"] or "", row["split"], row["model"], row["metric"])
        assert row["value"] == (None if row["metric"] == "rmsse" else before[key])


def test_scores_that_the_run_has_are_not_made_again(run: Path) -> None:
    """They are read, whatever became of the network; an unscored run is refused."""
    (run / "model.onnx").unlink()
    (run / "forecasts.csv").unlink()
    found = find_run(run.parent)
    assert csv_text(own_scores(found)) == (run / "scores.csv").read_text()
    sums = dict(found.record.checksums)
    del sums["scores.csv"]
    unscored = found.record.model_copy(update={"checksums": sums, "status": "interrupted"})
    with pytest.raises(RunError, match="was interrupted before it was scored"):
        own_scores(Run(run, unscored))


def test_a_baseline_that_wins_is_named(cli: Cli, trained: Path) -> None:
    """After the table, and on stderr; before it, what the scores are of."""
    result = cli("evaluate", trained)
    assert result.stderr == (
        "27 forecasts of 1958-10-01 to 1960-12-01, one step ahead, each from the rows before it\n"
        "warning: seasonal_naive is better than gru on the test part (rmse 47.19).\n"
        "warning: naive is better than gru on the test part (rmse 50.74).\n"
        "Prefer seasonal_naive until the network beats it.\n"
    )


def test_it_is_said_which_forecasts_are_scored(
    cli: Cli, trained: Path, trained_panel: Path, run: Path
) -> None:
    """How many, of when and how far ahead; of a panel of how many series. Not where they lack."""
    months = "Month,Passengers\n1961-01,450\n1961-02,430\n"
    result = cli("evaluate", trained, "--input", "-", stdin=months)
    assert result.stderr.startswith(
        "2 forecasts of 1961-01-01 to 1961-02-01, one step ahead, each from the rows before it\n"
    )
    result = cli("evaluate", trained, "--input", "-", stdin=months[:29])
    assert result.stderr.startswith(
        "1 forecast of 1961-01-01, one step ahead, from the rows up to 1960-12-01\n"
    )
    own = read_forecasts(find_run(trained_panel.parent, trained_panel.name))
    rows = own[(own["split"] == "test") & (own["model"] == "gru") & own["y"].notna()]
    said = cli("evaluate", trained_panel).stderr.splitlines()[0]
    assert said.startswith(f"{len(rows)} forecasts of 2 series of 2020-01-")
    assert said.endswith(", 1 to 6 steps ahead, each from the rows up to its cutoff")
    (run / "forecasts.csv").unlink()
    assert cli("evaluate", run).stderr.startswith("warning: seasonal_naive is better")


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("mase > 1", 6),
        ("mase>1", 6),
        ("mase < 1", 0),
        ("rmse > seasonal_naive", 6),
        ("rmse <= naive", 0),
        ("rmse > 1e6", 0),
    ],
)
def test_a_gate_holds_or_not(cli: Cli, trained: Path, expression: str, code: int) -> None:
    """After three epochs the network is worse than any baseline; the table is printed anyway."""
    result = cli("-q", "evaluate", trained, "--fail-if", expression)
    assert result.returncode == code
    assert result.stdout == cli("-q", "evaluate", trained).stdout
    said = f"error: --fail-if {expression!r} holds: {expression[:4]} is "
    assert result.stderr.startswith(said) if code else result.stderr == ""


def test_intervals_are_scored_in_a_table_of_their_own(cli: Cli, trained_panel: Path) -> None:
    """Of the network alone; and a gate may ask for them, at the level that there is."""
    result = cli("-q", "evaluate", trained_panel, "--fail-if", "coverage_80 >= 0")
    points, intervals = result.stdout.split("\n\n")
    assert points.splitlines()[0].split()[-2:] == ["mase", "rmsse"]
    header, *rows = [line.split() for line in intervals.splitlines()]
    assert header == ["split", "model", "crps", "coverage_80", "width_80"]
    assert [row[:2] for row in rows] == [[part, "gru"] for part in ("train", "validation", "test")]
    assert result.returncode == 6
    assert "holds: coverage_80 is " in result.stderr
    result = cli("-q", "evaluate", trained_panel, "--fail-if", "coverage_90 >= 0")
    assert (result.returncode, result.stderr) == (
        6,
        (
            "error: --fail-if 'coverage_90 >= 0': the scores have no coverage_90.\n"
            "Known here: coverage_80.\n"
        ),
    )


def test_a_gate_looks_at_the_newer_rows(cli: Cli, trained: Path) -> None:
    """They are what is scored."""
    stdin = "Month,Passengers\n1961-01,450\n"
    arguments = ["-q", "evaluate", trained, "--input", "-", "--fail-if", "mape < 50"]
    result = cli(*arguments, stdin=stdin)
    assert result.returncode == 6
    assert result.stdout.splitlines()[1].startswith("input ")


@pytest.mark.parametrize("expression", ["mase", "accuracy > 1", "mase > good", ""])
def test_a_condition_that_can_not_be_is_refused_with_2(
    cli: Cli, trained: Path, expression: str
) -> None:
    """Before anything is scored."""
    result = cli("-q", "evaluate", trained, "--fail-if", expression)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: --fail-if")


def test_an_undefined_score_does_not_pass(cli: Cli, run: Path, project: Path) -> None:
    """MAPE of a month without passengers."""
    stdin = "Month,Passengers\n1961-01,0\n"
    result = cli("-q", "evaluate", "--input", "-", "--fail-if", "mape > 1", stdin=stdin)
    assert result.returncode == 6
    assert result.stderr == "error: --fail-if 'mape > 1': the score is undefined here.\n"
    assert " - " in result.stdout
