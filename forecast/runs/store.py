"""Finished runs on disk: which there are, and their files, checked when they are opened."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from forecast.errors import NoRunError, Problem, RunError, UsageError, did_you_mean, reason
from forecast.runs.layout import BLEND, MEMBERS, ONNX, RUN, as_parquet, most_bytes
from forecast.runs.record import LAYOUT, BlendRecord, RunRecord
from forecast.runs.regular import ADVICE, checksum, damaged, read_regular

LATEST = "latest"
# What is not a run yet, or no longer.
HIDDEN = "."

_SHOWN = 80  # characters of a name that nobody would type

Warn = Callable[[str], None]
Record = TypeVar("Record", bound=BaseModel)


def unsaid(warning: str) -> None:
    """Where nobody listens."""


@dataclass(frozen=True)
class Run:
    """A finished run."""

    path: Path
    record: RunRecord

    def file(self, name: str) -> Path:
        """A file of the run, checked against the checksum that was taken when it was written.

        Raises `RunError` where it is missing, changed, or no regular file.
        """
        path = self._known(name)
        if checksum(path, most_bytes(name)) != self.record.checksums[name]:
            raise damaged(path, f"its checksum is not the one in {RUN}")
        return path

    def content(self, name: str) -> bytes:
        """The content of a file of the run, checked in the same way."""
        return read_regular(self.file(name), most_bytes(name))

    def has(self, name: str) -> bool:
        """Whether the run was left with a file of this name, or with that table in Parquet."""
        return self.table(name) in self.record.checksums

    def table(self, name: str) -> str:
        """What the file of a table is called: as given, or in Parquet where it was too long."""
        long = as_parquet(name)
        return long if long in self.record.checksums else name

    def text(self, name: str) -> str:
        """The text of a file of the run, checked in the same way."""
        try:
            return self.content(name).decode()
        except UnicodeDecodeError as error:
            raise damaged(self.path / name, "it is not UTF-8") from error

    @property
    def is_blend(self) -> bool:
        """Whether several forecasters are used as one, of which each network is a run within."""
        return BLEND in self.record.checksums

    @property
    def is_exported(self) -> bool:
        """Whether it has its network as ONNX; one that was interrupted may not."""
        return self.is_blend or ONNX in self.record.checksums

    @property
    def members(self) -> "dict[str, Run]":
        """Of a blend, the runs of its networks, by their names; no other run has any.

        Raises `RunError` where one is missing, or is not what was written.
        """
        if not self.is_blend:
            return {}
        blend, found = parse(self.content(BLEND), BlendRecord, self.path / BLEND), {}
        for member in blend.members:
            if member.is_network:
                path = self.path / MEMBERS / member.name
                if checksum(path / RUN, most_bytes(RUN)) != member.checksum:
                    raise damaged(path / RUN, f"its checksum is not the one in {BLEND}")
                found[member.name] = open_folder(path)
        return found

    def adding(self, write: Callable[[Path], None]) -> "Run":
        """The run with further files, which `write` writes to a folder. It is whole at any time.

        Raises `UsageError` where they can not be written.
        """
        try:
            with TemporaryDirectory(prefix=HIDDEN, dir=self.path) as temporary:
                folder = Path(temporary)
                write(folder)
                files = [path for path in folder.iterdir() if path.is_file()]
                sums = {path.name: checksum(path, most_bytes(path.name)) for path in files}
                for path in files:
                    path.replace(self.path / path.name)
                sums = {**self.record.checksums, **sums}
                run = replace(self, record=self.record.model_copy(update={"checksums": sums}))
                record = folder / RUN
                record.write_text(run.record.model_dump_json(indent=2) + "\n", encoding="utf-8")
                record.replace(self.path / RUN)
        except OSError as error:
            message = f"can not write to the run {self.path}: {reason(error)}."
            raise UsageError(Problem(message, "Copy it to where it can be written.")) from error
        return run

    def _known(self, name: str) -> Path:
        path = self.path / name
        if name not in self.record.checksums or not os.path.lexists(path):
            raise RunError(Problem(f"the run {self.record.name} has no {name}.", ADVICE))
        return path

    @property
    def size(self) -> int:
        """Bytes of all of its files, figures among them."""
        total = 0
        for folder, _, names in os.walk(self.path):
            for name in names:
                with suppress(FileNotFoundError):  # a figure is being replaced
                    total += os.lstat(Path(folder) / name).st_size
        return total


@dataclass(frozen=True)
class DamagedRun:
    """A folder that was a run, and what is wrong with it."""

    path: Path
    error: RunError


def open_folder(path: Path) -> Run:
    """The run in a folder. Raises `RunError` where it is damaged or a newer version wrote it."""
    file = path / RUN
    content = read_regular(file, most_bytes(RUN))
    layout = parse(content, _Layout, file).layout
    if layout != LAYOUT:
        message = f"{path.name} has layout {layout}, and this version reads layout {LAYOUT}."
        raise RunError(
            Problem(message, "Use the version of forecast that made the run, or a newer.")
        )
    return Run(path, parse(content, RunRecord, file))


class _Layout(BaseModel):
    layout: int


def parse(content: bytes | str, kind: type[Record], path: Path) -> Record:
    """JSON as its type. Raises `RunError` that names the file it came from."""
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise damaged(path, why_invalid(error)) from error


def why_invalid(error: ValidationError) -> str:
    """The first of what is wrong with a JSON file, and where."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def find_run(root: Path, wanted: str = LATEST, warn: Warn = unsaid) -> Run:
    """The run at a path, or of a name under `root`; `latest` is the last complete one.

    Where the link `latest` is lost, or leads nowhere, the newest complete run stands in, which
    `warn` is told. Raises `RunError` where there is no such run, it is damaged, or a newer version
    wrote it.
    """
    if wanted == LATEST and not is_run(Path(wanted)):
        return _latest(root, warn)
    for path in (Path(wanted), root / wanted):
        if is_run(path):
            return open_folder(path.resolve())
    others = [path.name for path in run_folders(root) if path.name != wanted]
    shown = wanted if len(wanted) <= _SHOWN else f"{wanted[:_SHOWN]}..."
    advice = did_you_mean(wanted, others) if others else f"{root} holds no run."
    raise NoRunError(Problem(f"there is no run {shown}.", advice))


