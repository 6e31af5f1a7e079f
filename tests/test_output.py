"""`--output` and `--format`: one rule for every command that writes a table."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from forecast.data.output import TABLE_FORMATS, Output, output_of
from forecast.errors import UsageError

Cli = Callable[..., CompletedProcess[str]]
OF_BACKTESTS = ("table", *TABLE_FORMATS, "json")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named by their names alone."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "format", "found"),
    [
        ("next.csv", None, ("csv", False)),
        ("next.jsonl", None, ("jsonl", False)),
        ("NEXT.JSONL", None, ("jsonl", False)),
        ("next.parquet", None, ("parquet", False)),
        ("next.csv.gz", None, ("csv", True)),
        ("next.of.may.jsonl.GZ", None, ("jsonl", True)),
        ("next.csv", "csv", ("csv", False)),
        ("next.txt", "csv", ("csv", False)),
        ("next", "jsonl", ("jsonl", False)),
        ("next.gz", "jsonl", ("jsonl", True)),
        ("-", None, ("csv", False)),
        ("-", "parquet", ("parquet", False)),
        ("/dev/stdout", None, ("csv", False)),
        ("/dev/null", "jsonl", ("jsonl", False)),
    ],
)
def test_the_ending_or_the_option_says_the_form(
    name: str, format: str | None, found: tuple[str, bool]
) -> None:
    """The option where the ending says none; a pipe and a device need no ending."""
    output = output_of(Path(name), format, TABLE_FORMATS)
    assert output == Output(Path(name), *found)


def test_each_command_has_its_own_forms() -> None:
    """Of a backtest a table for a person comes first, and one document is a form too."""
    assert output_of(Path("-"), None, OF_BACKTESTS).format == "table"
    assert output_of(Path("scores.txt"), None, OF_BACKTESTS).format == "table"
    assert output_of(Path("all.json"), None, OF_BACKTESTS).format == "json"
    with pytest.raises(UsageError, match=r"^--output all\.json: the ending names no form"):
        output_of(Path("all.json"), None, TABLE_FORMATS)


UNKNOWN = (
    "the ending names no form.\nEndings are .csv, .jsonl, .parquet, .csv.gz, .jsonl.gz; with "
    "another say --format csv."
)


@pytest.mark.parametrize(
    ("name", "format", "message"),
    [
        ("next.xlsx", None, f"--output next.xlsx: {UNKNOWN}"),
        ("next", None, f"--output next: {UNKNOWN}"),
        ("next.gz", None, f"--output next.gz: {UNKNOWN}"),
        ("next.csv.bz2", None, f"--output next.csv.bz2: {UNKNOWN}"),
        (
            "next.csv",
            "jsonl",
            (
                "--format jsonl: --output next.csv is csv by its ending.\n"
                "Leave --format out, or write next.jsonl."
            ),
        ),
        (
            "next.csv.gz",
            "parquet",
            (
                "--format parquet: --output next.csv.gz is csv by its ending.\n"
                "Leave --format out, or write next.parquet."
            ),
        ),
        (
            "next.parquet.gz",
            None,
            "--output next.parquet.gz: Parquet is compressed as it is.\nWrite next.parquet.",
        ),
        (
            "no/next.csv",
            None,
            "can not write no/next.csv: No such file or directory.\nGive another --output.",
        ),
    ],
)
def test_what_can_not_be_meant_is_refused(name: str, format: str | None, message: str) -> None:
    """With the endings that there are; and nothing is left behind."""
    with pytest.raises(UsageError) as caught:
        output_of(Path(name), format, TABLE_FORMATS)
    assert str(caught.value) == message
    assert not list(Path().iterdir())


@pytest.mark.parametrize("command", ["predict", "backtest"])
def test_a_command_ends_with_2_before_it_begins(cli: Cli, project: Path, command: str) -> None:
    """Before a run or TensorFlow is looked for."""
    words = ["--config", "air.yaml"] if command == "backtest" else []
    for options in (["--output", "a.xlsx"], ["--output", "a.csv", "--format", "jsonl"]):
        result = cli(command, *words, *options)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("error: --")
        assert result.stderr.count("\n") == 2
        assert not list(project.glob("a.*"))
