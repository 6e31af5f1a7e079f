"""Reading files that somebody else may have named: regular ones alone, and with a bound."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path


class IrregularError(ValueError):
    """What is there is no file that could be read to its end: it says why."""


@contextmanager
def opened_regular(path: Path, most: int) -> Iterator[BufferedReader]:
    """A regular file of at most `most` bytes, open for reading.

    A pipe would be waited for, and a device read without end: neither is read. Raises
    `IrregularError` for them, and `OSError` where there is no such file or it can not be read.
    """
    # Opening a pipe that nobody writes to would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise IrregularError("it is no regular file")
        if found.st_size > most:
            raise IrregularError(f"it has {found.st_size:,} bytes, more than {most:,}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes. Raises as `opened_regular` does."""
    with opened_regular(path, most) as file:
        content = file.read(most + 1)
    if len(content) > most:  # it has grown since
        raise IrregularError(f"it has more than {most:,} bytes")
    return content
