"""What figures are drawn from, and how they look."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette, which the colour-blind can tell apart (https://jfly.uni-koeln.de/color/).
BLACK, ORANGE, BLUE, GREEN, GREY = "#000000", "#E69F00", "#0072B2", "#009E73", "#7F7F7F"
SKY, VERMILION = "#56B4E9", "#D55E00"


@dataclass(frozen=True)
class Material:
    """The tables of a run: its history, its forecasts of known rows, their scores, the future."""

    name: str
    model: str
    history: pd.DataFrame
    forecasts: pd.DataFrame
    """`ds` and `cutoff` as dates."""
    scores: pd.DataFrame
    future: pd.DataFrame

    @property
    def test(self) -> pd.DataFrame:
        """The forecasts of the test part, of every model."""
        return self.forecasts[self.forecasts["segment"] == "test"]


Draw = Callable[[Material], Figure]


def new_figure(title: str, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure of some plots, row by row. It is drawn without a screen."""
    figure = Figure(figsize=(9, 1.5 + 3 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    figure.suptitle(title, x=0.01, ha="left")
    for axes in grid.flat:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid.flat)
