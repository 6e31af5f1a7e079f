"""Known covariates of the steps to come: `data.future`, `--future`, `--scenario`, `--set-known`."""

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

Cli = Callable[..., CompletedProcess[str]]
Row = dict[str, object]

CONFIG = """\
data:
  path: sales.csv
  time: day
  target: sold
  id: shop
  covariates:
    past: [visitors, clicks, stock]
    known: [price, promo, holiday, rain, temp]
    static: [region, size, x, y]
split: {test: 12, validation: 8}
transforms: [standard]
window: {context_length: 7, horizon: 3}
model: {kind: mlp, layers: [8]}
training: {epochs: 2, learning_rate: 0.01}
predict: {horizon: 4}
"""
KNOWN = ("price", "promo", "holiday", "rain", "temp")
ROWS, AHEAD = 70, 6
BEGIN = date(2023, 1, 1)


def rows_of(begin: int, end: int) -> list[Row]:
    """The sales of two shops; what is known follows from shop and day."""
    rows: list[Row] = []
    for shop, region, size in (("north", "hill", 3), ("south", "sea", 7)):
        random = np.random.default_rng(size)
        for i in range(end):
            price, promo, rain, temp = np.array([10, 0, 0, 0]) + random.normal(size=4).round(2)
            holiday = {0: "fair", 6: "Sunday"}.get(i % 7, "")
            y = 50 + 8 * size - 3 * price + 5 * (holiday == "fair") + random.normal()
            rows.append(
                {
                    "day": (BEGIN + timedelta(i)).isoformat(), "shop": shop, "sold": round(y, 2),
                    "visitors": round(2 * y), "clicks": round(3 * y), "stock": round(y / 9, 1),
                    "price": price, "promo": promo, "holiday": holiday, "rain": rain, "temp": temp,
                    "region": region, "size": size, "x": size / 3, "y": -size,
                }
            )  # fmt: skip
        rows[-end:] = rows[begin - end :]
    return rows


