"""How long gradients and weights were while training."""

from matplotlib.figure import Figure

from forecast.figures.layout import draw_members, head, new_figure, number_axis
from forecast.figures.palette import SERIES
from forecast.figures.tables import WHOLE, Tables, View
from forecast.figures.words import printable
from forecast.jobs.norms import judged_norms, refuse_without_norms

_GRADIENTS = {
    "gradient_norm": ("gradient, mean of an epoch", SERIES[2], "-"),
    "max_gradient_norm": ("gradient, largest of an epoch", SERIES[1], "--"),
}
_WEIGHTS = ("weights after an epoch", SERIES[6], "-")


def norms(tables: Tables, view: View = WHOLE) -> Figure:
    """Norms of gradients, before they are clipped, and of weights by epoch.

    A line for each member; of many, the one in the middle and a band that holds eight of ten.
    Raises `RunError` for a run of an earlier version, which does not tell them.
    """
    table = tables.history
    refuse_without_norms(tables.name, table)
    members = table["member"].nunique()
    figure, [above, below] = new_figure(2)
    for column, look in _GRADIENTS.items():
        draw_members(above, table.pivot(index="epoch", columns="member", values=column), *look)
    if (table["gradient_norm"] > 0).any():
        above.set_yscale("log")
    above.set_ylabel("norm of the gradient")
    weights = table.pivot(index="epoch", columns="member", values="weight_norm")
    draw_members(below, weights, *_WEIGHTS)
    below.set_ylabel("norm of the weights")
    for axes in (above, below):
        axes.set_xlabel("epoch")
        number_axis(axes)
    of = f" of {members} networks" if members > 1 else ""
    learned = judged_norms(table)
    shown = f"{printable(tables.name)}: norms{of} by epoch; gradients before they are clipped"
    head(figure, learned[0].upper() + learned[1:], shown)
    return figure
