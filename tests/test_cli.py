"""What a person types: the first steps, the errors and their exit codes, stdout and stderr."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import typer
import typer.main
from typer.testing import CliRunner

from forecast import __version__
from forecast.cli import app, options
from forecast.cli.command import command

Cli = Callable[..., CompletedProcess[str]]


def test_in_an_empty_folder_the_first_four_commands_work(
    training: CompletedProcess[str], trained: Path, run: Path, cli: Cli
) -> None:
    """init, train, predict, plot: a run, next year's months as CSV, and two figures."""
    folder: Path = training.args
    assert training.stdout == f"{trained}\n"
    assert trained.parent.samefile(folder / "runs")
    assert trained.name.startswith("air-")
    next_year = cli("predict")
    assert next_year.returncode == 0
    assert next_year.stderr == ""
    header, *rows = next_year.stdout.splitlines()
    assert header == "unique_id,ds,cutoff,step,y_hat"
    assert [row.rsplit(",", 1)[0] for row in rows] == [
        f"Passengers,1961-{month:02}-01,1960-12-01,{month}" for month in range(1, 13)
    ]
    assert all(100 < float(row.rsplit(",", 1)[1]) < 1000 for row in rows)
    plots = cli("plot")
    assert plots.stderr == ""
    paths = [Path(line) for line in plots.stdout.splitlines()]
    assert [path.name for path in paths] == ["history.png", "forecast.png"]
    for path in paths:
        assert path.parent.samefile(run / "plots")
        assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, below in getattr(command, "commands", {}).items():
        yield (*words, name), below
        yield from _commands(below, (*words, name))


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_every_option_has_a_help_text(words: tuple[str, ...]) -> None:
    """Nothing is left to be guessed."""
    command = COMMANDS[words]
    assert command.help
    for parameter in command.params:
        assert re.fullmatch(r"[A-Z].*\w.* .*[.]", parameter.help or ""), parameter.name


@pytest.mark.parametrize("words", [(), *COMMANDS], ids=" ".join)
def test_every_help_ends_with_examples_that_parse(words: tuple[str, ...]) -> None:
    """One or two of the command itself, with options that it has."""
    command = COMMANDS.get(words, typer.main.get_command(app))
    heading, *lines = [line.strip() for line in command.epilog.removeprefix("\b\n").splitlines()]
    assert heading == "Examples:"
    assert lines
    for line in lines:
        _, *typed = shlex.split(re.split(r" {2,}| [|>] (?!seas)", line)[0])
        assert tuple(typed[: len(words)]) == words
        found = typer.main.get_command(app)
        while hasattr(found, "commands"):
            found = found.commands[typed.pop(0)]
        found.make_context("forecast", typed)


def test_summaries_are_not_cut_at_80_columns() -> None:
    """Those of `forecast --help` and of `forecast runs --help`."""
    for words in ([], ["runs"]):
        shown = CliRunner().invoke(app, [*words, "--help"], terminal_width=80).output
        summaries = shown.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
        assert len(summaries) > 4
        assert all(line.endswith(".") and not line.endswith("..") for line in summaries)


def test_h_is_help_everywhere() -> None:
    """The same text."""
    for words in [(), *COMMANDS]:
        long, short = (CliRunner().invoke(app, [*words, option]) for option in ("--help", "-h"))
        assert (short.exit_code, short.output) == (0, long.output)


def test_help_names_every_command(cli: Cli) -> None:
    """On stdout, with 0; without any command the same goes to stderr, with 2."""
    helped, nothing = cli("--help"), cli()
    assert (helped.returncode, helped.stderr) == (0, "")
    for words in COMMANDS:
        assert len(words) > 1 or f"\n  {words[0]} " in helped.stdout
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert nothing.stderr.strip() == helped.stdout.strip()


