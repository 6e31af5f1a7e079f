"""Runs that somebody damaged, or made to harm: refused with 5, and the file is named."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from forecast.commands.runs import listed_runs, verify
from forecast.errors import RunError, UsageError
from forecast.jobs.opening import open_run
from forecast.runs import Run, RunRecord, all_runs, delete, find_run, list_runs, stage
from forecast.runs.tables import read_forecasts
from forecast.runs.unfinished import RECORD, checkpoint_path


def _write(root: Path, name: str, day: int = 1, status: str = "complete") -> Run:
    """A run of one file."""
    record = {
        "name": name,
        "status": status,
        "created": f"2026-01-0{day}T00:00:00+00:00",
        "argv": [],
        "versions": {},
        "model": "gru",
        "parameters": 1,
        "seconds": {},
    }
    with stage(root, "air", name) as staging:
        staging.write_text("scores.csv", "unique_id,split,model,metric,value\n")
        return staging.commit(RunRecord.model_validate(record))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _make_pipe(path: Path) -> None:
    os.mkfifo(path)


def _link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _nest(path: Path) -> None:
    path.write_text("[" * 200_000)


def _nest_a_key(path: Path) -> None:
    path.write_text('{"layout": 1, "argv": ' + "[" * 200_000)


def _make_huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)  # a hole takes no space


def _make_a_folder(path: Path) -> None:
    path.mkdir()


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


MAKERS = [
    _make_pipe, _link_to_a_device, _nest, _nest_a_key, _make_huge, _make_a_folder, _link_to_itself,
]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS)
def test_a_record_that_is_no_record_is_refused(tmp_path: Path, make: object) -> None:
    """At once, whatever stands there; the list names the run as damaged, and the others as well."""
    assert callable(make)
    _write(tmp_path, "good")
    file = _write(tmp_path, "bad").path / "run.json"
    file.unlink()
    make(file)
    with pytest.raises(RunError) as caught:
        find_run(tmp_path, "bad")
    assert str(file) in str(caught.value)
    assert [run.path.name for run in list_runs(tmp_path)] == ["good"]
    listed = {run.name: run for run in listed_runs(tmp_path)}
    assert listed["good"].status == "complete"
    assert listed["bad"].status == "damaged"
    assert str(file) in str(listed["bad"].problem)


@pytest.mark.parametrize("make", MAKERS)
def test_a_file_of_a_run_that_is_no_file_is_refused(tmp_path: Path, make: object) -> None:
    """By every way to it."""
    assert callable(make)
    run = _write(tmp_path, "one")
    file = run.path / "scores.csv"
    file.unlink()
    make(file)
    for read in (run.file, run.text):
        with pytest.raises(RunError, match=r"scores\.csv"):
            read("scores.csv")
    with pytest.raises(RunError, match=r"scores\.csv"):
        verify(run)
    (listed,) = listed_runs(tmp_path)
    assert listed.status == "damaged"


def test_a_checksum_names_a_file_of_the_run_alone(tmp_path: Path) -> None:
    """No path, up or down."""
    run = _write(tmp_path, "one")
    record = json.loads((run.path / "run.json").read_text())
    for name in ("../secret", "/etc/passwd", "", ".", "a/b", "a\0b"):
        (run.path / "run.json").write_text(json.dumps(record | {"checksums": {name: "0"}}))
        with pytest.raises(RunError, match=r"run\.json is damaged"):
            find_run(tmp_path, "one")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "no/such", "", ".", "..", "\n"])
def test_a_name_that_no_run_has_is_refused(tmp_path: Path, name: str) -> None:
    """Shortly, whatever it is."""
    _write(tmp_path, "one")
    with pytest.raises(RunError) as caught:
        find_run(tmp_path, name)
    assert len(str(caught.value)) < 200


def test_a_name_that_does_not_exist_is_not_its_own_advice(tmp_path: Path) -> None:
    """Whatever in the folder is called so."""
    _write(tmp_path, "two")
    (tmp_path / "one").mkdir()
    (tmp_path / "three").touch()
    for name in ("one", "three"):
        with pytest.raises(RunError) as caught:
            find_run(tmp_path, name)
        assert f"`{name}`" not in str(caught.value)


def test_without_the_newest_run_the_one_before_stands_in(tmp_path: Path) -> None:
    """That was complete, and it is said so."""
    for day, name in enumerate(("b", "a", "c"), start=1):
        _write(tmp_path, name, day)
    _write(tmp_path, "stopped", 4, "interrupted")
    shutil.rmtree(tmp_path / "c")
    said: list[str] = []
    assert find_run(tmp_path, warn=said.append).path.name == "a"
    assert said == [
        f"{tmp_path / 'latest'} is no link to a run; a is the newest complete one, and is taken."
    ]
    (tmp_path / "latest").unlink()
    assert find_run(tmp_path).path.name == "a"


def test_a_copy_that_followed_the_link_is_not_the_latest(tmp_path: Path) -> None:
    """Runs are trained beside it; it stands in where there is no other."""
    _write(tmp_path, "one", 1)
    shutil.copytree(tmp_path, tmp_path / "copy", symlinks=False)
    root = tmp_path / "copy"
    assert not (root / "latest").is_symlink()
    _write(root, "two", 2)
    assert find_run(root).path.name == "two"
    shutil.rmtree(root / "one")
    shutil.rmtree(root / "two")
    assert find_run(root).path.name == "latest"


def test_a_damaged_run_that_is_the_latest_is_not_passed_over(tmp_path: Path) -> None:
    """It is what was asked for."""
    _write(tmp_path, "one", 1)
    (_write(tmp_path, "two", 2).path / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"two/run\.json is damaged"):
        find_run(tmp_path)


def test_verify_names_everything_that_changed(tmp_path: Path) -> None:
    """All at once, and what is nobody's beside it."""
    run = _write(tmp_path, "one")
    assert verify(run) == []
    (run.path / "notes.txt").touch()
    assert verify(run) == [f"{run.path / 'notes.txt'} is no file of the run: it is never read."]
    (run.path / "scores.csv").write_text("changed")
    record = json.loads((run.path / "run.json").read_text())
    record["checksums"]["model.onnx"] = "0"
    (run.path / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError) as caught:
        verify(find_run(tmp_path, "one"))
    assert [problem.message for problem in caught.value.problems] == [
        f"{run.path / 'scores.csv'} is damaged: its checksum is not the one in run.json.",
        "the run one has no model.onnx.",
    ]


