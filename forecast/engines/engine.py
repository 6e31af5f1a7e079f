"""What every engine answers to, and how one is found by its name: it is a module beside this."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from forecast.console import Console
from forecast.errors import Problem, UsageError

Piece = TypeVar("Piece")
Result = TypeVar("Result")

LOOK = 0.1
"""Seconds between two looks at whether a person has asked to stop."""


def unheard(*told: object) -> None:
    """Where nobody waits."""


def never() -> bool:
    """Where all is to be done."""
    return False


@dataclass(frozen=True)
class Workplace:
    """What work finds where it is done."""

    console: Console
    engine: "Engine"
    """For what a piece is cut into itself."""
    note: Callable[[Any], None] = unheard
    """Told what there is of a piece on the way; who asked hears it from its own process alone."""
    is_stopped: Callable[[], bool] = never
    """Whether a piece is to be given up."""


class Work(ABC, Generic[Piece, Result]):
    """What is done to pieces: a value that can be pickled, as pieces and results can.

    What comes of a piece follows from the work and the piece alone. Each worker begins once, and
    does any number of pieces then.
    """

    noun: ClassVar[str]
    """What a piece is, for a person."""
    is_parallel: ClassVar[bool] = False
    """Whether a piece keeps the cores of a machine busy by what it is cut into itself."""
    at_once: int | None = None
    """How many pieces one process does at a time; as many as it has cores where left out."""

    @abstractmethod
    def begin(self, place: Workplace) -> Callable[[Piece], Result]:
        """Make ready, as by compiling, for what all pieces have in common: what does a piece."""

    @abstractmethod
    def label(self, piece: Piece) -> str:
        """Which piece it is, for a person: the series, the trial or the cutoff that it holds."""


class Engine(Protocol):
    """Does pieces of work, somewhere."""

    @property
    def cores(self) -> int | None:
        """For how many cores work is cut, which changes its results in the last bits.

        It is those of the machine where the command was typed, wherever the work is done; None
        says that this is that machine.
        """

    @property
    def is_here(self) -> bool:
        """Whether pieces are done by this process."""

    def map(
        self,
        work: Work[Piece, Result],
        pieces: Sequence[Piece],
        console: Console,
        note: Callable[[Any], None] = unheard,
        done: Callable[[int, Result], None] = unheard,
        is_over: Callable[[], bool] = never,
    ) -> list[Result]:
        """What came of each piece, in the order of the pieces.

        `done` is told each place and result as soon as it is there, in whichever order, by the
        thread that called. What a piece raises is raised; other pieces are given up then. Once
        `is_over` says so no piece is begun, and there are results of those alone that were.
        """

    def end(self) -> None:
        """Let go of all that work was done by, at once; a second time does no harm."""


@dataclass(frozen=True)
class Asked:
    """What an engine is told when a command begins."""

    console: Console
    address: str | None = None
    """Of a cluster."""
    backend: str | None = None
    """What Keras computes with, if work needs it."""


def check_engine(name: str, address: str | None) -> None:
    """Raise where an engine can not be asked for so.

    That is a `UsageError` for an address of what has none, a `MissingExtraError` where the engine's
    extra is not installed.
    """
    _module(name).check(address)


def refuse_address(address: str | None) -> None:
    """Raise `UsageError` for an address, where the engine has none."""
    if address is not None:
        message = "--address is of a Ray cluster."
        raise UsageError(Problem(message, f"Say --engine ray --address {address}."))


@contextmanager
def engine_of(name: str, asked: Asked) -> Iterator[Engine]:
    """The engine of a name, for as long as the block runs; a signal ends what it has begun."""
    engine: Engine = _module(name).ENGINE(asked)
    with asked.console.stop.cleaning(engine.end):
        yield engine


def _module(name: str) -> Any:
    return import_module(f"forecast.engines.{name}")
