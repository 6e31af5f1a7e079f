"""How the error grows with the distance."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast.figures.material import BLUE, GREY, ORANGE, Material, new_figure


def steps(material: Material) -> Figure:
    """RMSE on the test part by step of the horizon, of the model and the baselines."""
    figure, [axes] = new_figure(f"Error of {material.name} by step")
    axes.set_xlabel("step")
    axes.set_ylabel("RMSE on the test part")
    table = material.test
    squares = (table["y_hat"] - table["y"]) ** 2
    means = squares.groupby([table["model"], table["step"]]).mean()
    colors = dict(zip(table["model"].unique(), (BLUE, GREY, ORANGE), strict=False))
    for model, color in colors.items():
        own = means[model]
        axes.plot(own.index, np.sqrt(own.to_numpy()), "-o", markersize=3, color=color, label=model)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    return figure
