"""Reading files that somebody else may have made: regular ones alone, and with a bound."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from forecast.errors import Problem, RunError

ADVICE = "Train again, or restore the run from a copy."


def damaged(path: Path, why: str) -> RunError:
    """The error that a file of a run is not what it should be."""
    return RunError(Problem(f"{path} is damaged: {why}.", ADVICE))


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes. Raises `RunError` for any other."""
    with _opened(path, most) as file:
        content = file.read(most + 1)
    if len(content) > most:  # it has grown since
        raise damaged(path, f"it has more than {most:,} bytes")
    return content


def checksum(path: Path, most: int) -> str:
    """SHA-256 of a regular file of at most `most` bytes. Raises `RunError` for any other."""
    with _opened(path, most) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _opened(path: Path, most: int) -> Iterator[BufferedReader]:
    """A pipe would be waited for, and a device read without end: neither is read."""
    try:
        # Opening a pipe that nobody writes to would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise damaged(path, "it is no regular file")
            if found.st_size > most:
                raise damaged(path, f"it has {found.st_size:,} bytes, more than {most:,}")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                yield file
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RunError(Problem(f"can not read {path}: {error.strerror}.", ADVICE)) from error
