"""`forecast init`: a commented config to start from."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from forecast.commands.init import init_example
from forecast.errors import UsageError
from forecast.jobs.job import prepare

Cli = Callable[..., CompletedProcess[str]]


def test_the_example_is_written_with_its_data(cli: Cli, tmp_path: Path, airline_csv: Path) -> None:
    """The config of the repository, beside its table; what to type next is said."""
    result = cli("init", "--example", "airline")
    assert (result.returncode, result.stdout, result.stderr) == (
        0,
        "air.yaml\nair-best.yaml\nairline-passengers.csv\n",
        "next: forecast train --config air.yaml\n",
    )
    assert (tmp_path / "airline-passengers.csv").read_bytes() == airline_csv.read_bytes()
    ours = (airline_csv.parents[1] / "configs" / "air.yaml").read_text()
    assert (tmp_path / "air.yaml").read_text() == ours.replace("../data/", "")
    assert cli("check", "--config", "air.yaml").returncode == 0
    assert "members: 5" in cli("check", "--config", "air-best.yaml").stdout  # it extends air.yaml


def test_without_a_name_the_examples_are_listed(cli: Cli, tmp_path: Path) -> None:
    """With their files; an unknown one is refused."""
    result = cli("init", "--example")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "airline: air.yaml, air-best.yaml, airline-passengers.csv\n"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match=r"no example 'airlines'\.\nDid you mean `airline`\?"):
        init_example(tmp_path, "airlines")


@pytest.mark.parametrize("name", ["air.yaml", "air-best.yaml", "airline-passengers.csv"])
def test_nothing_is_overwritten(cli: Cli, tmp_path: Path, name: str) -> None:
    """Of the files none is written where one is there."""
    (tmp_path / name).write_text("mine")
    result = cli("init", "--example", "airline")
    assert (result.returncode, result.stdout, result.stderr) == (
        2,
        "",
        (
            f"error: {name} exists already.\n"
            "Move it away, or write elsewhere: nothing is overwritten.\n"
        ),
    )
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written_is_refused(cli: Cli, tmp_path: Path) -> None:
    """With 2."""
    tmp_path.chmod(0o500)
    assert cli("init", "--example", "airline").returncode == 2
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("arguments", [[], ["table.csv", "--example", "airline"]])
def test_a_table_or_an_example_is_named(cli: Cli, arguments: list[str]) -> None:
    """One of the two."""
    result = cli("init", *arguments)
    assert (result.returncode, result.stdout, result.stderr) == (
        2,
        "",
        "error: name a table, or an example: --example airline\n",
    )


def test_it_is_said_how_many_values_are_made_up(cli: Cli, tmp_path: Path) -> None:
    """A frequency that most of the rows lack: what the error proposes is taken, with a warning.

    What is held back begins after a row that was observed, so that something can be scored.
    """
    table = Path(__file__).parent / "tables" / "irregular.csv"
    refused = cli("init", table)
    assert refused.returncode == 4
    assert "--freq D fills the steps between" in refused.stderr
    result = cli("init", table, "--freq", "D")
    assert (result.returncode, result.stdout) == (0, "irregular.yaml\n")
    assert "\nwarning: 259 of 339 values are filled in, on straight lines" in result.stderr
    config = prepare(tmp_path / "irregular.yaml").config
    assert (config.window.horizon, config.split.test) == (7, 17)


def _months(count: int) -> list[str]:
    return [f"{moment:%Y-%m}" for moment in pd.date_range("2000-01-01", periods=count, freq="MS")]


def _seasonal(count: int) -> np.ndarray:
    """Summers that grow with the level."""
    months = np.arange(count)
    return np.exp(4 + months / 100) * (1 + 0.4 * np.sin(2 * np.pi * months / 12))


@pytest.mark.parametrize(
    ("header", "rows", "wanted"),
    [
        (
            "Month,Passengers",
            [f"{month},{y:.2f}" for month, y in zip(_months(144), _seasonal(144), strict=True)],
            {"time": "Month", "target": "Passengers", "id": None},
        ),
        (
            "shop,when,price,sales",
            [
                f"{shop},{month},9.99,{scale * y:.2f}"
                for shop, scale in (("01", 1), ("02", 5))
                for month, y in zip(_months(60), _seasonal(60), strict=True)
            ],
            {"time": "when", "target": "sales", "id": "shop"},
        ),
        (
            "when,sales",
            [f"{month},{i % 5}" for i, month in enumerate(_months(80))],
            {"time": "when", "target": "sales", "id": None},
        ),
        (
            "when,profit,remark",
            [f"{month},{'' if i == 30 else -(i % 7)},x" for i, month in enumerate(_months(80))],
            {"time": "when", "target": "profit", "id": None},
        ),
    ],
    ids=["one series", "a panel", "zeros", "negative and missing"],
)
def test_a_table_is_looked_at_and_its_config_is_valid(
    cli: Cli, tmp_path: Path, header: str, rows: list[str], wanted: dict[str, str | None]
) -> None:
    """Columns are found, and `check` has nothing against the recipe."""
    (tmp_path / "my sales.csv").write_text("\n".join([header, *rows]) + "\n")
    result = cli("init", "my sales.csv")
    assert (result.returncode, result.stdout) == (0, "my sales.yaml\n")
    seen, *_, following = result.stderr.splitlines()
    assert seen.startswith(f"{len(rows)} rows, ")
    assert following.startswith("next: forecast train --config ")
    checked = cli("check", "--config", "my sales.yaml", "--format", "json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["rows"] == len(rows)
    text = (tmp_path / "my sales.yaml").read_text()
    for key, name in wanted.items():
        assert (f'  {key}: "{name}"\n' in text) if name else (f"\n  {key}:" not in text)


@pytest.mark.parametrize("table", ["-", "/dev/stdin"])
def test_a_table_from_a_pipe_is_read_from_standard_input_again(
    cli: Cli, tmp_path: Path, airline_csv: Path, table: str
) -> None:
    """The name of a pipe leads nowhere later."""
    text = airline_csv.read_text()
    result = cli("init", table, "-o", "air.yaml", stdin=text)
    assert result.returncode == 0, result.stderr
    assert result.stderr.endswith("next: forecast train --config air.yaml < TABLE\n")
    assert '  path: "-"\n' in (tmp_path / "air.yaml").read_text()
    checked = cli("check", "--config", "air.yaml", stdin=text)
    assert checked.returncode == 0, checked.stderr


def test_the_airline_gets_a_logarithm_and_a_season(
    cli: Cli, tmp_path: Path, airline_csv: Path
) -> None:
    """Swings that grow with the level, a season of twelve months."""
    result = cli("init", airline_csv, "-o", "mine.yaml", "--horizon", "6")
    assert result.stderr.splitlines()[0] == (
        "144 rows, 1 series, frequency MS, a season of 12, swings that grow with the level"
    )
    text = (tmp_path / "mine.yaml").read_text()
    assert "\n  - log " in text
    assert "\n    lag: season\n" in text
    assert "\npredict:\n  horizon: 6\n" in text
    assert "\nsplit:\n  test: 6\n" in text


def test_the_recipe_errs_less_than_seasonal_naive(cli: Cli, tmp_path: Path) -> None:
    """On a clear week: repeated, it has the noise of two weeks, and the network need not."""
    rng = np.random.default_rng(0)
    y = 100 + 15 * np.sin(np.arange(420) * 2 * np.pi / 7) + rng.normal(0, 4, 420)
    days = pd.date_range("2022-01-01", periods=420).strftime("%Y-%m-%d")
    pd.DataFrame({"day": days, "sold": y.round(2)}).to_csv(tmp_path / "t.csv", index=False)
    assert cli("init", "t.csv", "--horizon", "84").returncode == 0
    fast = ("--set", "training.ensemble=1", "--set", "training.epochs=60")
    assert cli("train", "--config", "t.yaml", *fast).returncode == 0
    result = cli("evaluate", "--fail-if", "mase > 0.95")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("weekday", [4.0, 0.0])
def test_lags_are_proposed_for_a_cycle_that_the_context_does_not_reach(
    cli: Cli, tmp_path: Path, weekday: float
) -> None:
    """The week of hours, where weekdays differ; as they stand, the lines are valid."""
    hours = pd.date_range("2024-01-01", periods=1200, freq="h")
    y = 50 + 10 * np.sin(hours.hour * np.pi / 12) + weekday * np.cos(hours.day_of_week * np.pi / 3)
    y = y + np.random.default_rng(0).normal(0, 4, len(hours))
    pd.DataFrame({"hour": hours, "load": y.round(2)}).to_csv(tmp_path / "t.csv", index=False)
    assert cli("init", "t.csv").returncode == 0
    text = (tmp_path / "t.yaml").read_text()
    assert "  context_length: 24\n" in text
    assert ("#   lags: [168, 336] " in text) == bool(weekday)
    features = text[text.index("# features:") :].replace("\n# ", "\n")[2:]
    (tmp_path / "t.yaml").write_text(text + features)
    checked = cli("check", "--config", "t.yaml")
    assert checked.returncode == 0, checked.stderr


def test_a_long_season_is_read_season_by_season(cli: Cli, tmp_path: Path) -> None:
    """Also in a short table: quarters of an hour, one by one, would take minutes to train on."""
    quarters = pd.date_range("2024-01-01", periods=96 * 14, freq="15min")
    y = 100 + 20 * np.sin(np.arange(len(quarters)) * 2 * np.pi / 96)
    table = pd.DataFrame({"when": quarters.strftime("%Y-%m-%d %H:%M"), "load": y.round(2)})
    table.to_csv(tmp_path / "t.csv", index=False)
    assert cli("init", "t.csv").returncode == 0
    text = (tmp_path / "t.yaml").read_text()
    assert "  patch_length: season" in text
    assert "  residual_of: seasonal_naive" in text


def test_moves_that_are_tiny_beside_the_level_are_scaled_first(cli: Cli, tmp_path: Path) -> None:
    """Else the floats of a network, of seven digits, would not see them."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2015-01-01", periods=2100).strftime("%Y-%m-%d")
    for name, level in (("near", 10), ("far", 1e12)):
        y = level + rng.normal(0, 1, 2100)
        lines = [f"{day},{value!r}" for day, value in zip(days, map(float, y), strict=True)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["day,y", *lines]) + "\n")
        assert cli("init", f"{name}.csv").returncode == 0
        text = (tmp_path / f"{name}.yaml").read_text()
        assert ("  - standard " in text) is (name == "far")


