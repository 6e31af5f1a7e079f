"""Writing runs where something goes wrong: names, killed processes, full and missing folders."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forecast.errors import DivergedError, Problem, UsageError
from forecast.runs import RunRecord, Staging, find_run, stage

KiB = 2**10


def _record(name: str = "one") -> RunRecord:
    return RunRecord(
        name=name,
        status="complete",
        created="2026-01-01T00:00:00+00:00",
        argv=[],
        versions={},
        model="gru",
        parameters=1,
        seconds={},
    )


def _writing(size: int) -> Callable[[Staging], RunRecord]:
    """Writes a run with a network of so many bytes."""

    def write(staging: Staging) -> RunRecord:
        staging.write("model.onnx", b"x" * size)
        return _record(staging.name)

    return write


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that holds 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk can not be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


STAGES = """
import sys, time
from pathlib import Path
from forecast.runs import stage
with stage(Path(sys.argv[1]), "air", "one") as staging:
    staging.write_text("model.onnx", "network")
    print("ready", flush=True)
    time.sleep(60)
"""


def _killed(root: Path) -> None:
    """A process that is killed while it writes a run called `one`."""
    process = subprocess.Popen(
        [sys.executable, "-c", STAGES, str(root)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as stdout:
        assert stdout.readline() == "ready\n"
    with (
        pytest.raises(UsageError, match="a training called one is at work"),
        stage(root, "", "one"),
    ):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_what_a_killed_training_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Of those that live nothing is."""
    with stage(tmp_path, "air", "alive") as alive:
        _killed(tmp_path)
        assert _names(tmp_path) == [".staging-alive", ".staging-one"]
        with stage(tmp_path, "air", "two") as staging:
            assert _names(tmp_path) == [".staging-alive", ".staging-two"]
            staging.commit(_record())
        alive.commit(_record())
    assert _names(tmp_path) == ["alive", "latest", "two"]


def test_the_name_of_a_killed_training_is_free_again(tmp_path: Path) -> None:
    """And nothing of it gets into the run."""
    _killed(tmp_path)
    with stage(tmp_path, "air", "one") as staging:
        assert _names(staging.path) == []


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("air", "air"),
        ("-rf", "rf"),
        ("a\nb", "a-b"),
        ("../x", "x"),
        ("a b;c", "a-b-c"),
        ("-", "run"),
        ("\udce9", "run"),
        ("é", "é"),
        ("x" * 240, "x" * 150),
        ("é" * 120, "é" * 75),
    ],
)
def test_a_config_of_any_name_makes_a_run_of_a_clean_one(
    tmp_path: Path, stem: str, name: str
) -> None:
    """No option, no path, no line's end, and short enough for any file system."""
    with stage(tmp_path, stem) as staging:
        run = staging.commit(_record())
    assert run.path.name.rsplit("-", 2)[0] == name
    assert find_run(tmp_path, run.path.name).path == run.path


def test_a_name_that_no_file_system_takes_is_refused(tmp_path: Path) -> None:
    """In a short message."""
    with pytest.raises(UsageError) as caught, stage(tmp_path, "air", "x" * 5000):
        pass
    assert str(caught.value) == (
        f"--name {'x' * 80}...: no name for a run.\nIt is longer than 200 bytes."
    )


def test_a_runs_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    """The training is over, and there is nothing to lose but it."""
    said: list[str] = []
    root = tmp_path / "runs"
    with stage(root, "air", "one", said.append) as staging:
        shutil.rmtree(root)
        run = staging.leave(_writing(9))
    assert run == find_run(root)
    assert _names(root) == ["latest", "one"]
    assert said == [f"{root} was removed in the meantime, and is made again."]


