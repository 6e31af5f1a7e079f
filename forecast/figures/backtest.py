"""What was forecast from each cutoff of the past, over what then came."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from forecast.figures.material import (
    BLACK,
    ORANGE,
    SKY,
    Material,
    Tested,
    chosen_series,
    mark,
    new_figure,
    shade,
)

# Beyond this many forecasts one after another, lines have to be thin and markers are in the way.
_MANY = 60
# Dates on an inch, so that a long backtest becomes a wide figure and not a black one.
_DATES_PER_INCH, _WIDEST = 50, 36


def backtest(material: Material) -> Figure:
    """Forecasts from every cutoff of the test part over the truth: `draw_backtest` of a run."""
    return draw_backtest(material.tested)


def draw_backtest(tested: Tested) -> Figure:
    """Forecasts from every cutoff over the truth, each as a line of its own.

    Where they overlap, the latest of those that do not stand out, and these alone have their
    intervals; the others are thin. Of a panel, the series that was forecast best, the one in the
    middle and the worst.
    """
    chosen = chosen_series(tested)
    figure, plots = new_figure(f"Backtest of {tested.name}", rows=len(chosen))
    dates = 0
    for axes, (series, remark) in zip(plots, chosen, strict=True):
        dates = max(dates, _draw_series(axes, tested, series))
        axes.set_ylabel(series)
        axes.set_title(remark, loc="left", fontsize=10)
    plots[-1].set_xlabel("date")
    # Above the plot, where no line can be.
    plots[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=9)
    figure.set_figwidth(min(max(figure.get_figwidth(), dates / _DATES_PER_INCH), _WIDEST))
    return figure


def _draw_series(axes: Axes, tested: Tested, series: str) -> int:
    """Truth and forecasts of one series; how many dates are shown."""
    table = tested.forecasts
    own = table[(table["unique_id"] == series) & (table["model"] == tested.model)]
    actual = tested.actual[tested.actual["unique_id"] == series].sort_values("ds")
    actual = actual[actual["ds"] >= _first_shown(own)]
    thin = own["cutoff"].nunique() > _MANY
    # The truth lies on top, as a line that is finer than what was forecast of it.
    width = 0.7 if thin else 1
    axes.plot(actual["ds"], actual["y"], color=BLACK, linewidth=width, zorder=3, label="actual")
    _draw_forecasts(axes, tested.model, own)
    mark(axes, own["cutoff"].min(), "first cutoff")
    zone = actual["ds"].dt.tz
    locator = AutoDateLocator(tz=zone)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, zone))  # type: ignore[no-untyped-call]
    return len(actual)


def _draw_forecasts(axes: Axes, model: str, own: pd.DataFrame) -> None:
    """Thin lines for all cutoffs where they overlap; thick ones, shaded, for those that do not."""
    chosen = _cutoffs_apart(own)
    count = own["cutoff"].nunique()
    label = f"{model} from {count} cutoff{'s' if count > 1 else ''}"
    if count > len(chosen):
        lines = _with_breaks(own)
        axes.plot(lines["ds"], lines["y_hat"], color=SKY, linewidth=0.5, alpha=0.7, label=label)
        label = f"{model} from {len(chosen)} that do not overlap"
    lines = _with_breaks(own[own["cutoff"].isin(chosen)])
    thin = len(chosen) > _MANY
    axes.plot(
        lines["ds"],
        lines["y_hat"],
        marker="o",
        markersize=3,
        markevery=[] if thin else (lines["step"] == 1).tolist(),
        linewidth=1 if thin else 1.5,
        color=ORANGE,
        label=label,
    )
    shade(axes, lines, ORANGE)


def _cutoffs_apart(forecasts: pd.DataFrame) -> list[pd.Timestamp]:
    """The latest cutoffs of one series whose forecasts do not overlap."""
    spans = forecasts.groupby("cutoff")["ds"].agg(["min", "max"])
    apart: list[pd.Timestamp] = []
    taken = None
    for cutoff, first, last in spans[::-1].itertuples():
        if taken is None or last < taken:
            apart.append(cutoff)
            taken = first
    return apart


def _first_shown(forecasts: pd.DataFrame) -> pd.Timestamp:
    """Where the figure begins: so far before the first cutoff that the forecasts can be judged."""
    first, last = forecasts["cutoff"].min(), forecasts["ds"].max()
    farthest = (forecasts["ds"] - forecasts["cutoff"]).max()
    begin: pd.Timestamp = first - max((last - first) / 3, 2 * farthest)
    return begin


def _with_breaks(forecasts: pd.DataFrame) -> pd.DataFrame:
    """The rows cutoff by cutoff, with an empty one after each, so that no line joins two of them.

    Forecasts of one step alone are joined: nobody would see a line of one point.
    """
    ordered = forecasts.sort_values(["cutoff", "step"])
    if (ordered["step"] == 1).all():
        return ordered
    values = [name for name in ordered if name == "y_hat" or str(name).startswith("q")]
    ends = ordered.drop_duplicates("cutoff", keep="last")
    breaks = ends.assign(**dict.fromkeys(map(str, values), np.nan))
    return pd.concat([ordered, breaks]).sort_values("cutoff", kind="stable")
