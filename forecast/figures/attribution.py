"""What a forecast is made of: what each lag and covariate adds to it."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from forecast.figures.layout import head, new_figure
from forecast.figures.palette import GUIDE, MODEL
from forecast.figures.words import printable

_MOST = 20  # features in one figure
_BAR = 0.24  # inches
_HEIGHT = 0.7  # of a bar, where the next one is 1 away
_DIGITS = 4


def draw_attribution(
    name: str, series: str, what: str, target: str, ends: tuple[float, float], table: pd.DataFrame
) -> Figure:
    """Bars of what each feature adds or takes away, the largest on top; lags in grey.

    `ends` are the baseline and the forecast, `what` is the forecast in words, and `table` has the
    columns `feature, part, attribution`, the largest first.
    """
    shown = table if len(table) <= _MOST + 1 else table.head(_MOST)  # a lone one stands for itself
    others = table[len(shown) :]
    is_lag = (shown["part"] == "lag").to_numpy()
    names = [printable(feature) for feature in shown["feature"]]
    names += [f"{len(others)} others"] if len(others) else []
    figure, [axes] = new_figure()
    figure.set_figheight(1 + _BAR * len(names))
    places = np.arange(len(names))[::-1]
    for own, color, label in (
        (~is_lag, MODEL, "covariates"),
        (is_lag, GUIDE, "lags of the target"),
    ):
        if own.any():
            rows = places[: len(shown)][own]
            axes.barh(rows, shown["attribution"][own], color=color, label=label, height=_HEIGHT)
    if len(others):
        rest = others["attribution"].sum()
        axes.barh(places[-1:], [rest], color="white", edgecolor=GUIDE, height=_HEIGHT)
    axes.set_yticks(places, names)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_xlabel(f"what it adds to the forecast ({printable(target)})")
    shown_what = f"{printable(name)}: integrated gradients of {what}"
    head(figure, _learned(table, series, ends), shown_what)
    return figure


def _learned(table: pd.DataFrame, series: str, ends: tuple[float, float]) -> str:
    """Why the forecast is not that of the baseline."""
    baseline, forecast = (f"{end:.{_DIGITS}g}" for end in ends)
    first = table.iloc[0]
    feature, added = printable(first["feature"]), first["attribution"]
    which = f"the forecast of {printable(series)} is {forecast}, that of a flat past {baseline}"
    if not added:
        return f"no feature moves it: {which}"
    moved = f"adds {added:.{_DIGITS}g}" if added > 0 else f"takes {-added:.{_DIGITS}g} away"
    return f"{feature} {moved}, the most: {which}"
