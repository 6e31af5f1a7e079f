"""How the loss fell."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast.figures.material import BLUE, ORANGE, Material, new_figure

_LABELS = {
    "loss": ("training loss", BLUE, "-"),
    "val_loss": ("validation loss", ORANGE, "--"),
    "test_loss": ("test loss (shown, never used)", ORANGE, "--"),
}


def history(material: Material) -> Figure:
    """Training and validation loss by epoch, on a logarithmic scale."""
    figure, axes = new_figure(f"Loss of {material.name}", "epoch", "loss (transformed units)")
    table = material.history
    for column, (label, color, style) in _LABELS.items():
        if column in table:
            marker = "o" if len(table) == 1 else None
            axes.plot(table["epoch"], table[column], style, marker=marker, color=color, label=label)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    return figure
