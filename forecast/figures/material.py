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
class Tested:
    """Forecasts of rows on which nothing was fitted, beside the truth, and what they come to."""

    name: str
    model: str
    actual: pd.DataFrame
    """`unique_id, ds, y`, also from before the first cutoff."""
    forecasts: pd.DataFrame
    """Of every model; `ds` and `cutoff` as dates."""
    scores: pd.DataFrame


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
        return self.forecasts[self.forecasts["split"] == "test"]

    @property
    def tested(self) -> Tested:
        """The same, with the truth of all parts and the scores of this one."""
        actual = self.forecasts.drop_duplicates(["unique_id", "ds"])
        scores = self.scores[self.scores["split"] == "test"]
        return Tested(self.name, self.model, actual, self.test, scores)


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


def chosen_series(tested: Tested) -> list[tuple[str, str]]:
    """The series to draw, and what there is to say of each.

    Of a panel the one that was forecast best, the one in the middle and the worst, by MASE.
    """
    scores = tested.scores
    own = scores[
        (scores["model"] == tested.model)
        & (scores["metric"] == "mase")
        & scores["unique_id"].notna()
        & scores["value"].notna()
    ].sort_values("value")
    if len(own) < 2:
        return [(str(tested.forecasts["unique_id"].iloc[0]), "")]
    places = {0: "best", len(own) // 2: "in the middle", len(own) - 1: "worst"}
    return [
        (str(own["unique_id"].iloc[i]), f"{place}: MASE {own['value'].iloc[i]:.3g}")
        for i, place in places.items()
    ]


def shade(axes: Axes, forecasts: pd.DataFrame, color: str) -> None:
    """The band between the lowest quantile and the highest."""
    levels = sorted(float(name[1:]) for name in map(str, forecasts) if name.startswith("q"))
    if len(levels) < 2:
        return
    low, high = forecasts[f"q{levels[0]:g}"], forecasts[f"q{levels[-1]:g}"]
    axes.fill_between(forecasts["ds"], low, high, color=color, alpha=0.2, linewidth=0)


def mark(axes: Axes, moment: pd.Timestamp, text: str) -> None:
    """A vertical line after which the figure tells another story."""
    # Matplotlib takes dates where its types say float.
    axes.axvline(moment, color=GREY, linewidth=0.8, linestyle=":")  # type: ignore[arg-type]
    axes.annotate(
        text,
        (moment, 0.02),
        xycoords=("data", "axes fraction"),
        xytext=(3, 0),
        textcoords="offset points",
        color=GREY,
        fontsize=8,
        rotation=90,
        va="bottom",
    )
