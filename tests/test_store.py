"""Run directories: complete or absent, checked when opened, `latest` switched last."""

import json
from pathlib import Path

import pytest

from forecast.errors import RunError, UsageError
from forecast.runs import Run, RunRecord, find_run, list_runs, stage
from forecast.runs.record import LAYOUT

CREATED = "2026-01-01T00:00:00+00:00"


def _record(name: str, status: str = "complete", created: str = CREATED) -> RunRecord:
    return RunRecord.model_validate(
        {
            "name": name,
            "status": status,
            "created": created,
            "argv": ["train"],
            "versions": {},
            "model": "gru",
            "parameters": 1,
            "seconds": {"total": 1.0},
        }
    )


def _write(root: Path, name: str, status: str = "complete", created: str = CREATED) -> Run:
    """A run of one file."""
    with stage(root, "air", name) as staging:
        staging.write_text("model.onnx", "network")
        return staging.commit(_record(name, status, created))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_run_appears_with_all_of_its_files(tmp_path: Path) -> None:
    """Nothing is left beside it but `latest`, which points to it by name."""
    run = _write(tmp_path, "one")
    assert _names(tmp_path) == ["latest", "one"]
    assert (tmp_path / "latest").readlink() == Path("one")
    assert _names(run.path) == ["model.onnx", "plots", "run.json"]
    record = json.loads((run.path / "run.json").read_text())
    assert record["layout"] == LAYOUT
    assert list(record["checksums"]) == ["model.onnx"]
    assert find_run(tmp_path) == Run(run.path.resolve(), run.record)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_run_that_is_not_committed_is_absent(tmp_path: Path, error: type[BaseException]) -> None:
    """Whatever ends it, and whatever was written until then; a reader sees nothing on the way."""

    def write() -> None:
        with stage(tmp_path, "air") as staging:
            staging.write_text("model.onnx", "network")
            staging.write_json("run.json", {})
            assert list_runs(tmp_path) == []
            assert not (tmp_path / "latest").exists()
            raise error

    with pytest.raises(error):
        write()
    assert _names(tmp_path) == []


def test_only_a_complete_run_becomes_latest(tmp_path: Path) -> None:
    """An interrupted one is kept, and can be named."""
    _write(tmp_path, "one")
    _write(tmp_path, "two", status="interrupted")
    assert (tmp_path / "latest").readlink() == Path("one")
    assert find_run(tmp_path, "two").record.status == "interrupted"


def test_latest_is_the_last_complete_run(tmp_path: Path) -> None:
    """Switched in one step: there is no moment without it."""
    for name in ("b", "a", "c"):
        _write(tmp_path, name)
        assert find_run(tmp_path).record.name == name
        assert "latest" in _names(tmp_path)


def test_two_runs_may_be_written_at_once(tmp_path: Path) -> None:
    """Both land; the last to finish is `latest`."""
    with stage(tmp_path, "air") as one, stage(tmp_path, "air") as two:
        assert one.path != two.path
        two.commit(_record(two.name))
        one.commit(_record(one.name))
    assert {run.path.name for run in list_runs(tmp_path)} == {one.name, two.name}
    assert find_run(tmp_path).record.name == one.name


def test_a_name_is_reserved_from_the_beginning(tmp_path: Path) -> None:
    """The second training of a name is refused before it has begun."""
    with stage(tmp_path, "air", "one") as staging:
        with pytest.raises(UsageError) as caught:
            _write(tmp_path, "one")
        staging.commit(_record("one"))
    assert str(caught.value) == (
        f"a training called one is at work: it has {staging.path}.\nGive another --name."
    )
    assert _names(tmp_path) == ["latest", "one"]


def test_a_run_whose_name_was_taken_in_the_meantime_gets_another(tmp_path: Path) -> None:
    """What was learned is kept, and what took the name stays."""
    said: list[str] = []
    with stage(tmp_path, "air", "one", said.append) as staging:
        (tmp_path / "one").mkdir()
        (tmp_path / "one" / "notes.txt").touch()
        run = staging.commit(_record("one"))
    assert _names(tmp_path / "one") == ["notes.txt"]
    assert said == [f"one is taken by now: the run is called {run.path.name}."]
    assert find_run(tmp_path) == Run(run.path.resolve(), run.record)
    assert run.record.name == run.path.name


@pytest.mark.parametrize("name", ["latest", "..", ".", "", "a/b", "-x", ".x", "a b", "a\n", "~"])
def test_what_can_be_no_name_is_refused(tmp_path: Path, name: str) -> None:
    """Nor a path, nor an option, nor hidden, nor `latest`."""
    with pytest.raises(UsageError) as caught, stage(tmp_path, "air", name):
        pass
    assert str(caught.value) == (
        f"--name {name}: no name for a run.\nUse letters, digits, dots, dashes and underscores."
    )
    assert _names(tmp_path) == []


