"""The long table of scores: every method on the same rows."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from forecast.scoring.metrics import METRICS, NAMES, Scale, coverage, crps, owa, width

_OWA_BESIDE = "naive2"  # the method that M4 measures the OWA against


def score(forecasts: pd.DataFrame, scales: Mapping[str, Scale]) -> pd.DataFrame:
    """Every metric of every model: `unique_id, split, model, metric, value`.

    `scales` are the units of MASE and RMSSE by series. A row counts only where every model that
    forecasts in its split at all has a forecast, so that all are measured on the same rows. The
    rows without `unique_id` are means over the series; where Naive2 is among the models, they tell
    the OWA too.
    """
    rows = [
        (unique_id, split, model, name, value)
        for (unique_id, split, model), group in _comparable(forecasts).groupby(
            ["unique_id", "split", "model"], sort=False
        )
        for name, value in _metrics(group, scales[str(unique_id)])
    ]
    columns = ["unique_id", "split", "model", "metric", "value"]
    scores = pd.DataFrame(rows, columns=columns)
    groups = scores.groupby(columns[1:4], sort=False)
    means: pd.DataFrame = groups["value"].mean().reset_index()
    whole = pd.concat([means, _beside_naive2(means)]).assign(unique_id=None)
    both: pd.DataFrame = pd.concat([whole, scores], ignore_index=True)
    return both[columns]


def _beside_naive2(means: pd.DataFrame) -> pd.DataFrame:
    """OWA of every model, in each split that has Naive2: `split, model, metric, value`."""
    errors = {
        key: dict(zip(group["metric"], group["value"], strict=True))
        for key, group in means.groupby(["split", "model"], sort=False)
    }
    rows = [
        (split, model, owa.__name__, owa(own, errors[split, _OWA_BESIDE]))
        for (split, model), own in errors.items()
        if (split, _OWA_BESIDE) in errors
    ]
    return pd.DataFrame(rows, columns=means.columns).astype(means.dtypes)  # also of no rows


def _metrics(group: pd.DataFrame, scale: Scale) -> Iterator[tuple[str, float]]:
    """The name and value of every metric that one model's rows of one series allow."""
    y = group["y"].to_numpy()
    for metric in METRICS:
        yield metric.__name__, metric(y, group["y_hat"].to_numpy(), scale)
    quantiles = {
        float(name[1:]): group[name].to_numpy()
        for name in group.columns
        if name.startswith("q") and group[name].notna().all()
    }
    if quantiles:
        yield "crps", crps(y, quantiles)
    for level, low in quantiles.items():
        high = quantiles.get(round(1 - level, 9))
        if level < 0.5 and high is not None:
            share = f"{100 * (1 - 2 * level):g}"
            yield f"coverage_{share}", coverage(y, low, high)
            yield f"width_{share}", width(low, high)


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
    able = forecasts.groupby(["split", "model"])["y_hat"].transform("count") > 0
    forecasts = forecasts[able]
    keys = ["unique_id", "cutoff", "step", "split"]
    known = forecasts["y_hat"].notna() & forecasts["y"].notna()
    complete: pd.Series[bool] = known.groupby([forecasts[key] for key in keys]).transform("all")
    return forecasts[complete]


def overall(scores: pd.DataFrame, split: str) -> pd.DataFrame:
    """The scores over all series of one split: a row a model, a column a metric.

    First those that every model has, then OWA and those of quantiles, if there are any.
    """
    chosen = scores[scores["unique_id"].isna() & (scores["split"] == split)]
    wide = chosen.pivot(index="model", columns="metric", values="value")
    metrics = dict.fromkeys([*NAMES, *chosen["metric"]])
    return wide.reindex(index=chosen["model"].unique(), columns=list(metrics))


def better_baselines(scores: pd.DataFrame, split: str, model: str) -> pd.DataFrame:
    """The rows of `overall` whose RMSE is lower than the model's, best first."""
    table = overall(scores, split)
    better = table[table["rmse"] < table.loc[model, "rmse"]]
    return better.sort_values("rmse")
