"""What the training of a blend has fitted, for as long as it is not done.

A hidden folder beside the runs, called after the run that it will be: it survives whatever ends
the process, for another that goes on. `checkpoint.json` says what is trained, and each member is a
file of arrays. The name of the run, which a process reserves, is what keeps two from one folder.
"""

import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from forecast.data.export import write_file
from forecast.errors import Problem, RunError, UsageError, reason
from forecast.runs.record import LAYOUT, WorkRecord
from forecast.runs.regular import damaged, read_regular
from forecast.runs.store import parse
from forecast.runs.unfinished import PREFIX, RECORD, checkpoint_path, has_checkpoint

_TOLD = "told"
_MOST_BYTES = 2**32


class NetworkRecord(BaseModel):
    """What came of fitting a network, beside weights."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")

    history: list[dict[str, Any]]
    """An epoch each, as its log has it by name."""
    compile_seconds: float
    fit_seconds: float


@dataclass(frozen=True)
class Checkpoint:
    """The members of a blend that are fitted by now, each by a name."""

    path: Path
    record: WorkRecord

    @property
    def count(self) -> int:
        """How many there are."""
        return len(list(self.path.glob("*.npz")))

    def keep(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep what came of a member: once this returns, it survives a kill.

        Raises `UsageError` where it can not be written.
        """
        if not (self.path / RECORD).is_file():
            self._make()
        content = BytesIO()
        np.savez(content, **arrays)  # type: ignore[arg-type] # they are arrays
        write_file(content.getvalue(), self.path / f"{name}.npz")

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(Problem(f"can not write {self.path}: {reason(error)}.")) from error
        write_file(self.record.model_dump_json(indent=2).encode(), self.path / RECORD)

    def kept(self, name: str) -> Mapping[str, NDArray[Any]] | None:
        """What came of a member; None where it is not there.

        Raises `RunError` where its file is damaged.
        """
        path = self.path / f"{name}.npz"
        if not path.is_file():
            return None
        try:
            with np.load(BytesIO(read_regular(path, _MOST_BYTES))) as file:
                return dict(file)
        # NumPy refuses objects, which would be pickles.
        except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise self.damaged(name) from error

    def keep_network(
        self, name: str, told: NetworkRecord, weights: Mapping[str, NDArray[Any]]
    ) -> None:
        """Keep a network: see `keep`."""
        words = np.frombuffer(told.model_dump_json().encode(), np.uint8)
        self.keep(name, {_TOLD: words, **weights})

    def kept_network(self, name: str) -> tuple[NetworkRecord, Mapping[str, NDArray[Any]]] | None:
        """A network, and what is told of it: see `kept`."""
        arrays = self.kept(name)
        if arrays is None:
            return None
        words = arrays.get(_TOLD, np.zeros(0, np.uint8)).tobytes()
        return parse(words, NetworkRecord, self.path / f"{name}.npz"), arrays

    def damaged(self, name: str) -> RunError:
        """The error for a network that is not what was kept."""
        return damaged(self.path / f"{name}.npz", "it holds no member of this training")

    def remove(self) -> None:
        """All that it holds stands in a run by now."""
        shutil.rmtree(self.path, ignore_errors=True)


def open_checkpoint(root: Path, name: str, refuse: Callable[[WorkRecord], None]) -> Checkpoint:
    """That of a training that was ended; `refuse` raises where it is of something else.

    Raises `RunError` where there is none.
    """
    path = checkpoint_path(root, name)
    if not has_checkpoint(root, name):
        others = [own.name.removeprefix(PREFIX) for own in sorted(root.glob(f"{PREFIX}*"))]
        advice = f"There are: {', '.join(others)}." if others else "Train without --resume."
        raise RunError(Problem(f"no training called {name} was ended on the way.", advice))
    record = parse(read_regular(path / RECORD, _MOST_BYTES), WorkRecord, path / RECORD)
    if record.layout != LAYOUT:
        message = f"{path} has layout {record.layout}, and this version reads {LAYOUT}."
        raise RunError(Problem(message, "Begin anew, without --resume."))
    refuse(record)
    return Checkpoint(path, record)
