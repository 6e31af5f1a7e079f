"""`forecast predict`: what comes next, in the form that is asked for."""

import csv
import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

Cli = Callable[..., CompletedProcess[str]]
NEWER = "Month,Passengers\n1961-01,450\n1961-02,440\n"


def _rows(result: CompletedProcess[str]) -> list[dict[str, str]]:
    assert (result.returncode, result.stderr) == (0, "")
    return list(csv.DictReader(StringIO(result.stdout)))


def _y_hat(result: CompletedProcess[str]) -> list[float]:
    return [float(row["y_hat"]) for row in _rows(result)]


def test_a_longer_horizon_goes_on_where_the_shorter_ends(cli: Cli, run: Path) -> None:
    """Two years: the first twelve months are those of one year."""
    year, two_years = cli("predict"), cli("predict", "--horizon", "24")
    assert two_years.stdout.startswith(year.stdout)
    rows = _rows(two_years)
    assert [row["step"] for row in rows] == [str(step) for step in range(1, 25)]
    assert rows[-1]["ds"] == "1962-12-01"


def test_a_step_beyond_the_network_is_its_own_forecast_fed_back(cli: Cli, run: Path) -> None:
    """By hand: what it says of January, given as a newer row, is what it says of February with."""
    january, february = _y_hat(cli("predict", "--horizon", "2"))
    by_hand = cli(
        "predict", "--horizon", "1", "--input", "-",
        stdin=f"Month,Passengers\n1961-01,{january!r}\n",
    )  # fmt: skip
    assert _y_hat(by_hand) == [pytest.approx(february, rel=1e-6)]
    assert _rows(by_hand)[0]["cutoff"] == "1961-01-01"


def test_newer_rows_may_come_from_a_file_or_a_pipe(cli: Cli, run: Path, tmp_path: Path) -> None:
    """The cutoff is the last of them; a column more, another order or dress changes nothing."""
    (tmp_path / "newer.csv").write_text(NEWER)
    from_file = cli("predict", "--input", "newer.csv", "--horizon", "3")
    assert [row["ds"] for row in _rows(from_file)] == ["1961-03-01", "1961-04-01", "1961-05-01"]
    assert {row["cutoff"] for row in _rows(from_file)} == {"1961-02-01"}
    dresses = [
        NEWER,
        NEWER.replace("\n", "\r\n"),
        "note,Passengers,Month\nx,440,1961-02\nx,450,1961-01\n",
    ]
    for dress in dresses:
        piped = cli("predict", "--input", "-", "--horizon", "3", stdin=dress)
        assert piped.stdout == from_file.stdout


def test_the_whole_table_again_changes_nothing(cli: Cli, run: Path, airline_csv: Path) -> None:
    """The rows that the run knows are those of the table."""
    assert cli("predict", "--input", airline_csv).stdout == cli("predict").stdout


@pytest.mark.parametrize(
    ("stdin", "stderr"),
    [
        ("", "error: standard input is empty.\n"),
        ("Month,Passengers\n", "error: standard input has a header and no rows.\n"),
        (
            "Month,Passenger\n1961-01,450\n",
            (
                "error: standard input has no column `Passengers` (data.target).\n"
                "Did you mean `Passenger`?\n"
            ),
        ),
        (
            "Month,Passengers\n1961-01,many\n",
            "error: standard input: `Passengers` is 'many', not a number, in line 2.\n",
        ),
        (
            "Month,Passengers\n1961-01,450\n1961-03,440\n",
            (
                "error: standard input: 1961-02-01 is missing: 1961-01-01 is followed by "
                "1961-03-01.\nAdd a row for each missing step of the frequency MS, or say what a "
                "missing one means: `data.missing: interpolate`, ffill or zero.\n"
            ),
        ),
        (
            "Month,Passengers\n1961-01-01,450\n1961-01-02,440\n",
            (
                "error: standard input: 1961-01-02 is not a step of MS after 1961-01-01.\n"
                "Name the frequency if this one is wrong (`data.freq`), or bring the rows to even "
                "steps: `data.resample: {freq: MS, how: mean}`.\n"
            ),
        ),
        (
            "Month,Passengers\n1961-01-01T00:00:00Z,450\n",
            ("error: standard input: the times are in zone UTC, and the run's in None.\n"),
        ),
    ],
)
def test_rows_that_do_not_fit_the_run_are_refused(
    cli: Cli, run: Path, stdin: str, stderr: str
) -> None:
    """Its columns, its frequency, its time zone."""
    result = cli("predict", "--input", "-", stdin=stdin)
    assert (result.returncode, result.stdout, result.stderr) == (4, "", stderr)


