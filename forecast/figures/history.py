"""How the loss fell."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from forecast.figures.layout import draw_members, head, new_figure, number_axis
from forecast.figures.palette import FITTED, MODEL
from forecast.figures.tables import WHOLE, Tables, View
from forecast.figures.words import printable

_LABELS = {
    "loss": ("training loss", FITTED, "-"),
    "val_loss": ("validation loss", MODEL, "--"),
    "test_loss": ("test loss (shown, never used)", MODEL, "--"),
}


def history(tables: Tables, view: View = WHOLE) -> Figure:
    """Training and validation loss by epoch, on a logarithmic scale.

    A line for each member; of many, the one in the middle and a band that holds eight of ten.
    """
    table = tables.history
    members = table["member"].nunique()
    known = {name: look for name, look in _LABELS.items() if _is_known(table, name)}
    of = f" of {members} networks" if members > 1 else ""
    figure, [axes] = new_figure()
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss (transformed units)")
    for column, (label, color, style) in known.items():
        losses = table.pivot(index="epoch", columns="member", values=column)
        draw_members(axes, losses, label, color, style)
    if (table["loss"] > 0).any():
        axes.set_yscale("log")
    number_axis(axes)
    head(figure, _learned(table, list(known)), f"{printable(tables.name)}: loss{of} by epoch")
    return figure


def _is_known(table: pd.DataFrame, column: str) -> bool:
    return column in table and bool(table[column].notna().any())


def _learned(table: pd.DataFrame, columns: list[str]) -> str:
    """When the loss on rows that the network was not fitted on was lowest, over all members."""
    means = table.groupby("epoch")[columns].mean()
    column, last = columns[-1], len(means)
    losses, name = means[column].to_numpy(), _LABELS[column][0].partition(" (")[0]
    best = int(np.nanargmin(losses)) + 1
    if last == 1:
        return f"After one epoch the {name} is {losses[0]:.3g}"
    if best == last:
        return f"The {name} still falls at the last of {last} epochs ({losses[-1]:.3g})"
    lowest = f"lowest at epoch {best} of {last} ({losses[best - 1]:.3g})"
    return f"The {name} is {lowest}; at the end it is {losses[-1]:.3g}"
