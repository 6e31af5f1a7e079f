"""Workers that are processes of their own, and may be lost: how pieces are given out to them.

A piece that a lost worker held is done again by another. Where that happens three times with one
piece, it is the piece that ends workers, and it is said which.
"""

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from forecast import __version__, machine
from forecast.console import Console
from forecast.display import piece_progress
from forecast.engines.engine import Asked, Piece, Result, Work, never, unheard
from forecast.engines.worker import Answer, Settings, color_of, threads_of
from forecast.errors import Problem, UsageError

Hand = TypeVar("Hand", bound=Hashable)
"""One of the workers, as its engine knows it."""

_MOST_LOSSES = 3


class Lost:
    """What is heard of a worker that is no more."""


class Present(NamedTuple):
    """What is heard first of a worker."""

    version: str

    def refuse_other_version(self) -> None:
        """Raise `UsageError` where results might differ."""
        if self.version != __version__:
            message = f"a worker has keras-forecast {self.version}, and here is {__version__}."
            raise UsageError(Problem(message, "Install the same version on all machines."))


News = Answer | Lost | Present


class Crew(ABC, Generic[Hand]):
    """An engine of workers, each of which does one piece at a time.

    They are hired when there is something to do, and kept for the next map.
    """

    is_here = False

    def __init__(self, asked: Asked) -> None:
        console = asked.console
        self.cores = machine.cores()
        self._asked = asked
        self._settings = Settings(
            self.cores, asked.backend, console.quiet, color_of(console), threads_of(self.cores)
        )
        self._starting: set[Hand] = set()
        self._idle: list[Hand] = []
        self._busy: dict[Hand, int] = {}
        self._number = 0

    def map(
        self,
        work: Work[Piece, Result],
        pieces: Sequence[Piece],
        console: Console,
        note: Callable[[Any], None] = unheard,
        done: Callable[[int, Result], None] = unheard,
        is_over: Callable[[], bool] = never,
    ) -> list[Result]:
        """See `Engine.map`. Raises `UsageError` for a piece that workers are lost over."""
        if not pieces:
            return []
        self._number += 1
        self._announce(work)
        results: dict[int, Result] = {}
        try:
            with piece_progress(console, work.noun, len(pieces)) as advance:
                for i, answer in self._answers(work, pieces, is_over):
                    if answer.said:
                        console.say(answer.said.removesuffix("\n"))
                    if answer.error is not None:
                        raise answer.error
                    results[i] = answer.result
                    done(i, answer.result)
                    advance()
        except BaseException:
            self.dismiss()  # those that are busy would bring answers that nobody waits for
            raise
        return [results[i] for i in sorted(results)]

    def dismiss(self) -> None:
        """Let all workers go."""
        for hand in [*self._starting, *self._idle, *self._busy]:
            self._let_go(hand)
        self._starting, self._idle, self._busy = set(), [], {}

    def _answers(
        self, work: Work[Piece, Result], pieces: Sequence[Piece], is_over: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer]]:
        """Answers of all pieces that are begun, as they come."""
        waiting, losses = deque(range(len(pieces))), Counter[int | None]()
        while waiting or self._busy:
            if is_over():
                waiting.clear()
            self._give_out(pieces, waiting)
            for held, news in self._heard():
                if isinstance(news, Answer) and held is not None:
                    yield held, news
                elif isinstance(news, Lost):
                    losses[held] += 1
                    if losses[held] == _MOST_LOSSES:
                        raise self._lost(None if held is None else work.label(pieces[held]))
                    waiting.extendleft([] if held is None else [held])
                else:
                    losses[None] = 0

    def _give_out(self, pieces: Sequence[Any], waiting: deque[int]) -> None:
        """Give pieces that wait to those who are idle, and hire for the others."""
        while waiting and self._idle:
            hand, i = self._idle.pop(), waiting.popleft()
            self._busy[hand] = i
            self._give(hand, pieces[i])
        wanted = len(waiting) - len(self._starting)
        if wanted > 0:
            room = self._size() - len(self._starting) - len(self._busy)
            self._starting.update(self._hire() for _ in range(min(room, wanted)))

    def _heard(self) -> Iterator[tuple[int | None, News]]:
        """The news of workers, each with the place of the piece that it held, if it held one."""
        for hand, news in self._news([*self._starting, *self._busy]):
            held = self._busy.pop(hand, None)
            self._starting.discard(hand)
            if isinstance(news, Lost):
                self._let_go(hand)
            else:
                self._idle.append(hand)
            if isinstance(news, Present):
                news.refuse_other_version()
            yield held, news

    def _lost(self, label: str | None) -> UsageError:
        """Of a piece, or of workers that do not come to any."""
        if label is None:
            message = f"{_MOST_LOSSES} workers ended before they could begin."
            return UsageError(Problem(message, self.way_out))
        message = f"{_MOST_LOSSES} workers were killed at the same piece: {label}."
        advice = (
            "The memory may be short: its series or its network may be too large for a worker. Try "
            "--engine threads, which shares one process's memory."
        )
        return UsageError(Problem(message, advice))

    way_out = "Try --engine threads; `forecast doctor` says what is installed."
    """What to do where workers do not begin."""

    @abstractmethod
    def _size(self) -> int:
        """How many workers there may be now."""

    @abstractmethod
    def _announce(self, work: Work[Any, Any]) -> None:
        """What is to be done now; its number has been counted up."""

    @abstractmethod
    def _hire(self) -> Hand:
        """A worker more. The first that is heard of it is that it is there."""

    @abstractmethod
    def _give(self, hand: Hand, piece: Any) -> None:
        """Have a worker do a piece."""

    @abstractmethod
    def _news(self, hands: Sequence[Hand]) -> list[tuple[Hand, News]]:
        """What is heard next of any of these: an answer, that it is there, or that it is lost.

        Nothing, where nothing is heard for a moment.
        """

    @abstractmethod
    def _let_go(self, hand: Hand) -> None:
        """End a worker, whatever it does, unless it is lost."""
