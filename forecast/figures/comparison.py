"""Models beside each other: how the error grows with the distance, and what accuracy costs."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.figures.layout import head, new_figure, number_axis
from forecast.figures.palette import DASHES, GUIDE, MARKERS, SERIES
from forecast.figures.words import printable, spoken
from forecast.scoring.ranking import is_worse

_FEWEST = 3  # steps that make a line


class _Look(NamedTuple):
    color: str
    marker: str


def draw_comparison(
    name: str, metric: str, models: pd.DataFrame, forecasts: pd.DataFrame
) -> Figure:
    """Error by step, with the spread over seeds, and accuracy against the time of a training."""
    figure, [left, right] = new_figure(1, 2)
    looks = _looks(models)
    if forecasts["step"].nunique() < _FEWEST:
        _bars(left, metric, models, looks)
    else:
        _lines(left, forecasts, looks)
    _costs(right, metric, models, looks)
    head(figure, _learned(metric, models), f"{printable(name)}: scored on the test part")
    return figure


def _looks(models: pd.DataFrame) -> dict[str, _Look]:
    """A colour and a mark for each network; baselines are grey, and their lines are broken."""
    looks = {}
    for i, (_, row) in enumerate(models.sort_values("model").iterrows()):
        color = GUIDE if np.isnan(row["parameters"]) else SERIES[i % len(SERIES)]
        looks[str(row["model"])] = _Look(color, MARKERS[i % len(MARKERS)])
    return looks


def _lines(axes: Axes, forecasts: pd.DataFrame, looks: Mapping[str, _Look]) -> None:
    """RMSE by step, the mean over seeds, and a band of one standard deviation."""
    squares = (forecasts["y_hat"] - forecasts["y"]) ** 2
    keys = [forecasts[key] for key in ("model", "seed", "step")]
    rmse = squares.groupby(keys).mean() ** 0.5
    for model, look in looks.items():
        by_seed = rmse[model].unstack("seed")
        mean, spread = by_seed.mean(axis=1), by_seed.std(axis=1).fillna(0)
        style = DASHES if look.color == GUIDE else "-"
        axes.plot(
            mean.index, mean, label=spoken(model), linestyle=style, color=look.color,
            marker=look.marker, markersize=3,
        )  # fmt: skip
        axes.fill_between(
            mean.index, mean - spread, mean + spread, color=look.color, alpha=0.12, linewidth=0
        )
    axes.set_xlabel("step")
    axes.set_ylabel("RMSE (scale of the data)")
    number_axis(axes)


def _bars(axes: Axes, metric: str, models: pd.DataFrame, looks: Mapping[str, _Look]) -> None:
    """The error of each model, best on top, with one standard deviation over seeds."""
    shown = models[::-1]
    axes.barh(
        np.arange(len(shown)), shown[metric], xerr=shown[f"{metric}_sd"].fillna(0), height=0.7,
        color=[looks[name].color for name in shown["model"]], error_kw={"lw": 1},
    )  # fmt: skip
    axes.set_yticks(np.arange(len(shown)), [spoken(name) for name in shown["model"]])
    axes.set_xlabel(f"{metric.upper()} (mean and standard deviation over seeds)")


def _costs(axes: Axes, metric: str, models: pd.DataFrame, looks: Mapping[str, _Look]) -> None:
    """A point a network: seconds of its training, and its error; the best baseline is a line."""
    for _, row in models.iterrows():
        if np.isnan(row["parameters"]):
            continue
        look = looks[row["model"]]
        axes.errorbar(
            row["fit_seconds"], row[metric], yerr=np.nan_to_num(row[f"{metric}_sd"]),
            color=look.color, marker=look.marker, linestyle="",
        )  # fmt: skip
        axes.annotate(
            spoken(row["model"]), (row["fit_seconds"], row[metric]), fontsize=8,
            xytext=(5, 4), textcoords="offset points",
        )  # fmt: skip
    beside = models[models["parameters"].isna()]
    if len(beside):
        best = beside.iloc[0]
        axes.axhline(best[metric], color=GUIDE, linestyle=DASHES, label=spoken(best["model"]))
    axes.set_xlabel("seconds of training (all seeds)")
    axes.set_ylabel(metric.upper())
    axes.margins(x=0.2)


def _learned(metric: str, models: pd.DataFrame) -> str:
    """Which model is best, and which are as good as far as can be told."""
    best, others = models.iloc[0], models.iloc[1:]
    alike = [spoken(row["model"]) for _, row in others.iterrows() if not is_worse(row["p_value"])]
    said = f"{spoken(best['model'])} errs least ({metric.upper()} {best[metric]:.4g})"
    if not alike:
        return f"{said}, by more than chance"
    return f"{said}; no clear difference to {', '.join(alike)}"
