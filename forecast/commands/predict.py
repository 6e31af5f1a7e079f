"""What comes next, from the last rows of every series."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pandas as pd

from forecast.console import Console
from forecast.data.forecasts import forecast_table
from forecast.data.future import refuse_endless
from forecast.data.panel import Panel
from forecast.display import step_progress
from forecast.engines import Engine
from forecast.errors import Problem, UsageError, some_of
from forecast.jobs.assumptions import Assumptions
from forecast.jobs.opened_run import OpenedRun
from forecast.methods import spread_opened

Opened = TypeVar("Opened", bound=OpenedRun)


def predict(
    opened: OpenedRun,
    newer: Path | None = None,
    horizon: int | None = None,
    quantile_levels: Sequence[float] | None = None,
    console: Console | None = None,
    assumed: Assumptions | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """Forecast the steps after the last row of each series, with a column for each quantile.

    `newer` is a table with newer rows, `-` for standard input; `horizon` is the config's
    `predict.horizon` where it is left out, and `quantile_levels` its `intervals.quantile_levels`.
    `assumed` is what known covariates will be; of several scenarios each has its forecasts, and the
    column `scenario` its name. An engine forecasts parts of the series side by side; without one
    all are forecast here. Raises `UsageError` for a horizon that reaches past the calendar,
    and for what can not be assumed; `DataError` where something that is to be known of the future
    is not.
    """
    config, console = opened.config, console or Console(quiet=True)
    assumed = assumed or Assumptions()
    assumed.refuse_unusable(opened, newer)
    opened = continued(opened, newer, console)
    panel = opened.known
    horizon = horizon or config.predict.horizon or config.window.horizon
    refuse_endless(panel, horizon)
    last = panel.ends - 1
    levels = opened.quantile_levels if quantile_levels is None else quantile_levels
    panels = dict(assumed.panels(opened, panel, horizon))
    warn_of_strange(opened, panels.values(), horizon, console)
    passes = opened.method.passes(len(last)) * len(panels)
    method = spread_opened(opened.method, engine, console)
    # An engine elsewhere tells of its parts, and of no steps.
    told = console if engine is None or engine.is_here else replace(console, progress=False)
    tables = []
    with step_progress(told, horizon, passes) as note:
        for name, own in panels.items():
            table = forecast_table(panel, last, method.forecast(own, last, horizon, levels, note))
            tables.append(table if name is None else table.assign(scenario=name))
    return pd.concat(tables, ignore_index=True)


def continued(opened: Opened, newer: Path | None, console: Console) -> Opened:
    """The run as if it had known the rows of a newer table, if there is one: see `OpenedRun`.

    Series that are new to the network are named.
    """
    if newer is None:
        return opened
    opened = opened.joined(newer)
    if opened.newcomers:
        names = some_of(opened.newcomers)
        console.warn(f"new to the network, which forecasts them as it does the others: {names}.")
    return opened


def warn_of_strange(
    opened: OpenedRun, panels: Iterable[Panel], horizon: int, console: Console
) -> None:
    """Warn of covariates that are unlike all that the run was fitted to, of each case once."""
    strange = (line for panel in panels for line in opened.strange(panel, horizon))
    for line in dict.fromkeys(strange):
        console.warn(line)


def parse_levels(text: str) -> list[float]:
    """The levels of `0.1,0.9`, ascending. Raises `UsageError` for anything else."""
    try:
        levels = [float(word) for word in text.split(",")]
    except ValueError as error:
        message = f"--quantiles {text}: not numbers."
        raise UsageError(Problem(message, "Write 0.1,0.5,0.9.")) from error
    if levels != sorted(set(levels)) or not all(0 < level < 1 for level in levels):
        message = f"--quantiles {text}: levels ascend and lie between 0 and 1."
        raise UsageError(Problem(message, "Write 0.1,0.5,0.9."))
    return levels
