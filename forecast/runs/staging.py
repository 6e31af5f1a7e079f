"""Writing a run: complete or absent, and what was fitted is not thrown away.

A run is written under a temporary name and renamed when all of it is there; `latest` is switched
last. The temporary folder reserves the name, and goes with the process that made it.
"""

import errno
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from forecast.errors import ForecastError, Problem, UsageError, reason
from forecast.runs.claim import claimed, remove_unclaimed
from forecast.runs.latest import point_latest
from forecast.runs.layout import MEMBERS, PLOTS, RUN, most_bytes
from forecast.runs.record import RunRecord
from forecast.runs.regular import checksum
from forecast.runs.store import HIDDEN, LATEST, Run, Warn, unsaid
from forecast.runs.unfinished import sweep_checkpoints

STAGING = f"{HIDDEN}staging-"
_NAME = re.compile(r"\w[\w.+-]*")
_MOST_BYTES_OF_NAME = 200
_MOST_BYTES_OF_STEM = 150
_IN_THE_WAY = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR)
_PROBE = b"\0" * 2**16
_ADVICE = "Say where runs are kept: --runs DIR, or the variable FORECAST_RUNS."


Write = Callable[["Staging"], RunRecord]


@dataclass(frozen=True)
class Staging:
    """A run that is being written."""

    path: Path
    root: Path
    name: str
    warn: Warn = unsaid

    def write(self, name: str, content: bytes) -> None:
        """Write one file of the run."""
        (self.path / name).write_bytes(content)

    def write_text(self, name: str, text: str) -> None:
        """Write one file of the run."""
        self.write(name, text.encode())

    def write_json(self, name: str, value: object) -> None:
        """Write one JSON file of the run. NaN is no JSON, and an error here."""
        self.write_text(name, json.dumps(value, indent=2, allow_nan=False) + "\n")

    def member(self, name: str) -> "Staging":
        """Where a network of a blend is written, a run within this one; begun anew."""
        path = self.path / MEMBERS / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return replace(self, path=path, root=path.parent, name=name)

    def seal(self, record: RunRecord) -> RunRecord:
        """Write the record, with the checksums of all files that are there by now."""
        files = sorted(path.name for path in self.path.iterdir() if path.is_file())
        sums = {name: checksum(self.path / name, most_bytes(name)) for name in files if name != RUN}
        (self.path / PLOTS).mkdir(exist_ok=True)
        record = record.model_copy(update={"checksums": sums})
        self.write_text(RUN, record.model_dump_json(indent=2) + "\n")
        return record

    def commit(self, record: RunRecord) -> Run:
        """Let the run appear under its name, and be `latest` if it is complete.

        Under another one where its own was taken in the meantime. Raises `OSError` where the folder
        can not be written.
        """
        name = self.name
        while True:
            record = self.seal(record.model_copy(update={"name": name}))
            try:
                self.path.rename(self.root / name)
                break
            except OSError as error:
                if error.errno not in _IN_THE_WAY:
                    raise
            name = f"{self.name}-{secrets.token_hex(2)}"
            self.warn(f"{self.name} is taken by now: the run is called {name}.")
        run = Run(self.root / name, record)
        if record.status == "complete":
            point_latest(run.path, self.warn)
        return run

    def leave(self, write: Write) -> Run:
        """Commit the run whose files `write` writes.

        Where the runs folder is gone it is made again. Where it can not be written, the run is
        written beside it or in the temporary folder, and `UsageError` says where it is kept.
        """
        try:
            return self.commit(write(self))
        except ForecastError:
            raise
        except Exception as error:  # libraries say "no space left" in errors of their own
            failure = error if isinstance(error, OSError) else self._failure_to_write()
            if failure is None:
                raise
        if not self.path.is_dir():
            with suppress(OSError), claimed(self.path) as is_ours:
                if is_ours:
                    self.warn(f"{self.root} was removed in the meantime, and is made again.")
                    return self.commit(write(self))
        message = f"can not write the run in {self.root}: {reason(failure)}."
        for folder in (self.root.parent, Path(tempfile.gettempdir())):
            run = self._kept_in(folder, write)
            if run:
                advice = f"What was fitted is kept: `forecast predict {run.path}`."
                raise UsageError(Problem(message, advice)) from failure
        advice = f"Nor beside it, nor in {folder}: what was fitted is lost."
        raise UsageError(Problem(message, advice)) from failure

    def keep(self, write: Write) -> Run:
        """Commit an unfinished run under this name, whatever the staging folder holds by now.

        As `leave` has it where the runs folder can not be written.
        """
        path = self.root / f"{STAGING}{self.name}-{secrets.token_hex(4)}"
        with ExitStack() as stack:
            with suppress(OSError):  # `leave` knows of other folders
                stack.enter_context(claimed(path))
            return replace(self, path=path).leave(write)

    def remove(self) -> None:
        """Remove the staging folder, if it was not committed."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _failure_to_write(self) -> OSError | None:
        """Why the staging folder can not be written, if it can not."""
        probe = self.path / "probe"
        try:
            probe.write_bytes(_PROBE)
            probe.unlink()
        except OSError as failure:
            return failure
        return None

    def _kept_in(self, folder: Path, write: Write) -> Run | None:
        """The run, written to a new folder in this one; None where that can not be written."""
        root: Path | None = None
        try:
            root = Path(tempfile.mkdtemp(prefix=f"{self.root.name}-kept-", dir=folder))
            path = root / f"{STAGING}{self.name}"
            with claimed(path):
                spare = Staging(path, root, self.name)
                return spare.commit(write(spare))
        except ForecastError:
            raise
        except Exception:  # noqa: BLE001 - as in `leave`; the next folder may do
            return None
        finally:
            if root is not None:
                with suppress(OSError):  # it holds the run
                    root.rmdir()


@contextmanager
def stage(root: Path, stem: str, name: str | None = None, warn: Warn = unsaid) -> Iterator[Staging]:
    """A new run under `root`, named after the config or as asked; gone unless committed.

    The name is reserved from now on. What killed processes left behind is removed. Raises
    `UsageError` where the name is taken or no file name, or the folder can not be written.
    """
    if name is None:
        name = name_after(stem)
    elif not _NAME.fullmatch(name) or name == LATEST or len(name.encode()) > _MOST_BYTES_OF_NAME:
        shown = name if len(name) <= _MOST_BYTES_OF_NAME else f"{name[:80]}..."
        advice = "Use letters, digits, dots, dashes and underscores."
        if len(name.encode()) > _MOST_BYTES_OF_NAME:
            advice = f"It is longer than {_MOST_BYTES_OF_NAME} bytes."
        raise UsageError(Problem(f"--name {shown}: no name for a run.", advice))
    root = root.absolute()
    sweep(root)
    path = root / f"{STAGING}{name}"
    with reserved(path, name, "Give another --name."):
        # Asked only now: a process that held the name until now has given it to its run.
        if os.path.lexists(root / name):
            raise UsageError(Problem(f"there is a run {name} already.", "Give another --name."))
        yield Staging(path, root, name, warn)


@contextmanager
def reserved(path: Path, name: str, advice: str) -> Iterator[None]:
    """Hold the staging folder of a name. Raises `UsageError` where another process does."""
    with ExitStack() as stack:
        try:
            is_ours = stack.enter_context(claimed(path))
        except OSError as error:
            message = f"can not write runs in {path.parent}: {reason(error)}."
            raise UsageError(Problem(message, _ADVICE)) from error
        if not is_ours:
            message = f"a training called {name} is at work: it has {path}."
            raise UsageError(Problem(message, advice))
        yield


def sweep(root: Path) -> None:
    """Remove what processes that were killed left in the runs folder."""
    for path in root.glob(f"{STAGING}*"):
        remove_unclaimed(path)
    sweep_checkpoints(root)


def name_after(stem: str) -> str:
    """A name for the run of a config: of its letters, whatever else stood between them."""
    cleaned = re.sub(r"[^\w.+-]+", "-", stem).strip("-.+")
    cut = cleaned.encode()[:_MOST_BYTES_OF_STEM].decode(errors="ignore") or "run"
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{cut}-{moment}-{secrets.token_hex(2)}"
