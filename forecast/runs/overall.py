"""The scores over all series, which stand at the top of a run's `scores.csv`."""

import csv
import math
from itertools import takewhile

from forecast.data.csvtext import read_rows
from forecast.runs.layout import SCORES
from forecast.runs.regular import damaged
from forecast.runs.store import Run


def overall_scores(run: Run, split: str, model: str) -> dict[str, float]:
    """Scores by metric of one split and model, without those that are undefined.

    It does without pandas, which a list of runs would wait for.
    """
    try:
        rows = read_rows(run.text(SCORES))
        next(rows, None)
        scores = {
            str(metric): float(value or "nan")
            for _, own, name, metric, value in takewhile(lambda row: row[0] is None, rows)
            if (own, name) == (split, model)
        }
    except (csv.Error, ValueError) as error:
        raise damaged(run.path / SCORES, "it is no table of scores") from error
    return {metric: value for metric, value in scores.items() if not math.isnan(value)}