def test_a_file_without_a_checksum_is_not_loaded(tmp_path: Path) -> None:
    """Whatever its name."""
    run = _write(tmp_path, "one")
    (run.path / "model.onnx").touch()
    with pytest.raises(RunError, match=r"the run one has no model\.onnx"):
        run.file("model.onnx")


def test_a_deleted_run_is_gone_and_latest_leads_to_another(tmp_path: Path) -> None:
    """To the newest complete one that is left, and in the end to none."""
    for day, name in enumerate(("b", "a"), start=1):
        _write(tmp_path, name, day)
    _write(tmp_path, "stopped", 3, "interrupted")
    assert delete(tmp_path, "latest") == (tmp_path / "a").resolve()
    assert _names(tmp_path) == ["b", "latest", "stopped"]
    assert (tmp_path / "latest").readlink() == Path("b")
    delete(tmp_path, "stopped")
    delete(tmp_path, str(tmp_path / "b"))
    assert _names(tmp_path) == []


@pytest.mark.parametrize("make", MAKERS)
def test_a_damaged_run_can_be_deleted(tmp_path: Path, make: object) -> None:
    """It is a run still."""
    assert callable(make)
    file = _write(tmp_path, "one").path / "run.json"
    file.unlink()
    make(file)
    delete(tmp_path, "one")
    assert _names(tmp_path) == []


def test_what_is_no_run_is_not_deleted(tmp_path: Path) -> None:
    """A folder without a record, or with anything that no run has."""
    (tmp_path / "stray").mkdir()
    (tmp_path / "stray" / "scores.csv").touch()
    with pytest.raises(RunError, match=r"^there is no run stray\."):
        delete(tmp_path, "stray")
    run = _write(tmp_path, "one")
    (run.path / "thesis.tex").touch()
    with pytest.raises(UsageError) as caught:
        delete(tmp_path, "one")
    assert str(caught.value) == (
        f"{run.path} holds what no run has: thesis.tex.\nMove it away, and the run can be deleted."
    )
    assert _names(tmp_path) == ["latest", "one", "stray"]


