"""Panels in which some series is too short, unlike or empty: forecast all the same, or named."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from forecast.commands.backtest import backtest
from forecast.commands.evaluate import evaluate
from forecast.commands.invocation import Invocation
from forecast.commands.predict import predict
from forecast.commands.train import train
from forecast.config.schema import SplitOptions
from forecast.console import Console
from forecast.data.panel import Panel
from forecast.data.split import (
    Needs,
    Split,
    cutoffs_by_split,
    fitted_series,
    has_target,
    split_panel,
)
from forecast.errors import ConfigError, DataError
from forecast.jobs.fitting import fit_methods
from forecast.jobs.job import prepare
from forecast.jobs.opened_network import OpenedNetwork
from forecast.jobs.opening import open_network
from forecast.runs import stage

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CONFIG = """\
data: {path: t.csv, time: ds, target: y, id: unique_id, missing: interpolate, freq: D}
split: {test: 14}
transforms: [{kind: difference, lag: season}, minmax]
window: {context_length: 14, horizon: 7}
model: {kind: mlp, layers: [4]}
training: {epochs: 2}
backtest: {n_windows: 3, horizon: 7}
"""
INTERVALS = "intervals={quantile_levels: [0.1, 0.9], n_windows: 10}"
QUIET = Console(quiet=True)


def _days(length: int, level: float = 100.0) -> list[float]:
    """Days with a week in them."""
    return [level * (1 + 0.3 * np.sin(i / 7 * 2 * np.pi) + 0.01 * (i % 5)) for i in range(length)]


def _write(folder: Path, series: Mapping[str, Sequence[float | None]]) -> Path:
    """A config and its table of series by name, which all begin on one day."""
    lines = ["unique_id,ds,y"]
    for name, values in series.items():
        dates = pd.date_range("2020-01-01", periods=len(values)).strftime("%Y-%m-%d")
        lines += [
            f"{name},{ds},{'' if y is None else y}" for ds, y in zip(dates, values, strict=True)
        ]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    (folder / "t.yaml").write_text(CONFIG)
    return folder / "t.yaml"


def _train(config: Path, *settings: str) -> OpenedNetwork:
    with stage(config.parent / "runs", "t", "t") as staging:
        return open_network(train(prepare(config, settings), staging, Invocation(QUIET)))


@pytest.mark.parametrize(
    ("rows", "place", "settings"),
    [
        (1, 2, []),
        (8, 0, []),
        (10, 1, ["model.scope=local"]),
        (16, 1, [INTERVALS]),
        (21, 2, ["split.test=2020-04-10"]),
    ],
)
def test_one_short_series_gets_the_simple_forecast_and_the_others_the_network(
    tmp_path: Path, rows: int, place: int, settings: list[str]
) -> None:
    """At the start, in the middle or at the end of the table; its last season, or its last day."""
    names = ["a", "b"]
    names.insert(place, "z")
    config = _write(tmp_path, {name: _days(rows if name == "z" else 110) for name in names})
    job = prepare(config, settings)
    opened = _train(config, *settings)
    table = predict(opened)
    assert table["unique_id"].unique().tolist() == names
    assert np.isfinite(table["y_hat"]).all()
    [record] = [series for series in opened.data.per_series if series.unique_id == "z"]
    last = pd.Timestamp("2020-01-01") + pd.Timedelta(days=rows - 1)
    assert pd.Timestamp("2020-01-01") <= pd.Timestamp(record.test_begin)
    assert pd.Timestamp(record.test_begin) <= max(last, pd.Timestamp("2020-01-22"))
    own = table[table["unique_id"] == "z"]
    if rows < 21:
        assert not record.is_fitted
        assert "(z)" in job.warnings[0]
        season = _days(rows)[-7:] if rows >= 7 else [_days(rows)[-1]] * 7
        assert own["y_hat"].tolist() == season
    if INTERVALS in settings:
        assert own["q0.1"].isna().all()
        assert table.loc[table["unique_id"] != "z", ["q0.1", "q0.9"]].notna().all(axis=None)
    result = backtest(job, ["naive", "seasonal_naive"], QUIET, fit_methods)
    assert np.isfinite(result.forecasts.loc[result.forecasts["model"] == "mlp", "y_hat"]).all()


def test_the_test_part_of_a_short_series_is_its_own(make_panel: Callable[..., Panel]) -> None:
    """All of its rows, where it is shorter than the test part; the parts never cross a border."""
    panel = make_panel([[0.0] * 40, [0.0] * 3, [0.0] * 40])
    split = split_panel(panel, SplitOptions(test=6, validation=4), Needs(3, 0, 1))
    assert (split.test_begins - panel.starts).tolist() == [34, 0, 34]
    assert (split.train_ends - panel.starts).tolist() == [30, 0, 30]
    assert fitted_series(panel, split, Needs(3, 0, 1)).tolist() == [True, False, True]
    rows = cutoffs_by_split(panel, split, Needs(3, 0, 1))["test"]
    assert np.bincount(panel.series_of(rows)).tolist() == [6, 2, 6]


@pytest.mark.parametrize("is_local", [False, True])
def test_a_series_is_fitted_as_soon_as_it_has_a_row_for_its_transforms(
    make_panel: Callable[..., Panel], is_local: bool
) -> None:
    """Observed rows before the test part, one more than they reach back; a window if local."""
    panel = make_panel([[0.0] * n for n in (2, 3, 7, 8)])
    split = Split(panel.ends, panel.ends)
    fitted = fitted_series(panel, split, Needs(4, 2, 2, is_local=is_local))
    assert fitted.tolist() == [False, not is_local, not is_local, True]


def test_a_target_counts_where_it_and_its_cutoff_were_observed(
    make_panel: Callable[..., Panel],
) -> None:
    """What lies in a gap was interpolated, and so was what a forecast from there would see."""
    panel = make_panel([[1.0, 1.0, np.nan, np.nan, 1.0, 1.0]])
    assert has_target(panel, np.arange(5), 1).tolist() == [True, False, False, False, True]
    assert has_target(panel, np.arange(3), 3).tolist() == [True, True, False]


@pytest.mark.parametrize("command", ["check", "train"])
def test_a_test_part_without_a_value_is_refused(
    tmp_path: Path, cli: Callable[..., CompletedProcess[str]], command: str
) -> None:
    """Before anything is trained, with the way out."""
    _write(tmp_path, {"a": [*_days(100), *[None] * 20, 100.0]})
    result = cli(command, "--config", "t.yaml")
    assert result.returncode == 4
    assert "nothing can be scored on the test part" in result.stderr
    assert "empty targets" in result.stderr


def test_a_backtest_without_a_value_to_score_is_refused(tmp_path: Path) -> None:
    """Instead of tables without a row."""
    values: list[float | None] = [*_days(80), *[None] * 30, 100.0]
    job = prepare(_write(tmp_path, {"a": values}), ["split.test=40", "backtest.n_windows=2"])
    with pytest.raises(DataError, match="none of the 2 cutoffs"):
        backtest(job, ["naive"], QUIET, fit_methods)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenedNetwork:
    """A run of two series of 110 days."""
    folder = tmp_path_factory.mktemp("two")
    return _train(_write(folder, {"a": _days(110), "b": _days(110)}))


def test_newer_rows_alone_are_scored(tmp_path: Path, opened: OpenedNetwork) -> None:
    """Not the run's own test rows, nor series that the file lacks, nor a horizon that it has."""
    forecast = predict(opened)
    own = forecast[(forecast["unique_id"] == "a") & (forecast["step"] <= 2)]
    newer = tmp_path / "new.csv"
    own.assign(y=own["y_hat"] + 100)[["unique_id", "ds", "y"]].to_csv(newer, index=False)
    scores = evaluate(opened, newer)
    rmse = scores[(scores["metric"] == "rmse") & (scores["model"] == "mlp")]
    assert rmse["value"].tolist() == pytest.approx([100, 100], abs=1e-3)
    assert rmse["unique_id"].tolist() == [None, "a"]