@pytest.mark.parametrize(
    ("text", "arguments", "code", "stderr"),
    [
        (None, [], 4, "error: can not read the table t.csv: No such file or directory.\n"),
        ("", [], 4, "error: t.csv is empty.\n"),
        (
            "a,b\n1,2\n",
            [],
            4,
            (
                "error: t.csv: no column holds dates.\n"
                "Name it: --time COL, and how its dates are written: --time-format '%d/%m/%Y'. "
                "Columns: a (1), b (2).\n"
            ),
        ),
        (
            "a,b\n2020-01,x\n",
            [],
            4,
            "error: t.csv: no column holds numbers.\nName it: --target COL. b has x\n",
        ),
        (
            "when,sales\n2020-01,1\n",
            ["--target", "sale"],
            4,
            "error: t.csv has no column `sale`.\nDid you mean `sales`?\n",
        ),
        (
            "when,sales\n2020-01,1\n2020-01,2\n2020-02,3\n",
            [],
            4,
            ("error: t.csv: dates repeat, and no column tells series apart.\nName it: --id COL.\n"),
        ),
    ],
    ids=["missing", "empty", "no dates", "no numbers", "another name", "repeated dates"],
)
def test_a_table_that_tells_nothing_is_refused(
    cli: Cli, tmp_path: Path, text: str | None, arguments: list[str], code: int, stderr: str
) -> None:
    """With the option that tells it; no config is left."""
    if text is not None:
        (tmp_path / "t.csv").write_text(text)
    result = cli("init", "t.csv", *arguments)
    assert (result.returncode, result.stdout, result.stderr) == (code, "", stderr)
    assert not (tmp_path / "t.yaml").exists()


