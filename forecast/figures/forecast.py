"""The truth, what was forecast of it, and what comes next."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.figures.material import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Material,
    chosen_series,
    mark,
    new_figure,
    shade,
)

_PARTS = {"train": BLUE, "validation": GREY, "test": ORANGE}


def forecast(material: Material) -> Figure:
    """Actual values, forecasts of each part, and the future beyond the last row with its intervals.

    Of a panel, the series that was forecast best on the test part, the one in the middle and the
    worst.
    """
    chosen = chosen_series(material.tested)
    figure, plots = new_figure(f"Forecasts of {material.name}", rows=len(chosen))
    for axes, (series, remark) in zip(plots, chosen, strict=True):
        _draw_series(axes, material, series)
        axes.set_ylabel(series)
        axes.set_title(remark, loc="left", fontsize=10)
    plots[-1].set_xlabel("date")
    plots[0].legend(frameon=False, loc="upper left", fontsize=9)
    return figure


def _draw_series(axes: Axes, material: Material, series: str) -> None:
    table = material.forecasts
    own = table[(table["unique_id"] == series) & (table["model"] == material.model)]
    future = material.future[material.future["unique_id"] == series]
    actual = own.drop_duplicates("ds").sort_values("ds")
    axes.plot(actual["ds"], actual["y"], color=BLACK, linewidth=1.2, label="actual")
    for split, color in _PARTS.items():
        part = _apart(own[own["split"] == split])
        if len(part):
            label = f"{material.model} on {split}"
            axes.plot(part["ds"], part["y_hat"], color=color, linewidth=1.2, label=label)
            shade(axes, part, color)
    label = f"{material.model} forecast"
    axes.plot(future["ds"], future["y_hat"], "--o", color=GREEN, markersize=3, label=label)
    shade(axes, future, GREEN)
    test = own[own["split"] == "test"]
    if len(test):
        mark(axes, test["cutoff"].iloc[0], "test part")
    mark(axes, future["cutoff"].iloc[0], "cutoff")


def _apart(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Of forecasts from many cutoffs, one for each date: that of the fewest steps."""
    return forecasts.sort_values(["ds", "step"]).drop_duplicates("ds")
