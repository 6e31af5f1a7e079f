"""The link `latest`, which is switched in one step: there is no moment without it."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from forecast.errors import reason
from forecast.runs.store import HIDDEN, LATEST, Warn, newest_complete


def point_latest(path: Path, warn: Warn) -> None:
    """Let `latest` lead to a run.

    That it can not is told to `warn` and no more: the run is complete, and has a name.
    """
    latest = path.parent / LATEST
    if os.path.lexists(latest) and not latest.is_symlink():
        warn(f"{latest} is no link, and stays as it is: move it away, and a link takes its place.")
        return
    link = path.parent / f"{HIDDEN}{LATEST}-{secrets.token_hex(4)}"
    try:
        link.symlink_to(path.name)
        link.replace(latest)
    except OSError as error:
        warn(f"can not make the link {latest}: {reason(error)}.")
        with suppress(OSError):
            link.unlink()


def repair_latest(root: Path, warn: Warn) -> None:
    """Let a `latest` that leads nowhere lead to the newest complete run, or be gone without one."""
    latest = root / LATEST
    if not latest.is_symlink() or latest.exists():
        return
    newest = newest_complete(root)
    if newest is None:
        latest.unlink()
    else:
        point_latest(newest.path, warn)
