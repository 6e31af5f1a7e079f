"""`forecast evaluate --forecasts`: what was forecast yesterday, by what came today."""

import csv
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

Cli = Callable[..., CompletedProcess[str]]

HEADER = "unique_id,ds,cutoff,step,y_hat"
FORECASTS = (
    "Passengers,1961-01-01,1960-12-01,1,440",
    "Passengers,1961-02-01,1960-12-01,2,430",
    "Passengers,1961-03-01,1960-12-01,3,420",
)
CAME = "Month,Passengers\n1961-01,450\n1961-02,420\n"


def _text(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def _scores(result: CompletedProcess[str]) -> dict[tuple[str, str], float]:
    """Values over all series, by model and metric."""
    assert result.returncode == 0, result.stderr
    rows = list(csv.DictReader(StringIO(result.stdout)))
    assert {row["split"] for row in rows} == {"input"}
    return {
        (row["model"], row["metric"]): float(row["value"]) for row in rows if not row["unique_id"]
    }


@pytest.fixture
def came(tmp_path: Path) -> Path:
    """Two months of what was forecast."""
    path = tmp_path / "came.csv"
    path.write_text(CAME)
    return path


def _evaluate(cli: Cli, run: Path, came: Path, text: str, *options: str) -> CompletedProcess[str]:
    words = ["evaluate", run, "--forecasts", "-", "--input", came, "--format", "csv", *options]
    return cli(*words, stdin=text)


def test_rows_that_stand_in_both_are_scored_beside_the_baselines(
    cli: Cli, trained: Path, came: Path, airline_values: np.ndarray
) -> None:
    """By hand; the baselines know what the run knew at the cutoff. How many is said."""
    result = _evaluate(cli, trained, came, _text(*FORECASTS))
    assert result.stderr.splitlines()[0] == (
        "2 of 3 forecasts of standard input are scored; not scored: 1 that "
        f"{came} has no value for."
    )
    scores, y = _scores(result), np.array([450, 420])
    unit = np.abs(airline_values[12:117] - airline_values[:105]).mean()
    y_hats = {
        "gru": np.array([440, 430]),
        "naive": airline_values[-1],
        "seasonal_naive": airline_values[-12:-10],
    }
    for model, y_hat in y_hats.items():
        errors = np.abs(y - y_hat)
        assert scores[model, "mae"] == pytest.approx(errors.mean())
        assert scores[model, "rmse"] == pytest.approx((errors**2).mean() ** 0.5)
        assert scores[model, "mase"] == pytest.approx(errors.mean() / unit)


def test_quantiles_tell_crps_and_coverage(cli: Cli, trained: Path, came: Path) -> None:
    """One of two values lies within; the baselines have none."""
    rows = [f"{FORECASTS[0]},430,445", f"{FORECASTS[1]},410,440"]
    scores = _scores(_evaluate(cli, trained, came, _text(*rows, header=f"{HEADER},q0.1,q0.9")))
    losses = [(450 - 430) * 0.1, (450 - 445) * 0.9, (420 - 410) * 0.1, (440 - 420) * 0.1]
    assert scores["gru", "crps"] == pytest.approx(2 * np.mean(losses))
    assert scores["gru", "coverage_80"] == 50
    assert scores["gru", "width_80"] == pytest.approx((15 + 30) / 2)
    assert ("naive", "crps") not in scores


def test_quantiles_that_cross_are_said_to(cli: Cli, trained: Path, came: Path) -> None:
    """Their scores tell little."""
    rows = [f"{FORECASTS[0]},450,445", f"{FORECASTS[1]},410,440"]
    result = _evaluate(cli, trained, came, _text(*rows, header=f"{HEADER},q0.1,q0.9"))
    assert "warning: in 1 of these forecasts quantiles cross" in result.stderr


def test_every_form_that_predict_writes_is_read(
    cli: Cli, trained_panel: Path, tmp_path: Path
) -> None:
    """Ids such as 007, times in a zone and quantiles too: the scores are the same, bit by bit."""
    moments = pd.date_range("2020-01-09T08:00:00+05:30", periods=36, freq="h")
    rows = [f"{house},{ds.isoformat()},{5 + i % 7}" for house in ("007", "NE")
            for i, ds in enumerate(moments)]  # fmt: skip
    (tmp_path / "came.csv").write_text(_text(*rows, header="house,hour,load"))
    printed = set()
    for name in ("old.csv", "old.csv.gz", "old.jsonl", "old.jsonl.gz", "old.parquet"):
        assert cli("predict", trained_panel, "--output", name).returncode == 0
        words = ("--forecasts", name, "--input", "came.csv", "--format", "csv")
        result = cli("evaluate", trained_panel, *words)
        assert result.stderr.splitlines()[0] == f"24 of 24 forecasts of {name} are scored."
        printed.add(result.stdout)
    assert len(printed) == 1
    assert {"crps", "coverage_80"} <= {metric for _, metric in _scores(result)}


def test_a_later_cutoff_is_looked_up_in_the_newer_table(
    cli: Cli, trained: Path, came: Path
) -> None:
    """Naive repeats the January that came after the run was trained."""
    text = _text("Passengers,1961-02-01,1961-01-01,1,430")
    assert _scores(_evaluate(cli, trained, came, text))["naive", "mae"] == 450 - 420


def test_months_between_the_run_and_the_table_may_be_missing(
    cli: Cli, trained: Path, came: Path, airline_values: np.ndarray
) -> None:
    """March alone came: the baselines know the run's rows all the same, and never look ahead."""
    came.write_text("Month,Passengers\n1961-03,465\n")
    scores = _scores(_evaluate(cli, trained, came, _text(*FORECASTS)))
    assert scores["naive", "mae"] == 465 - airline_values[-1]
    assert scores["seasonal_naive", "mae"] == 465 - airline_values[-10]


def test_what_nobody_knows_the_past_of_is_left_out_and_counted(
    cli: Cli, trained: Path, came: Path
) -> None:
    """So is what has no value."""
    rows = ["Passengers,1950-02-01,1950-01-01,1,130", "Passengers,1961-05-01,1961-04-01,1,430"]
    came.write_text("Month,Passengers\n1961-05,465\n")
    result = _evaluate(cli, trained, came, _text(*rows))
    assert (result.returncode, result.stdout) == (4, "")
    assert "0 of 2 forecasts" in result.stderr
    assert f"not scored: 1 that {came} has no value for, 1 that the baselines have" in result.stderr


def test_a_baseline_that_knows_too_little_is_missed_aloud(
    cli: Cli, trained: Path, came: Path, airline_csv: Path
) -> None:
    """The run keeps a year: of the cutoff before its last row, older rows have to be given."""
    came.write_text("Month,Passengers\n1960-12,432\n")
    rows = _text("Passengers,1960-12-01,1960-11-01,1,440")
    result = _evaluate(cli, trained, came, rows)
    assert result.stderr.splitlines()[1:3] == [
        "1 forecast of 1960-12-01, one step ahead, from the rows up to 1960-11-01",
        (
            "warning: seasonal_naive is not scored: it needs 12 rows (a season) up to a cutoff, "
            "and the run keeps too few. Add older rows to --input."
        ),
    ]
    assert {model for model, _ in _scores(result)} == {"gru", "naive"}
    result = _evaluate(cli, trained, airline_csv, rows)
    assert "is not scored" not in result.stderr
    assert _scores(result)["seasonal_naive", "mae"] == 432 - 405


def test_forecasts_of_a_scenario_are_said_to_be_that(cli: Cli, trained: Path, came: Path) -> None:
    """What was assumed need not have come."""
    rows = [f"{row},hot" for row in FORECASTS]
    result = _evaluate(cli, trained, came, _text(*rows, header=f"{HEADER},scenario"))
    assert result.stderr.splitlines()[1] == (
        "warning: these forecasts count on what was assumed of the future: scenario hot."
    )
    assert _scores(result)["gru", "mae"] == 10


def test_dates_of_the_training_part_are_left_out(
    cli: Cli, trained: Path, airline_csv: Path
) -> None:
    """The network has seen them."""
    rows = ["Passengers,1950-02-01,1950-01-01,1,130", "Passengers,1960-12-01,1960-11-01,1,400"]
    result = _evaluate(cli, trained, airline_csv, _text(*rows))
    assert "1 of 2 forecasts" in result.stderr
    assert (
        "not scored: 1 that the network was trained on. Were they forecast by an earlier run? Name "
        f"it: forecast evaluate RUN --forecasts - --input {airline_csv}\n"
    ) in result.stderr
    nothing = _evaluate(cli, trained, airline_csv, _text(rows[0]))
    assert nothing.returncode == 4
    assert "\nWere they forecast by an earlier run? Name it: forecast evaluate" in nothing.stderr
    assert _scores(result)["gru", "mae"] == 432 - 400


def test_a_gate_looks_at_them(cli: Cli, trained: Path, came: Path) -> None:
    """They are what is scored."""
    result = _evaluate(cli, trained, came, _text(*FORECASTS), "--fail-if", "mae >= 10")
    assert result.returncode == 6
    assert result.stderr.endswith("holds: mae is 10.\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "standard input is empty."),
        (HEADER + "\n", "standard input has a header and no rows."),
        (
            "ds,y_hat\n1961-01-01,1\n",
            ("standard input has no column `unique_id`, `cutoff`, `step`: it is no table of "
            "forecasts."),
        ),
        (
            _text(FORECASTS[0], FORECASTS[1].replace("1961-02-01", "soon")),
            "standard input: `ds` is 'soon', not an ISO 8601 date, in line 3.",
        ),
        (
            _text(FORECASTS[0], FORECASTS[1].replace("1960-12-01", "")),
            "standard input: `cutoff` has no value in line 3.",
        ),
        (
            _text(FORECASTS[0], FORECASTS[1].replace("430", "many")),
            "standard input: `y_hat` is 'many', not a number that can be scored, in line 3.",
        ),
        (
            _text(FORECASTS[0], FORECASTS[1].replace("430", "inf")),
            "standard input: `y_hat` is inf, not a number that can be scored, in line 3.",
        ),
        (
            _text(FORECASTS[0], FORECASTS[1].replace(",2,", ",0,")),
            "standard input: `step` is 0, not a whole number from 1, in line 3.",
        ),
        (
            _text(FORECASTS[0], FORECASTS[1].replace("Passengers", "Passenger")),
            ("standard input: the run has no series Passenger, in line 3.\n"
            "Did you mean `Passengers`?"),
        ),
        (
            _text(*FORECASTS, FORECASTS[1]),
            ("standard input: 1961-02-01 of Passengers is forecast from 1960-12-01 more than once, "
            "in lines 3, 5."),
        ),
        (
            _text(*(f"{FORECASTS[0]},{model}" for model in "ab"), header=f"{HEADER},model"),
            ("standard input: 1961-01-01 of Passengers is forecast from 1960-12-01 more than once, "
            "in lines 2, 3.\nKeep the rows of one model."),
        ),
        (
            _text(FORECASTS[0], FORECASTS[1].replace(",2,", ",3,")),
            "standard input: 1961-02-01 is not 3 steps of MS after 1960-12-01, in line 3.",
        ),
        (
            _text(FORECASTS[0].replace("1961-01-01", "1961-01-15")),
            "standard input: 1961-01-15 is not 1 steps of MS after 1960-12-01, in line 2.",
        ),
        (
            _text(FORECASTS[0].replace("-01,", "-01T00:00:00Z,")),
            "standard input: the times of `ds` are in zone UTC, and the run's in None.",
        ),
        (
            _text(FORECASTS[2]),
            ("0 of 1 forecasts of standard input are scored; not scored: 1 that came.csv has no "
            "value for. They are of 1961-03-01 to 1961-03-01, and the values of 1961-01-01 to "
            "1961-02-01.\nGive a table that reaches into the dates that were forecast: --input."),
        ),
    ],
)  # fmt: skip
def test_what_is_no_table_of_forecasts_is_refused(
    cli: Cli, trained: Path, came: Path, text: str, said: str
) -> None:
    """With what is wrong, and where."""
    result = _evaluate(cli, trained, Path(came.name), text)
    assert (result.returncode, result.stdout) == (4, "")
    assert result.stderr.startswith(f"error: {said}\n")


@pytest.mark.parametrize("words", [["a.csv"], ["-", "--input", "-"]])
def test_forecasts_alone_are_refused(cli: Cli, trained: Path, words: Sequence[str]) -> None:
    """They need the truth, from somewhere else."""
    result = cli("evaluate", trained, "--forecasts", *words, stdin=_text(*FORECASTS))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: --forecasts ")
