"""Which covariates and lags matter to a run's network, and which do not."""

import json
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from forecast.console import Console
from forecast.data.export import csv_text, records
from forecast.data.panel import IntArray, Panel
from forecast.data.split import cutoffs_within
from forecast.display import text_table
from forecast.jobs.importance import LAG, harms, helps, importance
from forecast.jobs.opened_network import OpenedNetwork
from forecast.jobs.opening import original_job
from forecast.windows import spread

# Windows that are forecast again for every feature and permutation.
_MOST_WINDOWS = 1_000
# Too few to say of a column that does little whether it helps.
_FEW_WINDOWS = 50


def explain(
    opened: OpenedNetwork, newer: Path | None, repeats: int, seed: int, console: Console
) -> pd.DataFrame:
    """The importance of each covariate and lag, on rows that the network was not fitted on.

    Those are the test part of the table that the run was made from, or such rows of a newer table.
    Columns as those of `importance`. Raises `DataError` where that table is not what it was.
    """
    panel, cutoffs = _windows(opened, newer)
    fitted = np.isin(panel.unique_ids, opened.fitted)
    moved = panel.rows_of(fitted, cutoffs[fitted[panel.series_of(cutoffs)]])
    console.say(f"{len(moved)} windows, each forecast {repeats} times for every feature")
    scales = {name: scale.mae for name, scale in opened.scales.items()}
    names = opened.config.data.targets
    table = importance(opened.network, panel.of(fitted), moved, scales, names, repeats, seed)
    console.say("added MASE: by what the error grows when a column is shuffled among the windows")
    beside = table[table["part"] != LAG]
    idle = [str(row["feature"]) for _, row in beside.iterrows() if not helps(row)]
    if idle:
        few = " (few)" if len(moved) < _FEW_WINDOWS else ""
        console.say(f"no help seen in {len(moved)} windows{few}: {', '.join(idle)}")
    return table


def explain_text(table: pd.DataFrame, format: Literal["table", "csv", "json"]) -> str:
    """The importances for a person, or for a program."""
    if format == "csv":
        return csv_text(table)
    if format == "json":
        return json.dumps(records(table), indent=2)
    rows = [
        (
            str(row["feature"]),
            str(row["part"]),
            f"{row['increase']:+.4g}",
            f"{row['spread']:.2g}",
            f"{row['increase'] / row['error']:+.1%}" if row["error"] > 0 else "",
            _verdict(row),
        )
        for _, row in table.iterrows()
    ]
    columns = ("feature", "part", "added MASE", "standard error", "of the error", "")
    return text_table(columns, rows)


def _verdict(row: "pd.Series[float]") -> str:
    """What to say beside a feature: nothing where it helps."""
    if helps(row):
        return ""
    return "does harm" if harms(row) else "no clear help"


def _windows(opened: OpenedNetwork, newer: Path | None) -> tuple[Panel, IntArray]:
    """Rows that the network was not fitted on, as a panel and the cutoffs before them."""
    horizon = opened.config.window.horizon
    if newer is not None:
        panel, first = opened.continued(newer)
        begins = np.maximum(first, opened.unseen(panel))
        cutoffs = cutoffs_within(panel, begins, panel.ends, 1, horizon)
    else:
        job = original_job(opened)
        panel, cutoffs = job.panel, job.cutoffs["test"]
    # Not only those whose targets do not overlap: all of them might begin at one hour of the day,
    # and what is dealt out among them would be the same hours.
    return panel, spread(cutoffs, _MOST_WINDOWS)
