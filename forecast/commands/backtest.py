"""How good would it have been? Forecasts from past cutoffs, each from its own past alone."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.commands.scored import shown_scores, target_scores
from forecast.config.data import DataOptions
from forecast.console import Console
from forecast.data.export import encode_table, records
from forecast.data.panel import IntArray
from forecast.data.split import has_target, rolling_cutoffs
from forecast.display import steps_table
from forecast.engines import Engine
from forecast.errors import DataError, Problem
from forecast.jobs.job import Job
from forecast.methods import Method, Task, forecasts_of, named_methods, spread
from forecast.scoring.metrics import error_scales
from forecast.scoring.scores import score, score_by_step

SPLIT = "backtest"


@dataclass(frozen=True)
class Backtest:
    """Forecasts of every cutoff beside the truth, and what they come to."""

    forecasts: pd.DataFrame
    """`unique_id, ds, cutoff, step, model, y, y_hat`"""
    scores: pd.DataFrame
    """`unique_id, split, model, metric, value`"""
    steps: pd.DataFrame
    """`step, model, metric, value` over all series."""
    options: DataOptions
    """Of the table that was forecast."""


Fit = Callable[[Sequence[Job], Console], Sequence[Method]]
"""Fits jobs that have a config in common: who forecasts for each of them."""


def backtest(
    job: Job,
    against: Sequence[str],
    console: Console,
    fit: Fit,
    engine: Engine | None = None,
) -> Backtest:
    """Forecast from the last cutoffs of every series, fitted before the first or before each.

    With `refit`, transforms and network are fitted again at every cutoff, on the rows up to it;
    without, once, on the rows up to the first. `against` names the methods to set beside it, and
    `fit` fits what the config asks for. An engine does what takes long of these methods, if it is
    given. Raises `DataError` where the cutoffs do not fit.
    """
    options, horizon, cutoffs = job.config.backtest, job.backtest_horizon, cutoffs_of(job)
    console.say(
        f"{options.n_windows} cutoffs, {horizon} steps each, "
        f"{'fitted again at each' if options.refit else 'fitted once before the first'}"
    )
    fitted_at = cutoffs if options.refit else cutoffs[:1]
    jobs = [job.as_of(rows).calibrated(horizon) for rows in fitted_at]
    for warning in jobs[0].warnings:
        console.warn(warning)
    fitted = fit(jobs, console)
    parts = [(SPLIT, rows[rows >= job.panel.starts]) for rows in cutoffs]
    each = [[part] for part in parts] if options.refit else [parts]
    baselines = spread(named_methods(against, job.season_length), engine, console)
    levels = job.config.quantile_levels
    tables = [
        forecasts_of([method, *baselines], Task(job.panel, own, horizon, levels))
        for method, own in zip(fitted, each, strict=True)
    ]
    forecasts = pd.concat(tables, ignore_index=True)
    first = jobs[0].panel
    scales = error_scales(first.before(first.ends), job.season_length)
    return Backtest(
        forecasts.drop(columns="split"),
        score(forecasts, scales),
        score_by_step(forecasts),
        job.config.data,
    )


def cutoffs_of(job: Job) -> list[IntArray]:
    """The cutoffs of each series that are forecast from, window by window, oldest first.

    Raises `DataError` where they do not fit, or nothing that was observed follows any of them.
    """
    options, horizon = job.config.backtest, job.backtest_horizon
    stride = options.stride or horizon
    cutoffs = rolling_cutoffs(job.panel, job.needs, options.n_windows, stride, horizon)
    _refuse_unobserved(job, cutoffs, horizon)
    return cutoffs


def _refuse_unobserved(job: Job, cutoffs: Sequence[IntArray], horizon: int) -> None:
    """Raise `DataError` where nothing observed follows any cutoff: there would be no score."""
    rows = np.concatenate([own[own >= job.panel.starts] for own in cutoffs])
    if has_target(job.panel, rows, horizon).any():
        return
    message = f"none of the {len(cutoffs)} cutoffs has an observed value before and after it."
    advice = "Ask for more windows, or take the rows with empty targets off the end of the table."
    raise DataError(Problem(message, advice))


def encode_backtest(result: Backtest, format: str) -> bytes:
    """Scores for a person (`table`), both for a program (`json`), or the forecasts as a table."""
    if format == "table":
        scores = shown_scores(result.scores, SPLIT, result.options)
        return f"{scores}\n\n{steps_table(result.steps)}\n".encode()
    if format == "json":
        by_target = target_scores(result.scores, result.options)
        tables = {"scores": result.scores} | ({"targets": by_target} if len(by_target) else {})
        tables |= {"steps": result.steps, "forecasts": result.forecasts}
        document = {name: records(table) for name, table in tables.items()}
        return f"{json.dumps(document, indent=2)}\n".encode()
    return encode_table(result.forecasts, format)
