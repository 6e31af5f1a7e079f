"""The truth, what was forecast of it, and what comes next."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.figures.material import BLACK, BLUE, GREEN, GREY, ORANGE, Material, new_figure

_PARTS = {
    "train": ("on train", BLUE, "-"),
    "validation": ("on validation", GREEN, "-"),
    "test": ("on test", ORANGE, "-"),
}


def forecast(material: Material) -> Figure:
    """Actual values, one-step forecasts on each part, and the future beyond the last row.

    Of a panel, the first series is drawn.
    """
    series = material.future["unique_id"].iloc[0]
    own = material.forecasts[
        (material.forecasts["unique_id"] == series)
        & (material.forecasts["model"] == material.model)
        & (material.forecasts["step"] == 1)
    ]
    future = material.future[material.future["unique_id"] == series]
    figure, axes = new_figure(f"{series}: {material.name}", "date", series)
    axes.plot(own["ds"], own["y"], color=BLACK, linewidth=1.2, label="actual")
    for segment, (label, color, style) in _PARTS.items():
        part = own[own["segment"] == segment]
        if len(part):
            axes.plot(part["ds"], part["y_hat"], style, color=color, linewidth=1.2,
                      label=f"{material.model} {label}")  # fmt: skip
    axes.plot(
        future["ds"], future["y_hat"], "--", color=GREEN, marker="o", markersize=3,
        label=f"{material.model} forecast",
    )  # fmt: skip
    test = own[own["segment"] == "test"]
    _mark(axes, test["cutoff"].iloc[0], "test part")
    _mark(axes, future["cutoff"].iloc[0], "cutoff")
    axes.legend(frameon=False, loc="upper left")
    return figure


def _mark(axes: Axes, moment: pd.Timestamp, text: str) -> None:
    """A vertical line after which the figure tells another story."""
    # Matplotlib takes dates where its types say float.
    axes.axvline(moment, color=GREY, linewidth=0.8, linestyle=":")  # type: ignore[arg-type]
    axes.annotate(
        text, (moment, 0.02), xycoords=("data", "axes fraction"), xytext=(3, 0),
        textcoords="offset points", color=GREY, fontsize=8, rotation=90, va="bottom",
    )  # fmt: skip
