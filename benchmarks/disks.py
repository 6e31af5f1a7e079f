"""What happens on a disk that is too small? For root, who may mount one.

    python benchmarks/disks.py                     disks of 8 to 200 kB
    python benchmarks/disks.py --sizes 40 80       these alone

The airline example is trained with its runs folder on each disk, which already holds a run. The
training has to end with 0, or with 2 and one paragraph that says where what was learned is kept;
that has to predict; and the earlier run and `latest` have to be what they were. Then the disk is
filled, and `predict --output`, `plot --output` and `init -o` have to end with 2 and leave what was
there. Printed is a line for each disk; the exit code is 1 where anything was not so.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast.commands.init import init_example
from forecast.errors import RunError
from forecast.runs import RunRecord, find_run, stage

SIZES = (8, 12, 16, 24, 32, 40, 64, 96, 128, 160, 200)
TRAIN = (
    "--quiet", "train", "--config", "air.yaml", "--set", "training.epochs=1", "--set",
    "model.units=4",
)  # fmt: skip
OLD = b"old"


def forecast(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "forecast", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A disk of this size, mounted on a folder."""
    folder.mkdir()
    options = f"size={kilobytes}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def faults_of_training(project: Path, runs: Path) -> Iterator[str]:
    """What was not as it should be when a training ended on a disk that holds a run."""
    done = forecast(*TRAIN, "--runs", runs, cwd=project)
    if done.returncode == 0:
        return
    if done.returncode != 2:
        yield f"exit {done.returncode}: {done.stderr[-300:]}"
    if "Traceback" in done.stderr or len(done.stderr.splitlines()) > 3:
        yield f"no paragraph: {done.stderr[-300:]}"
    if {path.name for path in runs.iterdir()} != {"earlier", "latest"}:
        yield f"left: {sorted(path.name for path in runs.iterdir())}"
    try:
        find_run(runs).file("config.yaml")
    except RunError as error:
        yield str(error)
    kept = re.search(r"`forecast predict (.+)`", done.stderr)
    if kept is None:
        yield f"nothing kept: {done.stderr[-300:]}"
    elif forecast("predict", kept[1], cwd=project).returncode:
        yield f"{kept[1]} can not be used"


def faults_of_outputs(project: Path, run: Path, full: Path) -> Iterator[str]:
    """What was not as it should be when files were written to a full disk."""
    files = {name: full / name for name in ("next.csv", "forecast.png")}
    for path in files.values():
        path.write_bytes(OLD)
    with (full / "filling").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            pass
    commands: dict[str, tuple[str | Path, ...]] = {
        "predict": ("predict", run, "--horizon", "500", "--output", files["next.csv"]),
        "plot": ("plot", run, "forecast", "--output", files["forecast.png"]),
        "init": ("init", "airline-passengers.csv", "-o", full / "new.yaml"),
    }
    before = sorted(path.name for path in full.iterdir())
    for name, words in commands.items():
        done = forecast(*words, cwd=project)
        if done.returncode != 2 or "Traceback" in done.stderr:
            yield f"{name}: exit {done.returncode}: {done.stderr[-300:]}"
    if any(path.read_bytes() != OLD for path in files.values()):
        yield "an old file was changed"
    if sorted(path.name for path in full.iterdir()) != before:
        yield f"left: {sorted(path.name for path in full.iterdir())}"


def place_earlier_run(runs: Path) -> None:
    """A run of one file, which is `latest`."""
    with stage(runs, "earlier", "earlier") as staging:
        staging.write_text("config.yaml", "")
        staging.commit(
            RunRecord(
                name="earlier",
                status="complete",
                created="2020-01-01T00:00:00+00:00",
                argv=[],
                versions={},
                model="gru",
                parameters=1,
                seconds={},
            )
        )


def main() -> int:
    """Try every size; 1 where anything was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="in kB")
    sizes: list[int] = parser.parse_args().sizes
    found = 0
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary)
        init_example(project)
        trained = forecast(*TRAIN, cwd=project)
        run = Path(trained.stdout.strip())
        for size in sizes:
            with disk(project / "disk", size) as small:
                place_earlier_run(small)
                faults = [*faults_of_training(project, small)]
            with disk(project / "disk", size) as small:
                faults += faults_of_outputs(project, run, small)
            print(f"{size:4} kB  {'; '.join(faults) or 'as it should be'}", flush=True)
            found += len(faults)
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
