"""What may not be known is not: the future of past columns, and of what is fitted the test rows."""

from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from forecast.commands.backtest import backtest
from forecast.commands.invocation import Invocation
from forecast.commands.train import train
from forecast.console import Console
from forecast.jobs.fitting import fit_methods
from forecast.jobs.job import prepare
from forecast.runs import Run, stage

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PAST, KNOWN = ("p1", "p2", "word"), ("k1", "k2", "k3", "k4", "kind")
STATIC = ("s1", "s2", "s3", "place")
CONFIG = """\
data:
  path: y.csv
  time: day
  target: y
  id: id
  covariates:
    past: [p1, p2, word]
    known: [k1, k2, k3, k4, kind]
    static: [s1, s2, s3, place]
split: {test: 12, validation: 8}
transforms: [standard]
window: {context_length: 7, horizon: 3}
model: {kind: mlp, layers: [4]}
training: {epochs: 1, learning_rate: 0.01}
predict: {horizon: 4}
"""
DAYS, AHEAD = 70, 5
TRAIN_ENDS = DAYS - 12 - 8


def _table() -> pd.DataFrame:
    """Two series whose target is blank in the last days."""
    random = np.random.default_rng(3)
    parts = []
    for i in range(2):
        days = DAYS + AHEAD
        columns = {name: random.normal(size=days) for name in (*PAST, *KNOWN)}
        columns["word"] = random.choice(["a", "b", ""], days)
        columns["kind"] = random.choice(["x", "z"], days)
        fixed = {"s1": i, "s2": 5.0, "s3": -i, "place": "hill" if i else "sea"}
        own = pd.DataFrame({"id": f"n{i}", "day": pd.date_range("2023-01-01", periods=days)})
        y = 10 * i + columns["k1"] + random.normal(size=days)
        y[DAYS:] = np.nan
        parts.append(own.assign(y=y, **columns, **fixed))
    return pd.concat(parts, ignore_index=True)


def _prepared(folder: Path, table: pd.DataFrame, settings: Sequence[str] = ()) -> Path:
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / "y.csv", index=False)
    (folder / "y.yaml").write_text(CONFIG)
    return folder / "y.yaml"


def _train(folder: Path, table: pd.DataFrame, *settings: str) -> Run:
    job = prepare(_prepared(folder, table), settings)
    with stage(folder / "runs", "y", "y") as staging:
        return train(job, staging, Invocation(Console(quiet=True)))


def _files(run: Run, *names: str) -> list[bytes]:
    return [(run.path / name).read_bytes() for name in names]


def test_what_is_fitted_knows_the_training_rows_alone(tmp_path: Path) -> None:
    """Later covariates, and the words among them, change neither weights nor scales."""
    table = _table()
    later = table["day"] >= table["day"].min() + pd.Timedelta(TRAIN_ENDS, "D")
    other = table.copy()
    for name in ("p1", "p2", "k1", "k2", "k3", "k4"):
        other.loc[later, name] = 1e3 * other[name] + 7
    other.loc[later, "word"] = "new"
    other.loc[later, "kind"] = "newer"
    # What comes after the last target has to be a kind that there was.
    runs = [_train(tmp_path / name, own) for name, own in (("one", table), ("other", other))]
    names = ("weights.npy", "features.json")
    assert _files(runs[0], *names) == _files(runs[1], *names)
    assert _files(runs[0], "scores.csv") != _files(runs[1], "scores.csv")


def _backtest(folder: Path, table: pd.DataFrame, *settings: str) -> pd.DataFrame:
    job = prepare(_prepared(folder, table), settings)
    forecasts = backtest(job, ["naive"], Console(quiet=True), fit_methods).forecasts
    return forecasts[forecasts["model"] == "mlp"].set_index(["unique_id", "ds", "cutoff"])


@pytest.mark.parametrize("refit", ["true", "false"])
def test_no_forecast_sees_the_future_of_a_past_column(tmp_path: Path, refit: str) -> None:
    """To the last bit; of a known column it does, and of a past one up to the cutoff."""
    settings = ("backtest.n_windows=2", f"backtest.refit={refit}")
    table = _table()
    one = _backtest(tmp_path / "one", table, *settings)
    first = one.index.get_level_values("cutoff").min()
    other = table.copy()
    later = table["day"] > first
    other.loc[later, ["p1", "p2"]] = 1e6
    other.loc[later, "word"] = "c"
    changed = _backtest(tmp_path / "other", other, *settings)
    of_first = one.index.get_level_values("cutoff") == first
    assert (one["y_hat"] == changed["y_hat"])[of_first].all()
    assert (one["y_hat"] != changed["y_hat"])[~of_first].all()
    known = table.copy()
    known.loc[later, "k1"] += 50
    moved = _backtest(tmp_path / "known", known, *settings)
    assert (one["y_hat"] != moved["y_hat"])[of_first].all()


def test_a_column_that_begins_late_says_nothing_before(tmp_path: Path) -> None:
    """What it begins with is not known by forecasts from before."""
    table = _table()
    begin = table["day"].min() + pd.Timedelta(DAYS - 4, "D")
    table["p1"] = np.where(table["day"] < begin, np.nan, 3.0)
    other = table.assign(p1=table["p1"] * 100)
    one, changed = (
        _backtest(tmp_path / name, own, "backtest.n_windows=1")
        for name, own in (("one", table), ("other", other))
    )
    pd.testing.assert_frame_equal(one, changed)


EVERYTHING = {
    "local": ("model={kind: gru, units: 3, scope: local}",),
    "masked ensemble": (
        "window.padding=mask",
        "data.covariates.scale=robust",
        "training.ensemble.size=2",
        "training.ensemble.transforms=[[minmax]]",
        "intervals={quantile_levels: [0.1, 0.9], n_windows: 10}",
    ),
    "quantiles": (
        "model={kind: gru, units: 3, quantiles: [0.1,0.5,0.9]}",
        "training.loss=pinball",
        "intervals={n_windows: 10}",
    ),
}


@pytest.mark.parametrize("name", EVERYTHING)
def test_covariates_go_with_everything_else(
    cli: Callable[..., CompletedProcess[str]], tmp_path: Path, name: str
) -> None:
    """Training, in which the export is held against Keras, forecasts, and a backtest."""
    _prepared(tmp_path, _table())
    settings = [word for setting in EVERYTHING[name] for word in ("--set", setting)]
    result = cli("train", "--config", "y.yaml", *settings)
    assert result.returncode == 0, result.stderr
    predicted = cli("predict", "--set-known", "k1=0")
    assert predicted.returncode == 0, predicted.stderr
    assert len(predicted.stdout.splitlines()) == 1 + 2 * 4
    words = ("--windows", "2", "--refit", "--format", "csv")
    tested = cli("backtest", "--config", "y.yaml", *words, *settings, environment={})
    assert tested.returncode == 0, tested.stderr