@pytest.mark.parametrize("known", [0, 7])
def test_a_gate_on_newer_rows_is_not_softened_by_others(
    tmp_path: Path, opened: OpenedNetwork, cli: Callable[..., CompletedProcess[str]], known: int
) -> None:
    """Two rows that are far off trip it; known rows that the file holds too are part of it."""
    dates = pd.date_range("2020-04-20", periods=2)
    before = pd.date_range(end="2020-04-19", periods=known)
    rows = [f"a,{ds:%Y-%m-%d},100" for ds in before] + [f"a,{ds:%Y-%m-%d},9999" for ds in dates]
    (tmp_path / "new.csv").write_text("\n".join(["unique_id,ds,y", *rows]) + "\n")
    words = ("--input", "new.csv", "--fail-if", "mae > 1000")
    result = cli("evaluate", opened.run.path, *words)
    assert result.returncode == 6, result.stderr


@pytest.mark.parametrize("largest", [1e200, 1e300])
def test_values_that_can_not_be_squared_are_refused(tmp_path: Path, largest: float) -> None:
    """With the row and the way out, instead of infinite scores."""
    config = _write(tmp_path, {"a": _days(110), "c": _days(110, largest)})
    with pytest.raises(DataError, match=r"^c is \d.*e\+\d+ on 2020-01-01 \(110 such rows\)"):
        prepare(config)


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("model.layers=[900000, 900000]", "would take .* GB to train"),
        ("training.steps_per_epoch=1000000000", "less than or equal to 1000000"),
        ("training.batch_size=1000000000", "would take|does not fit|less than|epoch"),
        ("data.freq=1000000000D", "should be a frequency"),
        ("intervals={quantile_levels: [1.0e-300, 0.5]}", "nearer to the middle"),
        ('data.path="a\\0b"', "is no path"),
        ("backtest.n_windows=10000000000", "less than or equal to"),
        ("data.season_length=10000000000000000000000", "less than or equal to"),
    ],
)
def test_odd_numbers_are_refused_in_the_config(tmp_path: Path, setting: str, what: str) -> None:
    """Before anything is allocated."""
    settings = [setting]
    if "batch_size" in setting:
        settings.append("training.steps_per_epoch=1000")
    with pytest.raises(ConfigError, match=what):
        prepare(_write(tmp_path, {"a": _days(110)}), settings)


