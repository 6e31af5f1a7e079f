"""Scores as they are shown: over all series, and of each target where a table has several."""

import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.columns import target_of_series
from forecast.display import scores_table, target_scores_table
from forecast.scoring.scores import score_by_target

_MOST_TARGETS = 20  # of which each has a row a model


def target_scores(scores: pd.DataFrame, options: DataOptions) -> pd.DataFrame:
    """The means over the series of each target: `target, split, model, metric, value`.

    Without rows where there is one target.
    """
    targets = {}
    if len(options.targets) > 1:
        for name in scores["unique_id"].dropna().unique():
            targets[str(name)] = target_of_series(str(name), options)[1]
    return score_by_target(scores, targets)


def with_targets(scores: pd.DataFrame, options: DataOptions) -> pd.DataFrame:
    """The scores, and of several targets below them the means of each, with a column `target`."""
    by_target = target_scores(scores, options)
    return pd.concat([scores, by_target], ignore_index=True) if len(by_target) else scores


def shown_scores(scores: pd.DataFrame, split: str, options: DataOptions) -> str:
    """The scores for a person: a table over all series, and one of the targets in a split."""
    by_target = target_scores(scores, options)
    own = by_target[by_target["split"] == split]
    names = own["target"].unique()
    table = scores_table(scores)
    if not len(names):
        return table
    shown = own[own["target"].isin(names[:_MOST_TARGETS])]
    table = f"{table}\n\n{target_scores_table(shown)}"
    more = len(names) - _MOST_TARGETS
    return f"{table}\nand {more} targets more" if more > 0 else table
