"""The long tables of forecasts and of scores: the model and the baselines, on the same rows."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from forecast.data.forecasts import forecast_table
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.scoring.baselines import BASELINES, Baseline
from forecast.scoring.metrics import METRICS, NAMES

Forecast = Callable[[Panel, IntArray, int], FloatArray]


def forecasts_beside_baselines(
    panel: Panel,
    cutoffs: IntArray,
    horizon: int,
    season_length: int,
    *,
    model: str,
    forecast: Forecast,
    segment: str,
    baselines: Sequence[Baseline] = BASELINES,
) -> pd.DataFrame:
    """Forecasts of the model and of every baseline, with the truth beside them.

    Columns `unique_id, ds, cutoff, step, model, segment, y, y_hat`. All of the targets have to be
    rows of the panel. `y_hat` is NaN where a baseline lacks the rows that it repeats.
    """
    y = panel.truth[cutoffs[:, None] + np.arange(1, horizon + 1)].ravel()
    by_model = {model: forecast(panel, cutoffs, horizon)}
    for baseline in baselines:
        by_model[baseline.__name__] = baseline(panel, cutoffs, horizon, season_length)
    table = pd.concat(
        [
            forecast_table(panel, cutoffs, y_hat).assign(model=name, segment=segment, y=y)
            for name, y_hat in by_model.items()
        ],
        ignore_index=True,
    )
    return table[["unique_id", "ds", "cutoff", "step", "model", "segment", "y", "y_hat"]]


def score(forecasts: pd.DataFrame, scales: Mapping[str, float]) -> pd.DataFrame:
    """Every metric of every model: `unique_id, segment, model, metric, value`.

    `scales` is MASE's unit by series. A row counts only where every model that forecasts in its
    segment at all has a forecast, so that all are measured on the same rows. The rows without
    `unique_id` are means over the series.
    """
    rows = [
        (unique_id, segment, model, metric.__name__, value)
        for (unique_id, segment, model), group in _comparable(forecasts).groupby(
            ["unique_id", "segment", "model"], sort=False
        )
        for y, y_hat in [(group["y"].to_numpy(), group["y_hat"].to_numpy())]
        for metric in METRICS
        for value in [metric(y, y_hat, scales[str(unique_id)])]
    ]
    columns = ["unique_id", "segment", "model", "metric", "value"]
    scores = pd.DataFrame(rows, columns=columns)
    means = scores.groupby(columns[1:4], sort=False, as_index=False)["value"].mean()
    both: pd.DataFrame = pd.concat([means.assign(unique_id=None), scores], ignore_index=True)
    return both[columns]


def score_by_step(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Errors by step of the horizon over all series: `step, model, metric, value`.

    RMSE and MAE are in the units of the data: over series of very different levels, the large
    ones decide.
    """
    table = _comparable(forecasts)
    error = table["y_hat"] - table["y"]
    keys = [table["step"], table["model"]]
    rmse = np.sqrt((error**2).groupby(keys, sort=False).mean())
    both = pd.DataFrame({"rmse": rmse, "mae": error.abs().groupby(keys, sort=False).mean()})
    wide = both.rename_axis(["step", "model"]).reset_index()
    return wide.melt(["step", "model"], var_name="metric")


def _comparable(forecasts: pd.DataFrame) -> pd.DataFrame:
    """The rows on which every model has a forecast, without models that have none at all."""
    able = forecasts.groupby(["segment", "model"])["y_hat"].transform("count") > 0
    forecasts = forecasts[able]
    keys = ["unique_id", "cutoff", "step", "segment"]
    known = forecasts["y_hat"].notna() & forecasts["y"].notna()
    complete: pd.Series[bool] = known.groupby([forecasts[key] for key in keys]).transform("all")
    return forecasts[complete]


def overall(scores: pd.DataFrame, segment: str) -> pd.DataFrame:
    """The scores over all series of one segment: a row a model, a column a metric."""
    chosen = scores[scores["unique_id"].isna() & (scores["segment"] == segment)]
    wide = chosen.pivot(index="model", columns="metric", values="value")
    return wide.reindex(index=chosen["model"].unique(), columns=list(NAMES))


def better_baselines(scores: pd.DataFrame, segment: str, model: str) -> pd.DataFrame:
    """The rows of `overall` whose RMSE is lower than the model's, best first."""
    table = overall(scores, segment)
    better = table[table["rmse"] < table.loc[model, "rmse"]]
    return better.sort_values("rmse")
