"""Standard streams that are closed, full or broken, and warnings that nobody asked for."""

import os
import sys
import warnings
from contextlib import suppress
from typing import TextIO


def open_missing_streams() -> None:
    """Open what a shell has closed (`>&-`): Python then has None, and a file would get its number.

    Nothing is read from a closed stdin, what is said to a closed stderr is lost, and a closed
    stdout can not be written to, which is an error as soon as there is a result.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY), "r")
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", errors="backslashreplace")


def discard(stream: TextIO) -> None:
    """Let what is written to a broken stream from now on be lost, without a complaint."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def silence_warnings() -> None:
    """Keep libraries' warnings, which name lines of their source, from a person.

    `-W` and PYTHONWARNINGS ask for them, and so does `show_warnings`. Libraries change the filters
    of warnings as they load, so that filters would not do.
    """
    if not sys.warnoptions:
        warnings.showwarning = _unsaid


def show_warnings() -> None:
    """Say them after all."""
    warnings.showwarning = _SHOW


_SHOW = warnings.showwarning


def _unsaid(*args: object, **kwargs: object) -> None:
    """Where nobody listens."""