def test_the_version_is_said(cli: Cli) -> None:
    """On stdout, as data."""
    result = cli("--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"forecast {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "Missing option '--config'."),
        (["check"], "Missing option '--config'."),
        (["backtest"], "Missing option '--config'."),
        (["forecast"], "No such command 'forecast'."),
        (["runs", "lst"], "No such command 'lst'."),
        (
            ["predict", "--horizon", "0"],
            "Invalid value for '--horizon': should be greater than or equal to 1\n",
        ),
        (
            ["predict", "--horizon", "many"],
            "Invalid value for '--horizon': should be a whole number\n",
        ),
        (
            ["predict", "--format", "xml"],
            "Invalid value for '--format': 'xml' is not one of 'csv', 'jsonl', 'parquet'.\n",
        ),
        (["predict", "--nonsense"], "No such option: --nonsense"),
        (["--color", "maybe", "schema"], "Invalid value for '--color'"),
    ],
    ids=" ".join,
)
def test_a_command_line_that_can_not_be_is_refused(
    cli: Cli, arguments: list[str], message: str
) -> None:
    """With 2, and what to type for help."""
    result = cli(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert "--help' for help." in result.stderr
    assert "Traceback" not in result.stderr


def _refused(result: CompletedProcess[str], code: int, stderr: str) -> None:
    """Nothing on stdout, the whole of stderr, no traceback, no run and no part of one."""
    assert result.stderr == stderr
    assert (result.returncode, result.stdout) == (code, "")


@pytest.mark.parametrize(
    ("text", "stderr"),
    [
        (
            "data:\n  path: [a.csv\n",
            (
                "error: wrong.yaml:3:1: not valid YAML: expected ',' or ']', but got "
                "'<stream end>'\n    3 | \n      | ^\n"
            ),
        ),
        (
            (
                "data: {path: airline-passengers.csv, time: Month, target: Passengers}\n"
                "trainig: {epochs: 5}\n"
                "model: {unit: 5}\n"
                "training: {batchsize: 5}\n"
            ),
            (
                "error: wrong.yaml:2:1: unknown key `trainig`.\n"
                "    2 | trainig: {epochs: 5}\n"
                "      | ^^^^^^^\n"
                "Did you mean `training`?\n"
                "error: wrong.yaml:3:9: unknown key `model.unit`.\n"
                "    3 | model: {unit: 5}\n"
                "      |         ^^^^\n"
                "Did you mean `units`?\n"
                "error: wrong.yaml:4:12: unknown key `training.batchsize`.\n"
                "    4 | training: {batchsize: 5}\n"
                "      |            ^^^^^^^^^\n"
                "Did you mean `batch_size`?\n"
            ),
        ),
        (
            (
                "data: {path: airline-passengers.csv, time: Month, target: Passengers}\n"
                "training:\n  epochs: five\n"
            ),
            (
                "error: wrong.yaml:3:11: `training.epochs` should be a whole number, and is "
                "'five'.\n    3 |   epochs: five\n      |           ^^^^\n"
            ),
        ),
        (
            (
                "data: {path: airline-passengers.csv, time: Month, target: Passengers}\n"
                "training:\n  epochs: -1\n"
            ),
            (
                "error: wrong.yaml:3:11: `training.epochs` should be greater than or equal to 1, "
                "and is -1.\n    3 |   epochs: -1\n      |           ^^\n"
            ),
        ),
    ],
    ids=["syntax", "three wrong keys", "wrong type", "epochs: -1"],
)
def test_a_wrong_config_is_refused_with_3(cli: Cli, project: Path, text: str, stderr: str) -> None:
    """Every problem with its place, its line, a caret and the way out; `check` says the same."""
    (project / "wrong.yaml").write_text(text)
    _refused(cli("train", "--config", "wrong.yaml"), 3, stderr)
    _refused(cli("check", "--config", "wrong.yaml"), 3, stderr)
    assert not (project / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "stderr"),
    [
        (
            ["--config", "ari.yaml"],
            3,
            (
                "error: there is no config file ari.yaml, here or in configs/.\n"
                "Did you mean `air.yaml`?\n"
            ),
        ),
        (
            ["--config", "air.yaml", "--set", "training.epoch=5"],
            3,
            (
                "error: --set: unknown key `training.epoch`.\n"
                "      | training.epoch=5\n"
                "      | ^^^^^^^^^^^^^^\n"
                "Did you mean `epochs`?\n"
            ),
        ),
        (
            ["--config", "air.yaml", "--set", "training.epochs"],
            2,
            "error: --set training.epochs: write KEY=VALUE, such as training.epochs=5\n",
        ),
        (
            ["--config", "air.yaml", "--name", "../air"],
            2,
            (
                "error: --name ../air: no name for a run.\n"
                "Use letters, digits, dots, dashes and underscores.\n"
            ),
        ),
        (
            ["--config", "air.yaml", "--set", "training.early_stopping={}"],
            3,
            (
                "error: --set: early stopping has no validation part, and the test part may "
                "decide nothing.\n"
                "      | training.early_stopping={}\n"
                "      | ^^^^^^^^^^^^^^^^^^^^^^^\n"
                "Add `validation: 0.1` to `split`, or leave early_stopping out.\n"
            ),
        ),
        (
            ["--config", "air.yaml", "--runs", "air.yaml"],
            2,
            (
                "error: can not write runs in {folder}/air.yaml: Not a directory.\n"
                "Say where runs are kept: --runs DIR, or the variable FORECAST_RUNS.\n"
            ),
        ),
        (
            ["--config", "air.yaml", "--runs", "air.yaml/below"],
            2,
            (
                "error: can not write runs in {folder}/air.yaml/below: Not a directory.\n"
                "Say where runs are kept: --runs DIR, or the variable FORECAST_RUNS.\n"
            ),
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_training_that_can_not_begin_leaves_nothing(
    cli: Cli, project: Path, arguments: list[str], code: int, stderr: str
) -> None:
    """Said at once, before anything slow is imported."""
    _refused(cli("train", *arguments), code, stderr.replace("{folder}", str(project)))
    assert not (project / "runs").exists()
    assert len(list(project.iterdir())) == 3  # of the example


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: None, "can not read the table {csv}: No such file or directory."),
        (lambda lines: "", "{csv} is empty."),
        (lambda lines: lines[0] + "\n", "{csv} has a header and no rows."),
        (
            lambda lines: _lines(lines).replace("Passengers", "Pasengers"),
            "{csv} has no column `Passengers` (data.target).\nDid you mean `Pasengers`?",
        ),
        (
            lambda lines: _lines([*lines[:10], '"1949-10",many', *lines[11:]]),
            (
                "{csv}: `Passengers` is 'many', not a number, in line 11.\n"
                'If it stands for a missing value, say so: `data.na_values: ["many"]`.'
            ),
        ),
        (
            lambda lines: _lines([*lines[:10], *lines[11:]]),
            (
                "{csv}: 1949-10-01 is missing: 1949-09-01 is followed by 1949-11-01.\n"
                "Add a row for each missing step of the frequency MS, or say what a missing one "
                "means: `data.missing: interpolate`, ffill or zero."
            ),
        ),
        (
            lambda lines: _lines([*lines, lines[10]]),
            (
                "{csv}: 1949-10-01 stands more than once, in lines 11, 146.\n"
                "Keep one row a date (`data.duplicates: first`, last, sum or mean), or name the "
                "column that tells the series apart: `data.id`."
            ),
        ),
        (
            lambda lines: _lines([*lines[:10], '"Oct. 1949",1', *lines[11:]]),
            (
                "{csv}: `Month` is 'Oct. 1949', not an ISO 8601 date, in line 11.\n"
                'Say how dates are written, such as `data.time_format: "%d/%m/%Y"`. '
                "Leave out lines that are no rows: `data.skip_footer`, `data.skip_rows`."
            ),
        ),
        (
            lambda lines: _lines(lines[:13]),
            (
                "Passengers has 12 rows (1949-01-01 ... 1949-12-01), of which 12 fall to the "
                "train part; window.context_length 12 and window.horizon 1 need at least 13 "
                "there, 14 rows in all.\n"
                "Give more rows, a shorter context or horizon, or another split."
            ),
        ),
    ],
    ids=["missing", "empty", "header", "column", "text", "gap", "duplicate", "date", "too few"],
)
def test_data_that_can_not_be_used_are_refused_with_4(
    cli: Cli,
    project: Path,
    airline_lines: Sequence[str],
    change: Callable[[Sequence[str]], str | None],
    message: str,
) -> None:
    """The row, the value or the date is named, and what to do; nothing is left behind."""
    csv = project / "airline-passengers.csv"
    text = change(airline_lines)
    csv.unlink()
    if text is not None:
        csv.write_text(text)
    stderr = f"error: {message}\n".replace("{csv}", str(csv))
    _refused(cli("train", "--config", "air.yaml"), 4, stderr)
    assert not (project / "runs").exists()


