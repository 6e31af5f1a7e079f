"""Works for engines, in a module of its own, which workers can import."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from forecast.engines import Work, Workplace
from forecast.errors import DataError, Problem


@dataclass(frozen=True)
class Adding(Work[int, int]):
    """Adds, and says so."""

    number: int = 10
    noun = "number"

    def begin(self, place: Workplace) -> Callable[[int], int]:
        def add(piece: int) -> int:
            time.sleep(0.01 * (5 - piece))  # the last piece is done first
            place.console.say(f"adding {piece}")
            return piece + self.number

        return add

    def label(self, piece: int) -> str:
        return f"number {piece}"


@dataclass(frozen=True)
class Misbehaving(Work[str, str]):
    """Does what a piece says, and notes in a file that it began."""

    file: Path
    noun = "word"

    def begin(self, place: Workplace) -> Callable[[str], str]:
        return self._do

    def label(self, piece: str) -> str:
        return f"the word {piece}"

    def _do(self, piece: str) -> str:
        with self.file.open("a") as file:
            file.write(f"{piece}\n")
        times = self.file.read_text().splitlines().count(piece)
        if piece == "refuse":
            raise DataError(Problem("it is refused.", "Take another.", "table.csv"))
        if piece == "fail":
            raise ZeroDivisionError
        if piece == "die" or (piece == "die once" and times == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        return piece.upper()


@dataclass(frozen=True)
class Waiting(Work[int, int]):
    """Writes down who does it, and takes so many seconds."""

    folder: Path
    seconds: float
    noun = "wait"

    def begin(self, place: Workplace) -> Callable[[int], int]:
        def wait(piece: int) -> int:
            (self.folder / f"{os.getpid()}").touch()
            time.sleep(self.seconds)
            return piece

        return wait

    def label(self, piece: int) -> str:
        return f"wait {piece}"


@dataclass(frozen=True)
class Telling(Work[str, str | None]):
    """Tells variables of its environment."""

    noun = "variable"

    def begin(self, place: Workplace) -> Callable[[str], str | None]:
        return os.environ.get

    def label(self, piece: str) -> str:
        return f"variable {piece}"
