"""What figures are drawn from, and how they look."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette, which the colour-blind can tell apart (https://jfly.uni-koeln.de/color/).
BLACK, ORANGE, BLUE, GREEN, GREY = "#000000", "#E69F00", "#0072B2", "#009E73", "#7F7F7F"


@dataclass(frozen=True)
class Material:
    """The tables of a run: its history, its forecasts of known rows, and the future."""

    name: str
    model: str
    history: pd.DataFrame
    forecasts: pd.DataFrame
    """`ds` as dates."""
    future: pd.DataFrame


Draw = Callable[[Material], Figure]


def new_figure(title: str, xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    """An empty figure of one plot. It is drawn without a screen."""
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left")
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