@pytest.mark.parametrize("moment", ["1961-01-02", "1961-01-15"])
def test_a_newer_row_off_the_frequency_is_refused(cli: Cli, run: Path, moment: str) -> None:
    """The 15th is no month's beginning, also where it stands alone."""
    result = cli("predict", "--input", "-", stdin=f"Month,Passengers\n{moment},450\n")
    assert (result.returncode, result.stdout) == (4, "")


def test_after_a_gap_the_network_needs_no_row_that_is_missing(cli: Cli, run: Path) -> None:
    """It sees the newer rows alone, or it is refused: never a gap as if it were none."""
    stdin = "Month,Passengers\n" + "".join(f"1970-{month:02},{month}00\n" for month in range(1, 13))
    rows = _rows(cli("predict", "--input", "-", "--horizon", "1", stdin=stdin))
    assert rows[0]["ds"] == "1971-01-01"


def test_too_few_rows_after_a_gap_are_refused(cli: Cli, run: Path) -> None:
    """A single month of 1970 is no context: nothing is made up of it in silence."""
    result = cli("predict", "--input", "-", stdin="Month,Passengers\n1970-01,450\n")
    assert (result.returncode, result.stdout, result.stderr) == (
        4,
        "",
        (
            "error: standard input: Passengers has 1 rows without a gap.\n"
            "The network needs the last 12: add the rows that are missing before them.\n"
        ),
    )


def test_a_file_is_written_and_stdout_stays_empty(cli: Cli, run: Path, tmp_path: Path) -> None:
    """Whole, and nothing beside it."""
    before = set(tmp_path.iterdir())
    result = cli("predict", "--output", "next.csv")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (tmp_path / "next.csv").read_text() == cli("predict").stdout
    assert set(tmp_path.iterdir()) == before | {tmp_path / "next.csv"}


@pytest.mark.parametrize("output", ["no/next.csv", "runs", ".", ""])
def test_a_file_that_can_not_be_written_is_refused_with_2(cli: Cli, run: Path, output: str) -> None:
    """Before anything is forecast: that the run is none is not found out."""
    result = cli("predict", "no-run", "--output", output)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: can not write ")
    assert result.stderr.endswith(".\nGive another --output.\n")


def test_a_compressed_table_is_the_same_table(cli: Cli, run: Path, tmp_path: Path) -> None:
    """As its two endings say, in the same bytes each time; and it is read back as it stands."""
    for name, form in (("next.csv.gz", "csv"), ("NEXT.JSONL.GZ", "jsonl")):
        packed = []
        for _ in range(2):
            result = cli("predict", "--output", name)
            assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
            packed.append((tmp_path / name).read_bytes())
        assert packed[0] == packed[1]
        assert gzip.decompress(packed[0]).decode() == cli("predict", "--format", form).stdout


def test_json_lines_hold_the_same_numbers(cli: Cli, run: Path, tmp_path: Path) -> None:
    """Digit by digit; the ending of a file says the form as well."""
    result = cli("predict", "--format", "jsonl")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [{key: str(value) for key, value in line.items()} for line in lines] == _rows(
        cli("predict")
    )
    assert {type(line["step"]) for line in lines} == {int}
    cli("predict", "--output", "next.jsonl")
    assert (tmp_path / "next.jsonl").read_text() == result.stdout


