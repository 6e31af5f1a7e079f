"""How we speak to a person: stdout is data, stderr is talk."""

import os
import subprocess
import sys

import pytest

from forecast.console import Console
from forecast.errors import ConfigError, Problem, RunError


def test_talk_goes_to_stderr_and_can_be_silenced(capfd: pytest.CaptureFixture[str]) -> None:
    """An error is said all the same."""
    for console in (Console(), Console(quiet=True)):
        console.say("said")
        console.warn("warned")
        console.error(RunError(Problem("wrong.", "Mend it.")))
    stdout, stderr = capfd.readouterr()
    assert stdout == ""
    assert stderr == ("said\nwarning: warned\nerror: wrong.\nMend it.\nerror: wrong.\nMend it.\n")


def test_every_problem_of_an_error_is_marked(capfd: pytest.CaptureFixture[str]) -> None:
    """So that they can be counted."""
    Console().error(ConfigError(Problem("one."), Problem("two.")))
    assert capfd.readouterr().err == "error: one.\nerror: two.\n"


@pytest.mark.parametrize(
    ("result", "written"),
    [("text", b"text\n"), ("text\n", b"text\n"), (b"\x00\xff", b"\x00\xff"), ("é", "é\n".encode())],
)
def test_a_result_is_bytes_or_text_that_ends(
    capfdbinary: pytest.CaptureFixture[bytes], result: str | bytes, written: bytes
) -> None:
    """In UTF-8, whatever the terminal thinks."""
    code = f"from forecast.console import Console; Console().result({result!r})"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert (ran.stdout, ran.stderr) == (written, b"")


NOISE = """
import os
from forecast.console import Console
from forecast.errors import RunError, Problem
console = Console(verbose={verbose})
try:
    with console.without_library_noise():
        os.write(2, b"noise\\n")
        console.say("talk")
        {action}
except BaseException as error:
    os.write(2, type(error).__name__.encode() + b"\\n")
os.write(2, b"after\\n")
"""


@pytest.mark.parametrize(
    ("verbose", "action", "stderr"),
    [
        (False, "pass", "talk\nafter\n"),
        (True, "pass", "noise\ntalk\nafter\n"),
        (False, "raise RunError(Problem('x'))", "talk\nRunError\nafter\n"),
        (False, "raise KeyboardInterrupt", "talk\nKeyboardInterrupt\nafter\n"),
        (False, "raise ValueError", "talk\nnoise\nValueError\nafter\n"),
    ],
)
def test_what_libraries_write_is_kept_back(verbose: bool, action: str, stderr: str) -> None:
    """Also past Python's own stderr; it is shown where it may say why something went wrong."""
    code = NOISE.format(verbose=verbose, action=action)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stderr == stderr
