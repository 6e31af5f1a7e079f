"""The scores over all series, which stand at the top of a run's `scores.csv`."""

import csv
import math
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from forecast.data.csvtext import read_rows
from forecast.data.parts import ENDING, rows_without
from forecast.runs.layout import SCORES
from forecast.runs.regular import damaged
from forecast.runs.store import Run


def overall_scores(run: Run, split: str, model: str) -> dict[str, float]:
    """Scores by metric of one split and model, without those that are undefined.

    It does without pandas, which a list of runs would wait for.
    """
    path = run.path / run.table(SCORES)
    try:
        scores = {
            str(metric): math.nan if value in (None, "") else float(value)
            for own, name, metric, value in _means(run, path)
            if (own, name) == (split, model)
        }
    except (csv.Error, ValueError, TypeError, KeyError) as error:
        raise damaged(path, "it is no table of scores") from error
    return {metric: value for metric, value in scores.items() if not math.isnan(value)}


def _means(run: Run, path: Path) -> Iterator[tuple[Any, ...]]:
    """Split, model, metric and value of the rows over all series."""
    if path.suffix == ENDING:
        names = ("split", "model", "metric", "value")
        for row in rows_without(run.content(path.name), "unique_id"):
            yield tuple(row[name] for name in names)
        return
    rows = read_rows(run.text(SCORES))
    next(rows, None)
    for _, *rest in takewhile(lambda row: row[0] is None, rows):
        yield tuple(rest)
