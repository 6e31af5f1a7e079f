"""How the loss fell."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast.figures.material import BLUE, ORANGE, Material, new_figure

_LABELS = {
    "loss": ("training loss", BLUE, "-"),
    "val_loss": ("validation loss", ORANGE, "--"),
    "test_loss": ("test loss (shown, never used)", ORANGE, "--"),
}


# More members than this are drawn as one band.
_MOST_LINES = 10


def history(material: Material) -> Figure:
    """Training and validation loss by epoch, on a logarithmic scale.

    A line for each member; of many, the one in the middle and a band that holds eight of ten.
    """
    table = material.history
    members = table["member"].nunique()
    of = f", {members} networks" if members > 1 else ""
    figure, [axes] = new_figure(f"Loss of {material.name}{of}")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss (transformed units)")
    for column, (label, color, style) in _LABELS.items():
        if column not in table or table[column].isna().all():
            continue
        losses = table.pivot(index="epoch", columns="member", values=column)
        if losses.shape[1] > _MOST_LINES:
            low, high = losses.quantile(0.1, axis=1), losses.quantile(0.9, axis=1)
            axes.fill_between(losses.index, low, high, color=color, alpha=0.2, linewidth=0)
            losses = losses.median(axis=1).to_frame()
        marker = "o" if len(losses) == 1 else None
        lines = axes.plot(losses.index, losses, style, marker=marker, linewidth=1, color=color)
        lines[0].set_label(label)
    if (table["loss"] > 0).any():
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    return figure
