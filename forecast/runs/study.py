"""What `forecast tune` leaves behind: a folder that grows, and a search that can be gone on with.

`study.json` says what is searched; each line of `trials.jsonl` is what came of trials that were
fitted together, and a line that is not whole is as if it were not there. At the end come
`best.yaml`, `leaderboard.csv` and figures, written anew each time.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, FiniteFloat

from forecast.data.export import write_file
from forecast.errors import Problem, RunError, UsageError, reason
from forecast.runs.layout import PLOTS
from forecast.runs.record import LAYOUT, WorkRecord
from forecast.runs.regular import damaged, read_regular
from forecast.runs.staging import name_after
from forecast.runs.store import parse

STUDY, TRIALS = "study.json", "trials.jsonl"
BEST, LEADERBOARD = "best.yaml", "leaderboard.csv"
_MOST_BYTES = 2**30
_ADVICE = "Begin anew, without --resume."


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class StudyRecord(WorkRecord):
    """`study.json`: what is searched; its config has the space that is."""

    @property
    def trials(self) -> int | None:
        """How many are to be tried."""
        trials = self.config.get("search", {}).get("trials")
        return trials if isinstance(trials, int) else None


class Cell(_Record):
    """A trial with one seed, fitted before one origin: how it forecast from there on."""

    trial: int
    origin: int
    """Which, counted from the oldest."""
    seed: int | None
    """Which, counted from the config's own; None of the mean of the forecasts of several seeds."""
    losses: tuple[FiniteFloat | None, ...] | None
    """One a cutoff, or a series of a panel, null where nothing was observed; none at all where the
    training diverged, or a forecast is no number."""


class _Group(_Record):
    """A line of `trials.jsonl`."""

    group: str
    cells: list[Cell]


@dataclass(frozen=True)
class Study:
    """A search that is under way; held by this process alone."""

    path: Path
    record: StudyRecord
    groups: Mapping[str, Sequence[Cell]]
    """What came of each group that was done before."""
    file: BinaryIO

    def append(self, group: str, cells: Sequence[Cell]) -> None:
        """Keep what came of a group: once this returns, it survives whatever happens.

        Raises `UsageError` where it can not be written.
        """
        line = _Group(group=group, cells=list(cells)).model_dump_json()
        try:
            self.file.write(f"{line}\n".encode())
            self.file.flush()
            os.fsync(self.file.fileno())
        except OSError as error:
            message = f"can not write to {self.path / TRIALS}: {reason(error)}."
            raise UsageError(Problem(message, "Make room, and go on with --resume.")) from error

    def write(self, name: str, content: bytes) -> Path:
        """Write one of the results, in place of an earlier one."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        write_file(content, path)
        return path

    def plot(self, name: str) -> str:
        """What a figure of the study is called."""
        return f"{PLOTS}/{name}.png"


@contextmanager
def new_study(root: Path, stem: str, record: StudyRecord) -> Iterator[Study]:
    """A study under `root` that has tried nothing, named after its config.

    Raises `UsageError` where it can not be written.
    """
    path = root.absolute() / name_after(f"{stem}-tune")
    try:
        path.mkdir(parents=True)
        write_file(f"{record.model_dump_json(indent=2)}\n".encode(), path / STUDY)
        (path / TRIALS).touch()
    except OSError as error:
        message = f"can not write a study in {root}: {reason(error)}."
        raise UsageError(Problem(message, "Say where: --runs DIR.")) from error
    with _opened(path, record) as study:
        yield study


@contextmanager
def open_study(
    root: Path, wanted: str, refuse: Callable[[Path, StudyRecord], None]
) -> Iterator[Study]:
    """The study at a path, or of a name under `root`, with all that it has tried.

    `refuse` raises where it is not the one that is meant.

    Raises `RunError` where there is none, it is damaged, or another version wrote it, and
    `UsageError` where another process is at it.
    """
    path, record = find_study(root, wanted)
    refuse(path, record)
    with _opened(path, record) as study:
        yield study


def find_study(root: Path, wanted: str) -> tuple[Path, StudyRecord]:
    """Where a study lies, and what it is of. Raises `RunError` as `open_study` does."""
    for path in (Path(wanted), root / wanted):
        if (path / STUDY).is_file():
            record = parse(read_regular(path / STUDY, _MOST_BYTES), StudyRecord, path / STUDY)
            if record.layout != LAYOUT:
                message = f"{path} has layout {record.layout}, and this version reads {LAYOUT}."
                raise RunError(Problem(message, _ADVICE))
            return path.resolve(), record
    others = ", ".join(sorted(found.parent.name for found in root.glob(f"*/{STUDY}")))
    advice = f"In {root} there are: {others}." if others else f"{root} holds no study."
    raise RunError(Problem(f"there is no study {wanted}.", advice))


@contextmanager
def _opened(path: Path, record: StudyRecord) -> Iterator[Study]:
    """A study whose file of trials is held, and ends with a whole line."""
    try:
        file = (path / TRIALS).open("ab")
    except OSError as error:
        raise RunError(Problem(f"can not write {path / TRIALS}: {reason(error)}.")) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another process is at work on {path}."
            raise UsageError(Problem(message, "Wait for its end, or stop it.")) from error
        content = read_regular(path / TRIALS, _MOST_BYTES)
        whole = content[: content.rfind(b"\n") + 1]
        file.truncate(len(whole))  # what was being written when the process was killed
        groups = [parse(line, _Group, path / TRIALS) for line in whole.splitlines()]
        if len({own.group for own in groups}) < len(groups):
            raise damaged(path / TRIALS, "it has a group twice")
        yield Study(path, record, {own.group: own.cells for own in groups}, file)
