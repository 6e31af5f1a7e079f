"""How good would it have been? Forecasts from past cutoffs, each from its own past alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from forecast.commands.check import Job
from forecast.commands.learning import Learned, learn
from forecast.console import Console
from forecast.data.panel import IntArray
from forecast.data.split import Split, held_out
from forecast.data.table import records, written_dates
from forecast.display import scores_table, steps_table
from forecast.errors import DataError, Problem
from forecast.inference import Forecaster
from forecast.scoring.baselines import Baseline
from forecast.scoring.metrics import scales_of
from forecast.scoring.scores import forecasts_beside_baselines, score, score_by_step
from forecast.training import InMemory

SEGMENT = "backtest"


@dataclass(frozen=True)
class Backtest:
    """Forecasts of every cutoff beside the truth, and what they come to."""

    forecasts: pd.DataFrame
    """`unique_id, ds, cutoff, step, model, y, y_hat`"""
    scores: pd.DataFrame
    """`unique_id, segment, model, metric, value`"""
    steps: pd.DataFrame
    """`step, model, metric, value` over all series."""


def backtest(job: Job, baselines: Sequence[Baseline], console: Console) -> Backtest:
    """Forecast from the last cutoffs of every series, fitted before the first or before each.

    With `refit`, transforms and network are fitted again at every cutoff, on the rows up to it;
    without, once, on the rows up to the first. Raises `DataError` where the cutoffs do not fit.
    """
    options = job.config.backtest
    horizon = options.horizon or job.config.predict.horizon or job.config.window.horizon
    cutoffs = _cutoffs(job, horizon)
    console.say(
        f"{options.windows} cutoffs, {horizon} steps each, "
        f"{'fitted again at each' if options.refit else 'fitted once before the first'}"
    )
    learned = None
    tables = []
    for i, rows in enumerate(cutoffs):
        if learned is None or options.refit:
            learned = _learn_until(job, rows, console if i == 0 else replace(console, quiet=True))
        table = forecasts_beside_baselines(
            job.panel,
            rows,
            horizon,
            job.season_length,
            model=job.config.model.kind,
            forecast=_forecaster(job, learned).forecast,
            segment=SEGMENT,
            baselines=baselines,
        )
        tables.append(table)
    forecasts = pd.concat(tables, ignore_index=True)
    scales = scales_of(job.panel.until(cutoffs[0] + 1), job.season_length)
    return Backtest(
        forecasts.drop(columns="segment"), score(forecasts, scales), score_by_step(forecasts)
    )


def backtest_text(result: Backtest, format: Literal["table", "csv", "json"]) -> str:
    """Scores for a person, forecasts as a long table, or both for a program."""
    if format == "csv":
        return written_dates(result.forecasts).to_csv(index=False)
    if format == "table":
        return f"{scores_table(result.scores)}\n\n{steps_table(result.steps)}"
    tables = {"scores": result.scores, "steps": result.steps, "forecasts": result.forecasts}
    return json.dumps({name: records(table) for name, table in tables.items()}, indent=2)


def _cutoffs(job: Job, horizon: int) -> list[IntArray]:
    """The cutoff of each series, window by window, oldest first."""
    options, panel = job.config.backtest, job.panel
    back = np.arange(options.windows - 1, -1, -1) * (options.stride or horizon)
    cutoffs = [panel.ends - 1 - horizon - steps for steps in back]
    needed = job.needs.rows_before + job.needs.horizon
    room = int((panel.ends - panel.starts).max()) - horizon - needed
    if back[0] > room:
        stride = options.stride or horizon
        message = (
            f"{options.windows} cutoffs with a stride of {stride} and a horizon of {horizon} do "
            f"not fit: before the first, {job.needs} need at least {needed} rows."
        )
        most = room // stride + 1
        advice = f"At most {most} fit." if room >= 0 else "Shorten the horizon or the context."
        raise DataError(Problem(message, advice))
    short = cutoffs[0] < panel.starts + job.needs.reach
    if short.any():
        name = panel.unique_ids[int(np.flatnonzero(short)[0])]
        message = f"{name} has no row before the first of {options.windows} cutoffs."
        raise DataError(Problem(message, "Ask for fewer windows, or leave the series out."))
    return cutoffs


def _learn_until(job: Job, cutoffs: IntArray, console: Console) -> Learned:
    """Fit on the rows up to the cutoffs; the validation part, if any, is the last of them."""
    past = job.panel.until(cutoffs + 1).panel
    split = Split(past.ends, past.ends)
    if job.config.split.validation is not None:
        rows = held_out(job.config.split.validation, past, past.ends, job.needs)
        split = Split(past.ends - rows, past.ends)
    return learn(replace(job, panel=past, split=split), console, watch_test=False)


def _forecaster(job: Job, learned: Learned) -> Forecaster:
    return Forecaster(
        InMemory(learned.model),
        learned.transforms,
        job.config.window.context_length,
        job.season_length,
    )