def test_parquet_holds_the_same_numbers(cli: Cli, run: Path, tmp_path: Path) -> None:
    """Dates as dates; to a file, or as bytes to a pipe."""
    pytest.importorskip("pyarrow")
    assert cli("predict", "--output", "next.parquet").returncode == 0
    content = (tmp_path / "next.parquet").read_bytes()
    table = pd.read_parquet(BytesIO(content))
    assert table["y_hat"].tolist() == _y_hat(cli("predict"))
    assert table["ds"].tolist() == list(pd.date_range("1961-01-01", periods=12, freq="MS"))
    piped = subprocess.run(
        [sys.executable, "-m", "forecast", "predict", "--format", "parquet"],
        cwd=tmp_path,
        capture_output=True,
    )
    assert piped.stdout == content


def test_parquet_without_its_extra_ends_with_8(
    run: Path, tmp_path: Path, refused_without: Callable[..., None]
) -> None:
    """And the command that installs it."""
    words = ("predict", "--output", "next.parquet")
    refused_without("pyarrow", "parquet", *words, cwd=tmp_path)
    assert not (tmp_path / "next.parquet").exists()


def test_a_run_can_go_anywhere(cli: Cli, trained: Path, run: Path, tmp_path: Path) -> None:
    """Moved, with its config and its data gone, and named by its path."""
    moved = tmp_path / "some where" / "else"
    moved.parent.mkdir()
    run.rename(moved)
    for name in ("config.yaml", "model.keras", "history.csv", "scores.csv"):
        (moved / name).unlink()
    assert cli("predict", moved).stdout == cli("predict", trained).stdout


