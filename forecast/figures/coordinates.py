"""Trials of a search as lines through their values: which ones do the best have in common?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.data.panel import FloatArray
from forecast.figures.layout import head
from forecast.figures.palette import GUIDE, MODEL
from forecast.figures.words import printable

_COLUMN, _HEIGHT = 1.55, 4.2  # inches
_BEST = 0.1  # the share of trials that are drawn in colour
_FEW = 6  # values that stand each at a place of its own
_LETTERS = 40  # of a value


def draw_coordinates(name: str, metric: str, trials: pd.DataFrame, logs: Sequence[str]) -> Figure:
    """A line a trial, through an axis a key and that of the score; the best tenth in colour.

    `trials` has a column a key, and the `score` of each by what all were judged by, best first as
    far as anything tells; keys in `logs` are drawn so.
    """
    keys = [key for key in trials if key != "score" and trials[key].nunique() > 1]
    figure = Figure(figsize=(max(7.0, _COLUMN * (len(keys) + 1)), _HEIGHT), layout="constrained")
    axes = figure.subplots()
    shown = trials[np.isfinite(trials["score"])]
    places = [_places(shown[str(key)], is_log=key in logs) for key in keys]
    scores = _scaled(np.log(shown["score"].to_numpy(np.float64)))
    lines = np.column_stack([*(own for own, _ in places), scores])
    best = max(1, round(_BEST * len(shown)))
    # Lines of equal choices lie beside each other, and their scores where they are.
    spread = (
        0.02 * np.random.default_rng(0).uniform(-1, 1, lines.shape) * np.r_[[1.0] * len(keys), 0]
    )
    for i in range(len(lines)):
        is_best = i < best
        axes.plot(
            lines[i] + spread[i], color=MODEL if is_best else GUIDE, lw=1.4 if is_best else 0.7,
            alpha=0.9 if is_best else 0.35, zorder=3 if is_best else 1,
            label="best" if i == 0 else "others" if i == best else None,
        )  # fmt: skip
    titles = [*(printable(str(key).split(".")[-1], 18) for key in keys), metric.upper()]
    for i, title in enumerate(titles):
        axes.plot([i, i], [0, 1], color="black", lw=0.8)
        axes.text(i, 1.06, title, ha="center", size=9, weight="bold")
    for i, (_, ticks) in enumerate(places):
        _label(axes, i, ticks)
    scored = shown["score"].to_numpy(np.float64)
    ends = {0.0: f"{scored.min():.3g}", 1.0: f"{scored.max():.3g}"}
    _label(axes, len(keys), ends)
    axes.set_axis_off()
    axes.set_xlim(-0.3, len(keys) + 0.5)
    axes.set_ylim(-0.04, 1.12)
    head(
        figure,
        _learned(shown, keys, best),
        f"{printable(name)}: {len(shown)} trials, by the forecasts that all were judged by",
    )
    return figure


def _label(axes: Axes, column: int, ticks: dict[float, str]) -> None:
    for place, text in ticks.items():
        axes.annotate(
            printable(text, _LETTERS), (column, place), xytext=(4, 0), textcoords="offset points",
            size=8, va="center", zorder=5,
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip


def _places(values: "pd.Series[float]", *, is_log: bool) -> tuple[FloatArray, dict[float, str]]:
    """Where values stand on their axis, from 0 to 1, and what is written there."""
    if not is_log and (values.nunique() <= _FEW or values.dtype.kind not in "if"):
        known = sorted(values.unique(), key=lambda own: (isinstance(own, str), own))
        last = max(1, len(known) - 1)
        places = {own: i / last for i, own in enumerate(known)}
        ticks = {place: str(own) for own, place in places.items()}
        return values.map(places).to_numpy(np.float64), ticks
    numbers: FloatArray = np.array(values, np.float64)
    ends = {0.0: f"{numbers.min():.3g}", 1.0: f"{numbers.max():.3g}"}
    return _scaled(np.log(numbers) if is_log else numbers), ends


def _scaled(numbers: FloatArray) -> FloatArray:
    span = np.ptp(numbers)
    scaled: FloatArray = (numbers - numbers.min()) / (span if span > 0 else 1)
    return scaled


def _learned(shown: pd.DataFrame, keys: Sequence[object], best: int) -> str:
    """The values that all of the best have in common."""
    alike = [
        f"{str(key).split('.')[-1]} {shown[key].iloc[0]}"
        for key in keys
        if shown[key].iloc[:best].nunique() == 1
    ]
    of = f"The best {best} of {len(shown)} trials" if best > 1 else "The best trial"
    if not alike:
        return f"{of} have no value in common"
    return printable(f"{of} {'have' if best > 1 else 'has'} {'; '.join(alike)}", 200)
