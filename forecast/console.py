"""How do I speak to a person? stdout carries the result alone; everything else goes to stderr."""

import errno
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TextIO

from forecast.errors import ForecastError, Problem, UsageError, reason
from forecast.signals import Stop
from forecast.streams import discard

Color = Literal["auto", "always", "never"]


@dataclass(frozen=True)
class Console:
    """What the global options of the command line ask of our speech."""

    quiet: bool = False
    verbose: bool = False
    color: Color = "auto"
    progress: bool = True
    stop: Stop = field(default_factory=Stop)
    """What is done when a person, or the machine, asks the command to stop."""

    def say(self, text: str = "") -> None:
        """Talk: progress, advice, what was done. `--quiet` silences it."""
        if not self.quiet:
            _print(text)

    def warn(self, text: str) -> None:
        """Something that a person should know before trusting the result."""
        self.say(self._paint("warning: ", "33") + text)

    def error(self, error: ForecastError) -> None:
        """What is wrong and the way out; said also with `--quiet`."""
        for problem in error.problems:
            _print(self._paint("error: ", "31") + str(problem))

    def result(self, result: str | bytes) -> None:
        """Write the result to stdout; text ends with a line's end.

        A reader that has seen enough (`| head -1`) closes the pipe; that is no error of anybody's.
        Names of files that are no UTF-8 are written as they are.
        """
        if isinstance(result, str):
            result = result.removesuffix("\n").encode(errors="surrogateescape") + b"\n"
        try:
            sys.stdout.buffer.write(result)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            discard(sys.stdout)
        except OSError as error:
            discard(sys.stdout)
            raise UsageError(stdout_problem(error)) from error

    @property
    def is_live(self) -> bool:
        """Whether a progress bar may redraw itself."""
        return self.progress and not self.quiet and sys.stderr.isatty()

    def _paint(self, text: str, code: str) -> str:
        if self.color == "never" or (self.color == "auto" and os.environ.get("NO_COLOR")):
            return text
        if self.color == "auto" and not sys.stderr.isatty():
            return text
        return f"\033[{code}m{text}\033[0m"

    @contextmanager
    def without_library_noise(self) -> Iterator[None]:
        """Keep what C++ libraries write to file descriptor 2 away from the person.

        TensorFlow logs there, past Python's `sys.stderr` and whatever its log level says. We go on
        speaking through a copy of the descriptor. If anything but a person's error ends the block,
        what was kept back is shown: it may say why. `--verbose` shows it at once.
        """
        if self.verbose:
            yield
            return
        # It warns of many small programs, which is what a search consists of.
        logger = logging.getLogger("tensorflow")
        level, python_stderr, copy = logger.level, sys.stderr, os.dup(2)
        logger.setLevel(logging.ERROR)
        with tempfile.TemporaryFile() as noise, _as_stderr(copy) as stderr:
            os.dup2(noise.fileno(), 2)
            sys.stderr = stderr
            try:
                yield
            except (ForecastError, KeyboardInterrupt):
                raise
            except BaseException:
                noise.seek(0)
                stderr.write(noise.read().decode(errors="replace"))
                raise
            finally:
                logger.setLevel(level)
                os.dup2(copy, 2)
                sys.stderr = python_stderr


def stdout_problem(error: OSError) -> Problem:
    """Why a result could not be written."""
    why = "it is closed" if error.errno == errno.EBADF else reason(error)
    return Problem(f"can not write to stdout: {why}.")


def _print(text: str) -> None:
    """Talk. Nobody may hear it (`2>&1 | head -1`): what is being done is done all the same."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def _as_stderr(descriptor: int) -> TextIO:
    return os.fdopen(descriptor, "w", 1, encoding="utf-8", errors="backslashreplace")