READERS = [["predict"], ["evaluate"], ["plot"], ["runs", "path"], ["runs", "show"]]


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_a_run_that_is_not_there_is_refused_with_5(cli: Cli, run: Path, command: list[str]) -> None:
    """With the nearest name."""
    message = f"there is no run {run.name}x."
    if command == ["plot"]:  # its first word may be a figure as well
        message = f"{run.name}x is neither a run nor a figure."
    stderr = f"error: {message}\nDid you mean `{run.name}`?\n"
    _refused(cli(*command, f"{run.name}x"), 5, stderr)


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_without_any_run_the_way_to_one_is_said(cli: Cli, command: list[str]) -> None:
    """`latest` is nothing yet."""
    result = cli(*command)
    assert (result.returncode, result.stdout) == (5, "")
    assert result.stderr.endswith("\n`forecast train --config air.yaml` makes one.\n")


@pytest.mark.parametrize(
    "command", [["predict"], ["evaluate", "--input", "-"], ["plot"]], ids=" ".join
)
def test_a_truncated_network_is_refused_with_5(cli: Cli, run: Path, command: list[str]) -> None:
    """By its checksum."""
    network = run / "model.onnx"
    network.write_bytes(network.read_bytes()[:-100])
    stderr = (
        f"error: {network} is damaged: its checksum is not the one in run.json.\n"
        "Train again, or restore the run from a copy.\n"
    )
    _refused(cli(*command), 5, stderr)


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_a_run_of_a_newer_layout_is_refused_with_5(cli: Cli, run: Path, command: list[str]) -> None:
    """What this version can not read, it does not guess at."""
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"layout": 2}))
    stderr = (
        f"error: {run.name} has layout 2, and this version reads layout 1.\n"
        "Use the version of forecast that made the run, or a newer.\n"
    )
    _refused(cli(*command), 5, stderr)


