"""Reading the files of a run, which somebody else may have made."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast import reading
from forecast.errors import Problem, RunError, reason

ADVICE = "Train again, or restore the run from a copy."


def damaged(path: Path, why: str) -> RunError:
    """The error that a file of a run is not what it should be."""
    return RunError(Problem(f"{path} is damaged: {why}.", ADVICE))


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes. Raises `RunError` for any other."""
    with _as_run_errors(path):
        return reading.read_regular(path, most)


def checksum(path: Path, most: int) -> str:
    """SHA-256 of a regular file of at most `most` bytes. Raises `RunError` for any other."""
    with _as_run_errors(path), reading.opened_regular(path, most) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _as_run_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except reading.IrregularError as error:
        raise damaged(path, str(error)) from error
    except OSError as error:
        raise RunError(Problem(f"can not read {path}: {reason(error)}.", ADVICE)) from error
