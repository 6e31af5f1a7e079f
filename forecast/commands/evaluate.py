"""How good was it, and how good is it on rows that came later?"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from forecast.commands.scope import say_absent, say_scope
from forecast.commands.scored import shown_scores, with_targets
from forecast.console import Console
from forecast.data.calendar import from_iso
from forecast.data.export import csv_text, records
from forecast.data.split import cutoffs_within, has_target
from forecast.errors import DataError, Problem, RunError, UsageError
from forecast.jobs.hindsight import look_back
from forecast.jobs.opened_run import OpenedRun, scales_of
from forecast.methods import BASELINES, Task, forecasts_of, named_methods
from forecast.runs import Run
from forecast.runs.documents import read_config, read_data
from forecast.runs.layout import SCORES
from forecast.runs.tables import read_forecasts, read_scores
from forecast.scoring.scores import score

INPUT = "input"


def evaluate(opened: OpenedRun, newer: Path, console: Console | None = None) -> pd.DataFrame:
    """Scores beside the baselines of a table's newer rows.

    The table's own rows count on which nothing was fitted: from the run's test part on. Their
    split is called `input`. Columns `unique_id, split, model, metric, value`.
    """
    console = console or Console(quiet=True)
    table = _forecast_newer(opened, newer, console)
    say_scope(table, INPUT, opened.model, console)
    say_absent(table, opened.model, opened.data.season_length, console)
    return score(table, opened.scales)


def evaluate_forecasts(run: Run, forecasts: Path, newer: Path, console: Console) -> pd.DataFrame:
    """Scores beside the baselines of forecasts in a file, by what a table says of their dates.

    How many rows were scored is said. Columns as those of `evaluate`, split too. Raises
    `DataError` where none can be.
    """
    found = look_back(run, forecasts, newer)
    console.say(found.said)
    if found.scenarios:
        console.warn(
            f"these forecasts count on what was assumed of the future: scenario "
            f"{', '.join(found.scenarios)}."
        )
    if found.crossing:
        console.warn(
            f"in {found.crossing} of these forecasts quantiles cross, a lower level above a higher "
            "one: their CRPS, coverage and width tell little."
        )
    data, table = read_data(run), found.table.assign(split=INPUT)
    say_scope(table, INPUT, run.record.model, console)
    say_absent(table, run.record.model, data.season_length, console)
    return score(table, scales_of(data))


def refuse_lonely(forecasts: Path, newer: Path | None) -> None:
    """Raise `UsageError` for forecasts without a table that tells what came, or both in one."""
    if newer is None:
        message = "--forecasts are scored by what came: it needs --input."
        raise UsageError(Problem(message, "Name the newer table: --input FILE."))
    if str(forecasts) == str(newer) == "-":
        message = "--forecasts and --input can not both be standard input."
        raise UsageError(Problem(message, "Name a file for one of them."))


def own_scores(run: Run, console: Console | None = None) -> pd.DataFrame:
    """The scores that a run was given when it was made, of each of its parts.

    What those on the test part are of is said. Raises `RunError` for a run that was interrupted
    before.
    """
    if run.has(SCORES) or run.record.status == "complete":
        scores = read_scores(run)
        # The scores stand without the forecasts, which somebody may have removed.
        with suppress(RunError):
            if console and not console.quiet:
                say_scope(read_forecasts(run), "test", run.record.model, console)
        return scores
    message = f"the run {run.record.name} was interrupted before it was scored."
    raise RunError(Problem(message, "Score it on a table: --input FILE. Or train again."))


def scores_text(
    run: Run, scores: pd.DataFrame, split: str, format: Literal["table", "csv", "json"]
) -> str:
    """Scores for a person (over all series, and of several targets each in a split).

    Or as the long table for a program; of several targets with a column `target`, and rows of the
    means over the series of each.
    """
    options = read_config(run).data
    if format == "table":
        return shown_scores(scores, split, options)
    scores = with_targets(scores, options)
    if format == "csv":
        return csv_text(scores)
    return json.dumps(records(scores), indent=2)


def _forecast_newer(opened: OpenedRun, newer: Path, console: Console) -> pd.DataFrame:
    """Forecasts of the table's rows, from all that lies before them.

    Of a series that has fewer new rows than the horizon, these are forecast.
    """
    panel, first = opened.continued(newer)
    for strange in opened.strange(panel):
        console.warn(strange)
    begins = np.maximum(first, opened.unseen(panel))
    # With nothing before it, the first row of all is forecast by nobody.
    rows = panel.ends - np.maximum(begins, panel.starts + 1)
    horizons = np.minimum(rows, opened.config.window.horizon)
    methods = [opened.method, *named_methods(BASELINES, opened.data.season_length)]
    tables = []
    for horizon in np.unique(horizons[horizons > 0]).tolist():
        ends = np.where(horizons == horizon, panel.ends, begins)
        cutoffs = cutoffs_within(panel, begins, ends, 1, horizon)
        if has_target(panel, cutoffs, horizon).any():
            task = Task(panel, [(INPUT, cutoffs)], horizon, opened.quantile_levels)
            tables.append(forecasts_of(methods, task))
    if not tables:
        test_begins = [series.test_begin for series in opened.data.per_series]
        since = test_begins[int(np.argmin(from_iso(test_begins, panel.begins)))]
        message = f"{newer} has no row to score from {since} on."
        raise DataError(Problem(message, "The network has seen the earlier rows in training."))
    return pd.concat(tables, ignore_index=True)
