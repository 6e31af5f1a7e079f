"""What a user can get wrong: one small tree, in which each error knows its exit code.

An error holds one or more problems, because a person mends a file in one go: all that is wrong
with it is reported at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from typing import ClassVar

from forecast import DISTRIBUTION

_SHOWN = 200  # characters of a path or a value that nobody would type
_NAMED = 5  # names in one message


def reason(error: Exception) -> str:
    """Why something failed: in the words of the system, where it was the system that refused."""
    return getattr(error, "strerror", None) or str(error)


def shortened(text: str) -> str:
    """A path or a value as a message shows it."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: what, where, and the way out."""

    message: str
    advice: str | None = None
    place: str | None = None
    """`file:line:column`, or the option of the command line."""
    excerpt: str | None = None
    """The line itself with a caret below the column, ready to print."""

    def __str__(self) -> str:
        first = f"{self.place}: {self.message}" if self.place else self.message
        return "\n".join(part for part in (first, self.excerpt, self.advice) if part)


class ForecastError(Exception):
    """Anything that the person who typed the command can mend."""

    exit_code: ClassVar[int]

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    def __reduce__(self) -> tuple[type["ForecastError"], tuple[Problem, ...]]:
        """As its problems, where it comes from another process."""
        return type(self), self.problems


class UsageError(ForecastError):
    """The command line asks for something that can not be."""

    exit_code = 2


class ConfigError(ForecastError):
    """The config is missing, unreadable or invalid."""

    exit_code = 3


class DataError(ForecastError):
    """The table can not be used as it is."""

    exit_code = 4


class RunError(ForecastError):
    """The run is missing, damaged, or made by an incompatible version."""

    exit_code = 5


class NoRunError(RunError):
    """There is no run of that name."""


class GateError(ForecastError):
    """A `--fail-if` condition held."""

    exit_code = 6


class DivergedError(ForecastError):
    """The loss became NaN or infinite."""

    exit_code = 7


class MissingExtraError(ForecastError):
    """An optional extra is not installed."""

    exit_code = 8


def require_extra(module: str, extra: str) -> None:
    """Raise `MissingExtraError` unless the module of an optional extra is installed."""
    if find_spec(module) is None:
        advice = f"Install it: pip install '{DISTRIBUTION}[{extra}]'"
        raise MissingExtraError(Problem(f"this needs {module}, which is not installed.", advice))


def nearest_of(word: str, known: Sequence[str]) -> str | None:
    """The one of the known words that a word was meant to be, or None where none is near."""
    same = [own for own in known if own.casefold() == word.casefold()]
    near = same or get_close_matches(word, known, n=1)
    return near[0] if near else None


def did_you_mean(word: str, known: list[str]) -> str:
    """Name the nearest of the known words, or all of them where none is near.

    Long lists are cut at ten words.
    """
    near = nearest_of(word, known)
    if near is not None:
        return f"Did you mean `{near}`?"
    shown = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
    return f"Known here: {shown}." if known else "Nothing is known here."


def some_of(names: Sequence[str]) -> str:
    """Names for a message: the first few, and how many more."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