def test_a_name_that_is_taken_is_refused_before_training(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    _write(tmp_path, "one")
    with pytest.raises(UsageError) as caught, stage(tmp_path, "air", "one"):
        pass
    assert str(caught.value) == "there is a run one already.\nGive another --name."


def test_a_folder_that_can_not_be_written_is_refused(tmp_path: Path) -> None:
    """With the option that names another."""
    (tmp_path / "file").touch()
    root = tmp_path / "file" / "runs"
    with pytest.raises(UsageError) as caught, stage(root, "air"):
        pass
    assert str(caught.value) == (
        f"can not write runs in {root}: Not a directory.\n"
        "Say where runs are kept: --runs DIR, or the variable FORECAST_RUNS."
    )


def test_a_run_is_found_by_path_and_by_name(tmp_path: Path) -> None:
    """A name is looked up in the runs folder."""
    run = _write(tmp_path, "one")
    assert find_run(tmp_path, "one").path == find_run(Path("no"), str(run.path)).path


def test_a_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With the nearest name, or the command that makes one."""
    with pytest.raises(RunError) as caught:
        find_run(tmp_path)
    assert str(caught.value) == (
        f"there is no run in {tmp_path} yet.\n`forecast train --config air.yaml` makes one."
    )
    with pytest.raises(RunError, match=rf"^there is no run one\.\n{tmp_path} holds no run\.$"):
        find_run(tmp_path, "one")
    _write(tmp_path, "air-one")
    with pytest.raises(RunError) as caught:
        find_run(tmp_path, "air-oen")
    assert str(caught.value) == "there is no run air-oen.\nDid you mean `air-one`?"


def test_without_a_complete_run_the_interrupted_ones_are_named(tmp_path: Path) -> None:
    """There is something, only no `latest`."""
    _write(tmp_path, "air-7", status="interrupted")
    with pytest.raises(RunError, match="air-7"):
        find_run(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"layout": 1}', '{"name": "one"}'])
def test_a_damaged_record_is_refused(tmp_path: Path, content: str) -> None:
    """And the run is left out of the list."""
    run = _write(tmp_path, "one")
    (run.path / "run.json").write_text(content)
    with pytest.raises(RunError, match=r"run\.json is damaged: "):
        find_run(tmp_path, "one")
    assert list_runs(tmp_path) == []


def test_a_run_of_a_newer_layout_is_refused(tmp_path: Path) -> None:
    """Both versions are named."""
    run = _write(tmp_path, "one")
    record = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps(record | {"layout": LAYOUT + 1}))
    with pytest.raises(RunError) as caught:
        find_run(tmp_path, "one")
    assert str(caught.value) == (
        f"one has layout {LAYOUT + 1}, and this version reads layout {LAYOUT}.\n"
        "Use the version of forecast that made the run, or a newer."
    )


@pytest.mark.parametrize("content", [b"", b"networ", b"Network"])
def test_a_file_that_changed_is_refused(tmp_path: Path, content: bytes) -> None:
    """By its checksum; nothing of it is read."""
    run = _write(tmp_path, "one")
    path = run.path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        run.file("model.onnx")
    assert str(caught.value) == (
        f"{path} is damaged: its checksum is not the one in run.json.\n"
        "Train again, or restore the run from a copy."
    )


@pytest.mark.parametrize("name", ["model.keras", "../secret", "run.json", "plots"])
def test_a_file_that_the_run_does_not_know_is_refused(tmp_path: Path, name: str) -> None:
    """Also one that lies elsewhere."""
    (tmp_path / "secret").touch()
    with pytest.raises(RunError, match=r"^the run one has no "):
        _write(tmp_path, "one").file(name)


def test_runs_are_listed_oldest_first(tmp_path: Path) -> None:
    """By the moment at which they ended, not by name; a folder that is not there holds none."""
    for day, name in ((2, "a"), (1, "b"), (3, "c")):
        _write(tmp_path, name, created=f"2026-01-0{day}T00:00:00+00:00")
    (tmp_path / "stray").mkdir()
    assert [run.path.name for run in list_runs(tmp_path)] == ["b", "a", "c"]
    assert list_runs(tmp_path / "no") == []


def test_a_folder_of_runs_can_be_moved(tmp_path: Path) -> None:
    """`latest` is relative, and a run knows nothing of where it lies."""
    _write(tmp_path / "here", "one")
    (tmp_path / "here").rename(tmp_path / "there")
    assert find_run(tmp_path / "there").file("model.onnx").read_text() == "network"


def test_nan_is_no_json(tmp_path: Path) -> None:
    """A record that other programs could not read is never written."""
    with pytest.raises(ValueError, match="JSON"), stage(tmp_path, "air") as staging:
        staging.write_json("data.json", {"scale": float("nan")})