class TestOfAPanel:
    """Two series of unlike length in one time zone, with quantiles."""

    def test_every_series_is_forecast_after_its_own_last_row(
        self, cli: Cli, trained_panel: Path
    ) -> None:
        """Ids are text, times keep their zone, quantiles stand in the order of their levels."""
        result = cli("predict", trained_panel)
        header = "unique_id,ds,cutoff,step,y_hat,q0.1,q0.5,q0.9"
        assert result.stdout.splitlines()[0] == header
        rows = _rows(result)
        assert [(row["unique_id"], row["step"]) for row in rows] == [
            (house, str(step)) for house in ("007", "NE") for step in range(1, 13)
        ]
        assert (rows[0]["cutoff"], rows[0]["ds"]) == (
            "2020-01-09T07:00:00+05:30",
            "2020-01-09T08:00:00+05:30",
        )
        assert (rows[12]["cutoff"], rows[23]["ds"]) == (
            "2020-01-10T03:00:00+05:30",
            "2020-01-10T15:00:00+05:30",
        )
        for row in rows:
            assert float(row["q0.1"]) <= float(row["q0.5"]) <= float(row["q0.9"])
            assert float(row["q0.1"]) <= float(row["y_hat"]) <= float(row["q0.9"])

    def test_quantiles_are_those_that_are_asked_for(self, cli: Cli, trained_panel: Path) -> None:
        """Others than the config's; the forecast itself stays."""
        rows = _rows(cli("predict", trained_panel, "--quantiles", "0.25,0.75"))
        usual = _rows(cli("predict", trained_panel))
        assert list(rows[0])[5:] == ["q0.25", "q0.75"]
        assert [row["y_hat"] for row in rows] == [row["y_hat"] for row in usual]
        for row, wider in zip(rows, usual, strict=True):
            assert float(wider["q0.1"]) <= float(row["q0.25"])
            assert float(row["q0.75"]) <= float(wider["q0.9"])

    @pytest.mark.parametrize("levels", ["0.9,0.1", "0,0.5", "0.5,0.5", "half", "", "0.1,,0.9"])
    def test_levels_that_can_not_be_are_refused(
        self, cli: Cli, trained_panel: Path, levels: str
    ) -> None:
        """They ascend between 0 and 1."""
        result = cli("predict", trained_panel, "--quantiles", levels)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith(f"error: --quantiles {levels}: ")
        assert result.stderr.endswith("\nWrite 0.1,0.5,0.9.\n")

    def test_newer_rows_of_one_series_leave_the_other(self, cli: Cli, trained_panel: Path) -> None:
        """A gap in the newer rows is bridged as in training."""
        stdin = (
            "house,hour,load\n"
            "007,2020-01-09T08:00:00+05:30,139\n"
            "007,2020-01-09T09:00:00+05:30,\n"
            "007,2020-01-09T10:00:00+05:30,115\n"
        )
        rows = _rows(cli("predict", trained_panel, "--input", "-", stdin=stdin))
        usual = _rows(cli("predict", trained_panel))
        assert rows[0]["cutoff"] == "2020-01-09T10:00:00+05:30"
        assert rows[12:] == usual[12:]

    def test_a_new_series_is_forecast_as_the_others_are(
        self, cli: Cli, trained_panel: Path, panel_table: str
    ) -> None:
        """Like one that it knows, where it went as that one did: its scales are its own rows'."""
        table = "".join(
            line.replace("007", "new")
            for line in panel_table.splitlines(keepends=True)
            if not line.startswith("NE")
        )
        result = cli("predict", trained_panel, "--input", "-", stdin=table)
        rows = list(csv.DictReader(StringIO(result.stdout)))
        usual = _rows(cli("predict", trained_panel))
        assert rows[: len(usual)] == usual
        new = rows[len(usual) :]
        assert [(row["unique_id"], row["ds"]) for row in new] == [
            ("new", row["ds"]) for row in usual[:12]
        ]
        for row, same in zip(new, usual[:12], strict=True):
            assert float(row["y_hat"]) == pytest.approx(float(same["y_hat"]), rel=1e-6)
            assert float(row["q0.1"]) < float(row["y_hat"]) < float(row["q0.9"])
        warning = "new to the network, which forecasts them as it does the others: new."
        assert (result.returncode, result.stderr) == (0, f"warning: {warning}\n")

    def test_a_new_series_that_is_too_short_is_refused(self, cli: Cli, trained_panel: Path) -> None:
        """As a name that was mistyped would be; the nearest is suggested."""
        stdin = "house,hour,load\n07,2020-01-09T08:00:00+05:30,139\n"
        result = cli("predict", trained_panel, "--input", "-", stdin=stdin)
        assert (result.returncode, result.stdout, result.stderr) == (
            4,
            "",
            (
                "error: standard input: the run has no series 07, and to forecast one that is new "
                "it takes 48 rows, not 1.\nDid you mean `007`?\n"
            ),
        )

    def test_intervals_reach_as_far_as_they_are_calibrated(
        self, cli: Cli, trained_panel: Path
    ) -> None:
        """Beyond that the forecast alone can be had."""
        too_far = cli("predict", trained_panel, "--horizon", "13")
        assert (too_far.returncode, too_far.stdout, too_far.stderr) == (
            5,
            "",
            (
                "error: intervals are calibrated for 12 steps, not 13.\n"
                "Train with a longer predict.horizon.\n"
            ),
        )


def test_a_season_that_was_taken_out_is_put_back_where_it_was(
    cli: Cli, project: Path, airline_lines: Sequence[str]
) -> None:
    """July stands out and November is low; a last year that is the same gives the same."""
    options = ["training.epochs=2", "transforms=[log, deseasonalize, minmax]"]
    settings = [word for option in options for word in ("--set", option)]
    assert cli("train", "--config", "air.yaml", *settings).returncode == 0
    usual, newer = cli("predict", "--horizon", "12"), cli("predict", "--input", "-", stdin=NEWER)
    for result in (usual, newer):
        by_month = {row["ds"][5:7]: float(row["y_hat"]) for row in _rows(result)}
        assert max(by_month, key=by_month.__getitem__) == "07"
        assert min(by_month, key=by_month.__getitem__) == "11"
    later = "\n".join([airline_lines[0], *airline_lines[-12:]]).replace("1960", "1970")
    assert _y_hat(cli("predict", "--input", "-", stdin=later)) == _y_hat(usual)


def test_the_airline_forecast_is_of_the_size_of_the_airline(
    cli: Cli, run: Path, airline_values: Sequence[float]
) -> None:
    """In the units of the data, not in scaled ones."""
    forecasts = np.array(_y_hat(cli("predict")))
    assert min(airline_values) < forecasts.min()
    assert forecasts.max() < max(airline_values)
