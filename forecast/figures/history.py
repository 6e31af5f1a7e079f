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
    """Training and validation loss by epoch, on a logarithmic scale; a line for each member."""
    figure, [axes] = new_figure(f"Loss of {material.name}")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss (transformed units)")
    table = material.history
    for column, (label, color, style) in _LABELS.items():
        if column not in table or table[column].isna().all():
            continue
        for member, part in table.groupby("member"):
            axes.plot(
                part["epoch"],
                part[column],
                style,
                marker="o" if len(part) == 1 else None,
                linewidth=1,
                color=color,
                label=label if member == 0 else None,
            )
    if (table["loss"] > 0).any():
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    return figure
