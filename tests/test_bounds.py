"""What a forecast may be: `predict.minimum`, `maximum` and `round`, wherever one is given."""

import csv
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.config import parse_config
from forecast.config.schema import PredictOptions
from forecast.data.forecasts import Forecasts
from forecast.errors import ConfigError
from forecast.jobs.opening import open_run
from forecast.jobs.tables import RunTables
from forecast.runs import find_run

Cli = Callable[..., CompletedProcess[str]]


def _bounded(values: list[float], options: PredictOptions) -> list[float]:
    levels = {0.1: np.array([values]) - 1, 0.9: np.array([values]) + 1}
    found = Forecasts(np.array([values]), levels).within(options)
    assert (found.quantiles[0.1] <= found.y_hat).all()
    assert (found.y_hat <= found.quantiles[0.9]).all()
    assert found.y_hat[0].tolist() == [
        *Forecasts(found.y_hat).within(options).y_hat[0]
    ]  # a second time changes nothing
    return list(map(float, found.y_hat[0]))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_whatever_is_forecast_lies_within_and_is_whole(values: list[float]) -> None:
    """Quantiles do not cross for it, and what lay within stays as near as whole numbers do."""
    for number, found in zip(
        values, _bounded(values, PredictOptions(minimum=-5, maximum=7, round=True)), strict=True
    ):
        assert -5 <= found <= 7
        assert found == int(found)
        assert not -5 <= number <= 7 or abs(number - found) <= 0.5


def test_nothing_is_negative_not_even_zero() -> None:
    """`-0.0` is no count."""
    found = _bounded([-0.004, -0.0, -3.0, 0.6], PredictOptions(minimum=0))
    assert list(map(str, found)) == ["0.0", "0.0", "0.0", "0.6"]
    assert str(_bounded([-0.4], PredictOptions(round=True))[0]) == "0.0"


def test_without_bounds_forecasts_are_what_they_are() -> None:
    """The same arrays; and of none (NaN) nothing is made."""
    forecasts = Forecasts(np.array([[-1.5, np.nan]]))
    assert forecasts.within(PredictOptions(horizon=3)) is forecasts
    assert np.isnan(forecasts.within(PredictOptions(minimum=0)).y_hat[0, 1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            "{minimum: 3, maximum: 3}",
            "`predict.maximum` should be above `predict.minimum`, 3, and is 3.",
        ),
        (
            "{minimum: 0.5, round: true}",
            (
                "`predict.round` should be false, or the minimum and the maximum be whole "
                "numbers, and is True."
            ),
        ),
    ],
)
def test_bounds_that_can_not_be_are_refused(options: str, said: str) -> None:
    """As the config is read."""
    text = f"data: {{path: a.csv, time: ds, target: y}}\npredict: {options}\n"
    with pytest.raises(ConfigError) as caught:
        parse_config(text, Path("a.yaml"))
    assert caught.value.problems[0].message == said


@pytest.fixture
def bounded(run: Path) -> Path:
    """The run of the airline, whose forecasts are to be whole and from 430 to 450."""
    path, record = run / "resolved.yaml", json.loads((run / "run.json").read_text())
    text = path.read_text()
    for name, value in (("minimum", "430"), ("maximum", "450"), ("round", "true")):
        text = re.sub(rf"  {name}:.*", f"  {name}: {value}", text)
    path.write_text(text)
    record["checksums"]["resolved.yaml"] = hashlib.sha256(text.encode()).hexdigest()
    (run / "run.json").write_text(json.dumps(record))
    return run


def test_a_run_forecasts_within_its_bounds_wherever_it_is_asked(
    cli: Cli, bounded: Path, trained: Path
) -> None:
    """`predict`, `evaluate --input` and figures; baselines are what they are."""
    rows, usual = (
        list(csv.DictReader(StringIO(cli("predict", path).stdout))) for path in (bounded, trained)
    )
    y_hat, raw = (np.array([float(row["y_hat"]) for row in table]) for table in (rows, usual))
    assert y_hat.tolist() == np.clip(np.rint(raw), 430, 450).tolist()
    assert len(set(y_hat)) > 1  # the test could see it fail

    stdin = "Month,Passengers\n1961-01,400\n"
    result = cli("evaluate", "--input", "-", "--format", "csv", stdin=stdin)
    scores = {
        row["model"]: float(row["value"])
        for row in csv.DictReader(StringIO(result.stdout))
        if row["metric"] == "mae" and not row["unique_id"]
    }
    assert scores["gru"] == y_hat[0] - 400
    assert scores["naive"] == 432 - 400

    future = RunTables(find_run(bounded.parent), open_run).future
    assert future.loc[future["model"] == "gru", "y_hat"].tolist() == y_hat.tolist()
    seasonal = future.loc[future["model"] == "seasonal_naive", "y_hat"]
    assert seasonal.min() < 430
    assert seasonal.max() > 450


