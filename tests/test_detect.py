"""`forecast detect`: planted anomalies are found, and clean rows seldom called one."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

Cli = Callable[..., CompletedProcess[str]]
ROWS, LATER = 500, 400
CONFIG = """\
data: {path: load.csv, time: hour, target: load, id: site, season_length: 24, missing: interpolate}
split: {test: 130}
transforms: [standard]
window: {context_length: 24, horizon: 2, residual_of: seasonal_naive}
model: {kind: dlinear}
training: {epochs: 3, batch_size: 64, learning_rate: 0.003}
"""


def _load(rows: int) -> np.ndarray:
    """Two sites `(sites, rows)` of unlike size, each with a day's season and noise."""
    random = np.random.default_rng(0)
    day = 10 * np.sin(2 * np.pi * np.arange(rows) / 24)
    return np.array([[1.0], [50.0]]) * (40 + day + random.normal(size=(2, rows)))


def _table(values: np.ndarray, first: int = 0) -> str:
    """A long table of the sites `a` and `b`; NaN is blank."""
    hours = pd.date_range("2024-01-01", periods=first + values.shape[1], freq="h")[first:]
    sites = [
        pd.DataFrame({"site": name, "hour": hours, "load": own})
        for name, own in zip("ab", values, strict=True)
    ]
    return pd.concat(sites).to_csv(index=False)


@pytest.fixture(scope="module")
def trained(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> Path:
    """A folder with a run of both sites."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        (folder / "load.csv").write_text(_table(_load(ROWS)))
        (folder / "load.yaml").write_text(CONFIG)
        return [cli_in("train", "--config", "load.yaml", cwd=folder)]

    [result] = once("detect", train)
    assert result.returncode == 0, result.stderr
    return Path(result.stdout.strip()).resolve().parents[1]


def _later() -> np.ndarray:
    return _load(ROWS + LATER)[:, ROWS:]


def _found(result: CompletedProcess[str]) -> dict[str, object]:
    assert result.returncode == 0, result.stderr
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_clean_rows_have_as_many_alarms_as_the_level_says(trained: Path, cli_in: Cli) -> None:
    """Of 800 values at 95 % about 40: within four standard deviations."""
    words = ("detect", "--input", "-", "--format", "json", "--level", 0.95)
    found = _found(cli_in(*words, cwd=trained, stdin=_table(_later(), ROWS)))
    assert found["rows"] == 2 * LATER
    assert 12 < int(str(found["anomalies"])) < 68
    assert found["level"] == 0.95


def test_what_is_planted_is_found_and_does_no_harm_to_its_neighbours(
    trained: Path, cli_in: Cli
) -> None:
    """A spike, a lasting shift and a blank, in one site; the other is as it was."""
    values = _later()
    clean, planted = values.copy(), values
    planted[1, 100] += 50 * 15
    planted[1, 200:210] -= 50 * 15
    planted[1, 300] = np.nan
    words = ("detect", "--input", "-", "--format", "csv", "--level", 0.995)
    before, after = (
        list(csv.DictReader(StringIO(cli_in(*words, cwd=trained, stdin=_table(own, ROWS)).stdout)))
        for own in (clean, planted)
    )
    hours = pd.date_range("2024-01-01", periods=ROWS + LATER, freq="h")[ROWS:]
    where = {row["ds"]: row for row in after if row["unique_id"] == "b"}
    spike = where[hours[100].isoformat()]
    assert float(spike["score"]) > 2
    assert float(spike["y"]) > float(spike["high"]) > float(spike["y_hat"]) > float(spike["low"])
    shift = [where[hour.isoformat()] for hour in hours[200:210]]
    assert len({row["event"] for row in shift}) == 1
    assert hours[300].isoformat() not in where
    # All others are those of clean rows, but for a few next to what was planted.
    old, new = ({(row["unique_id"], row["ds"]) for row in rows} for rows in (before, after))
    marked = {("b", hour.isoformat()) for hour in (*hours[100:101], *hours[200:210])}
    assert len(old ^ (new - marked)) <= 6
    assert {key for key in old if key[0] == "a"} == {key for key in new if key[0] == "a"}


def test_the_test_part_is_judged_without_a_table(trained: Path, cli_in: Cli) -> None:
    """As is said, and drawn; a gate ends with 6, whose result is printed nevertheless."""
    result = cli_in(
        "detect", "--level", 0.9, "--step", 2, "--plot", "a.png", "--fail-if", "events >= 1",
        cwd=trained,
    )  # fmt: skip
    assert result.returncode == 6
    assert "--fail-if 'events >= 1' holds: events is " in result.stderr
    assert "values judged 2 steps ahead" in result.stderr
    assert result.stdout.splitlines()[0].split() == ["unique_id", "from", "to", "values", "score"]
    assert (trained / "a.png").stat().st_size > 10_000
    quiet = cli_in("detect", "--level", 0.9, "--fail-if", "anomalies > 100", cwd=trained)
    assert quiet.returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--level", "1"], 2, "--level 1: it is a share above 0 and below 1."),
        (["--level", "nan"], 2, "--level nan: it is a share"),
        (["--level", "0.9999"], 5, "too few to tell where 99.99 % of the values are expected"),
        (["--step", "3"], 5, "Give --step 2 at the most."),
        (["--fail-if", "rmse > 1"], 2, "there is no metric 'rmse'"),
        (["--fail-if", "events > naive"], 2, "--fail-if: 'naive' is no number."),
        (["--input", "none.csv"], 4, "none.csv"),
    ],
)
def test_what_can_not_be_told_is_said(
    trained: Path, cli_in: Cli, words: list[str], code: int, message: str
) -> None:
    """With the way out."""
    result = cli_in("detect", *words, cwd=trained)
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr


def test_rows_that_were_trained_on_are_passed_over(trained: Path, cli_in: Cli) -> None:
    """The whole table again: its test part alone is judged, as it is without a table."""
    words = ["detect", "--format", "json", "--level", "0.95"]
    again = cli_in(*words, "--input", "load.csv", cwd=trained)
    assert "740 rows are passed over: the network was fitted on them" in again.stderr
    own, found = _found(cli_in(*words, cwd=trained)), _found(again)
    assert found["rows"] == 260
    assert abs(int(str(found["anomalies"])) - int(str(own["anomalies"]))) <= 4


def test_a_series_that_was_too_short_to_be_fitted_is_passed_over(tmp_path: Path, cli: Cli) -> None:
    """Be it in newer rows, which says so, or in the test part."""
    last = _table(_load(ROWS)[:, -20:], ROWS - 20).splitlines()
    short = [line.replace("a", "short", 1) for line in last if line.startswith("a")]
    (tmp_path / "load.csv").write_text(_table(_load(ROWS)) + "\n".join(short))
    (tmp_path / "load.yaml").write_text(CONFIG)
    words = ["detect", "--format", "json", "--level", "0.95"]
    assert cli("train", "--config", "load.yaml").returncode == 0
    newer = cli(*words, "--input", "load.csv")
    assert "as the network was not fitted on them: short" in newer.stderr
    assert (_found(newer)["rows"], _found(cli(*words))["rows"]) == (260, 258)