def test_a_link_to_a_run_is_not_followed_out_of_a_run(tmp_path: Path) -> None:
    """What a link inside leads to is nobody's to delete."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").touch()
    run = _write(tmp_path / "runs", "one")
    (run.path / "plots").rmdir()
    (run.path / "plots").symlink_to(precious)
    delete(tmp_path / "runs", "one")
    assert _names(precious) == ["thesis.tex"]


def test_runs_are_told_apart_from_folders(tmp_path: Path) -> None:
    """A folder without a record is none, nor is a link to one."""
    _write(tmp_path, "one")
    (tmp_path / "stray").mkdir()
    (tmp_path / "other").symlink_to("one")
    assert [run.path.name for run in all_runs(tmp_path)] == ["one"]


def tampered(trained: Path, folder: Path, name: str, text: str) -> Run:
    """A copy of a run with another file, whose checksum is that of the run's record."""
    copy = shutil.copytree(trained, folder / "tampered")
    (copy / name).write_text(text)
    record = json.loads((copy / "run.json").read_text())
    record["checksums"][name] = hashlib.sha256(text.encode()).hexdigest()
    (copy / "run.json").write_text(json.dumps(record))
    return find_run(folder, "tampered")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("transforms.json", "[]"),
        ("transforms.json", "[5]"),
        ("transforms.json", "soon"),
        ("transforms.json", "[{}]"),
        ("transforms.json", '[{"scale": [], "shift": []}]'),
        ("transforms.json", '[{"scale": ["a"], "shift": [0]}]'),
        ("transforms.json", '[{"scale": [1, 2], "shift": [0, 0]}]'),
        ("transforms.json", '[{"scale": [1], "shift": [null]}]'),
        ("transforms.json", '[{"scale": [1], "shift": [0]}, {"lag": 1}]'),
        ("resolved.yaml", ""),
        ("resolved.yaml", "[" * 1000),
        ("resolved.yaml", "extends: /dev/zero"),
        ("resolved.yaml", "model: {kind: oracle}"),
        ("data.json", "{}"),
        ("model.onnx", "network"),
    ],
)
def test_a_run_that_fits_its_checksums_and_nothing_else_is_refused(
    trained: Path, tmp_path: Path, name: str, text: str
) -> None:
    """Whoever changed a file could change its checksum too."""
    run = tampered(trained, tmp_path, name, text)
    with pytest.raises(RunError, match=rf"{name}"):
        open_run(run)


@pytest.mark.parametrize(
    ("old", "new"),
    [("context_length: 12", "context_length: 7"), ("  horizon: 1\n", "  horizon: 2\n")],
)
def test_a_config_that_does_not_fit_the_network_is_refused(
    trained: Path, tmp_path: Path, old: str, new: str
) -> None:
    """Before anything is forecast with it."""
    text = (trained / "resolved.yaml").read_text()
    assert old in text
    run = tampered(trained, tmp_path, "resolved.yaml", text.replace(old, new, 1))
    with pytest.raises(RunError, match=r"model\.onnx is damaged: it does not fit resolved\.yaml"):
        open_run(run)


def test_forecasts_of_strange_series_are_refused(trained: Path, tmp_path: Path) -> None:
    """There is no unit to measure their errors in."""
    text = (trained / "forecasts.csv").read_text().replace("Passengers,", "Trains,")
    opened = open_run(tampered(trained, tmp_path, "forecasts.csv", text))
    with pytest.raises(RunError, match=r"forecasts\.csv is damaged: data\.json has no series"):
        read_forecasts(opened.run)


def test_what_a_training_keeps_is_not_deleted_while_it_is_at_work(tmp_path: Path) -> None:
    """It would go on with half of it."""
    folder = checkpoint_path(tmp_path, "one")
    folder.mkdir()
    (folder / RECORD).write_text("{}")
    with stage(tmp_path, "one", "one"), pytest.raises(UsageError, match="at work"):
        delete(tmp_path, "one")
    assert folder.exists()
    assert delete(tmp_path, "one") == folder
    assert list(tmp_path.iterdir()) == []
