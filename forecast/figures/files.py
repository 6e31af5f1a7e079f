"""Figures as files: whatever Matplotlib's own settings on this machine are, they look the same."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure

from forecast.figures.fonts import write_with_what_there_is

_DPI = 200


def draw_to(path: Path, draw: Callable[[], Figure]) -> str:
    """Draw a figure into a file whose ending says the format.

    Returns the characters that no installed font has, which are drawn as squares. Raises `OSError`
    where the file can not be written.
    """
    with matplotlib.style.context("default"):
        figure = draw()
        unknown = write_with_what_there_is(figure)
        figure.savefig(path, dpi=_DPI)
    return unknown
