"""What matters to a network: how much more it errs without each covariate and lag."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from forecast.figures.layout import head, new_figure
from forecast.figures.palette import GUIDE, MODEL
from forecast.figures.words import printable, spoken

_MOST = 30  # features in one figure
_BAR = 0.24  # inches


def draw_importance(name: str, model: str, table: pd.DataFrame) -> Figure:
    """Bars of the increase of MASE, the largest on top, each with its spread; lags in grey."""
    shown = table.head(_MOST)[::-1]
    figure, [axes] = new_figure()
    figure.set_figheight(1 + _BAR * len(shown))
    share = 100 * shown["increase"] / shown["error"]
    spread = 100 * shown["spread"] / shown["error"]
    is_lag = (shown["part"] == "lag").to_numpy()
    places = np.arange(len(shown))
    for own, color, label in (
        (~is_lag, MODEL, "covariates"),
        (is_lag, GUIDE, "lags of the target"),
    ):
        if own.any():
            axes.barh(
                places[own], share[own], xerr=spread[own], color=color, label=label, height=0.7,
                error_kw={"lw": 1},
            )  # fmt: skip
    axes.set_yticks(places, [printable(feature) for feature in shown["feature"]])
    axes.set_xlabel("more error without it (% of MASE, with the standard error)")
    axes.axvline(0, color="black", lw=0.8)
    first = table.iloc[0]
    learned = (
        f"{spoken(model)} needs {printable(first['feature'])} most: without it the error is "
        f"{first['increase'] / first['error']:+.0%}"
    )
    of = f", the first {_MOST} of {len(table)}" if len(table) > _MOST else ""
    head(figure, learned, f"{printable(name)}: permutation importance on rows not fitted on{of}")
    return figure
