"""Figures as files: whatever Matplotlib's own settings on this machine are, they look the same."""

from collections.abc import Callable
from io import BytesIO

import matplotlib.style
from matplotlib.figure import Figure

from forecast.figures.fonts import write_with_what_there_is

_DPI = 200


def drawn(draw: Callable[[], Figure], format: str) -> tuple[bytes, str]:
    """A figure in a format, and the characters that no installed font has.

    These are drawn as squares.
    """
    content = BytesIO()
    with matplotlib.style.context("default"):
        figure = draw()
        unknown = write_with_what_there_is(figure)
        figure.savefig(content, format=format, dpi=_DPI)
    return content.getvalue(), unknown