@pytest.mark.parametrize(
    "lines",
    [
        ["when,sales", "2020-01,1", "2020-02,2"],
        ["when,sales", *(f"{month},5" for month in _months(40))],
        ["when,sales", *(f"{month},{'' if i % 2 else i}" for i, month in enumerate(_months(40)))],
        ["2020-01,sales", *(f"{month},{i}" for i, month in enumerate(_months(40)))],
        ['"when, ""then""",a: b', *(f"{month},{i}" for i, month in enumerate(_months(60)))],
        ["when,NO", *(f"{month},{i}" for i, month in enumerate(_months(60)))],
        ["when,sales", *(f"{month}-01T00:00:00Z,{i}" for i, month in enumerate(_months(60)))],
        ["when,sales", *(f"20{i:02},{i}" for i in range(60))],
    ],
    ids=["short", "constant", "gaps", "odd header", "quotes", "NO", "zoned months", "years"],
)
def test_an_odd_table_ends_without_a_traceback(
    cli: Cli, tmp_path: Path, lines: Sequence[str]
) -> None:
    """With a config that `check` accepts, or with an error that a person can mend."""
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    result = cli("init", "t.csv")
    assert result.returncode in (0, 4), result.stderr
    if result.returncode == 0:
        checked = cli("check", "--config", "t.yaml")
        assert checked.returncode == 0, checked.stderr


def test_other_columns_are_proposed_as_covariates(cli: Cli, tmp_path: Path) -> None:
    """As comments, which make a valid config once they are none: what they are, a person knows."""
    days = pd.date_range("2023-01-01", periods=120).strftime("%Y-%m-%d")
    random = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "shop": shop,
                "day": days,
                "sold": random.integers(20, 60, 120),
                "promo": random.choice(["yes", "no"], 120),
                "region": region,
                "note": "",
            }
        )
        for shop, region in (("a", "north"), ("b", "south"))
    ]
    pd.concat(parts).to_csv(tmp_path / "sales.csv", index=False)
    result = cli("init", "sales.csv", "--target", "sold")
    assert result.returncode == 0, result.stderr
    assert "not used (they might be covariates): promo, region\n" in result.stderr
    config = tmp_path / "sales.yaml"
    text = config.read_text()
    for line in ("  # covariates:", '  #   known: ["promo"]', '  #   static: ["region"]'):
        assert f"{line}\n" in text
        text = text.replace(line, line.replace("# ", "", 1))
    config.write_text(text)
    checked = cli("check", "--config", "sales.yaml")
    assert checked.returncode == 0, checked.stderr
    assert "promo" in checked.stdout + checked.stderr