def _demand(folder: Path) -> None:
    """Two goods that are seldom asked for."""
    random = np.random.default_rng(0)
    days = pd.date_range("2020-01-01", periods=200)
    lines = ["item,day,sold"]
    for item in ("a", "b"):
        sold = random.poisson(0.6, len(days))
        lines += [f"{item},{day:%Y-%m-%d},{y}" for day, y in zip(days, sold, strict=True)]
    (folder / "demand.csv").write_text("\n".join(lines) + "\n")


def test_counts_are_never_negative_from_init_to_the_last_table(cli: Cli, tmp_path: Path) -> None:
    """Nor are their quantiles: in the run's forecasts, a prediction, and a backtest."""
    _demand(tmp_path)
    assert cli("init", "demand.csv").returncode == 0
    text = (tmp_path / "demand.yaml").read_text()
    assert "\n  minimum: 0  " in text
    assert "\n  # round: true  " in text
    settings = [
        "training.epochs=1", "training.ensemble=1", "backtest.n_windows=2",
        "intervals={quantile_levels: [0.05, 0.95], n_windows: 5}",
    ]  # fmt: skip
    words = ["--config", "demand.yaml", *(word for one in settings for word in ("--set", one))]
    quiet = {"environment": {"PYTHONWARNINGS": "default"}}
    trained = cli("train", *words, **quiet)
    assert trained.returncode == 0, trained.stderr
    assert cli("predict", "--output", "next.csv.gz").returncode == 0
    assert cli("backtest", *words, "--output", "backtest.csv", **quiet).returncode == 0
    tables = [
        Path(trained.stdout.strip(), "forecasts.csv").read_text(),
        gzip.decompress((tmp_path / "next.csv.gz").read_bytes()).decode(),
        (tmp_path / "backtest.csv").read_text(),
    ]
    for text in tables:
        table = pd.read_csv(StringIO(text))
        assert (table[["y_hat", "q0.95"]].min() >= 0).all()
        assert table["q0.05"].min() == 0  # it would lie below
        assert "-0.0" not in text


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([1, 2, 3, 4, 5] * 6, "minimum: 0 "),
        ([0.5, 0, 0, 2.5, 0] * 6, "minimum: 0 "),
        ([1.5, 2.25, 0, 4, 5] * 6, None),
        ([-1, 2, 0, 0, 0] * 6, None),
    ],
    ids=["counts", "intermittent", "neither", "negative"],
)
def test_init_says_what_counts_and_rare_demand_may_be(
    cli: Cli, tmp_path: Path, values: list[float], line: str | None
) -> None:
    """And nothing of other values."""
    days = pd.date_range("2020-01-01", periods=len(values))
    rows = [f"{day:%Y-%m-%d},{y}" for day, y in zip(days, values, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["day,sold", *rows]) + "\n")
    assert cli("init", "t.csv").returncode == 0
    text = (tmp_path / "t.yaml").read_text()
    assert f"\n  {line}" in text if line else "minimum" not in text
    assert ("round" in text) == all(y == int(y) >= 0 for y in values)


def test_values_beyond_the_bounds_are_pointed_out(cli: Cli, project: Path) -> None:
    """They can not be forecast."""
    words = ["--config", "air.yaml", "--set", "predict.minimum=113", "--set", "predict.maximum=600"]
    found = json.loads(cli("check", *words, "--format", "json").stdout)["warnings"]
    assert found[:2] == [
        (
            "2 observed values lie beyond predict.minimum 113, where no forecast does: "
            "Passengers is 112 on 1949-01-01."
        ),
        (
            "2 observed values lie beyond predict.maximum 600, where no forecast does: "
            "Passengers is 622 on 1960-07-01."
        ),
    ]