def test_an_error_has_a_traceback_for_those_who_ask(cli: Cli) -> None:
    """The message and the exit code stay the same."""
    plain, verbose = cli("predict"), cli("-v", "predict")
    assert verbose.returncode == plain.returncode == 5
    assert verbose.stderr.startswith(plain.stderr)
    assert "\nTraceback (most recent call last):\n" in verbose.stderr


@pytest.mark.parametrize(
    ("options", "environment", "is_painted"),
    [
        ([], {}, False),
        (["--color", "always"], {}, True),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {}, False),
        (["--quiet"], {}, False),
    ],
)
def test_errors_are_coloured_where_it_is_asked_for(
    cli: Cli, options: list[str], environment: dict[str, str], is_painted: bool
) -> None:
    """Never in a pipe by itself; and `--quiet` does not silence them."""
    result = cli(*options, "runs", "path", "no", environment=environment)
    mark = "\033[31merror: \033[0m" if is_painted else "error: "
    assert result.stderr == f"{mark}there is no run no.\nruns holds no run.\n"


@pytest.mark.parametrize(
    "arguments", [["predict", "--horizon", "3000"], ["schema"], ["-q", "evaluate"]]
)
def test_a_reader_that_has_seen_enough_is_no_error(run: Path, arguments: list[str]) -> None:
    """`| head -1`: the pipe is closed before anything is written."""
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(
        [sys.executable, "-m", "forecast", *arguments],
        cwd=run.parents[1],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no full disk here")
def test_a_full_disk_is_said_without_a_traceback(run: Path) -> None:
    """With 2: there is a command line that would do."""
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "forecast", "predict"],
            cwd=run.parents[1],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert result.stderr == "error: can not write to stdout: No space left on device.\n"
    assert result.returncode == 2


def test_runs_are_kept_where_one_says(cli: Cli, run: Path, tmp_path: Path) -> None:
    """`--runs` before the variable FORECAST_RUNS, before `runs`."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    here = cli("runs", "path", cwd=elsewhere, environment={"FORECAST_RUNS": "../runs"})
    assert Path(here.stdout.strip()).samefile(run)
    there = cli(
        "runs", "path", "--runs", "../runs", cwd=elsewhere, environment={"FORECAST_RUNS": "no"}
    )
    assert there.stdout == here.stdout
    assert cli("runs", "path", cwd=elsewhere).returncode == 5


@pytest.mark.parametrize(
    "name", ["{name}", "{folder}/runs/{name}", "runs/{name}", "latest", "runs/latest"]
)
def test_a_run_is_named_by_its_name_its_path_or_latest(
    cli: Cli, run: Path, name: str, tmp_path: Path
) -> None:
    """All lead to the same forecast."""
    wanted = name.replace("{name}", run.name).replace("{folder}", str(tmp_path))
    assert cli("runs", "path", wanted).stdout == cli("runs", "path").stdout


def test_an_interruption_within_an_import_is_an_interruption() -> None:
    """A library that is cut short while it loads says ImportError; it is no bug of anybody's."""
    owner = typer.Typer()
    owner.callback()(options)

    @command()
    def load(context: typer.Context) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as stop:
            raise ImportError("initialization failed") from stop

    load.add_to(owner)
    result = CliRunner().invoke(owner, ["load"])
    assert (result.exit_code, result.output) == (130, "")


def test_a_bug_is_called_a_bug() -> None:
    """With a traceback, a line that says so, and 1."""
    owner = typer.Typer()
    owner.callback()(options)

    @command()
    def fail(context: typer.Context) -> None:
        raise ZeroDivisionError("by nothing")

    fail.add_to(owner)
    result = CliRunner().invoke(owner, ["fail"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert result.stderr.endswith(
        f"\nerror: this is a bug in forecast {__version__}: ZeroDivisionError('by nothing')\n"
        "Please report it, with the lines above and what you typed.\n"
    )


def test_the_module_is_the_command() -> None:
    """`python -m forecast` and `forecast` are the same."""
    script = Path(sys.executable).with_name("forecast")
    result = subprocess.run([script, "--version"], capture_output=True, text=True, env=os.environ)
    assert result.stdout == f"forecast {__version__}\n"
