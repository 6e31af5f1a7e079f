"""Trainings as a person runs them: what is said, what is left behind, and what ends them."""

import csv
import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from subprocess import CompletedProcess, Popen

import keras
import numpy as np
import pytest

from forecast import __version__
from forecast.methods.network import OnnxPredictor
from forecast.windows import Inputs

Cli = Callable[..., CompletedProcess[str]]
Pair = list[CompletedProcess[str]]
FILES = [
    "config.yaml",
    "context.csv",
    "data.json",
    "forecasts.csv",
    "history.csv",
    "model.keras",
    "model.onnx",
    "plots",
    "resolved.yaml",
    "run.json",
    "scores.csv",
    "timings.csv",
    "transforms.json",
    "weights.npy",
]


def _weights(run: Path) -> bytes:
    """The weights inside the Keras file."""
    with zipfile.ZipFile(run / "model.keras") as file:
        return file.read("model.weights.h5")


@pytest.fixture(scope="module")
def pair(
    once: Callable[..., list[CompletedProcess[str]]],
    start: Callable[..., Popen[str]],
    airline_csv: Path,
) -> Pair:
    """Two trainings at the same time, seeds 0 and 1, from a project's root; seed 1 is quiet."""

    def train(root: Path) -> list[CompletedProcess[str]]:
        for name in ("configs/air.yaml", "data/airline-passengers.csv"):
            (root / name).parent.mkdir()
            shutil.copy(airline_csv.parents[1] / name, root / name)
        options = ["train", "--config", "air.yaml", "--set", "training.epochs=3", "--set"]
        processes = [
            start(*options, "training.seed=0", cwd=root),
            start("--quiet", *options, "training.seed=1", cwd=root),
        ]
        results = []
        for process in processes:
            stdout, stderr = process.communicate(timeout=300)
            results.append(CompletedProcess([], process.returncode, stdout, stderr))
        return results

    return once("root", train)


def test_two_trainings_at_the_same_time_both_land(pair: Pair) -> None:
    """Each prints its own run, and `latest` is one of them; the config is found in configs/."""
    runs = [Path(result.stdout.removesuffix("\n")) for result in pair]
    assert [result.returncode for result in pair] == [0, 0]
    assert runs[0] != runs[1]
    folder = runs[0].parent
    assert {path.name for path in folder.iterdir()} == {runs[0].name, runs[1].name, "latest"}
    assert (folder / "latest").resolve() in [run.resolve() for run in runs]
    for run in runs:
        assert sorted(path.name for path in run.iterdir()) == FILES


def test_quiet_says_nothing(pair: Pair) -> None:
    """Not even what the libraries would say; the result is printed all the same."""
    assert pair[1].stderr == ""
    assert pair[1].stdout.count("\n") == 1


def test_the_same_seed_gives_the_same_files(pair: Pair, trained: Path) -> None:
    """Scores, forecasts and weights, byte by byte, also in another folder and with company."""
    again = Path(pair[0].stdout.strip())
    equal = ("scores.csv", "forecasts.csv", "transforms.json", "context.csv", "history.csv")
    for name in (*equal, "model.keras", "model.onnx", "weights.npy"):
        assert (again / name).read_bytes() == (trained / name).read_bytes(), name
    assert _weights(again) == _weights(trained)