def _latest(root: Path, warn: Warn) -> Run:
    link = root / LATEST
    if link.is_symlink() and is_run(link):
        return open_folder(link.resolve())
    newest = newest_complete(root)
    if newest is not None:
        if newest.path != link:
            name = newest.path.name
            warn(f"{link} is no link to a run; {name} is the newest complete one, and is taken.")
        return newest
    names = [run.path.name for run in list_runs(root)]
    if names:
        message = f"there is no complete run in {root} yet."
        raise RunError(Problem(message, f"Name one that was interrupted: {', '.join(names)}."))
    broken = next(iter(all_runs(root)), None)
    if isinstance(broken, DamagedRun):
        raise broken.error
    message = f"there is no run in {root} yet."
    raise RunError(Problem(message, "`forecast train --config air.yaml` makes one."))


def newest_complete(root: Path) -> Run | None:
    """The complete run that was made last.

    A folder called `latest`, which a copy that follows links leaves, stands in where there is no
    other.
    """
    complete = [run for run in list_runs(root) if run.record.status == "complete"]
    return max(complete, key=_recency, default=None)


def _recency(run: Run) -> tuple[bool, str, int]:
    """Records tell the second, and files, which a copy may have made later, decide within one."""
    return run.path.name != LATEST, run.record.created, (run.path / RUN).stat().st_mtime_ns


def list_runs(root: Path) -> list[Run]:
    """The runs under `root` that this version can read, oldest first."""
    return [run for run in all_runs(root) if isinstance(run, Run)]


def all_runs(root: Path) -> list[Run | DamagedRun]:
    """Every run under `root`, oldest first; first of all those that can not be read."""
    found: list[Run | DamagedRun] = []
    for path in run_folders(root):
        try:
            found.append(open_folder(path))
        except RunError as error:
            found.append(DamagedRun(path, error))
    return sorted(found, key=lambda run: run.record.created if isinstance(run, Run) else "")


def run_folders(root: Path) -> list[Path]:
    """The folders under `root` that are runs, or were before something befell them."""
    try:
        with os.scandir(root) as entries:
            names = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise RunError(Problem(f"can not read the runs in {root}: {reason(error)}.")) from error
    paths = [root / name for name in sorted(names) if not name.startswith(HIDDEN)]
    return [path for path in paths if is_run(path)]


def is_run(path: Path) -> bool:
    """Whether a folder has the file that makes it a run, in whatever state."""
    return os.path.lexists(path / RUN)
