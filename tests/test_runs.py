"""`forecast runs`: which there are, what is in one, and where it lies."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from ruamel.yaml import YAML

Cli = Callable[..., CompletedProcess[str]]
COLUMNS = [
    "name", "status", "created", "model", "parameters", "seconds", "rmse", "mase", "size", "latest",
    "problem",
]  # fmt: skip


def _record(run: Path) -> dict[str, object]:
    record: dict[str, object] = json.loads((run / "run.json").read_text())
    return record


def test_the_list_says_the_same_in_every_form(cli: Cli, run: Path) -> None:
    """A table for people, CSV and JSON for programs."""
    (listed,) = json.loads(cli("runs", "list", "--format", "json").stdout)
    record = _record(run)
    assert list(listed) == COLUMNS
    assert listed["name"] == run.name
    assert {key: listed[key] for key in COLUMNS[1:5]} == {key: record[key] for key in COLUMNS[1:5]}
    assert listed["seconds"] == record["seconds"]["total"]  # type: ignore[index]
    (row,) = csv.DictReader(StringIO(cli("runs", "list", "--format", "csv").stdout))
    assert row == {key: str(value) for key, value in listed.items()} | {
        "latest": "true",
        "problem": "",
    }
    header, line = cli("runs", "list").stdout.splitlines()
    assert header.split() == COLUMNS[:-1]
    assert line.split()[:5] == [str(listed[key]) for key in COLUMNS[:5]]
    assert line.endswith(" kB  *")
    sizes = [path.stat().st_size for path in run.rglob("*") if path.is_file()]
    assert listed["size"] == sum(sizes)
    scores = json.loads(cli("runs", "show", "--format", "json").stdout)["scores"]
    for metric in ("rmse", "mase"):
        (value,) = [
            row["value"]
            for row in scores
            if [row[key] for key in ("unique_id", "split", "model", "metric")]
            == [None, "test", "gru", metric]
        ]
        assert listed[metric] == value


def test_where_there_is_no_run_the_list_is_empty(cli: Cli) -> None:
    """Which is no error."""
    assert cli("runs", "list").stdout.split() == COLUMNS[:-1]
    assert json.loads(cli("runs", "list", "--format", "json").stdout) == []
    assert cli("runs", "list", "--format", "csv").stdout == ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize("name", ["a[b]c", ":smile:", "x" * 150])
def test_a_name_may_be_copied_from_the_list(cli: Cli, run: Path, name: str) -> None:
    """Whatever a config was called: nothing is cut or read as markup."""
    run.rename(run.with_name(name))
    listed = cli("runs", "list").stdout.splitlines()[1].split()[0]
    assert cli("runs", "path", listed).stdout == f"{run.with_name(name)}\n"


def test_damaged_runs_are_listed_and_foreign_folders_passed_over(cli: Cli, run: Path) -> None:
    """As what they are, with the reason."""
    for name, content in (("broken", "{"), ("newer", '{"layout": 99}')):
        (run.parent / name).mkdir()
        (run.parent / name / "run.json").write_text(content)
    (run.parent / "stray").mkdir()
    result = cli("runs", "list", "--format", "json")
    listed = {row["name"]: row for row in json.loads(result.stdout)}
    assert {name: row["status"] for name, row in listed.items()} == {
        "broken": "damaged",
        "newer": "damaged",
        run.name: "complete",
    }
    problem = "newer has layout 99, and this version reads layout 1."
    assert listed["newer"]["problem"] == problem
    assert f"warning: {problem}\n" in result.stderr


def test_a_run_is_shown_as_one_document(cli: Cli, run: Path) -> None:
    """Name, path, status, parameters, seconds by stage, config with defaults, scores."""
    document = json.loads(cli("runs", "show", "--format", "json").stdout)
    record = _record(run)
    assert list(document) == [
        "name", "path", "status", "warm_start", "parameters", "seconds", "blend", "config",
        "scores",
    ]  # fmt: skip
    assert document["blend"] is None
    assert Path(document["path"]).samefile(run)
    for key in ("name", "status", "parameters", "seconds"):
        assert document[key] == record[key]
    assert {"import", "read", "compile", "fit", "export", "score", "total"} <= set(
        document["seconds"]
    )
    resolved = YAML(typ="safe", pure=True).load((run / "resolved.yaml").read_text())
    assert document["config"] == resolved
    assert document["config"]["training"]["epochs"] == 3
    with (run / "scores.csv").open(newline="") as file:
        rows = [
            {**row, "unique_id": row["unique_id"] or None, "value": float(row["value"])}
            for row in csv.DictReader(file)
        ]
    assert document["scores"] == rows
    assert document["scores"][0]["unique_id"] is None


def test_a_panel_is_shown_with_the_names_of_its_series(cli: Cli, trained_panel: Path) -> None:
    """`007` is a name, not a number."""
    document = json.loads(cli("runs", "show", trained_panel, "--format", "json").stdout)
    assert {row["unique_id"] for row in document["scores"]} == {None, "007", "NE"}


def test_a_person_sees_config_and_scores(cli: Cli, run: Path) -> None:
    """What a run came from and what came of it."""
    text = cli("runs", "show").stdout
    assert text.startswith(f"name: {run.name}\npath: ")
    assert (run / "resolved.yaml").read_text() in text
    assert text.endswith(cli("evaluate").stdout)


def test_a_run_is_verified_and_deleted(cli: Cli, run: Path) -> None:
    """Its path is printed, with a warning of a file that is none of its own; nothing is asked."""
    (run / "notes.txt").write_text("of somebody")
    verified = cli("runs", "verify")
    assert (verified.returncode, verified.stdout) == (0, f"{run}\n")
    assert verified.stderr == f"warning: {run}/notes.txt is no file of the run: it is never read.\n"
    (run / "notes.txt").unlink()
    deleted = cli("runs", "delete", run.name)
    assert (deleted.returncode, deleted.stdout, deleted.stderr) == (0, f"{run}\n", "")
    assert not run.exists()
    assert cli("runs", "path").returncode == 5


def test_the_path_is_printed_alone(cli: Cli, run: Path) -> None:
    """For `cd $(forecast runs path)`."""
    result = cli("runs", "path")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    assert Path(result.stdout.strip()).samefile(run)
