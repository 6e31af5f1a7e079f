"""`forecast plot`: figures as files."""

import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from xml.etree import ElementTree as ET

import pytest

from forecast.commands.plot import Wanted, _file_name, plot_one
from forecast.console import Console
from forecast.errors import UsageError
from forecast.jobs.opening import open_run
from forecast.runs import find_run

Cli = Callable[..., CompletedProcess[str]]
MAGIC = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-"}


def _written(result: CompletedProcess[str], folder: Path) -> list[Path]:
    """The files that it says it wrote."""
    assert (result.returncode, result.stderr) == (0, "")
    return [folder / line for line in result.stdout.splitlines()]


def test_unasked_the_history_and_the_forecast_land_in_the_run(cli: Cli, run: Path) -> None:
    """As PNG files in its plots/."""
    paths = _written(cli("plot"), run)
    assert [path.name for path in paths] == ["history.png", "forecast.png"]
    assert sorted(path.name for path in (run / "plots").iterdir()) == [
        "forecast.png",
        "history.png",
    ]
    for path in paths:
        assert path.parent.samefile(run / "plots")
        assert path.read_bytes().startswith(MAGIC["png"])


@pytest.mark.parametrize(
    "figure", ["history", "forecast", "steps", "residuals", "backtest", "norms"]
)
def test_one_figure_may_be_asked_for(cli: Cli, run: Path, figure: str) -> None:
    """By its name alone, or after the run."""
    (path,) = _written(cli("plot", figure), run)
    assert path.name == f"{figure}.png"
    assert _written(cli("plot", run.name, figure), run) == [path]


@pytest.mark.parametrize("format", ["png", "svg", "pdf"])
def test_a_figure_may_be_written_in_three_formats(
    cli: Cli, run: Path, tmp_path: Path, format: str
) -> None:
    """By --format into a folder that is made, or by the ending of a file."""
    paths = _written(cli("plot", "--output", "figures", "--format", format), tmp_path)
    assert paths == [tmp_path / f"figures/{name}.{format}" for name in ("history", "forecast")]
    assert _written(cli("plot", "history", "--output", f"a.{format}"), tmp_path) == [
        tmp_path / f"a.{format}"
    ]
    for path in (*paths, tmp_path / f"a.{format}"):
        assert path.read_bytes().startswith(MAGIC[format])
    assert list((run / "plots").iterdir()) == []


def test_the_forecast_says_what_it_shows(cli: Cli, run: Path, tmp_path: Path) -> None:
    """Axes, dates and every line by name, in the text of an SVG."""
    cli("plot", "forecast", "--output", "a.svg")
    text = (tmp_path / "a.svg").read_text()
    ET.fromstring(text)
    for word in (
        run.name, "Passengers", "date", "1957", "1960", "actual", "gru on the test part",
        "gru on the train part, on which it was fitted", "gru forecast, 12 steps, recursive",
        "seasonal naive (baseline)", "cutoff (last row)", "test part",
    ):  # fmt: skip
        assert f"<!-- {word} -->" in text or word in text, word


def test_a_panel_with_intervals_is_drawn(cli: Cli, trained_panel: Path, tmp_path: Path) -> None:
    """Every figure of it."""
    figures = ["history", "forecast", "steps", "residuals", "backtest", "norms"]
    result = cli("plot", trained_panel, *figures, "--output", ".")
    assert [path.name for path in _written(result, tmp_path)] == [f"{name}.png" for name in figures]


def _dates(path: Path) -> list[str]:
    """The years that stand below the plot of an SVG."""
    return re.findall(r"<!-- (19\d\d) -->", path.read_text())


def test_more_or_less_of_the_past_can_be_seen(cli: Cli, run: Path, tmp_path: Path) -> None:
    """By a number of rows, or from a date on."""
    assert _written(cli("plot", "forecast", "--output", "a.svg"), tmp_path)
    assert _dates(tmp_path / "a.svg")[0] == "1956"
    assert _written(cli("plot", "forecast", "--last", "144", "--output", "b.svg"), tmp_path)
    assert _dates(tmp_path / "b.svg")[0] < "1952"
    cli("plot", "forecast", "--from", "1959-01-01", "--output", "c.svg")
    assert _dates(tmp_path / "c.svg")[0] == "1959"


def test_the_series_to_see_can_be_named(cli: Cli, trained_panel: Path, tmp_path: Path) -> None:
    """One of two, from a moment in its own time zone."""
    result = cli(
        "plot", trained_panel, "forecast", "--series", "NE", "--from", "2020-01-09T00:00",
        "--output", "a.svg",
    )  # fmt: skip
    _written(result, tmp_path)
    text = (tmp_path / "a.svg").read_text()
    assert "<!-- NE -->" in text
    assert "<!-- 007 -->" not in text
    assert "<!-- 80 % interval -->" in text
    assert "<!-- date (UTC+05:30) -->" in text


