"""Who does pieces in a process of its own, one at a time."""

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from typing import Any, NamedTuple

from forecast import __version__
from forecast.console import Color, Console
from forecast.engines.cores import own_core
from forecast.engines.engine import Work, Workplace
from forecast.engines.threads import Threads
from forecast.errors import ForecastError
from forecast.loading import load_keras
from forecast.streams import silence_warnings

# Workers are as many as there are cores, and each keeps to one: so it has one thread of these ...
_ONE = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTEROP_THREADS")
# ... but as many as the one who asked of what XLA shares large products out to (of JAX, of
# TensorFlow): how many there are says in which order it adds these up.
_AS_ASKED = ("NPROC", "TF_NUM_INTRAOP_THREADS")


def threads_of(cores: int) -> dict[str, str]:
    """What libraries read of how many threads they may have, for workers of a process here.

    It has so many cores.
    """
    asked = {name: os.environ.get(name, str(cores)) for name in _AS_ASKED}
    return dict.fromkeys(_ONE, "1") | asked


@dataclass(frozen=True)
class Settings:
    """What a worker is told first."""

    cores: int
    """See `Engine.cores`."""
    backend: str | None
    """What Keras computes with, if work needs it."""
    quiet: bool
    color: Color
    threads: Mapping[str, str]
    """See `threads_of`."""


class Answer(NamedTuple):
    """What a worker says of a piece."""

    result: Any = None
    error: Exception | None = None
    """What the piece raised."""
    said: str = ""
    """To the person, on the way."""


class PieceError(Exception):
    """A bug that a piece came upon, with the lines that lead to it."""

    @classmethod
    def now(cls) -> "PieceError":
        """That of the exception that is being handled."""
        return cls(f"in a worker\n{traceback.format_exc()}")


class Worker:
    """Does one piece after another."""

    def __init__(self, settings: Settings) -> None:
        """Load what takes long to load."""
        os.environ.update(settings.threads)
        self._core = own_core()
        silence_warnings()
        if settings.backend is not None:
            load_keras(settings.backend)
        console = Console(quiet=settings.quiet, color=settings.color, progress=False)
        self._place = Workplace(console, Threads(settings.cores, workers=1))
        self._number = -1
        self._do: Callable[[Any], Any] | None = None

    def version(self) -> str:
        """That of this program here."""
        return __version__

    def do(self, number: int, work: Work[Any, Any], piece: Any) -> Answer:
        """Do a piece of the work of this number, which is begun when it is first seen."""
        said = StringIO()
        with redirect_stderr(said):
            try:
                if number != self._number or self._do is None:
                    self._do, self._number = work.begin(self._place), number
                result = self._do(piece)
            except ForecastError as error:
                return Answer(error=error, said=said.getvalue())
            except Exception:  # noqa: BLE001 - it is raised where the work was given out
                return Answer(error=PieceError.now(), said=said.getvalue())
        return Answer(result, said=said.getvalue())


def color_of(console: Console) -> Color:
    """How workers are to paint what they say: as who asked would."""
    if console.color != "auto":
        return console.color
    paints = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return "always" if paints else "never"
