"""Series of awkward names, through every command, with their names as they are written."""

import csv
import json
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Cli = Callable[..., CompletedProcess[str]]
IDS = ["007", "NA", "null", "1e5", "a/b", "Ümlaut x", 'say "hi", twice', "two\nlines", "True"]
SETTINGS = ["--set", "training={epochs: 2, ensemble: 1}", "--set", "model.units=4"]


@pytest.fixture(scope="module")
def trained_ids(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> Path:
    """A folder with a table of these series, its config and a run."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        with (folder / "ids.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["sku", "date", "qty"])
            for i, name in enumerate(IDS):
                for n in range(70):
                    day = date(2023, 1, 1) + timedelta(days=n)
                    rows.writerow([name, day, 100 * i + 50 + n % 7])
        init = ["init", "ids.csv", "--time", "date", "--target", "qty", "--id", "sku"]
        results = [cli_in(*init, cwd=folder)]
        return [*results, cli_in("train", "--config", "ids.yaml", *SETTINGS, cwd=folder)]

    init, result = once("ids", train)
    assert (init.returncode, result.returncode) == (0, 0), init.stderr + result.stderr
    return Path(str(result.args))


def _ids(text: str) -> list[str]:
    """The ids of a CSV, in the order in which they come."""
    return list(dict.fromkeys(row["unique_id"] for row in csv.DictReader(StringIO(text))))


def test_every_command_gives_the_ids_as_they_are_written(trained_ids: Path, cli_in: Cli) -> None:
    """And loses none, nor takes one for the mean of all."""

    def said(*words: str) -> str:
        result = cli_in(*words, cwd=trained_ids)
        assert result.returncode == 0, result.stderr
        return result.stdout

    assert _ids(said("predict", "--horizon", "1")) == IDS
    lines = said("predict", "--horizon", "1", "--format", "jsonl").splitlines()
    assert [json.loads(line)["unique_id"] for line in lines] == IDS
    assert _ids(said("evaluate", "--format", "csv")) == ["", *IDS]
    assert _ids(said("evaluate", "--format", "csv", "--input", "ids.csv")) == ["", *IDS]
    document = json.loads(said("runs", "show", "--format", "json"))
    assert list(dict.fromkeys(row["unique_id"] for row in document["scores"])) == [None, *IDS]
    assert said("runs", "verify").strip() == said("runs", "path").strip()
    assert len(said("plot", "history", "forecast", "backtest").splitlines()) == 3
    words = ["backtest", "--config", "ids.yaml", *SETTINGS, "--windows", "2", "--format", "csv"]
    assert _ids(said(*words)) == IDS
