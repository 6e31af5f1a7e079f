"""Where the values left the range that was expected of them."""

import pandas as pd
from matplotlib.figure import Figure

from forecast.figures.layout import date_axis, date_label, head, name_series, new_figure
from forecast.figures.palette import ACTUAL, ANOMALY, INTERVAL_ALPHA, MODEL
from forecast.figures.words import printable, steps_ahead

_MOST = 4  # series in one figure


def draw_anomalies(
    name: str, level: float, step: int, points: pd.DataFrame, anomalies: pd.DataFrame
) -> Figure:
    """Values over their expected range, of the series with the strangest anomalies first."""
    strangest = anomalies.groupby("unique_id", sort=False)["score"].max()
    order = strangest.sort_values(ascending=False, kind="stable").index.tolist()
    rest = [series for series in points["unique_id"].unique() if series not in strangest.index]
    chosen = [*order, *rest][:_MOST]
    figure, plots = new_figure(len(chosen))
    for axes, series in zip(plots, chosen, strict=True):
        own = points[points["unique_id"] == series]
        out = anomalies[anomalies["unique_id"] == series]
        axes.fill_between(
            own["ds"], own["low"], own["high"], color=MODEL, alpha=INTERVAL_ALPHA, linewidth=0,
            label=f"expected of {100 * level:g} %",
        )  # fmt: skip
        axes.plot(own["ds"], own["y"], color=ACTUAL, linewidth=1, label="actual")
        axes.plot(
            out["ds"], out["y"], color=ANOMALY, marker="o", linestyle="", markersize=5,
            markerfacecolor="none", markeredgewidth=1.6, label="anomaly",
        )  # fmt: skip
        date_axis(axes, own["ds"])
        name_series(axes, series, f"{len(out)} anomalies" if len(chosen) > 1 else "")
    plots[-1].set_xlabel(date_label(points["ds"]))
    series = points["unique_id"].nunique()
    of = f" of {series} series" if series > 1 else ""
    learned = f"{len(anomalies)} of {len(points)} values{of} are not what was expected"
    chance = f"chance would have {(1 - level) * len(points):.2g}"
    head(figure, learned, f"{printable(name)}: judged {steps_ahead([step])}; {chance}")
    return figure
