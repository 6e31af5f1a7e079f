"""`forecast check`: every problem of a config and its data at once."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Cli = Callable[..., CompletedProcess[str]]
FINDINGS = """\
config: air.yaml
data: {folder}/airline-passengers.csv
rows: 144
series: 1
first: 1949-01-01
last: 1960-12-01
freq: MS
season_length: 12
members: 1
target: 144 observed, 104 ... 622, mean 280.299
mean absolute error to beat: naive 43.78, seasonal_naive 42.96
windows: 105 train, 27 test
"""


def test_a_person_sees_what_there_is_to_train_on(cli: Cli, project: Path) -> None:
    """A line for each; nothing is written."""
    result = cli("check", "--config", "air.yaml")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == FINDINGS.replace("{folder}", str(project))
    assert sorted(path.name for path in project.iterdir()) == [
        "air-best.yaml",
        "air.yaml",
        "airline-passengers.csv",
    ]


def test_series_that_have_something_stand_in_a_table(cli: Cli, tmp_path: Path) -> None:
    """The worst first, where there are several."""
    rows = [
        f"{shop},2024-01-{day:02},{y}"
        for day in range(1, 31)
        for shop, y in (("steady", 5), ("rare", day % 3), ("gappy", day if day % 4 else ""))
    ]
    (tmp_path / "t.csv").write_text("\n".join(["shop,day,sold", *rows]) + "\n")
    (tmp_path / "t.yaml").write_text(
        "data: {path: t.csv, time: day, target: sold, id: shop, missing: interpolate}\n"
    )
    result = cli("check", "--config", "t.yaml")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    begin = lines.index("series      rows  missing    zeros")
    assert lines[begin + 1 : begin + 4] == [
        "steady        30        0        0  constant",
        "gappy         30        7        0",
        "rare          30        0       10",
    ]


def test_a_program_sees_one_document(cli: Cli, project: Path) -> None:
    """The same as JSON."""
    result = cli("check", "--config", "air.yaml", "--format", "json")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {
        "ok": True,
        "problems": [],
        "config": "air.yaml",
        "data": str(project / "airline-passengers.csv"),
        "rows": 144,
        "series": 1,
        "first": "1949-01-01",
        "last": "1960-12-01",
        "freq": "MS",
        "timezone": None,
        "season_length": 12,
        "members": 1,
        "target": {
            "observed": 144,
            "missing": 0,
            "filled": 0,
            "min": 104.0,
            "mean": pytest.approx(280.2986),
            "max": 622.0,
            "zeros": 0,
        },
        "windows": {"train": 105, "test": 27},
        "baselines": {
            "naive": pytest.approx(43.78, abs=0.01),
            "seasonal_naive": pytest.approx(42.96, abs=0.01),
        },
        "reading": [],
        "worst": [],
        "warnings": [],
        "covariates": [],
    }


def test_a_program_sees_every_problem_with_its_place(cli: Cli, project: Path) -> None:
    """On stdout; what is for people goes to stderr, and the exit code stays."""
    arguments = ["--set", "training.epoch=1", "--set", "model.units=0", "--format", "json"]
    result = cli("check", "--config", "air.yaml", *arguments)
    assert result.returncode == 3
    assert json.loads(result.stdout) == {
        "ok": False,
        "problems": [
            {
                "message": "unknown key `training.epoch`.",
                "advice": "Did you mean `epochs`?",
                "place": "--set",
                "excerpt": "      | training.epoch=1\n      | ^^^^^^^^^^^^^^",
            },
            {
                "message": "`model.units` should be greater than or equal to 1, and is 0.",
                "advice": None,
                "place": "--set",
                "excerpt": "      | model.units=0\n      |             ^",
            },
        ],
    }
    assert result.stderr.count("error: ") == 2


def test_a_leak_is_said(cli: Cli, project: Path) -> None:
    """It is no error: the usual tutorial does it so."""
    arguments = ["--set", "transforms=[{kind: minmax, fit_on: all}]"]
    text = cli("check", "--config", "air.yaml", *arguments)
    assert text.returncode == 0
    assert "\nwarning: a transform is fitted on all rows (`fit_on: all`)" in text.stdout
    document = json.loads(
        cli("check", "--config", "air.yaml", *arguments, "--format", "json").stdout
    )
    assert len(document["warnings"]) == 1


@pytest.mark.parametrize(
    ("settings", "windows"),
    [
        (["split.test=1958-10-01"], "105 train, 27 test"),
        (["split.validation=0.1"], "91 train, 14 validation, 27 test"),
        (["window.context_length=24"], "96 train, 24 test"),
        (["window.horizon=12", "split.test=24"], "97 train, 13 test"),
        (["transforms=[log, {kind: difference, lag: season}]"], "96 train, 24 test"),
    ],
)
def test_windows_are_counted(cli: Cli, project: Path, settings: list[str], windows: str) -> None:
    """Of every part, as the config asks for."""
    options = [word for setting in settings for word in ("--set", setting)]
    result = cli("check", "--config", "air.yaml", *options)
    assert result.stdout.splitlines()[-1] == f"windows: {windows}"


@pytest.mark.parametrize(
    ("settings", "code", "stderr"),
    [
        (
            ["data.freq=monthly"],
            3,
            (
                "error: --set: `data.freq` should be a frequency, and is 'monthly'.\n"
                "      | data.freq=monthly\n"
                "      | ^^^^^^^^^\n"
                "Aliases are those of pandas: h, D, B, W-SUN, MS, ME, QS, YS, 15min, ...\n"
            ),
        ),
        (
            ["window.residual_of=seasonal_naive", "window.context_length=6"],
            3,
            (
                "error: --set: `window.residual_of: seasonal_naive` repeats a season of 12 steps, "
                "and `window.context_length` is 6.\n"
                "      | window.residual_of=seasonal_naive\n"
                "      | ^^^^^^^^^^^^^^^^^^\n"
                "Set window.context_length to 12 or more.\n"
            ),
        ),
        (
            ["model.patch_length=5"],
            3,
            (
                "error: --set: `model.patch_length` is 5 steps, which `window.context_length` 12 "
                "is no multiple of.\n"
                "      | model.patch_length=5\n"
                "      | ^^^^^^^^^^^^^^^^^^\n"
                "Set window.context_length to 10.\n"
            ),
        ),
        (
            ["transforms=[log, deseasonalize]", "data.season_length=1"],
            3,
            (
                "error: --set: deseasonalize needs a season, and `data.season_length` is 1.\n"
                "      | transforms=[log, deseasonalize]\n"
                "      |            ^^^^^^^^^^^^^^^^^^^^\n"
                "Set `data.season_length` to 2 or more, or leave deseasonalize out.\n"
            ),
        ),
        (
            ["data.freq=D"],
            4,
            (
                "error: {folder}/airline-passengers.csv: 1949-01-02 is missing: 1949-01-01 is "
                "followed by 1949-02-01 (143 such places).\n"
                "Add a row for each missing step of the frequency D, or say what a missing one "
                "means: `data.missing: interpolate`, ffill or zero.\n"
            ),
        ),
        (
            ["split.test=1990-01-01"],
            4,
            (
                "error: Passengers has 144 rows (1949-01-01 ... 1960-12-01), of which 0 fall to "
                "the test part; window.context_length 12 and window.horizon 1 need at least 1 "
                "there.\n"
                "Give more rows, a shorter context or horizon, or another split.\n"
            ),
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_only_the_data_show_is_placed_in_the_config(
    cli: Cli, project: Path, settings: list[str], code: int, stderr: str
) -> None:
    """A problem of the config is shown where it was written, one of the data by its rows."""
    options = [word for setting in settings for word in ("--set", setting)]
    result = cli("check", "--config", "air.yaml", *options)
    assert result.stderr == stderr.replace("{folder}", str(project))
    assert (result.returncode, result.stdout) == (code, "")


@pytest.mark.parametrize(
    "settings",
    [
        ["split.validation=1", "window.horizon=2"],
        ["split.test=0.9999999"],
        ["split.validation=1990-01-01"],
        ["split.test=1958-10-01T00:00:00Z"],
        ['data.time_format="%Q"'],
        ["data.time=Passengers"],
        ["data.id=Month"],
        ["window.context_length=10000000000000000000000"],
        ["transforms=[{kind: difference, lag: 1000}]"],
        ["transforms=[{kind: boxcox, power: 2}]"],
        ["training.ensemble=true"],
        ["training.ensemble=0"],
        ["intervals={quantile_levels: [0.9, 0.1]}"],
        ["intervals={quantile_levels: []}"],
        ["data.path=."],
    ],
    ids=" ".join,
)
def test_an_odd_config_ends_at_once_with_3_or_4(
    cli: Cli, project: Path, settings: list[str]
) -> None:
    """Never with a traceback, and never without an end."""
    options = [word for setting in settings for word in ("--set", setting)]
    result = cli("check", "--config", "air.yaml", *options, timeout=30)
    assert result.returncode in (3, 4), result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "settings",
    [
        ["intervals={n_windows: 2}"],
        ["intervals={n_windows: 200}"],
        ["intervals={quantile_levels: [0.001, 0.999]}"],
    ],
    ids=" ".join,
)
def test_intervals_that_can_not_be_calibrated_are_found_before_training(
    cli: Cli, project: Path, settings: list[str]
) -> None:
    """Too few errors for the levels, or more cutoffs than there are rows for."""
    options = [word for setting in settings for word in ("--set", setting)]
    result = cli("check", "--config", "air.yaml", *options)
    assert result.returncode in (3, 4)
    assert "intervals.n_windows" in result.stderr or "cutoffs" in result.stderr


@pytest.mark.parametrize("transform", ["log", "boxcox"])
def test_a_value_that_no_transform_takes_is_found_before_training(
    cli: Cli, project: Path, airline_lines: Sequence[str], transform: str
) -> None:
    """A month without passengers has no logarithm: `check` says so, as `train` would."""
    lines = [*airline_lines[:10], '"1949-10",0', *airline_lines[11:]]
    (project / "airline-passengers.csv").write_text("\n".join(lines) + "\n")
    result = cli("check", "--config", "air.yaml", "--set", f"transforms=[{transform}]")
    assert (result.returncode, result.stdout) == (4, "")
    assert "Passengers is 0 on 1949-10-01" in result.stderr
