"""What comes next, from the last rows of every series."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from forecast.console import Console
from forecast.data.forecasts import forecast_table
from forecast.data.future import refuse_endless
from forecast.display import step_progress
from forecast.errors import Problem, UsageError
from forecast.jobs.opening import OpenedRun


def predict(
    opened: OpenedRun,
    newer: Path | None = None,
    horizon: int | None = None,
    quantile_levels: Sequence[float] | None = None,
    console: Console | None = None,
) -> pd.DataFrame:
    """Forecast the steps after the last row of each series, with a column for each quantile.

    `newer` is a table with newer rows, `-` for standard input; `horizon` is the config's
    `predict.horizon` where it is left out, and `quantile_levels` its `intervals.quantile_levels`.
    Raises `UsageError` for a horizon that reaches past the calendar.
    """
    config = opened.config
    panel = opened.observed(newer)
    horizon = horizon or config.predict.horizon or config.window.horizon
    refuse_endless(panel, horizon)
    last = panel.ends - 1
    levels = opened.quantile_levels if quantile_levels is None else quantile_levels
    passes = opened.method.passes(len(last))
    with step_progress(console or Console(quiet=True), horizon, passes) as note:
        forecasts = opened.method.forecast(panel, last, horizon, levels, note)
    return forecast_table(panel, last, forecasts)


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