def text_of(rows: Iterable[Row], columns: Sequence[str] | None = None) -> str:
    """Rows as CSV, of some columns or all."""
    rows, out = list(rows), StringIO()
    writer = csv.DictWriter(
        out, columns or list(rows[0]), extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def ahead(columns: Sequence[str] = ("day", "shop", *KNOWN), changes: Row | None = None) -> str:
    """The table of what comes after the last row, some of it changed."""
    return text_of((row | (changes or {}) for row in rows_of(ROWS, ROWS + AHEAD)), columns)


def forecasts(result: CompletedProcess[str]) -> pd.DataFrame:
    """What `predict` printed."""
    assert result.returncode == 0, result.stderr
    return pd.read_csv(StringIO(result.stdout))


@pytest.fixture(scope="session")
def sales(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> CompletedProcess[str]:
    """A training with 5 known, 3 past and 4 static covariates, two of them words."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        (folder / "sales.csv").write_text(text_of(rows_of(0, ROWS)))
        (folder / "sales.yaml").write_text(CONFIG)
        return [cli_in("train", "--config", "sales.yaml", "--name", "sales", cwd=folder)]

    (result,) = once("sales", train)
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture
def run(sales: CompletedProcess[str], tmp_path: Path) -> Path:
    """A copy of that run, as `latest`, beside a table of what comes next."""
    copy = tmp_path / "runs" / "sales"
    shutil.copytree(sales.stdout.strip(), copy)
    (copy.parent / "latest").symlink_to(copy.name)
    (tmp_path / "next.csv").write_text(ahead())
    (tmp_path / "sales.csv").write_text(text_of(rows_of(0, ROWS)))
    (tmp_path / "sales.yaml").write_text(CONFIG)
    return copy


def test_what_lacks_is_named(cli: Cli, run: Path) -> None:
    """The columns, the series and the dates, and what may be done."""
    result = cli("predict")
    assert (result.returncode, result.stdout) == (4, "")
    what = "known of the future, and ha"
    when = "of north from 2023-03-12 to 2023-03-15, and of 1 other series.\n"
    assert result.stderr == (
        f"error: `price`, `promo`, `holiday`, `rain`, `temp` are {what}ve no values {when}"
        "Give their values: `--future FILE` with these dates, `--set-known NAME=VALUE`, or rows of "
        "the table whose target is blank.\n"
    )
    values = {name: "" if name == "holiday" else "1" for name in KNOWN[1:]}
    words = [word for own in values.items() for word in ("--set-known", "=".join(own))]
    assert cli("predict", *words).stderr == (
        f"error: `price` is {what}s no value {when}"
        "Give its values: `--future FILE` with these dates, `--set-known price=VALUE`, or rows of "
        "the table whose target is blank.\n"
    )


def test_the_future_comes_from_any_kind_of_table(cli: Cli, run: Path, tmp_path: Path) -> None:
    """A file, a pipe, JSON lines; other columns, another order and earlier rows change nothing."""
    own = forecasts(cli("predict", "--future", "next.csv"))
    assert own["ds"].tolist() == [f"2023-03-{day}" for day in (12, 13, 14, 15)] * 2
    assert own["step"].tolist() == [1, 2, 3, 4] * 2
    everything = rows_of(ROWS - 9, ROWS + AHEAD)
    (tmp_path / "all.csv").write_text(text_of(reversed(everything)))
    columns = ("day", "shop", *KNOWN)
    lines = [json.dumps({name: row[name] for name in columns}) for row in everything]
    (tmp_path / "all.jsonl").write_text("\n".join(lines))
    for result in (
        cli("predict", "--future", "-", stdin=ahead()),
        cli("predict", "--future", "all.csv"),
        cli("predict", "--future", "all.jsonl"),
    ):
        pd.testing.assert_frame_equal(forecasts(result), own)


def test_parquet_is_such_a_table(cli: Cli, run: Path, tmp_path: Path) -> None:
    """With dates as dates."""
    pytest.importorskip("pyarrow")
    table = pd.read_csv(tmp_path / "next.csv", parse_dates=["day"])
    table.to_parquet(tmp_path / "next.parquet")
    one, other = (cli("predict", "--future", f"next.{kind}") for kind in ("csv", "parquet"))
    pd.testing.assert_frame_equal(forecasts(one), forecasts(other))


def test_every_known_column_counts(cli: Cli, run: Path) -> None:
    """Each that is set to another value moves the forecasts."""
    own = forecasts(cli("predict", "--future", "next.csv"))
    for name in KNOWN:
        value = "fair" if name == "holiday" else "17"
        set_ = cli("predict", "--future", "next.csv", "--set-known", f"{name}={value}")
        assert (own["y_hat"] != forecasts(set_)["y_hat"]).sum() >= 6


def test_a_constant_is_the_same_as_a_table_of_it(cli: Cli, run: Path) -> None:
    """Of all known columns, a blank word among them, or of one on top of a table."""
    words = [word for name in KNOWN if name != "holiday" for word in ("--set-known", f"{name}=2.5")]
    constants: Row = dict.fromkeys(KNOWN, 2.5) | {"holiday": ""}
    by_hand = cli("predict", *words, "--set-known", "holiday=")
    table = cli("predict", "--future", "-", stdin=ahead(changes=constants))
    pd.testing.assert_frame_equal(forecasts(by_hand), forecasts(table))
    missing = cli("predict", *words, "--set-known", "holiday=NA")
    pd.testing.assert_frame_equal(forecasts(missing), forecasts(table))
    one = cli("predict", "--future", "next.csv", "--set-known", "price=9.5")
    table = cli("predict", "--future", "-", stdin=ahead(changes={"price": 9.5}))
    pd.testing.assert_frame_equal(forecasts(one), forecasts(table))


def test_a_column_that_is_set_need_not_be_in_the_table(cli: Cli, run: Path) -> None:
    """All others have to."""
    columns = ("day", "shop", *KNOWN[1:])
    words = ("predict", "--future", "-")
    set_ = cli(*words, "--set-known", "price=9.5", stdin=ahead(columns))
    pd.testing.assert_frame_equal(
        forecasts(set_), forecasts(cli(*words, stdin=ahead(changes={"price": 9.5})))
    )
    result = cli(*words, stdin=ahead(columns))
    assert (result.returncode, result.stdout) == (4, "")
    assert result.stderr.startswith("error: standard input has no column `price`")


def test_scenarios_have_their_names_and_forecasts(cli: Cli, run: Path, tmp_path: Path) -> None:
    """Each is what `--future` would give; one with a few columns lies over the others."""
    (tmp_path / "cheap.csv").write_text(ahead(changes={"price": 5}))
    (tmp_path / "dear.csv").write_text(ahead(("day", "shop", "price"), {"price": 15}))
    result = cli(
        "predict", "--future", "next.csv", "--scenario", "cheap.csv", "--scenario", "dear.csv"
    )
    table = forecasts(result)
    assert list(table) == ["unique_id", "ds", "cutoff", "step", "y_hat", "scenario"]
    assert table["scenario"].unique().tolist() == ["as_known", "cheap", "dear"]
    for name, price in (("cheap", 5), ("dear", 15), ("as_known", None)):
        own = table[table["scenario"] == name].drop(columns="scenario").reset_index(drop=True)
        changes: Row = {} if price is None else {"price": price}
        alone = forecasts(cli("predict", "--future", "-", stdin=ahead(changes=changes)))
        pd.testing.assert_frame_equal(own, alone)
    # Of what is not known without them, there is no such case.
    table = forecasts(cli("predict", "--scenario", "cheap.csv"))
    assert table["scenario"].unique().tolist() == ["cheap"]
    # What is set holds in each case.
    words = ("--future", "next.csv", "--set-known", "promo=1", "--scenario", "dear.csv")
    table = forecasts(cli("predict", *words))
    cases: dict[str, Row] = {"as_known": {}, "dear": {"price": 15}}
    for name, changes in cases.items():
        own = table[table["scenario"] == name].drop(columns="scenario").reset_index(drop=True)
        both = ahead(changes={"promo": 1, **changes})
        pd.testing.assert_frame_equal(own, forecasts(cli("predict", "--future", "-", stdin=both)))


def test_what_is_set_and_a_scenario_do_not_contradict(cli: Cli, run: Path, tmp_path: Path) -> None:
    """One of them would not count."""
    (tmp_path / "dear.csv").write_text(ahead(("day", "shop", "price"), {"price": 15}))
    words = ("--future", "next.csv", "--scenario", "dear.csv", "--set-known", "price=7")
    result = cli("predict", *words)
    assert (result.returncode, result.stdout, result.stderr) == (
        2,
        "",
        (
            "error: --set-known price: --scenario dear.csv has the column `price` too.\n"
            "Leave one of them out: a scenario is a case of its own.\n"
        ),
    )


@pytest.mark.parametrize(
    ("words", "of"),
    [
        (("--future", "next.csv"), "--future"),
        (("--input", "next.csv"), "--input"),
        (("--scenario", "next.csv"), "--scenario next.csv"),
    ],
)
def test_an_output_that_is_an_input_is_refused(
    cli: Cli, run: Path, tmp_path: Path, words: tuple[str, ...], of: str
) -> None:
    """It stays as it was, whatever it is called."""
    before = (tmp_path / "next.csv").read_text()
    (tmp_path / "also.csv").symlink_to("next.csv")
    for output in ("next.csv", tmp_path / "next.csv", "also.csv"):
        result = cli("predict", *words, "--output", output)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr == (
            f"error: --output {output} is the file of {of}, which would be lost.\n"
            "Give another --output.\n"
        )
    assert (tmp_path / "next.csv").read_text() == before


def test_an_output_that_is_the_data_of_the_run_is_refused(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    """Where it still lies where it was; a backtest refuses its own as well."""
    told = ("train", "--config", "sales.yaml", "--name", "told", "--set", "training.epochs=1")
    result = cli(*told)
    assert result.returncode == 0, result.stderr
    assert result.stderr.endswith(
        "next: forecast predict --future future.csv --output forecast.csv; "
        "forecast plot --future future.csv\n"
    )
    before = (tmp_path / "sales.csv").read_text()
    for words in (
        ("predict", "told", "--future", "next.csv"),
        ("backtest", "--config", "sales.yaml", "--set", "data.path=sal*.csv"),
    ):
        result = cli(*words, "--output", "sales.csv")
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr == (
            "error: --output sales.csv is the file of data.path, which would be lost.\n"
            "Give another --output.\n"
        )
    assert (tmp_path / "sales.csv").read_text() == before


@pytest.mark.parametrize(
    ("change", "stderr"),
    [
        (
            lambda text: text.replace("price", "cost"),
            "error: standard input has no column `price` (data.covariates).\n",
        ),
        (
            lambda text: text.replace("south", "soth"),
            "error: standard input: there is no series soth to forecast.\nDid you mean `south`?\n",
        ),
        (
            lambda text: text + text.splitlines()[1] + "\n",
            (
                "error: standard input: 2023-03-12 of north stands more than once, in lines 2, 14; "
                "1 rows are repeated in all.\nKeep one row for each series and date.\n"
            ),
        ),
        (
            lambda text: text.replace("2023-03-14,north", "2023-03-14T12:00,north"),
            (
                "error: standard input: 2023-03-14T12:00:00 of north is no step of the frequency D "
                "after 2023-03-11"
            ),
        ),
        (
            lambda text: "".join(
                line.replace(",", "T00:00Z,", 1) if i else line
                for i, line in enumerate(text.splitlines(keepends=True))
            ),
            (
                "error: standard input: the times are in zone UTC, and those of the series in "
                "None.\nWrite them as the table of the targets does.\n"
            ),
        ),
        (
            lambda text: "\n".join(
                line for line in text.split("\n") if not line.startswith("2023-03-14,south")
            ),
            (
                "error: `price`, `promo`, `holiday`, `rain`, `temp` are known of the future, and "
                "have no values of south on 2023-03-14.\nGive their values: `--future FILE` with "
                "this date,"
            ),
        ),
        (
            lambda text: "\n".join(
                line if i != 1 else line.replace(line.split(",")[2], "cheap")
                for i, line in enumerate(text.split("\n"))
            ),
            (
                "error: standard input: `price` is 'cheap', not a number, in line 2.\n"
                'If it stands for a missing value, say so: `data.na_values: ["cheap"]`. The run '
                "was fitted to numbers in `price`: give numbers, or train again.\n"
            ),
        ),
        (
            lambda text: text.replace(",Sunday,", ",1,").replace(",fair,", ",1,"),
            "error: standard input: `holiday` is 1, a number, and the run was fitted to words such",
        ),
        (lambda _: "", "error: standard input is empty.\n"),
        (
            lambda text: "\n".join(line for line in text.split("\n") if "north" not in line),
            "error: `price`, `promo`, `holiday`, `rain`, `temp` are known of the future, and have",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    cli: Cli, run: Path, change: Callable[[str], str], stderr: str
) -> None:
    """With what is wrong, where, and the way out; nothing is printed."""
    result = cli("predict", "--future", "-", stdin=change(ahead()))
    assert (result.returncode, result.stdout) == (4, "")
    assert result.stderr.startswith(stderr)


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        (("--set-known", "pric=9"), "no known covariate `pric`.\nDid you mean `price`?\n"),
        (("--set-known", "price"), "--set-known price: write NAME=VALUE, such as price=9.99.\n"),
        (("--set-known", "price=low"), "price=low: the run has numbers in that column.\n"),
        (("--set-known", "price=9,90"), "numbers in that column.\nWrite 9.90.\n"),
        (("--set-known", "price=1,250"), "numbers in that column.\nWrite 1.250 or 1250.\n"),
        (("--set-known", "price=1_0"), "price=1_0: the run has numbers in that column.\n"),
        (("--set-known", "price=nan"), "price=nan: write a finite number.\n"),
        (("--set-known", "price=1", "--set-known", "price=2"), "`price` is set twice.\n"),
        (("--set-known", "clicks=9"), "`clicks` is a past covariate, of which no future is"),
        (("--set-known", "region=sea"), "`region` is a static covariate, of which no future is"),
        (("--future", "-", "--input", "-"), "standard input can be one table alone.\n"),
        (("--scenario", "-"), "a scenario is called as its file is.\n"),
        (("--scenario", "as_known.csv"), "as_known is the case without any scenario.\n"),
        (("--scenario", "a/x.csv", "--scenario", "b/x.csv"), "there are two scenarios x.\n"),
    ],
)
def test_words_that_no_run_could_take_are_refused_with_2(
    cli: Cli, run: Path, words: tuple[str, ...], stderr: str
) -> None:
    """Before any table is read."""
    result = cli("predict", *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert stderr in result.stderr


def test_an_unknown_word_counts_as_none_and_is_said(cli: Cli, run: Path) -> None:
    """In one line; the forecast is that of a word that is neither of those that were fitted."""
    result = cli("predict", "--future", "-", stdin=ahead(changes={"holiday": "strike"}))
    assert result.stderr == (
        "warning: `holiday`: 'strike', in 8 rows, was not in the training rows (blank, 'Sunday', "
        "'fair') and counts as none of these.\n"
    )
    other = cli("predict", "--future", "-", stdin=ahead(changes={"holiday": "storm"}))
    pd.testing.assert_frame_equal(forecasts(result), forecasts(other))
    blank = cli("predict", "--future", "-", stdin=ahead(changes={"holiday": ""}))
    assert not forecasts(blank).equals(forecasts(other))


def test_a_word_that_is_near_another_is_asked_about(cli: Cli, run: Path) -> None:
    """One that is written otherwise is another word."""
    result = cli("predict", "--future", "next.csv", "--set-known", "holiday=FAIR")
    assert result.stderr == (
        "warning: `holiday`: 'FAIR', in 8 rows, was not in the training rows (blank, 'Sunday', "
        "'fair') and counts as none of these; did you mean `fair`?\n"
    )


def test_a_number_that_is_far_from_all_that_were_fitted_is_said(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    """Once a column; a point that lacks is asked about where it would help."""
    state = json.loads((run / "features.json").read_text())
    low, high = state["known"][0]["extent"]
    prices = [float(str(row["price"])) for row in rows_of(0, ROWS)]
    assert min(prices) <= low < high <= max(prices)
    words = ("predict", "--future", "next.csv", "--set-known")
    assert cli(*words, f"price={2 * high - low - 0.01}").stderr == ""
    had = f"the training rows had {low:g} to {high:g}: such forecasts are a guess."
    result = cli(*words, f"price={2 * high - low + 0.01}")
    assert result.returncode == 0
    assert result.stderr.startswith("warning: `price` is ")
    assert result.stderr.endswith(f" in 8 rows; {had}\n")
    (tmp_path / "dear.csv").write_text(ahead(("day", "shop", "price"), {"price": 990}))
    assert cli("predict", "--scenario", "dear.csv", "--future", "-", stdin=ahead()).stderr == (
        f"warning: `price` is 990 in 8 rows; {had} Is a decimal point missing?\n"
    )
    later = newer(blank=4, changes={"clicks": 1e6})
    assert cli("predict", "--input", "-", stdin=later).stderr.startswith(
        "warning: `clicks` is 1e+06 in 4 rows; the training rows had "
    )


@pytest.mark.parametrize("how", ["data.future", "blank targets"])
def test_a_training_keeps_what_it_was_told_of_the_future(
    cli: Cli, run: Path, tmp_path: Path, how: str
) -> None:
    """As a table of its own, or as rows without a target; the weights are the same."""
    words = ["train", "--config", "sales.yaml", "--name", "told"]
    if how == "data.future":
        words += ["--set", "data.future=next.csv"]
    else:
        to_come = [row | {"sold": "", "visitors": ""} for row in rows_of(ROWS, ROWS + AHEAD)]
        (tmp_path / "sales.csv").write_text(text_of([*rows_of(0, ROWS), *to_come]))
    result = cli(*words)
    assert result.returncode == 0, result.stderr
    weights = [tmp_path / "runs" / name / "weights.npy" for name in ("told", "sales")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    record = json.loads((tmp_path / "runs" / "told" / "data.json").read_text())
    content = (tmp_path / "next.csv").read_bytes() if how == "data.future" else None
    assert record["future_sha256"] == (content and hashlib.sha256(content).hexdigest())
    told = forecasts(cli("predict", "told"))
    pd.testing.assert_frame_equal(told, forecasts(cli("predict", "sales", "--future", "next.csv")))
    assert cli("predict", "told", "--horizon", "7").returncode == 4


def test_a_run_without_known_covariates_takes_none(cli: Cli, tmp_path: Path, trained: Path) -> None:
    """It would change nothing, in silence."""
    result = cli("predict", trained, "--set-known", "price=1")
    assert (result.returncode, result.stdout, result.stderr) == (
        2,
        "",
        (
            "error: the run has no known covariates: of the future it is told nothing.\n"
            "Train with `data.covariates: {known: [...]}`.\n"
        ),
    )


# --- newer rows ----------------------------------------------------------------------------------


def newer(blank: int = AHEAD - 2, changes: Row | None = None) -> str:
    """Two rows more of each shop, and behind them rows without a target."""
    rows = []
    for i, row in enumerate(rows_of(ROWS, ROWS + AHEAD)):
        if i % AHEAD < 2:
            rows.append(row | (changes or {}))
        elif i % AHEAD < 2 + blank:
            rows.append(row | {"sold": "", "visitors": "", "clicks": "", "stock": ""})
    return text_of(rows)


def test_newer_rows_bring_their_covariates_and_the_future(cli: Cli, run: Path) -> None:
    """As a table with more rows would; blank targets at its end are the future, or a table is."""
    result = cli("predict", "--input", "-", stdin=newer())
    table = forecasts(result)
    assert table["cutoff"].unique().tolist() == ["2023-03-13"]
    to_come = [row for i, row in enumerate(rows_of(ROWS, ROWS + AHEAD)) if i % AHEAD >= 2]
    (run.parent.parent / "later.csv").write_text(text_of(to_come, ("day", "shop", *KNOWN)))
    apart = cli("predict", "--input", "-", "--future", "later.csv", stdin=newer(blank=0))
    pd.testing.assert_frame_equal(forecasts(apart), table)
    whole = text_of(
        row if str(row["day"]) < "2023-03-14" else row | {"sold": ""}
        for row in rows_of(0, ROWS + AHEAD)
    )  # fmt: skip
    pd.testing.assert_frame_equal(forecasts(cli("predict", "--input", "-", stdin=whole)), table)
    # Each of the columns counts.
    for name, value in (("visitors", 900), ("price", 30), ("holiday", "fair")):
        other = forecasts(cli("predict", "--input", "-", stdin=newer(changes={name: value})))
        assert not other.equals(table), name


def test_newer_rows_leave_what_is_known_of_the_future(cli: Cli, run: Path, tmp_path: Path) -> None:
    """What the run was told of it counts as long as no row of the table says something else."""
    told = ("train", "--config", "sales.yaml", "--name", "told")
    assert cli(*told, "--set", "data.future=next.csv").returncode == 0
    own = forecasts(cli("predict", "told", "--input", "-", stdin=newer(blank=0)))
    pd.testing.assert_frame_equal(
        own, forecasts(cli("predict", "sales", "--input", "-", stdin=newer()))
    )


@pytest.mark.parametrize(
    ("changes", "stderr"),
    [
        (
            {"region": "lake"},
            (
                "error: standard input: `region` of north is lake, and in the run it is hill.\n"
                "A static covariate stays as it was: correct it, or train again.\n"
            ),
        ),
        ({"size": 8}, "error: standard input: `size` of north is 8, and in the run it is 3.\n"),
        (
            {"price": "cheap"},
            "error: standard input: `price` is 'cheap', not a number, in lines 2, 3, 4, 5.\n",
        ),
        (
            {"holiday": 3},
            (
                "error: standard input: `holiday` is 3, a number, and the run was fitted to words "
                "such as 'fair'.\nGive its words, or train again.\n"
            ),
        ),
    ],
)
def test_newer_rows_of_another_kind_are_refused(
    cli: Cli, run: Path, changes: Row, stderr: str
) -> None:
    """Static covariates that moved, words for numbers, numbers for words."""
    for words in (("predict",), ("evaluate",)):
        result = cli(*words, "--input", "-", stdin=newer(blank=0, changes=changes))
        assert (result.returncode, result.stdout) == (4, "")
        assert result.stderr.startswith(stderr)


def test_newer_rows_are_scored_with_their_covariates(cli: Cli, run: Path) -> None:
    """What they were counts, and a word that is new is said."""
    one = cli("evaluate", "--input", "-", "--format", "csv", stdin=newer())
    assert one.returncode == 0, one.stderr
    changes = {"holiday": "strike", "price": 20}
    other = cli("evaluate", "--input", "-", "--format", "csv", stdin=newer(changes=changes))
    assert other.returncode == 0
    assert "`holiday`: 'strike', in 4 rows, was not in the training rows" in other.stderr
    assert other.stdout != one.stdout


def test_forecasts_of_yesterday_need_no_covariates(cli: Cli, run: Path, tmp_path: Path) -> None:
    """To be scored by what came."""
    assert cli("predict", "--future", "next.csv", "--output", "yesterday.csv").returncode == 0
    came = text_of(rows_of(ROWS, ROWS + AHEAD), ("day", "shop", "sold"))
    result = cli("evaluate", "--forecasts", "yesterday.csv", "--input", "-", stdin=came)
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith("8 of 8 forecasts of yesterday.csv are scored.")


# --- going on from a run -------------------------------------------------------------------------


def test_a_training_goes_on_with_the_scales_of_covariates(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    """They are those of the run to the last bit; new words are said. Refitted they are others."""
    rows = rows_of(0, ROWS + 12)
    rows[ROWS]["holiday"] = "strike"
    (tmp_path / "sales.csv").write_text(text_of(rows))
    words = ("train", "--config", "sales.yaml", "--from", "sales", "--set", "training.epochs=1")
    result = cli(*words, "--name", "kept")
    assert result.returncode == 0, result.stderr
    assert "`holiday`: 'strike', in 1 row, was not in the training rows" in result.stderr
    kept, refitted, own = (
        tmp_path / "runs" / name / "features.json" for name in ("kept", "refitted", "sales")
    )
    assert kept.read_bytes() == own.read_bytes()
    refit = ("--name", "refitted", "--set", "training.refit_transforms=true")
    result = cli(*words, *refit)
    assert result.returncode == 0, result.stderr
    now, then = (json.loads(path.read_text())["known"] for path in (refitted, own))
    assert now[0]["location"] != then[0]["location"]
    assert now[2]["levels"] == then[2]["levels"]


@pytest.mark.parametrize(
    ("words", "code", "stderr"),
    [
        (
            ("--set", "data.covariates.past=[visitors,clicks]"),
            3,
            '`data.covariates.past` is ["visitors", "clicks"], and in the run sales ["visitors',
        ),
        (("--set", "data.covariates.scale=minmax"), 3, '`data.covariates.scale` is "minmax"'),
        (
            ("--set", "data.covariates.categories=[size]"),
            4,
            "`size` is a column of words, and the run was fitted to numbers in it.",
        ),
    ],
)
def test_other_covariates_than_those_of_the_run_are_named(
    cli: Cli, run: Path, tmp_path: Path, words: tuple[str, ...], code: int, stderr: str
) -> None:
    """Before anything is trained."""
    (tmp_path / "sales.csv").write_text(text_of(rows_of(0, ROWS + 12)))
    result = cli("train", "--config", "sales.yaml", "--from", "sales", *words)
    assert (result.returncode, result.stdout) == (code, "")
    assert stderr in result.stderr


# --- before training, and looking at a run -------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "stderr"),
    [
        (
            "data.covariates.past=[day]",
            "`day` is a covariate in data.covariates.past, and data.time",
        ),
        ("data.covariates.known=[sold]", "data.covariates.known, and data.target too."),
        ("data.covariates.static=[shop]", "data.covariates.static, and data.id too."),
        ("data.covariates.past=[price]", "and data.covariates.past too."),
        ("data.covariates.past=[ds]", "a covariate can not be called `ds`"),
        ("data.covariates.past=[clicks,clicks]", "data.covariates.past, twice."),
        ("data.covariates.categories=[other]", "`other` is among the categories, and is no"),
        ("data.resample={freq: W, how: sum, covariates: {sold: max}}", "`sold` is no covariate"),
        ("data.covariates.known=[]", "`data.future` gives known covariates, and there are"),
    ],
)
def test_columns_that_can_be_no_covariates_are_refused_with_3(
    cli: Cli, run: Path, setting: str, stderr: str
) -> None:
    """Before the table is read."""
    words = ("--set", "data.future=next.csv", "--set", "data.path=no.csv", "--set", setting)
    result = cli("check", "--config", "sales.yaml", *words)
    assert (result.returncode, result.stdout) == (3, "")
    assert stderr in result.stderr


def test_check_says_of_which_sort_each_column_is(cli: Cli, run: Path, tmp_path: Path) -> None:
    """Its words and how many values are missing; and what a forecast will need."""
    rows = rows_of(0, ROWS)
    rows[5]["price"] = rows[9]["price"] = ""
    (tmp_path / "sales.csv").write_text(text_of(rows))
    result = cli("check", "--config", "sales.yaml", "--format", "json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    own = {one["name"]: one for one in found["covariates"]}
    assert list(own) == ["visitors", "clicks", "stock", *KNOWN, "region", "size", "x", "y"]
    assert own["price"] == {
        "name": "price", "part": "known", "kind": "numbers", "levels": [], "missing": 2
    }  # fmt: skip
    assert own["holiday"]["levels"] == ["", "Sunday", "fair"]
    assert own["region"]["part"] == "static"
    assert any("what they were last: 2 of `price`" in line for line in found["warnings"])
    assert any(f"after the last row: {', '.join(KNOWN)}." in line for line in found["warnings"])
    told = cli("check", "--config", "sales.yaml", "--set", "data.future=next.csv")
    assert "after the last row" not in told.stdout


def test_a_run_without_a_future_is_drawn_and_shown(cli: Cli, run: Path, tmp_path: Path) -> None:
    """What comes next is left out of the figure, and why is said."""
    result = cli("plot", "--format", "svg", "--output", "figures/")
    assert result.returncode == 0, result.stderr
    assert result.stderr == (
        "warning: what comes next is not drawn: `price`, `promo`, `holiday`, `rain`, `temp` are "
        "known of the future, and have no values of north from 2023-03-12 to 2023-03-15, and of 1 "
        "other series.\nGive their values: `--future FILE` with these dates, `--set-known "
        "NAME=VALUE`, or rows of the table whose target is blank.\n"
    )
    assert "after the last row" not in (tmp_path / "figures" / "forecast.svg").read_text()
    for words in (("runs", "show"), ("runs", "verify"), ("evaluate",)):
        assert cli(*words).returncode == 0


def _replace(run: Path, name: str, text: str) -> None:
    """Another file of the run, as if it had been written with it."""
    (run / name).write_text(text)
    record = json.loads((run / "run.json").read_text())
    record["checksums"][name] = hashlib.sha256(text.encode()).hexdigest()
    (run / "run.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("known", {"scale": 0}),
        ("known", {"scale": -1.0}),
        ("known", {"scale": float("nan")}),
        ("past", {"location": float("inf")}),
        ("static", {"levels": ["hill", "hill"]}),
        ("static", {"levels": [1, 2]}),
        ("static", {"seen": ["lake"]}),
        ("static", {"name": "x"}),
    ],
)
def test_what_no_fit_could_give_is_a_damaged_run(
    cli: Cli, run: Path, part: str, change: dict[str, object]
) -> None:
    """Instead of forecasts that are silently others; the file is named."""
    state = json.loads((run / "features.json").read_text())
    state[part][0] |= change
    _replace(run, "features.json", json.dumps(state))
    result = cli("predict", "--future", "next.csv")
    assert (result.returncode, result.stdout) == (5, "")
    assert "features.json is damaged: " in result.stderr


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: [*rows, rows[-1]], "it has two rows of one date"),
        (lambda rows: [*rows[:-1], rows[-1].replace(",sea,", ",hill,")], "what is static changes"),
        (lambda rows: [*rows[:-1], re.sub(r"[\d.]+(?=,sea)", "inf", rows[-1])], "it has a number"),
    ],
)
def test_rows_that_no_training_wrote_are_a_damaged_run(
    cli: Cli, run: Path, change: Callable[[list[str]], list[str]], why: str
) -> None:
    """Rows that are repeated, and a region that moves."""
    rows = (run / "covariates.csv").read_text().splitlines()
    _replace(run, "covariates.csv", "\n".join(change(rows)) + "\n")
    result = cli("predict", "--future", "next.csv")
    assert (result.returncode, result.stdout) == (5, "")
    assert f"covariates.csv is damaged: {why}" in result.stderr


def test_a_country_that_nobody_knows_is_a_damaged_run(cli: Cli, run: Path) -> None:
    """Which the library of holidays says by an error of its own kind."""
    pytest.importorskip("holidays")
    config = (run / "resolved.yaml").read_text()
    _replace(run, "resolved.yaml", config.replace("  holidays:\n", "  holidays: [DE]\n"))
    state = json.loads((run / "features.json").read_text())
    state["dated"] = {"holidays": {"places": ["Atlantis"], "is_longer": False}}
    _replace(run, "features.json", json.dumps(state))
    result = cli("predict", "--future", "next.csv")
    assert (result.returncode, result.stdout) == (5, "")
    assert "features.json is damaged: it does not fit data.json" in result.stderr


def test_what_comes_next_is_drawn_of_a_future_that_is_given(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    """With the options of `predict`, what is strange and what still lacks among them."""
    words = ("plot", "forecast", "--format", "svg", "--output", "-")
    one = cli(*words, "--future", "-", stdin=ahead())
    assert (one.returncode, one.stderr) == (0, "")
    assert "after the last row 4 steps" in one.stdout
    other = cli(*words, "--future", "next.csv", "--set-known", "price=990")
    assert other.returncode == 0
    assert other.stderr.startswith("warning: `price` is 990 in 8 rows; ")
    for options, code, stderr in (
        (("--set-known", "price=9"), 4, "error: `promo`, `holiday`, `rain`, `temp` are known of"),
        (("--set-known", "pric=9"), 2, "error: --set-known pric=9: the run has no known covariate"),
        (("residuals", "--future", "next.csv"), 2, "error: --future and --set-known are for the"),
    ):
        result = cli("plot", *options, "--output", "none/")
        assert (result.returncode, result.stdout) == (code, "")
        assert result.stderr.startswith(stderr)
        assert not (tmp_path / "none").exists()
