"""Folders that belong to a process for as long as it lives, and to nobody afterwards.

A claim is a lock on the folder itself, which the system lifts when the process ends, however it
ends. So a folder that nobody holds was left by a process that was killed.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TRIES = 20


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Make a folder for this process, which is removed at the end; or give False: it is another's.

    A folder that was moved in the meantime stays where it is. Raises `OSError` where a folder can
    not be made.
    """
    descriptor = _claim(path)
    if descriptor is None:
        yield False
        return
    try:
        yield True
    finally:
        if _is_at(path, descriptor):
            shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def _claim(path: Path) -> int | None:
    for _ in range(_TRIES):
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if not remove_unclaimed(path):
                return None
            continue
        with suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            # Between making it and locking it, another process may have taken it for a left one.
            if _lock(descriptor) and _is_at(path, descriptor):
                return descriptor
            os.close(descriptor)
    return None


def remove_unclaimed(path: Path) -> bool:
    """Remove a folder that no living process holds; whether it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # it is held, or this file system can not tell
        return False
    else:
        shutil.rmtree(path, ignore_errors=True)
        return not os.path.lexists(path)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Whether the folder is ours; a file system without locks has nobody who could take it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the folder still lies where it was made."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
