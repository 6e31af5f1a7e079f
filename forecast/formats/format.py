"""What every format answers to. A format is found in the module of its name.

What is written has to run where nothing of this program is, so each format also tells the code that
does it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from forecast.methods.network import Predictor
from forecast.runs import Run


@dataclass(frozen=True)
class Format:
    """A form that a network can have."""

    title: str
    ending: str
    """Of its file; of a folder none."""
    packages: str
    """What pip has to install for it to run."""
    code: str
    """Python that imports what it takes and defines `run(name, inputs)`, of a dict of arrays.

    `INPUTS` in it stands for what a network is called with: all of them, or the only one."""
    write: Callable[[Run, str, Path], None]
    """Write the network of this name of a run; its name in the run has no ending."""
    load: Callable[[Path], Predictor]
    """What was written, as who gets it runs it."""


@dataclass(frozen=True)
class Made:
    """A network of a run in a format."""

    name: str
    """Of its file, without the ending."""
    format: Format

    @property
    def file(self) -> str:
        """Its file, or its folder."""
        return f"{self.name}{self.format.ending}"


def format_of(name: str) -> Format:
    """The format that the command line calls so."""
    found: Format = import_module(f"forecast.formats.{name.replace('-', '_')}").FORMAT
    return found
