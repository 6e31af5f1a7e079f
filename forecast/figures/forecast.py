"""The truth, what was forecast of it, and what comes next."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.figures.layout import (
    date_axis,
    date_label,
    head,
    mark,
    name_series,
    new_figure,
    shade,
    span,
)
from forecast.figures.palette import (
    ACTUAL,
    DASHES,
    FITTED,
    MODEL,
    TEST,
    TEST_ALPHA,
    VALIDATION,
    VALIDATION_ALPHA,
    color_of,
)
from forecast.figures.rows import apart, chosen_series, rows_before, since, with_breaks
from forecast.figures.tables import WHOLE, Tables, Tested, View
from forecast.figures.words import printable, spoken, steps_ahead, verdict

_COLORS = {"train": FITTED, "validation": MODEL, "test": MODEL}


def forecast(tables: Tables, view: View = WHOLE) -> Figure:
    """The last seasons, what was forecast of them, and the steps beyond the last row.

    Forecasts of known rows are those of cutoffs that do not overlap. The baseline stands beside the
    model on the test part and beyond the last row. Of a panel, the series that was forecast best on
    the test part, the one in the middle and the worst.
    """
    tested = Tested.of(tables)
    chosen = chosen_series(tested, view)
    figure, plots = new_figure(rows=len(chosen))
    for axes, (series, title) in zip(plots, chosen.items(), strict=True):
        _draw_series(axes, tables, tested, series, view)
        name_series(axes, series, title)
    plots[-1].set_xlabel(date_label(tables.actual["ds"]))
    shown = f"{printable(tables.name)}: {_explanation(tables)}"
    head(figure, verdict(tested, "on the test part"), shown)
    return figure


def _ahead(tables: Tables) -> int:
    """How many steps the forecast has beyond the last row."""
    return int(tables.future["step"].max())


def _explanation(tables: Tables) -> str:
    """How forecasts of known rows and of the future differ."""
    ahead = _ahead(tables)
    near = steps_ahead(tables.forecasts["step"])
    known = f"known rows {near}, from the actual rows before"
    own = tables.future[tables.future["model"] == tables.model]
    if own["y_hat"].isna().all():  # what it takes to forecast them is not known
        return known
    steps = f"{ahead} steps" if ahead > 1 else "1 step"
    how = ", each fed with those before it (recursive)" if ahead > tables.horizon else ""
    return f"{known}; after the last row {steps}{how}"


def _draw_series(axes: Axes, tables: Tables, tested: Tested, series: str, view: View) -> None:
    actual = tables.actual[tables.actual["unique_id"] == series].sort_values("ds")
    begin = since(actual, view, rows_before(tables.season_length, _ahead(tables)))
    actual = actual[actual["ds"] >= begin]
    axes.plot(actual["ds"], actual["y"], color=ACTUAL, linewidth=1.2, label="actual", zorder=3)
    table = tables.forecasts
    known = table[(table["unique_id"] == series) & (table["ds"] >= begin)]
    _draw_known(axes, tables.model, known)
    future = tables.future[tables.future["unique_id"] == series]
    _draw_future(axes, tables, future)
    if tested.baseline:
        label = f"{spoken(tested.baseline)} (baseline)"
        test = known[(known["model"] == tested.baseline) & (known["split"] == "test")]
        parts = [with_breaks(apart(test)), future[future["model"] == tested.baseline]]
        for part in parts:
            color = color_of(tested.baseline, tables.model)
            _line(axes, part, color, linestyle=DASHES, linewidth=1.2, label=label)
    mark(axes, future["cutoff"].iloc[0], "cutoff (last row)")
    date_axis(axes, actual["ds"])


def _draw_known(axes: Axes, model: str, known: pd.DataFrame) -> None:
    """What the model forecast of the rows of each part, and where the parts are."""
    own = known[known["model"] == model]
    for split, color in _COLORS.items():
        part = apart(own[own["split"] == split])
        if not len(part):
            continue
        fitted = ", on which it was fitted" if split == "train" else ""
        label = f"{spoken(model)} on the {split} part{fitted}"
        _line(axes, with_breaks(part), color, linewidth=1.4, label=label)
        shade(axes, with_breaks(part))
        if split != "train":
            shading = (TEST, TEST_ALPHA) if split == "test" else (VALIDATION, VALIDATION_ALPHA)
            begin = max(part["cutoff"].min(), known["ds"].min())
            span(axes, begin, part["ds"].max(), *shading, label=f"{split} part")


def _draw_future(axes: Axes, tables: Tables, future: pd.DataFrame) -> None:
    own = future[future["model"] == tables.model]
    ahead = _ahead(tables)
    how = "recursive" if ahead > tables.horizon else "at once" if ahead > 1 else ""
    steps = f"{ahead} step{'s' if ahead > 1 else ''}"
    label = ", ".join(word for word in (f"{spoken(tables.model)} forecast", steps, how) if word)
    _line(axes, own, MODEL, linestyle="--", marker="o", markersize=3.5, linewidth=1.4, label=label)
    shade(axes, own)


def _line(axes: Axes, part: pd.DataFrame, color: str, **style: object) -> None:
    if part["y_hat"].notna().any():
        axes.plot(part["ds"], part["y_hat"], color=color, **style)  # type: ignore[arg-type]
