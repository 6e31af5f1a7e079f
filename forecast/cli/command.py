"""What all commands have in common: examples, and errors that become messages and exit codes."""

import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import typer
from typer.core import TyperGroup

from forecast import __version__
from forecast.console import Console
from forecast.errors import ForecastError, Problem
from forecast.signals import exit_code

P = ParamSpec("P")
BUG, INTERRUPTED = 1, exit_code(signal.SIGINT)
HELP = {"help_option_names": ["--help", "-h"]}


class Commands(TyperGroup):
    """Commands whose options are refused in our words: what parses them has words of its own."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the options before the command."""
        with _plain_words():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Parse the rest, and run the command."""
        with _plain_words():
            return super().invoke(ctx)


@contextmanager
def _plain_words() -> Iterator[None]:
    try:
        yield
    except typer.BadParameter as error:
        message = error.message.removeprefix("Value error, ").replace("Input should", "should")
        message = message.replace("a valid integer", "a whole number").split(", unable to")[0]
        error.message = message
        raise


def examples(*lines: str) -> str:
    """The end of a help text: what a person may type."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


@dataclass(frozen=True)
class Command:
    """A function that can be typed."""

    run: Callable[..., None]
    typed: tuple[str, ...]
    """Examples of what a person may type."""
    name: str | None = None
    """That of the function where it is left out."""

    def add_to(self, owner: typer.Typer) -> None:
        """Make it one of the owner's commands, behind those that it has."""
        owner.command(self.name, epilog=examples(*self.typed), context_settings=HELP)(self.run)


def command(
    *typed: str, name: str | None = None
) -> Callable[[Callable[Concatenate[typer.Context, P], None]], Command]:
    """Make a command of a function, whose errors become messages and exit codes.

    `typed` are examples of what a person may type.
    """

    def make(function: Callable[Concatenate[typer.Context, P], None]) -> Command:
        @wraps(function)
        def run(context: typer.Context, *args: P.args, **kwargs: P.kwargs) -> None:
            console: Console = context.obj
            try:
                function(context, *args, **kwargs)
            except ForecastError as error:
                console.error(error)
                if console.verbose:
                    traceback.print_exc()
                raise typer.Exit(error.exit_code) from error
            except KeyboardInterrupt as stop:
                raise typer.Exit(INTERRUPTED) from stop
            except Exception as error:
                raise typer.Exit(_code_of_unexpected(error, console)) from error

        return Command(run, typed, name)

    return make


def _code_of_unexpected(error: Exception, console: Console) -> int:
    """The exit code of what should not happen; a bug is shown with all that may explain it."""
    interruption = _interruption_behind(error)
    if interruption is not None:
        return INTERRUPTED
    traceback.print_exception(error)
    console.error(_bug(error))
    return BUG


def _interruption_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """A library that is interrupted while it loads may say so with an error of its own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def _bug(error: Exception) -> ForecastError:
    advice = "Please report it, with the lines above and what you typed."
    return ForecastError(Problem(f"this is a bug in forecast {__version__}: {error!r}", advice))
