"""The long table of scores: every method on the same rows."""

from collections.abc import Mapping, Sequence, Set
from functools import partial

import numpy as np
import pandas as pd

from forecast.data.forecasts import quantile_levels
from forecast.data.panel import FloatArray
from forecast.scoring.metrics import (
    METRICS,
    NAMES,
    Mean,
    Scale,
    coverage,
    crps,
    mean_by_group,
    owa,
    width,
)

Able = Set[tuple[str, str]]
"""Splits and models, of which some forecast is there."""

_OWA_BESIDE = "naive2"  # the method that M4 measures the OWA against


def score(forecasts: pd.DataFrame, scales: Mapping[str, Scale]) -> pd.DataFrame:
    """Every metric of every model: `unique_id, split, model, metric, value`.

    `scales` are what MASE and RMSSE divide by, of each series. A row counts only where every model
    that forecasts in its split at all has a forecast, so that all are measured on the same rows.
    The rows without `unique_id` are means over the series; where Naive2 is among the models, they
    tell the OWA too.
    """
    return with_means([score_series(forecasts, scales)])


def score_series(
    forecasts: pd.DataFrame, scales: Mapping[str, Scale], able: Able | None = None
) -> pd.DataFrame:
    """The same of each series alone; of the forecasts of some series, if it is said who is `able`.

    These are the models that forecast in a split at all; by the table where it is left out.
    """
    return _by_series(comparable(forecasts, able), scales)


def with_means(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The scores of series, part by part, below their means."""
    some = [part for part in parts if len(part)] or parts[:1]
    scores = pd.concat(some, ignore_index=True)
    over_all = scores.groupby(["split", "model", "metric"], sort=False)
    means: pd.DataFrame = over_all["value"].mean().reset_index()
    whole = pd.concat([means, _beside_naive2(means)]).assign(unique_id=None)
    both: pd.DataFrame = pd.concat([whole, scores], ignore_index=True)
    return both[list(scores.columns)]


def _by_series(table: pd.DataFrame, scales: Mapping[str, Scale]) -> pd.DataFrame:
    """The scores of every series, split and model, all of them computed at once."""
    keys = ["unique_id", "split", "model"]
    group = table.groupby(keys, sort=False).ngroup().to_numpy()
    table, counts = table.iloc[np.argsort(group, kind="stable")], np.bincount(group)
    groups = table[keys].iloc[np.cumsum(counts) - counts]
    own = [scales[str(name)] for name in groups["unique_id"]]
    scale = Scale(np.array([one.mae for one in own]), np.array([one.rmse for one in own]))
    by_metric = _metrics(table, scale, partial(mean_by_group, counts=counts))
    values = np.column_stack(list(by_metric.values()))  # (groups, metrics)
    # A NaN is a score that its data leave undefined, but of a quantile: there it is none at all.
    which, metric = np.nonzero(np.isfinite(values) | [name in NAMES for name in by_metric])
    names = np.array(list(by_metric), dtype=object)
    scores = groups.iloc[which].reset_index(drop=True)
    return scores.assign(metric=names[metric], value=values[which, metric])


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


def _metrics(table: pd.DataFrame, scale: Scale, mean: Mean) -> dict[str, FloatArray]:
    """The value of every metric for each group that `mean` averages over, NaN where undefined."""
    y, y_hat = table["y"].to_numpy(), table["y_hat"].to_numpy()
    found = {metric.__name__: metric(y, y_hat, scale, mean) for metric in METRICS}
    quantiles = {
        level: table[name].to_numpy() for name, level in quantile_levels(table.columns).items()
    }
    if quantiles:
        found["crps"] = crps(y, quantiles, mean)
    for level, low in quantiles.items():
        high = quantiles.get(round(1 - level, 9))
        if level < 0.5 and high is not None:
            share = f"{100 * (1 - 2 * level):g}"
            found[f"coverage_{share}"] = coverage(y, low, high, mean)
            found[f"width_{share}"] = width(low, high, mean)
    return found


def score_by_target(scores: pd.DataFrame, targets: Mapping[str, str]) -> pd.DataFrame:
    """The means over the series of each target: `target, split, model, metric, value`.

    `targets` names the target of each series; those that it does not name are left out.
    """
    each = scores.assign(target=scores["unique_id"].map(targets)).dropna(subset="target")
    keys = ["target", "split", "model", "metric"]
    means = each.groupby(keys, sort=False)["value"].mean().reset_index()
    places = {target: i for i, target in enumerate(dict.fromkeys(targets.values()))}
    return means.sort_values(
        "target", key=lambda names: names.map(places), kind="stable", ignore_index=True
    )


def score_by_step(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Errors by step of the horizon over all series: `step, model, metric, value`.

    RMSE and MAE are on the scale of the data: over series of very different levels, the large
    ones decide.
    """
    table = comparable(forecasts)
    error = table["y_hat"] - table["y"]
    keys = [table["step"], table["model"]]
    rmse = np.sqrt((error**2).groupby(keys, sort=False).mean())
    both = pd.DataFrame({"rmse": rmse, "mae": error.abs().groupby(keys, sort=False).mean()})
    wide = both.rename_axis(["step", "model"]).reset_index()
    return wide.melt(["step", "model"], var_name="metric")


def comparable(forecasts: pd.DataFrame, able: Able | None = None) -> pd.DataFrame:
    """The rows on which every model has a forecast, without models that have none at all.

    Where a table has some of the series, `able` says which models have any.
    """
    if able is None:
        is_able = forecasts.groupby(["split", "model"])["y_hat"].transform("count") > 0
    else:
        own = pd.MultiIndex.from_frame(forecasts[["split", "model"]])
        is_able = pd.Series(own.isin(list(able)), forecasts.index)
    forecasts = forecasts[is_able]
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
    if model not in table.index:  # nothing could be scored
        return table.iloc[:0]
    better = table[table["rmse"] < table.loc[model, "rmse"]]
    return better.sort_values("rmse")


def lost_series(scores: pd.DataFrame, split: str, model: str) -> dict[str, list[str]]:
    """Of each other model the series on which its RMSE is lower, those that it wins by most first.

    Models that win on none are left out.
    """
    chosen = (scores["split"] == split) & (scores["metric"] == "rmse")
    each = scores[chosen & scores["unique_id"].notna()]
    wide = each.pivot(index="unique_id", columns="model", values="value")
    if model not in wide:
        return {}
    lost = {}
    for other in each["model"].unique():
        ratio = (wide[other] / wide[model]).sort_values(kind="stable")
        lost[str(other)] = [str(name) for name in ratio.index[ratio < 1]]
    return {name: series for name, series in lost.items() if series}