def test_another_seed_gives_others(pair: Pair) -> None:
    """Of the network, that is; data and baselines stay."""
    one, two = (Path(result.stdout.strip()) for result in pair)
    assert _weights(one) != _weights(two)
    scores = [_read(run / "scores.csv") for run in (one, two)]
    for first, second in zip(*scores, strict=True):
        assert (first["value"] != second["value"]) is (first["model"] == "gru")


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_training_says_what_it_does_line_by_line(training: CompletedProcess[str]) -> None:
    """Rows and windows, layers and parameters, losses, scores, who wins, and what to type next."""
    said = re.sub(r"fitted 3 epochs in [\d.]+ s: loss [\d.]+, test_loss [\d.]+", "FITTED",
                  training.stderr)  # fmt: skip
    said = re.sub(r"(?m)^(train|test) +(gru|naive|seasonal_naive) .*$", r"\1 \2", said)
    assert said.splitlines() == [
        "loading TensorFlow ...",
        "144 rows, frequency MS; windows: 105 train, 27 test",
        "layer     type        output         parameters",
        "past      InputLayer  (None, 12, 1)  0",
        "gru       GRU         (None, 50)     7,950",
        "dropout   Dropout     (None, 50)     0",
        "forecast  Dense       (None, 1)      51",
        "8,001 parameters",
        "FITTED",
        "split  model            rmse    mae   mape  smape    mase  rmsse",
        "train gru",
        "train naive",
        "train seasonal_naive",
        "test gru",
        "test naive",
        "test seasonal_naive",
        "scored one step ahead; forecasts of 12 steps are scored by `forecast backtest`.",
        "warning: seasonal_naive is better than gru on the test part (rmse 47.19).",
        "warning: naive is better than gru on the test part (rmse 50.74).",
        (
            "Prefer seasonal_naive until the network beats it. Transforms usually decide: "
            "`forecast init FILE` writes a recipe with those that suit the table."
        ),
        "next: forecast predict --output forecast.csv; forecast plot",
    ]


def test_a_run_records_how_it_came_to_be(trained: Path) -> None:
    """What was typed, versions, seconds by stage, and the checksum of every other file."""
    record = json.loads((trained / "run.json").read_text())
    assert record["layout"] == 1
    assert record["name"] == trained.name
    assert record["status"] == "complete"
    assert record["argv"] == ["train", "--config", "air.yaml", "--set", "training.epochs=3"]
    assert record["versions"]["forecast"] == __version__
    assert record["versions"]["keras"] == keras.__version__
    assert (record["model"], record["parameters"]) == ("gru", 8001)
    seconds = record["seconds"]
    assert set(seconds) >= {"import", "read", "compile", "fit", "export", "score", "total"}
    assert sum(seconds.values()) - seconds["total"] <= seconds["total"] + 0.01
    files = {path.name: path for path in trained.iterdir() if path.is_file()}
    assert record["checksums"] == {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
        if name != "run.json"
    }


def test_a_run_keeps_the_config_as_written_and_as_resolved(
    training: CompletedProcess[str], trained: Path
) -> None:
    """What was set on the command line stands in the second alone."""
    assert (trained / "config.yaml").read_bytes() == (training.args / "air.yaml").read_bytes()
    resolved = (trained / "resolved.yaml").read_text()
    assert "\n  epochs: 3\n" in resolved
    assert "\n  reset_after: true\n" in resolved


def test_a_run_records_its_data(
    training: CompletedProcess[str], trained: Path, airline_csv: Path
) -> None:
    """The table by its checksum, its dates and columns, and where the test part begins."""
    record = json.loads((trained / "data.json").read_text())
    (series,) = record["per_series"]
    assert series.pop("scale") == pytest.approx(29.219047619)
    assert series.pop("rmsse_scale") == pytest.approx(32.942663032)
    reading = record.pop("reading")
    assert reading.pop("rows") == 144
    assert set(reading.values()) == {0}  # nothing had to be done to the table
    assert record == {
        "path": str(training.args / "airline-passengers.csv"),
        "sha256": hashlib.sha256(airline_csv.read_bytes()).hexdigest(),
        "future_sha256": None,
        "rows": 144,
        "series": 1,
        "first": "1949-01-01",
        "last": "1960-12-01",
        "freq": "MS",
        "timezone": None,
        "season_length": 12,
        "columns": {"time": "Month", "target": "Passengers", "id": None},
        "per_series": [
            {
                "unique_id": "Passengers",
                "rows": 144,
                "first": "1949-01-01",
                "last": "1960-12-01",
                "test_begin": "1958-10-01",
                "train_end": "1958-10-01",
                "is_fitted": True,
            }
        ],
    }


