"""How the error grows with the distance."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.figures.layout import head, new_figure, number_axis, table_figure
from forecast.figures.palette import DASHES, color_of
from forecast.figures.rows import of_series
from forecast.figures.tables import WHOLE, Tables, Tested, View
from forecast.figures.words import of_what, signed, skill, spoken
from forecast.scoring.metrics import Scale

_TOP = 3  # times the errors that matter: larger ones would press them together
_UNITS = {"RMSE": "scale of the data", "RMSSE": "over the scale of each series"}
_FEWEST = 3  # steps that make a line; below, numbers say it better


def steps(tables: Tables, view: View = WHOLE) -> Figure:
    """RMSE on the test part by step of the horizon, of the model and the baselines.

    Of a panel RMSSE, over each series' scale, so that none counts more than another. Where the
    horizon has one step or two, a table.
    """
    tested = Tested.of(tables)
    errors, metric = _scaled_errors(of_series(tested.forecasts, view), tables.scales)
    rmse = np.sqrt((errors["error"] ** 2).groupby([errors["step"], errors["model"]]).mean())
    wide = rmse.unstack("model")[list(dict.fromkeys(errors["model"]))]
    shown = f"{of_what(tables.name, view)}: error on the test part by step, over {_count(errors)}"
    if len(wide) < _FEWEST:
        figure = _table(tested, wide, metric)
        head(figure, _learned(tested, wide, metric), f"{shown} ({_UNITS[metric]})")
        return figure
    figure, [axes] = new_figure()
    axes.set_xlabel("step")
    axes.set_ylabel(f"{metric} ({_UNITS[metric]})")
    _draw(axes, tested, wide)
    number_axis(axes)
    head(figure, _learned(tested, wide, metric), shown)
    return figure


def _draw(axes: Axes, tested: Tested, wide: pd.DataFrame) -> None:
    """A line a model. A baseline that is far worse leaves the plot, and its name says how far."""
    matter = [name for name in (tested.model, tested.baseline) if name]
    top = _TOP * float(wide[matter].max().max())
    for model in map(str, wide):
        most = float(wide[model].max())
        name = spoken(model) if model == tested.model else f"{spoken(model)} (baseline)"
        axes.plot(
            wide.index,
            wide[model],
            linestyle="-" if model == tested.model else DASHES,
            marker="o",
            markersize=3,
            color=color_of(model, tested.model),
            label=f"{name}, up to {most:.3g}" if most > top > 0 else name,
        )
    axes.set_ylim(0, top if 0 < top < float(wide.max().max()) else None)


def _scaled_errors(
    forecasts: pd.DataFrame, scales: Mapping[str, Scale]
) -> tuple[pd.DataFrame, str]:
    """The errors as a column, and their metric; those of many series are over each one's scale.

    Series without a scale are left out, and a step without a truth.
    """
    errors = forecasts.assign(error=forecasts["y"] - forecasts["y_hat"])
    if errors["unique_id"].nunique() == 1:
        return errors, "RMSE"
    own = {name: scale.rmse for name, scale in scales.items() if scale.rmse > 0}
    if not own:
        return errors, "RMSE"
    return (
        errors.assign(error=errors["error"] / errors["unique_id"].map(own).astype(float)),
        "RMSSE",
    )


def _count(errors: pd.DataFrame) -> str:
    """How many forecasts a step has, and of how many series."""
    model = errors["model"].iloc[0]
    near = errors[(errors["model"] == model) & (errors["step"] == errors["step"].min())]
    series = near["unique_id"].nunique()
    of = f" of {series} series" if series > 1 else ""
    return f"{len(near)} forecast{'s' if len(near) > 1 else ''}{of}"


def _learned(tested: Tested, wide: pd.DataFrame, metric: str) -> str:
    """How the model's error grows, and at how many steps it is below the baseline's."""
    own, name = wide[tested.model], spoken(tested.model)
    beside = None if tested.baseline is None else wide[tested.baseline]
    first, last = own.index[0], own.index[-1]
    grown = f"{name} errs by {metric} {own[first]:.4g} at step {first}"
    if first < last:
        grown += f", by {own[last]:.4g} at step {last}"
    if beside is None:
        return grown
    other = spoken(str(tested.baseline))
    if first == last:
        return f"{grown}, {other} by {beside[first]:.4g}"
    return f"{grown}; by less than {other} at {int((own < beside).sum())} of {len(own)} steps"


def _table(tested: Tested, wide: pd.DataFrame, metric: str) -> Figure:
    """A row a model: its error by step, and its skill."""
    columns = ["model"]
    rows = [[spoken(str(model))] for model in wide]
    for step, errors in wide.iterrows():
        columns.append(f"{metric} at step {step}")
        if tested.baseline:
            columns.append(f"skill against {spoken(tested.baseline)}")
        for row, error in zip(rows, errors, strict=True):
            row.append(f"{error:.4g}")
            if tested.baseline:
                row.append(signed(skill(error, errors[tested.baseline])))
    return table_figure(columns, rows)