def test_a_history_is_drawn_of_a_run_that_lost_its_forecasts(cli: Cli, run: Path) -> None:
    """It reads its own table alone."""
    for name in ("forecasts.csv", "context.csv", "scores.csv"):
        (run / name).unlink()
    assert _written(cli("plot", "history"), run)


@pytest.mark.parametrize(
    ("arguments", "code", "stderr"),
    [
        (
            ["latest", "hist"],
            2,
            "error: there is no figure 'hist'.\nDid you mean `history`?\n",
        ),
        (
            ["histroy"],
            5,
            "error: histroy is neither a run nor a figure.\nDid you mean `history`?\n",
        ),
        (
            ["nothing", "history"],
            5,
            (
                "error: nothing is neither a run nor a figure.\n"
                "Known here: history, forecast, steps, residuals, backtest, norms.\n"
            ),
        ),
        (
            ["--output", "a.png"],
            2,
            (
                "error: --output a.png is one file for several figures.\n"
                "Name a folder, or one figure.\n"
            ),
        ),
        (
            ["history", "--output", "a.gif"],
            2,
            (
                "error: --output a.gif: a figure can not be written as gif there.\n"
                "Formats are png, svg, pdf.\n"
            ),
        ),
        (
            ["history", "--output", "a.png", "--format", "pdf"],
            2,
            (
                "error: --output a.png: a figure can not be written as pdf there.\n"
                "Formats are png, svg, pdf.\n"
            ),
        ),
        (
            ["history", "--output", "runs/latest/run.json/below/a.png"],
            2,
            (
                "error: can not write runs/latest/run.json/below/a.png: Not a directory.\n"
                "Give another --output.\n"
            ),
        ),
        (
            ["forecast", "--series", "Pasengers"],
            2,
            "error: the run has no series 'Pasengers'.\nDid you mean `Passengers`?\n",
        ),
        (
            ["forecast", "--from", "soon"],
            2,
            ("error: --from soon: no date of the run.\nWrite it like 1960-12-01.\n"),
        ),
        (
            ["forecast", "--from", "1961-01-01"],
            2,
            (
                "error: --from 1961-01-01: the last row of the run is 1960-12-01.\n"
                "Give an earlier date.\n"
            ),
        ),
        (
            ["forecast", "--from", "1959-01-01T00:00+02:00"],
            2,
            (
                "error: --from 1959-01-01T00:00+02:00: the dates of the run are in no time zone.\n"
                "Leave the zone out.\n"
            ),
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_figure_that_can_not_be_is_refused(
    cli: Cli, run: Path, arguments: list[str], code: int, stderr: str
) -> None:
    """And nothing is drawn."""
    result = cli("plot", *arguments)
    assert (result.returncode, result.stdout, result.stderr) == (code, "", stderr)
    assert list((run / "plots").iterdir()) == []


def test_figures_of_chosen_series_stand_beside_those_of_all(
    cli: Cli, trained_panel: Path, tmp_path: Path
) -> None:
    """In files that the series are part of the names of; the history is that of the run."""
    words = ["plot", trained_panel, "history", "steps", "--output", "figures"]
    paths = _written(cli(*words, "--series", "NE", "--series", "007"), tmp_path)
    assert [path.name for path in paths] == ["history.png", "steps-NE-007.png"]
    paths = _written(cli(*words, "--last", "24", "--from", "2001-02-03"), tmp_path)
    assert [path.name for path in paths] == ["history.png", "steps-last-24-from-2001-02-03.png"]


@pytest.mark.parametrize(
    ("series", "name"), [(["a/b:c", "d%"], "-a%2Fb%3Ac-d%25"), (["ü"], "-ü"), ([], "")]
)
def test_any_series_can_stand_in_a_file_s_name(series: list[str], name: str) -> None:
    """Without a folder in between, and no longer than a file system takes."""
    assert _file_name(Wanted(series)) == name
    long = [_file_name(Wanted(["ü" * 200, last])) for last in "ab"]
    assert long[0] != long[1]
    assert max(len(each.encode()) for each in long) < 170


def test_a_figure_needs_no_screen(cli: Cli, run: Path) -> None:
    """Whatever Matplotlib's own settings ask for."""
    environment = {"MPLBACKEND": "TkAgg", "DISPLAY": ""}
    assert cli("plot", "history", environment=environment).returncode == 0


def test_one_figure_goes_to_standard_output(cli: Cli, run: Path) -> None:
    """As a file; several are refused, and nothing called `-` is made."""
    found = find_run(run.parent)
    content = plot_one(found, open_run, Console(), ["forecast"], "svg")
    assert content.lstrip().startswith(b"<?xml")
    assert plot_one(found, open_run, Console(), ["history"]).startswith(b"\x89PNG")
    for figures in ([], ["forecast", "history"]):
        with pytest.raises(UsageError, match=r"^--output -: standard output holds one figure\."):
            plot_one(found, open_run, Console(), figures)
    result = cli("plot", "forecast", "--format", "svg", "--output", "-")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("<?xml")
    assert not (run.parents[1] / "-").exists()
