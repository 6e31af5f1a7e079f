"""What was forecast from each cutoff of the past, over what then came."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.figures.layout import (
    date_axis,
    date_label,
    head,
    mark,
    name_series,
    new_figure,
    shade,
)
from forecast.figures.palette import ACTUAL, DASHES, MODEL, color_of
from forecast.figures.rows import apart, chosen_series, with_breaks
from forecast.figures.tables import WHOLE, Tables, Tested, View
from forecast.figures.words import printable, spoken, steps_ahead, verdict

# Beyond this many forecasts one after another, lines have to be thin and markers are in the way.
_MANY = 60
# So many dates can be told apart on a screen.
_MOST_DATES = 600


def backtest(tables: Tables, view: View = WHOLE) -> Figure:
    """Forecasts from every cutoff of the test part over the truth: `draw_backtest` of a run."""
    return draw_backtest(Tested.of(tables), view, "on the test part")


def draw_backtest(tested: Tested, view: View = WHOLE, where: str = "in the backtest") -> Figure:
    """Forecasts from every cutoff over the truth, each as a line of its own.

    Where they overlap, the latest of those that do not stand out, and these alone have their
    intervals and the baseline; the others are thin. Of a panel, the series that was forecast best,
    the one in the middle and the worst. Of very many dates the latest, where no others are asked
    for.
    """
    chosen = chosen_series(tested, view)
    figure, plots = new_figure(rows=len(chosen))
    for axes, (series, title) in zip(plots, chosen.items(), strict=True):
        _draw_series(axes, tested, series, view)
        name_series(axes, series, title)
    plots[-1].set_xlabel(date_label(tested.actual["ds"]))
    steps = steps_ahead(tested.forecasts["step"])
    head(figure, verdict(tested, where), f"{printable(tested.name)}: {steps}, from past cutoffs")
    return figure


def _draw_series(axes: Axes, tested: Tested, series: str, view: View) -> None:
    """Truth and forecasts of one series."""
    of_all = tested.forecasts[tested.forecasts["unique_id"] == series]
    own = of_all[of_all["model"] == tested.model]
    actual = tested.actual[tested.actual["unique_id"] == series].sort_values("ds")
    begin = _first_shown(own, actual, view)
    actual = actual[actual["ds"] >= begin]
    # A forecast is shown as a whole or not at all, and the latest always.
    own = own[own["cutoff"] >= min(begin, own["cutoff"].max())]
    thin = own["cutoff"].nunique() > _MANY
    # The truth lies on top, as a line that is finer than what was forecast of it.
    width = 0.7 if thin else 1
    axes.plot(actual["ds"], actual["y"], color=ACTUAL, linewidth=width, zorder=3, label="actual")
    chosen = apart(own)
    _draw_forecasts(axes, tested.model, own, chosen)
    if tested.baseline:
        beside = of_all[of_all["model"] == tested.baseline]
        beside = with_breaks(beside[beside["cutoff"].isin(chosen["cutoff"])])
        axes.plot(
            beside["ds"],
            beside["y_hat"],
            color=color_of(tested.baseline, tested.model),
            linestyle=DASHES,
            linewidth=1,
            label=f"{spoken(tested.baseline)} (baseline)",
        )
    mark(axes, own["cutoff"].min(), "first cutoff")
    date_axis(axes, actual["ds"])


def _draw_forecasts(axes: Axes, model: str, own: pd.DataFrame, chosen: pd.DataFrame) -> None:
    """Thin lines for all cutoffs where they overlap; thick ones, shaded, for those that do not."""
    count, some = own["cutoff"].nunique(), chosen["cutoff"].nunique()
    label = f"{spoken(model)} from {count} cutoff{'s' if count > 1 else ''}"
    if count > some:
        lines = with_breaks(own)
        axes.plot(lines["ds"], lines["y_hat"], color=MODEL, linewidth=0.5, alpha=0.4, label=label)
        label = f"{spoken(model)} from {some} that do not overlap"
    lines = with_breaks(chosen)
    thin = some > _MANY
    axes.plot(
        lines["ds"],
        lines["y_hat"],
        marker="o",
        markersize=3,
        markevery=[] if thin else (lines["step"] == 1).tolist(),
        linewidth=1 if thin else 1.5,
        color=MODEL,
        label=label,
    )
    shade(axes, lines)


def _first_shown(own: pd.DataFrame, actual: pd.DataFrame, view: View) -> object:
    """Where the figure begins: so far before the first cutoff that the forecasts can be judged."""
    if view.since is not None:
        return view.since
    first, last = own["cutoff"].min(), own["ds"].max()
    farthest = (own["ds"] - own["cutoff"]).max()
    begin = first - max((last - first) / 3, 2 * farthest)
    dates = actual["ds"] if view.last else actual.loc[actual["ds"] >= begin, "ds"]
    return dates.iloc[-min(view.last or _MOST_DATES, len(dates))]