def test_on_a_full_disk_the_run_is_kept_elsewhere(small_disk: Path) -> None:
    """The message says where, it can be opened there, and what was there stays as it was."""
    with stage(small_disk, "air", "old") as staging:
        staging.leave(_writing(KiB))
    with pytest.raises(UsageError) as caught, stage(small_disk, "air", "new") as staging:
        staging.leave(_writing(100 * KiB))
    (kept,) = small_disk.parent.glob("disk-kept-*/new")
    assert str(caught.value) == (
        f"can not write the run in {small_disk}: No space left on device.\n"
        f"What was fitted is kept: `forecast predict {kept}`."
    )
    assert find_run(Path("no"), str(kept)).file("model.onnx").stat().st_size == 100 * KiB
    assert _names(small_disk) == ["latest", "old"]
    assert find_run(small_disk).file("model.onnx").stat().st_size == KiB


def test_a_training_on_a_full_disk_ends_with_2_and_can_be_used(
    cli: Callable[..., subprocess.CompletedProcess[str]], project: Path, small_disk: Path
) -> None:
    """One paragraph, and no line of a library's."""
    words = ["train", "--config", "air.yaml", "--runs", small_disk, "--set", "training.epochs=1"]
    result = cli("--quiet", *words)
    assert (result.returncode, result.stdout) == (2, "")
    what, advice = result.stderr.splitlines()
    assert what == f"error: can not write the run in {small_disk}: No space left on device."
    found = re.fullmatch(r"What was fitted is kept: `forecast predict (.+)`\.", advice)
    assert found is not None
    forecast = cli("predict", found[1])
    assert (forecast.returncode, forecast.stdout.count("\n")) == (0, 13)
    assert _names(small_disk) == []


def test_a_library_s_own_error_on_a_full_disk_is_one_of_the_disk(small_disk: Path) -> None:
    """Not every library raises what the system said."""

    def write(staging: Staging) -> RunRecord:
        try:
            return _writing(100 * KiB)(staging)
        except OSError as error:
            raise RuntimeError("unable to flush") from error

    with pytest.raises(UsageError, match="What was fitted is kept"), stage(small_disk, "a") as one:
        one.leave(write)


def test_where_nothing_can_be_written_that_is_said(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing half-written stays, in any of the places."""
    root = small_disk / "runs"
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    with pytest.raises(UsageError) as caught, stage(root, "air", "new") as staging:
        staging.leave(_writing(100 * KiB))
    assert str(caught.value) == (
        f"can not write the run in {root}: No space left on device.\n"
        f"Nor beside it, nor in {small_disk}: what was fitted is lost."
    )
    assert _names(root) == []
    assert _names(small_disk) == ["runs"]


@pytest.mark.parametrize("error", [ArithmeticError("a bug"), DivergedError(Problem("nan"))])
def test_an_error_of_another_kind_stays_what_it_is(tmp_path: Path, error: Exception) -> None:
    """It is written once, and nothing is left."""
    calls = []

    def write(staging: Staging) -> RunRecord:
        calls.append(staging)
        raise error

    with pytest.raises(type(error)) as caught, stage(tmp_path, "air") as staging:
        staging.leave(write)
    assert caught.value is error
    assert len(calls) == 1
    assert _names(tmp_path) == []


def test_an_error_of_the_folder_is_not_taken_for_a_name(tmp_path: Path) -> None:
    """Of all errors of renaming, only those that mean it."""
    root = tmp_path / "runs"
    with stage(root, "air", "one") as staging:
        shutil.rmtree(root)
        with pytest.raises(FileNotFoundError):
            staging.commit(_record())


def test_a_folder_called_latest_stays(tmp_path: Path) -> None:
    """As a copy that follows links leaves it: the run is complete, and it is said what to do."""
    said: list[str] = []
    (tmp_path / "latest").mkdir()
    with stage(tmp_path, "air", "one", said.append) as staging:
        run = staging.leave(_writing(1))
    latest = tmp_path / "latest"
    assert said == [
        f"{latest} is no link, and stays as it is: move it away, and a link takes its place."
    ]
    assert _names(latest) == []
    assert find_run(tmp_path, "one") == run
