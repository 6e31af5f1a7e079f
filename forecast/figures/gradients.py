"""How far back a network looks: gradients by lag."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from forecast.figures.layout import head, new_figure, number_axis
from forecast.figures.palette import GUIDE, MARKERS, MODEL, SERIES
from forecast.figures.words import printable

_LEAST = 1e-38  # that a scale of powers can show


def draw_gradients(name: str, table: pd.DataFrame, sentences: Sequence[str], gone: float) -> Figure:
    """By the input, bars; by the states of each layer, on a scale of powers.

    Below the share `gone` of what it is at the last step a gradient is too small to learn from.
    """
    is_input = table["by"] == "input"
    states = table[~is_input]
    figure, plots = new_figure(1 if states.empty else 2)
    own = table[is_input & (table["of"] == "forecast")]
    plots[0].bar(own["lag"], own["gradient"], color=MODEL, label="forecast by its own past")
    loss = table[is_input & (table["of"] == "loss")]
    if len(loss):
        plots[0].plot(
            loss["lag"], loss["gradient"], color=SERIES[1], marker=".", label="loss by the past"
        )
    plots[0].set_ylabel("mean size of the gradient")
    plots[0].set_xlabel("lag (1 is the last step that the network sees)")
    number_axis(plots[0])
    for i, (layer, part) in enumerate(states.groupby("by", sort=False)):
        sizes = part["gradient"].clip(lower=_LEAST)
        plots[1].plot(
            part["lag"], sizes, color=SERIES[i % len(SERIES)], marker=MARKERS[i % len(MARKERS)],
            markersize=3, label=f"forecast by the states of {printable(layer)}",
        )  # fmt: skip
        if i == 0:
            floor, label = gone * float(sizes.iloc[0]), f"{100 * gone:g} % of that at lag 1"
            plots[1].axhline(floor, color=GUIDE, linestyle=":", label=label)
    if len(plots) > 1:
        plots[1].set_yscale("log")
        plots[1].set_ylabel("mean norm of the gradient")
        plots[1].set_xlabel("lag (1 is the last step that the network sees)")
        number_axis(plots[1])
    learned = sentences[0].partition(". ")[0] if sentences else "gradients by lag"
    head(
        figure,
        printable(learned, 300),
        f"{printable(name)}: gradients by lag, the mean over windows",
    )
    return figure
