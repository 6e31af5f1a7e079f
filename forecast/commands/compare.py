"""Which kind of network suits a table, at what cost, and is the difference more than chance?"""

import json
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from forecast.config.models import NETWORKS
from forecast.console import Console
from forecast.data.export import csv_text, records
from forecast.display import markdown_table, text_table
from forecast.errors import ConfigError, Problem, UsageError, did_you_mean
from forecast.jobs.contenders import SPLIT, Contender, contenders_of
from forecast.jobs.job import Job
from forecast.jobs.space import is_of_any
from forecast.runs import Run
from forecast.scoring.metrics import Scale
from forecast.scoring.ranking import metric_of, rank, verdict

Format = Literal["table", "csv", "json", "md"]
_METRICS = ("rmse", "mae", "mase")


class Comparison:
    """Models beside each other, best first."""

    def __init__(self, contenders: Sequence[Contender], scales: Mapping[str, Scale]) -> None:
        """Rank them on the rows that all of them forecast."""
        self.forecasts = pd.concat([own.forecasts for own in contenders], ignore_index=True)
        self.metric = metric_of(self.forecasts, scales)
        """What they are ranked by."""
        ranked = rank(self.forecasts, scales)
        costs = pd.DataFrame(
            {own.name: own.costs._asdict() for own in contenders if own.costs}
        ).T.rename_axis("model")
        self.models = ranked.merge(costs.reset_index(), on="model", how="left")
        """A row a model: its metrics, their standard deviation over seeds, costs, `p_value`, and
        `verdict`, which says how it stands to the best."""
        others = map(verdict, self.models["p_value"].iloc[1:])
        self.models["verdict"] = ["best", *others]


def kinds_of(words: str) -> list[str]:
    """The kinds of networks that `gru,lstm` names. Raises `UsageError` for one that there is not.

    A function of one's own (`module:function`) is one too.
    """
    kinds = list(dict.fromkeys(words.split(",")))
    for kind in kinds:
        if kind not in NETWORKS and ":" not in kind:
            message = f"--models: there is no kind {kind!r}."
            raise UsageError(Problem(message, did_you_mean(kind, list(NETWORKS))))
    return kinds


def refuse_common_kinds(job: Job) -> None:
    """Raise `ConfigError` for a blend that has no network of the config's own kind.

    It would be the same with each of several kinds.
    """
    if not is_of_any(job.source, {}, "model.kind"):
        message = "no member of the blend has the kind of network that the config says."
        advice = "Have `{}` among `blend.members`, or compare networks alone: --set blend=null."
        raise ConfigError(job.source.problem(("blend", "members"), message, advice))


def compare_runs(runs: Sequence[Run], console: Console) -> Comparison:
    """Finished runs on the test part that they have in common; one that is named twice is one.

    Raises `UsageError` for fewer than two, and `RunError` where they were scored on other rows.
    """
    different = list({run.path.resolve(): run for run in runs}.values())
    if len(different) < 2:
        message = "one run can not be compared."
        advice = "Name another; or compare kinds of networks with --config and --models."
        raise UsageError(Problem(message, advice))
    comparison = Comparison(*contenders_of(different))
    say_what(comparison, console)
    return comparison


def say_what(comparison: Comparison, console: Console) -> None:
    """Of which forecasts the scores are, and how the difference is judged."""
    table = comparison.forecasts
    one = table[(table["model"] == table["model"].iloc[0]) & (table["seed"] == 0)]
    forecasts, steps = one.groupby(["unique_id", "cutoff"]).ngroups, int(one["step"].max())
    series, seeds = one["unique_id"].nunique(), int(comparison.models["seeds"].max())
    of = f" of {series} series" if series > 1 else ""
    ahead = f", {steps} steps ahead" if steps > 1 else ", one step ahead"
    over = f"; of {seeds} seeds the mean and the standard deviation" if seeds > 1 else ""
    console.say(f"{forecasts} forecasts{of} on the {SPLIT} part{ahead}{over}")
    console.say(
        f"p-values are of no difference to the best by {comparison.metric.upper()}, over forecasts "
        "and over seeds, corrected for the number of models"
    )


def comparison_text(comparison: Comparison, format: Format) -> str:
    """The comparison for a person (`table`, `md`) or for a program (`csv`, `json`)."""
    models = comparison.models
    if format == "csv":
        return csv_text(models)
    if format == "json":
        document = {"split": SPLIT, "metric": comparison.metric, "models": records(models)}
        return json.dumps(document, indent=2)
    metrics = [name for name in _METRICS if models[name].notna().any()]
    columns = [
        "model", *metrics, "parameters", "onnx kB", "fit s", "s per epoch", "us per forecast",
        "beside the best",
    ]  # fmt: skip
    rows = [_row(row, metrics) for _, row in models.iterrows()]
    return (markdown_table if format == "md" else text_table)(columns, rows)


def _row(row: "pd.Series[float]", metrics: Sequence[str]) -> list[str]:
    def cost(name: str, form: str, unit: float = 1) -> str:
        return "-" if np.isnan(row[name]) else format(row[name] / unit, form)

    return [
        str(row["model"]),
        *(_with_spread(row[name], row[f"{name}_sd"]) for name in metrics),
        cost("parameters", ",.0f"),
        cost("onnx_bytes", ",.0f", 1000),
        cost("fit_seconds", ".2f"),
        cost("epoch_seconds", ".3g"),
        cost("forecast_microseconds", ".0f"),
        str(row["verdict"]),
    ]


def _with_spread(mean: float, spread: float) -> str:
    if np.isnan(mean):
        return "-"
    return f"{mean:.4g}" if np.isnan(spread) else f"{mean:.4g} ± {spread:.2g}"