@pytest.mark.parametrize("table", ["/dev/zero", "x" * 5000, "."])
def test_a_table_that_is_no_file_is_refused(tmp_path: Path, table: str) -> None:
    """A device would be read without end, and no file has such a name."""
    with pytest.raises(DataError):
        prepare(_write(tmp_path, {"a": _days(110)}), [f"data.path={table}"])


def test_what_a_local_panel_takes_is_counted_over_its_series(tmp_path: Path) -> None:
    """The record of a run says which series have no network."""
    config = _write(tmp_path, {"a": _days(110), "z": _days(5)})
    opened = _train(config, "model.scope=local")
    data = json.loads((opened.run.path / "data.json").read_text())
    assert [series["is_fitted"] for series in data["per_series"]] == [True, False]


def test_the_first_and_the_last_of_counted_rows_are_numbers(tmp_path: Path) -> None:
    """9 comes before 100, and 120 after 99; as texts they stand the other way round."""
    begins = {"late": 60, "early": 9}
    rows = [
        f"{name},{begin + i},{level}"
        for name, begin in begins.items()
        for i, level in enumerate(_days(61))
    ]
    (tmp_path / "t.csv").write_text("\n".join(["unique_id,ds,y", *rows]) + "\n")
    (tmp_path / "t.yaml").write_text(CONFIG.replace("freq: D", 'freq: "1", season_length: 7'))
    opened = _train(tmp_path / "t.yaml")
    assert (opened.data.first, opened.data.last) == ("9", "120")
    seen = [f"early,{moment},100" for moment in range(20, 45)]
    (tmp_path / "new.csv").write_text("\n".join(["unique_id,ds,y", *seen]) + "\n")
    with pytest.raises(DataError, match=r"has no row to score from 56 on\."):
        evaluate(opened, tmp_path / "new.csv")