def test_the_history_has_a_line_an_epoch(trained: Path) -> None:
    """Without a validation part, the loss on the test part is called what it is."""
    rows = _read(trained / "history.csv")
    assert list(rows[0]) == [
        "epoch", "loss", "test_loss", "learning_rate", "gradient_norm", "max_gradient_norm",
        "weight_norm", "skipped_steps", "member",
    ]  # fmt: skip
    assert all(float(row["gradient_norm"]) <= float(row["max_gradient_norm"]) for row in rows)
    timings = _read(trained / "timings.csv")
    assert [(row["epoch"], row["member"]) for row in timings] == [(n, "0") for n in "123"]
    assert all(float(row["seconds"]) > 0 for row in timings)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    losses = [float(row["loss"]) for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx([0.001] * 3)


def test_forecasts_of_every_part_stand_beside_the_truth(
    trained: Path, airline_values: np.ndarray
) -> None:
    """105 of train and 27 of test, of the network and both baselines, at their dates."""
    rows = _read(trained / "forecasts.csv")
    assert list(rows[0]) == [
        "unique_id", "ds", "cutoff", "step", "model", "split", "y", "y_hat",
    ]  # fmt: skip
    for split, values in (("train", airline_values[12:117]), ("test", airline_values[117:])):
        for model in ("gru", "naive", "seasonal_naive"):
            own = [row for row in rows if (row["split"], row["model"]) == (split, model)]
            assert [float(row["y"]) for row in own] == values.tolist()
            assert all(row["step"] == "1" and row["cutoff"] < row["ds"] for row in own)
    naive = [row for row in rows if row["model"] == "naive"]
    assert (naive[-1]["ds"], naive[-1]["cutoff"]) == ("1960-12-01", "1960-11-01")
    assert [float(row["y_hat"]) for row in naive] == airline_values[11:143].tolist()


def test_the_baselines_score_what_is_known(trained: Path) -> None:
    """Seasonal naive 47.19 and naive 50.74 on the 27 test months."""
    rows = _read(trained / "scores.csv")
    assert list(rows[0]) == ["unique_id", "split", "model", "metric", "value"]
    test = {
        row["model"]: round(float(row["value"]), 2)
        for row in rows
        if (row["split"], row["metric"], row["unique_id"]) == ("test", "rmse", "")
    }
    assert test.pop("gru") > 0
    assert test == {"naive": 50.74, "seasonal_naive": 47.19}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_keras_file_and_the_onnx_file_say_the_same(trained: Path) -> None:
    """To 1e-5 of scaled data; anybody with Keras can load the first, safely."""
    model = keras.models.load_model(trained / "model.keras", safe_mode=True)
    assert model.count_params() == 8001
    contexts = np.random.default_rng(0).uniform(size=(30, 12, 1)).astype(np.float32)
    by_keras = np.asarray(model(contexts))
    assert (
        np.abs(OnnxPredictor(trained / "model.onnx").predict(Inputs(contexts)) - by_keras).max()
        < 1e-5
    )


def test_a_panel_with_all_that_there_is_becomes_a_run(
    panel_training: CompletedProcess[str], trained_panel: Path
) -> None:
    """Members, validation, intervals; and it is said that the scores leak."""
    said = panel_training.stderr
    loading = "loading TensorFlow ...\n"
    assert said.startswith(f"{loading}420 rows of 2 series, frequency h; windows: ")
    assert "\nwarning: a transform is fitted on all rows (`fit_on: all`)" in said
    assert "coverage_80" in said
    names = sorted(path.name for path in trained_panel.iterdir())
    assert names == sorted([*FILES, "intervals.json"])
    history = _read(trained_panel / "history.csv")
    assert "val_loss" in history[0]
    assert {row["member"] for row in history} == {"0", "1"}
    scores = _read(trained_panel / "scores.csv")
    assert {row["split"] for row in scores} == {"train", "validation", "test"}
    assert {row["unique_id"] for row in scores} == {"", "007", "NE"}
    data = json.loads((trained_panel / "data.json").read_text())
    assert [series["test_begin"] for series in data["per_series"]] == [
        "2020-01-08T08:00:00+05:30",
        "2020-01-09T04:00:00+05:30",
    ]


def test_a_value_that_was_not_observed_is_not_scored(trained_panel: Path) -> None:
    """It has no truth in the table of forecasts."""
    rows = [row for row in _read(trained_panel / "forecasts.csv") if row["y"] == ""]
    assert {row["ds"] for row in rows} == {
        "2020-01-03T02:00:00+05:30",
        "2020-01-03T03:00:00+05:30",
    }


def test_a_run_with_intervals_can_predict_what_its_config_asks_for(cli: Cli, project: Path) -> None:
    """Whatever the horizons of window, prediction and backtest: they are calibrated for all."""
    settings = [
        "training.epochs=1", "model.units=2", "intervals={n_windows: 9}",
        "window.horizon=3", "predict.horizon=2", "backtest.horizon=1",
    ]  # fmt: skip
    words = [word for setting in settings for word in ("--set", setting)]
    result = cli("--quiet", "train", "--config", "air.yaml", *words)
    assert (result.returncode, result.stderr) == (0, "")
    forecast = cli("predict")
    assert (forecast.returncode, forecast.stderr) == (0, "")
    assert forecast.stdout.splitlines()[0] == "unique_id,ds,cutoff,step,y_hat,q0.1,q0.9"
    assert len(forecast.stdout.splitlines()) == 1 + 2


def test_a_training_that_diverges_ends_with_7_and_leaves_no_run(cli: Cli, project: Path) -> None:
    """With advice on what to turn."""
    result = cli("--quiet", "train", "--config", "air.yaml", "--set", "training.learning_rate=1e30")
    assert (result.returncode, result.stdout) == (7, "")
    assert result.stderr == (
        "error: training diverged: the loss or its gradient was not finite in 6 steps of epoch 1.\n"
        "Lower training.learning_rate, set training.clip_norm: 1, or scale the data "
        "(`transforms: [minmax]`).\n"
    )
    assert list((project / "runs").iterdir()) == []


def test_the_history_can_be_read_by_tensorboard(cli: Cli, project: Path) -> None:
    """Each column of each network, by TensorBoard's own reader; the run is whole and can go."""
    events = import_module("tensorboard.backend.event_processing.event_accumulator")
    settings = ["training.epochs=2", "training.ensemble=2", "model={kind: mlp, layers: [2]}"]
    words = [word for setting in settings for word in ("--set", setting)]
    result = cli("train", "--config", "air.yaml", *words, "--log", "tensorboard")
    assert result.returncode == 0, result.stderr
    run = Path(result.stdout.strip())
    history = _read(run / "history.csv")
    for member in (0, 1):
        read = events.EventAccumulator(str(run / f"tensorboard/member-{member}")).Reload()
        own = [row for row in history if row["member"] == str(member)]
        assert set(read.Tags()["scalars"]) == {*own[0], "seconds"} - {"epoch", "member"}
        for column in ("loss", "test_loss", "gradient_norm"):
            scalars = read.Scalars(column)
            assert [event.step for event in scalars] == [1, 2]
            assert [event.value for event in scalars] == pytest.approx(
                [float(row[column]) for row in own]
            )
            assert scalars[0].wall_time < scalars[1].wall_time
    verified = cli("runs", "verify", run)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert cli("runs", "delete", run).returncode == 0


def test_a_log_without_its_extra_ends_with_8(
    project: Path, refused_without: Callable[..., None]
) -> None:
    """Before anything is trained, and with the command that installs it."""
    words = ("train", "--config", "air.yaml", "--log", "tensorboard")
    refused_without("tensorboard", "tensorboard", *words, cwd=project)
    assert not (project / "runs").exists()


def test_steps_that_are_skipped_are_said_and_told_by_epoch(cli: Cli, project: Path) -> None:
    """A value whose square no float holds spoils the batches that it is a target of, no more."""
    table = project / "airline-passengers.csv"
    table.write_text(table.read_text().replace('"1954-01",204', '"1954-01",1e30'))
    settings = ["training.epochs=2", "training.batch_size=4", "model.units=2", "transforms=[]"]
    words = [word for setting in settings for word in ("--set", setting)]
    result = cli("train", "--config", "air.yaml", *words)
    assert result.returncode == 0
    assert (
        "\nwarning: 2 steps were skipped: the loss or its gradient was not finite. Where they are "
        "many, set training.clip_norm: 1, or lower training.learning_rate.\n"
    ) in result.stderr
    history = _read(Path(result.stdout.strip()) / "history.csv")
    assert [row["skipped_steps"] for row in history] == ["1", "1"]
