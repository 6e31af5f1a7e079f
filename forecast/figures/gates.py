"""What a recurrent layer does over time: its gates under the series, and how long it remembers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.data.panel import FloatArray
from forecast.figures.layout import date_axis, date_label, head, name_series
from forecast.figures.palette import ACTUAL, GUIDE, MODEL, SERIES
from forecast.figures.words import printable

_WIDTH, _SERIES_ROW, _GATE_ROW = 10, 1.3, 1.6  # inches
# How a gate is called in a figure, and the colours of its values.
_NAMES = {
    "update_gate": "update gate z: share of the old state that is kept (1 - z in Chung et al.)",
    "reset_gate": "reset gate r: share of the old state that the candidate sees",
    "candidate": "candidate: what would be written",
    "state": "state: what is passed on",
    "input_gate": "input gate: share of the candidate that is written",
    "forget_gate": "forget gate: share of the memory that is kept",
    "output_gate": "output gate: share of the memory that is shown",
    "memory": "memory",
}


class LayerView(NamedTuple):
    """What a figure shows of one layer at the last step of each window."""

    layer: str
    series: str
    ds: pd.Series
    """Of the cutoffs, `(windows,)`."""
    values: FloatArray
    gates: Mapping[str, FloatArray]
    """`(windows, units)`"""
    half_lives: FloatArray | None
    """Steps, `(units,)`."""
    openness: FloatArray | None
    """`(windows,)`"""


def draw_gates(name: str, views: Sequence[LayerView]) -> Figure:
    """The series, under it a heat map for each gate, units by how long they remember.

    Beside each map how its values are distributed. Of several layers one under the other.
    """
    heights = [h for view in views for h in (_SERIES_ROW, *[_GATE_ROW] * len(view.gates))]
    figure = Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
    grid = figure.subplots(
        len(heights), 2, squeeze=False, width_ratios=[5, 1], height_ratios=heights
    )
    row = 0
    for view in views:
        top, beside = grid[row]
        top.plot(view.ds, view.values, color=ACTUAL, linewidth=1, label="actual")
        if view.openness is not None:
            other = top.twinx()
            other.plot(
                view.ds, view.openness, color=SERIES[1], linewidth=1,
                label="mean share that is let in (right axis)",
            )  # fmt: skip
            other.set_ylim(0, 1)
        name_series(top, view.series, printable(view.layer))
        top.tick_params(labelbottom=False)
        _half_lives(beside, view)
        order = np.arange(next(iter(view.gates.values())).shape[1])
        if view.half_lives is not None:
            order = np.argsort(-view.half_lives, kind="stable")
        for i, (gate, values) in enumerate(view.gates.items(), start=1):
            _heat(figure, grid[row + i], view, gate, values[:, order])
        row += 1 + len(view.gates)
        for axes, _ in grid[row - 1 - len(view.gates) : row]:
            date_axis(axes, view.ds)
            axes.set_xlim(view.ds.iloc[0], view.ds.iloc[-1])
        grid[row - 1][0].tick_params(labelbottom=True)
        grid[row - 1][0].set_xlabel(date_label(view.ds))
    head(figure, _learned(views), f"{printable(name)}: gates at the end of each window")
    return figure


def _heat(
    figure: Figure, pair: Sequence[Axes], view: LayerView, gate: str, values: FloatArray
) -> None:
    axes, beside = pair
    is_share = gate.endswith("gate")
    bound = 1.0 if is_share else max(1e-9, float(np.abs(values).max()))
    low = 0.0 if is_share else -bound
    mesh = axes.pcolormesh(
        view.ds, np.arange(values.shape[1]), values.T, vmin=low, vmax=bound, shading="nearest",
        cmap="viridis" if is_share else "RdBu_r", rasterized=True,
    )  # fmt: skip
    figure.colorbar(mesh, ax=axes, pad=0.01, aspect=12)
    axes.set_title(_NAMES.get(gate, gate), loc="left", fontsize=9)
    axes.set_ylabel("unit")
    axes.tick_params(labelbottom=False)
    beside.hist(values.ravel(), bins=25, range=(low, bound), color=MODEL)
    beside.set_yticks([])
    beside.tick_params(labelsize=8)


def _half_lives(axes: Axes, view: LayerView) -> None:
    if view.half_lives is None:
        axes.set_axis_off()
        return
    axes.plot(np.sort(view.half_lives)[::-1], color=MODEL)
    axes.set_yscale("log")
    axes.set_title("half-life (steps), by unit", loc="left", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(color=GUIDE, alpha=0.25)


def _learned(views: Sequence[LayerView]) -> str:
    """How long the units remember."""
    said = []
    for view in views:
        if view.half_lives is not None:
            few, many = (f"{life:.2g}" for life in np.quantile(view.half_lives, (0.1, 0.9)))
            said.append(
                f"{printable(view.layer)} forgets half of its state in {few} to {many} steps"
            )
    return "; ".join(said) or "the states of the network over time"
