"""Where tables are kept as arrays on disk, and how they come and go.

An entry is a folder that appears whole or not at all: it is made beside, under a lock that the
system lifts when the process ends, and renamed. What a process that was killed had done stays
there, and the next one that makes the same entry goes on from it.
"""

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from forecast.errors import Problem, UsageError, reason

_TABLES = "tables"
_UNFINISHED, _LOCK = ".part", ".lock"
# What is written here, beside which a person may have put something else.
_OWN = re.compile(r"[0-9a-f]{32}(\.part|\.lock)?|[0-9a-f]{16}\.rows")
_WAY_OUT = "Name another folder (FORECAST_CACHE), or do without: `data.cache: never`."
_OTHER_FOLDER = "Name another folder: FORECAST_CACHE."

Make = Callable[[Path], None]


def cache_root() -> Path:
    """`$FORECAST_CACHE`, else `forecast` in the folder of a person's caches."""
    own = os.environ.get("FORECAST_CACHE")
    if own:
        return Path(own).absolute()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache").absolute() / "forecast"


@dataclass(frozen=True)
class Entry:
    """One table that is kept, or is to be."""

    key: str

    @property
    def path(self) -> Path:
        """Its folder, which is there when all of it is."""
        return cache_root() / _TABLES / self.key

    @property
    def unfinished(self) -> Path:
        """Where it is made."""
        return self.path.with_name(self.key + _UNFINISHED)

    def make(self, make: Make, wait: Callable[[], None]) -> Path:
        """Its folder, of which `make` writes what is not there yet to an unfinished one.

        `wait` is called before it is waited for another process that makes the same. Raises
        `UsageError` where the folder can not be written: then what was done is removed.
        """
        if self.path.is_dir():
            return self.path
        try:
            with self._locked(wait):
                if not self.path.is_dir():
                    self.unfinished.mkdir(exist_ok=True)
                    make(self.unfinished)
                    self.unfinished.rename(self.path)
        except OSError as error:
            shutil.rmtree(self.unfinished, ignore_errors=True)
            raise _unwritable(error) from error
        return self.path

    def remove(self) -> None:
        """Remove it, since it can not be read."""
        shutil.rmtree(self.path, ignore_errors=True)

    def forget(self) -> None:
        """Remove what was done of it."""
        shutil.rmtree(self.unfinished, ignore_errors=True)

    @contextmanager
    def _locked(self, wait: Callable[[], None]) -> Iterator[None]:
        lock = self.path.with_name(self.key + _LOCK)
        lock.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with lock.open("w") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    wait()
                    fcntl.flock(file, fcntl.LOCK_EX)
                except OSError:  # a file system without locks
                    pass
                if not _is_still(file, lock):
                    continue  # who had the lock has removed it, and another may have a new one
                try:
                    yield
                finally:
                    lock.unlink(missing_ok=True)
                return


def _is_still(file: TextIO, path: Path) -> bool:
    """Whether an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


class Pile:
    """Rows that are put on disk part after part, in a file of the cache that has no name.

    It is gone when nobody looks at it any more, however the process ends. Raises `UsageError` where
    it can not be written.
    """

    def __init__(self) -> None:
        folder = cache_root() / _TABLES
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - `whole` closes it
        except OSError as error:
            raise _unwritable(error, _OTHER_FOLDER) from error
        self._count, self._row = 0, np.zeros(0)

    def add(self, rows: NDArray[Any]) -> None:
        """Put rows behind the others, of the same type and the same axes."""
        try:
            self._file.write(np.ascontiguousarray(rows).data)
            self._file.flush()
        except OSError as error:
            with suppress(OSError):  # what does not fit is written again
                self._file.close()
            raise _unwritable(error, _OTHER_FOLDER) from error
        self._count += len(rows)
        self._row = rows[:0]

    def whole(self) -> NDArray[Any]:
        """All rows, which stay on disk until they are looked at. None can be added then."""
        shape = (self._count, *self._row.shape[1:])
        with self._file as file:
            return np.asarray(np.memmap(file, self._row.dtype, "r", shape=shape))


@contextmanager
def scratch_file() -> Iterator[Path]:
    """The path of a file in the cache, which is gone at the end of the block.

    Raises `UsageError` where it can not be written.
    """
    folder = cache_root() / _TABLES
    path = folder / f"{secrets.token_hex(8)}.rows"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield path
    except OSError as error:
        raise _unwritable(error) from error
    finally:
        path.unlink(missing_ok=True)


def _unwritable(error: OSError, way_out: str = _WAY_OUT) -> UsageError:
    message = f"can not write the cache {cache_root() / _TABLES}: {reason(error)}."
    return UsageError(Problem(message, way_out))


@dataclass(frozen=True)
class Kept:
    """What a cache holds."""

    tables: int
    bytes: int

    def __str__(self) -> str:
        tables = "1 table" if self.tables == 1 else f"{self.tables} tables"
        return f"{tables}, {self.bytes / 1e6:,.1f} MB"


def kept() -> Kept:
    """How many tables are kept, and what all of it takes."""
    size = 0
    for own in _own():
        inside = own.rglob("*") if own.is_dir() else (own,)
        for path in inside:
            with suppress(FileNotFoundError):  # it is being made
                size += path.lstat().st_size if not path.is_dir() else 0
    return Kept(sum(own.is_dir() and not own.suffix for own in _own()), size)


def clear() -> Kept:
    """Remove all tables that are kept, what was left of others, and nothing else. What that was.

    Raises `UsageError` where it can not be removed.
    """
    found = kept()
    try:
        for own in _own():
            if own.is_dir():
                shutil.rmtree(own)
            else:
                own.unlink()
    except OSError as error:
        raise UsageError(
            Problem(f"can not remove the cache {cache_root()}: {reason(error)}.")
        ) from error
    return found


def _own() -> list[Path]:
    folder = cache_root() / _TABLES
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in found if _OWN.fullmatch(path.name))
