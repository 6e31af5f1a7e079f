"""Here: pieces are done side by side by threads of this process, and share its memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Any

from forecast import machine
from forecast.console import Console
from forecast.engines.engine import (
    LOOK,
    Asked,
    Engine,
    Piece,
    Result,
    Work,
    Workplace,
    never,
    refuse_address,
    unheard,
)


@dataclass(frozen=True)
class Threads:
    """Does pieces in this process; what keeps all cores busy by itself, one after another."""

    cores: int | None = None
    """See `Engine.cores`."""
    workers: int | None = None
    """Threads at the most; as many as there are cores where it is left out."""
    stop: Event | None = None
    """Once it is set, pieces are given up."""
    is_here = True

    def map(
        self,
        work: Work[Piece, Result],
        pieces: Sequence[Piece],
        console: Console,
        note: Callable[[Any], None] = unheard,
        done: Callable[[int, Result], None] = unheard,
        is_over: Callable[[], bool] = never,
    ) -> list[Result]:
        """See `Engine.map`.

        An interruption stops the pieces, and is raised once all threads have obeyed: none is left
        behind.
        """
        if not pieces:
            return []
        stop = self.stop or Event()
        do = work.begin(Workplace(console, self, note, stop.is_set))
        if work.is_parallel:
            begun = (piece for piece in pieces if not is_over())
            return list(_in_turn(do, begun, done))
        workers = min(self.workers or machine.cores(), work.at_once or len(pieces))
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(do, piece) for piece in pieces]
            try:
                _wait(futures, done)
            except BaseException:
                stop.set()
                raise
            return [future.result() for future in futures]

    def end(self) -> None:
        """Nothing is kept between two maps."""


def _in_turn(
    do: Callable[[Piece], Result], pieces: Iterable[Piece], done: Callable[[int, Result], None]
) -> Iterator[Result]:
    for i, piece in enumerate(pieces):
        result = do(piece)
        done(i, result)
        yield result


def _wait(futures: Sequence[Future[Result]], done: Callable[[int, Result], None]) -> None:
    """Until all are done, or one has failed; looking up now and then, so that signals are seen."""
    places = {future: i for i, future in enumerate(futures)}
    pending = set(futures)
    while pending:
        ended, pending = wait(pending, timeout=LOOK)
        for future in ended:
            done(places[future], future.result())


def _here(asked: Asked) -> Engine:
    return Threads()


ENGINE, check = _here, refuse_address
