"""The truth, what was forecast of it, and what comes next."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.figures.material import BLACK, BLUE, GREEN, GREY, ORANGE, Material, new_figure

_PARTS = {"train": BLUE, "validation": GREY, "test": ORANGE}


def forecast(material: Material) -> Figure:
    """Actual values, forecasts of each part, and the future beyond the last row with its intervals.

    Of a panel, the series that was forecast best on the test part, the one in the middle and the
    worst.
    """
    chosen = _series(material)
    figure, plots = new_figure(f"Forecasts of {material.name}", rows=len(chosen))
    for axes, (series, remark) in zip(plots, chosen, strict=True):
        _draw_series(axes, material, series)
        axes.set_ylabel(series)
        axes.set_title(remark, loc="left", fontsize=10)
    plots[-1].set_xlabel("date")
    plots[0].legend(frameon=False, loc="upper left", fontsize=9)
    return figure


def _series(material: Material) -> list[tuple[str, str]]:
    """The series to draw, and what there is to say of each."""
    scores = material.scores
    own = scores[
        (scores["segment"] == "test")
        & (scores["model"] == material.model)
        & (scores["metric"] == "mase")
        & scores["unique_id"].notna()
    ].sort_values("value")
    if len(own) < 2:
        return [(str(material.future["unique_id"].iloc[0]), "")]
    places = {0: "best", len(own) // 2: "in the middle", len(own) - 1: "worst"}
    return [
        (str(own["unique_id"].iloc[i]), f"{place}: MASE {own['value'].iloc[i]:.3g}")
        for i, place in places.items()
    ]


def _draw_series(axes: Axes, material: Material, series: str) -> None:
    table = material.forecasts
    own = table[(table["unique_id"] == series) & (table["model"] == material.model)]
    future = material.future[material.future["unique_id"] == series]
    actual = own.drop_duplicates("ds").sort_values("ds")
    axes.plot(actual["ds"], actual["y"], color=BLACK, linewidth=1.2, label="actual")
    for segment, color in _PARTS.items():
        part = _apart(own[own["segment"] == segment])
        if len(part):
            label = f"{material.model} on {segment}"
            axes.plot(part["ds"], part["y_hat"], color=color, linewidth=1.2, label=label)
            _shade(axes, part, color)
    label = f"{material.model} forecast"
    axes.plot(future["ds"], future["y_hat"], "--o", color=GREEN, markersize=3, label=label)
    _shade(axes, future, GREEN)
    test = own[own["segment"] == "test"]
    if len(test):
        _mark(axes, test["cutoff"].iloc[0], "test part")
    _mark(axes, future["cutoff"].iloc[0], "cutoff")


def _apart(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Of forecasts from many cutoffs, one for each date: that of the fewest steps."""
    return forecasts.sort_values(["ds", "step"]).drop_duplicates("ds")


def _shade(axes: Axes, forecasts: pd.DataFrame, color: str) -> None:
    """The band between the lowest quantile and the highest."""
    levels = sorted(float(name[1:]) for name in map(str, forecasts) if name.startswith("q"))
    if len(levels) < 2:
        return
    low, high = forecasts[f"q{levels[0]:g}"], forecasts[f"q{levels[-1]:g}"]
    axes.fill_between(forecasts["ds"], low, high, color=color, alpha=0.2, linewidth=0)


def _mark(axes: Axes, moment: pd.Timestamp, text: str) -> None:
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
