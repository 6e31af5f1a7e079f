"""Trainings that were ended on the way: which there are, by the folders of their checkpoints."""

import os
import shutil
from pathlib import Path

from forecast.errors import Problem, UsageError
from forecast.runs.store import HIDDEN, is_run

PREFIX = f"{HIDDEN}checkpoint-"
RECORD = "checkpoint.json"


def checkpoint_path(root: Path, name: str) -> Path:
    """Where the training of a run of this name keeps what it has fitted."""
    return root.absolute() / f"{PREFIX}{name}"


def has_checkpoint(root: Path, name: str) -> bool:
    """Whether a training of a run of this name was ended on the way, and is not gone on with."""
    return os.path.lexists(checkpoint_path(root, name) / RECORD)


def refuse_checkpoint(root: Path, name: str) -> None:
    """Raise `UsageError` where a training of this name was ended on the way: none is begun then."""
    if has_checkpoint(root, name):
        message = f"a training called {name} was ended on the way."
        advice = f"Go on with it: --resume {name}. Or remove it: forecast runs delete {name}"
        raise UsageError(Problem(message, advice))


def sweep_checkpoints(root: Path) -> None:
    """Remove those whose run is there: a process was killed between the two."""
    for path in root.glob(f"{PREFIX}*"):
        if is_run(root / path.name.removeprefix(PREFIX)):
            shutil.rmtree(path, ignore_errors=True)
