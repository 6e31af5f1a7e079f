"""What comes next, from the last rows of every series."""

from pathlib import Path

import pandas as pd

from forecast.commands.opening import OpenedRun
from forecast.data.forecasts import forecast_table


def predict(
    opened: OpenedRun, newer: Path | None = None, horizon: int | None = None
) -> pd.DataFrame:
    """Forecast the steps after the last row of each series: `unique_id, ds, cutoff, step, y_hat`.

    `newer` is a table with newer rows, `-` for standard input; `horizon` is the config's
    `predict.horizon` where it is left out.
    """
    config = opened.config
    panel = opened.observed(newer)
    horizon = horizon or config.predict.horizon or config.window.horizon
    last = panel.ends - 1
    return forecast_table(panel, last, opened.forecaster.forecast(panel, last, horizon))
