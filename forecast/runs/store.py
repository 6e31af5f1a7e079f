"""Run directories on disk.

A run is written under a temporary name and renamed when all of it is there; `latest` is switched
last, in one step. So a run is complete or absent, also when two are written at once.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from forecast.errors import NoRunError, Problem, RunError, UsageError, did_you_mean
from forecast.runs.record import LAYOUT, RunRecord

LATEST = "latest"
_RECORD = "run.json"
_STAGING = ".staging-"
_NAME = re.compile(r"[\w][\w.+-]*")

Record = TypeVar("Record", bound=BaseModel)


@dataclass(frozen=True)
class Run:
    """A finished run."""

    path: Path
    record: RunRecord

    def file(self, name: str) -> Path:
        """A file of the run, checked against the checksum that was taken when it was written.

        Raises `RunError` where it is missing or changed.
        """
        path = self.path / name
        advice = "Train again, or restore the run from a copy."
        if name not in self.record.checksums or not path.is_file():
            raise RunError(Problem(f"the run {self.record.name} has no {name}.", advice))
        if _sha256(path) != self.record.checksums[name]:
            message = f"{path} is damaged: its checksum is not the one in {_RECORD}."
            raise RunError(Problem(message, advice))
        return path

    def read(self, name: str, kind: type[Record]) -> Record:
        """A JSON file of the run as its type."""
        return _parse(self.file(name), kind)


@dataclass(frozen=True)
class Staging:
    """A run that is being written."""

    path: Path
    root: Path
    name: str

    def write_text(self, name: str, text: str) -> None:
        """Write one file of the run."""
        (self.path / name).write_text(text, encoding="utf-8")

    def write_json(self, name: str, value: object) -> None:
        """Write one JSON file of the run. NaN is no JSON, and an error here."""
        self.write_text(name, json.dumps(value, indent=2, allow_nan=False) + "\n")

    def commit(self, record: RunRecord) -> Run:
        """Let the run appear under its name, and be `latest` if it is complete."""
        files = sorted(path for path in self.path.iterdir() if path.is_file())
        record = record.model_copy(
            update={"checksums": {path.name: _sha256(path) for path in files}}
        )
        self.write_text(_RECORD, record.model_dump_json(indent=2) + "\n")
        (self.path / "plots").mkdir()
        final = self.root / self.name
        try:
            self.path.rename(final)
        except OSError as error:
            raise _name_is_taken(self.name) from error
        if record.status == "complete":
            _point_latest_to(final)
        return Run(final, record)


@contextmanager
def stage(root: Path, stem: str, name: str | None = None) -> Iterator[Staging]:
    """A new run under `root`, named after the config or as asked; gone unless committed.

    Raises `UsageError` where the name is taken or no file name, or the folder can not be written.
    """
    if name is None:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        name = f"{stem}-{moment}-{secrets.token_hex(2)}"
    elif not _NAME.fullmatch(name) or name == LATEST:
        advice = "Use letters, digits, dots, dashes and underscores."
        raise UsageError(Problem(f"--name {name}: no name for a run.", advice))
    root = root.absolute()
    if os.path.lexists(root / name):
        raise _name_is_taken(name)
    path = root / f"{_STAGING}{name}-{secrets.token_hex(4)}"
    try:
        path.mkdir(parents=True)
    except OSError as error:
        advice = "Say where runs are kept: --runs DIR, or the variable FORECAST_RUNS."
        message = f"can not write runs in {root}: {error.strerror}."
        raise UsageError(Problem(message, advice)) from error
    try:
        yield Staging(path, root, name)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _name_is_taken(name: str) -> UsageError:
    return UsageError(Problem(f"there is a run {name} already.", "Give another --name."))


def find_run(root: Path, wanted: str = LATEST) -> Run:
    """The run at a path, or of a name under `root`; `latest` is the last complete one.

    Raises `RunError` where there is none, it is damaged, or a newer version wrote it.
    """
    for path in (Path(wanted), root / wanted):
        if (path / _RECORD).is_file():
            return _open(path.resolve())
    if wanted == LATEST:
        names = _names(root)
        if names:
            message = f"there is no complete run in {root} yet."
            raise RunError(Problem(message, f"Name one that was interrupted: {', '.join(names)}."))
        message = f"there is no run in {root} yet."
        raise RunError(Problem(message, "`forecast train --config air.yaml` makes one."))
    advice = did_you_mean(wanted, _names(root)) if _names(root) else f"{root} holds no run."
    raise NoRunError(Problem(f"there is no run {wanted}.", advice))


def list_runs(root: Path) -> list[Run]:
    """The runs under `root` that this version can read, oldest first."""
    runs = []
    for name in _names(root):
        try:
            runs.append(_open(root / name))
        except RunError:  # `runs list` shows what there is; opening that run says what is wrong
            continue
    return sorted(runs, key=lambda run: run.record.created)


def _names(root: Path) -> list[str]:
    return sorted(
        path.parent.name
        for path in root.glob(f"*/{_RECORD}")
        if not path.parent.is_symlink() and not path.parent.name.startswith(_STAGING)
    )


def _open(path: Path) -> Run:
    file = path / _RECORD
    try:
        layout = json.loads(file.read_text(encoding="utf-8"))["layout"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(Problem(f"{file} is damaged: {error}.")) from error
    if layout != LAYOUT:
        message = f"{path.name} has layout {layout}, and this version reads layout {LAYOUT}."
        raise RunError(
            Problem(message, "Use the version of forecast that made the run, or a newer.")
        )
    return Run(path, _parse(file, RunRecord))


def _parse(path: Path, kind: type[Record]) -> Record:
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunError(Problem(f"{path} is damaged: {error.errors()[0]['msg']}.")) from error


def _point_latest_to(path: Path) -> None:
    link = path.parent / f"{_STAGING}{secrets.token_hex(4)}"
    link.symlink_to(path.name)
    link.replace(path.parent / LATEST)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
