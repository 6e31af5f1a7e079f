"""Several models on the same rows, each with its seeds: who is better, by more than chance?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forecast.data.panel import FloatArray
from forecast.scoring.metrics import Scale
from forecast.scoring.scores import comparable, overall, score
from forecast.scoring.significance import diebold_mariano, holm, paired_bootstrap, welch

# From so many series on they are what varies; of fewer, the cutoffs are.
PANEL = 10
_LEVEL = 0.05


def metric_of(forecasts: pd.DataFrame, scales: Mapping[str, Scale]) -> str:
    """What models are ranked by: RMSE of one series; MASE of several, which count alike in it."""
    names = forecasts["unique_id"].unique()
    has_scales = any(scales[str(name)].mae > 0 for name in names)
    return "mase" if len(names) > 1 and has_scales else "rmse"


def rank(forecasts: pd.DataFrame, scales: Mapping[str, Scale]) -> pd.DataFrame:
    """A row a model, best first: `model, seeds`, each metric, its `_sd` over seeds, `p_value`.

    `forecasts` has the columns of `forecasts_of`, of one split, and `seed`. A metric is the mean
    over the seeds. `p_value` is of no difference to the best, by the metric that ranks: the larger
    of two, for a difference may come from the forecasts that happen to be scored, or from the
    seeds. The first is of a paired bootstrap over many series, or of the test of Diebold and
    Mariano over the cutoffs of few; the second of Welch's test over seeds. It is corrected for the
    number of models.
    """
    by_seed = forecasts.groupby(["model", "seed"], sort=False).ngroup().astype(str)
    names = dict(zip(by_seed, forecasts["model"], strict=True))
    scores = score(forecasts.assign(model=by_seed), scales)
    each = overall(scores, forecasts["split"].iloc[0]).rename(index=str)
    models = each.index.map(names)
    metric = metric_of(forecasts, scales)
    table = each.groupby(models, sort=False).mean()
    spread = each.groupby(models, sort=False).std().add_suffix("_sd")
    table = table.join(spread).assign(seeds=each.groupby(models, sort=False).size())
    table = table.sort_values(metric, kind="stable").rename_axis("model")
    table["p_value"] = _p_values(forecasts, scales, metric, [str(name) for name in table.index])
    return table.reset_index()


def verdict(p_value: float) -> str:
    """What a p-value of no difference to the best model says, in words."""
    if not np.isfinite(p_value):
        return "too few forecasts to tell"
    if is_worse(p_value):
        return f"worse (p = {p_value:.2g})" if p_value >= 0.001 else "worse (p < 0.001)"
    return f"no clear difference (p = {p_value:.2f})"


def is_worse(p_value: float) -> bool:
    """Whether the difference to the best model is more than chance, at a level of 5 %."""
    return p_value < _LEVEL


def no_difference(
    differences: FloatArray,
    seeds: tuple[FloatArray, FloatArray],
    *,
    is_panel: bool,
    overlap: int = 1,
) -> float:
    """The p-value of equal accuracy of two models: the larger of two, as in `rank`.

    `differences` of their losses are of one series each in a panel, and else of one cutoff each;
    `seeds` are the mean losses of each model by seed.
    """
    of_rows = paired_bootstrap(differences) if is_panel else diebold_mariano(differences, overlap)
    return max(of_rows, welch(*seeds))


def _p_values(
    forecasts: pd.DataFrame, scales: Mapping[str, Scale], metric: str, models: list[str]
) -> FloatArray:
    """Of no difference to the first of the models; NaN for itself."""
    losses, overlap = _losses(forecasts, scales, metric)
    by_series = losses["unique_id"].nunique() >= PANEL
    keys = ["unique_id" if by_series else "cutoff", "model"]
    means = losses.groupby(keys, sort=True)["loss"].mean().unstack("model")
    by_seed = losses.groupby(["model", "seed"])["loss"].mean()
    found, best = np.full(len(models), np.nan), models[0]
    for i, model in enumerate(models[1:], start=1):
        differences = (means[model] - means[best]).to_numpy()
        seeds = by_seed[model].to_numpy(), by_seed[best].to_numpy()
        found[i] = no_difference(differences, seeds, is_panel=by_series, overlap=overlap)
    return holm(found)


def _losses(
    forecasts: pd.DataFrame, scales: Mapping[str, Scale], metric: str
) -> tuple[pd.DataFrame, int]:
    """The `loss` of each row that counts; how many forecasts of a model share a step of time."""
    # A row counts where all seeds of all models have a forecast.
    alike = comparable(forecasts.assign(model=forecasts["model"] + forecasts["seed"].astype(str)))
    table = forecasts.loc[alike.index]
    error = table["y_hat"] - table["y"]
    if metric == "mase":
        scale = table["unique_id"].map({name: own.mae for name, own in scales.items()})
        loss = error.abs() / scale.where(scale > 0)
    else:
        loss = error**2
    table = table.assign(loss=loss).dropna(subset="loss")
    first = table[(table["model"] == table["model"].iloc[0])]
    first = first[first["seed"] == first["seed"].iloc[0]]
    overlap = int(first.groupby(["unique_id", "ds"]).size().max())
    return table, overlap
