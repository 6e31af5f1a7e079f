"""Where tables are kept as arrays on disk, and how they come and go.

An entry is a folder that appears whole or not at all: it is made beside, under a lock that the
system lifts when the process ends, and renamed. What a process that was killed had done stays
there, and the next one that makes the same entry goes on from it.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from forecast.errors import Problem, UsageError, reason

_TABLES = "tables"
_UNFINISHED, _LOCK = ".part", ".lock"
_WAY_OUT = "Name another folder (FORECAST_CACHE), or do without: `data.cache: never`."

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

    def forget(self) -> None:
        """Remove what was done of it."""
        shutil.rmtree(self.unfinished, ignore_errors=True)

    @contextmanager
    def _locked(self, wait: Callable[[], None]) -> Iterator[None]:
        lock = self.path.with_name(self.key + _LOCK)
        lock.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                wait()
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError:  # a file system without locks
                pass
            yield


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


def _unwritable(error: OSError) -> UsageError:
    message = f"can not write the cache {cache_root() / _TABLES}: {reason(error)}."
    return UsageError(Problem(message, _WAY_OUT))


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
    folder, size = cache_root() / _TABLES, 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # it is being made
                size += (Path(path) / name).lstat().st_size
    whole = [path for path in _entries() if not path.name.endswith(_UNFINISHED)]
    return Kept(len(whole), size)


def clear() -> Kept:
    """Remove all tables that are kept, and what was left of others. What that was.

    Raises `UsageError` where it can not be removed.
    """
    found = kept()
    try:
        if (cache_root() / _TABLES).is_dir():
            shutil.rmtree(cache_root() / _TABLES)
    except OSError as error:
        raise UsageError(
            Problem(f"can not remove the cache {cache_root()}: {reason(error)}.")
        ) from error
    return found


def _entries() -> list[Path]:
    folder = cache_root() / _TABLES
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
