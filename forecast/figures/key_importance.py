"""Which keys of a config matter: how much of what trials differ in goes with each of them."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from forecast.data.panel import FloatArray
from forecast.figures.layout import head, new_figure
from forecast.figures.palette import MODEL
from forecast.figures.words import printable

_BAR = 0.3  # inches
_BINS = 4  # of numbers that are drawn from a range
_FEWEST = 5  # trials that tell anything


def draw_key_importance(name: str, metric: str, trials: pd.DataFrame) -> Figure:
    """A bar a key: its share of the variance of scores, the largest on top.

    `trials` has a column a key, and the `score` of each by what all were judged by.
    """
    shares = importance(trials)
    figure, [axes] = new_figure()
    figure.set_figheight(1 + _BAR * max(2, len(shares)))
    shown = shares[::-1]
    axes.barh(np.arange(len(shown)), 100 * shown, color=MODEL, height=0.7)
    axes.set_yticks(np.arange(len(shown)), [printable(str(key)) for key in shown.index])
    axes.set_xlabel(f"share of the variance of log {metric.upper()} (%)")
    axes.set_xlim(0, 100)
    learned = "No key matters more than chance would have it"
    if len(shares) and shares.iloc[0] > 0:
        first, share = printable(str(shares.index[0])), shares.iloc[0]
        learned = f"{first} matters most: {share:.0%} of the differences go with it"
    head(figure, learned, f"{printable(name)}: {len(trials)} trials, each key alone, less chance")
    return figure


def importance(trials: pd.DataFrame) -> "pd.Series[float]":
    """The share of the variance of log scores that goes with each key, largest first.

    Epsilon squared: what a key explains beyond what as many groups would by chance. What keys do
    together is in none of them. Kelley 1935, https://doi.org/10.1073/pnas.21.9.554
    """
    keys = [str(key) for key in trials if key != "score" and trials[key].nunique() > 1]
    known = trials[np.isfinite(trials["score"])]
    if len(known) < _FEWEST:
        return pd.Series(0.0, index=keys)
    scores = np.log(np.maximum(known["score"].to_numpy(np.float64), 1e-12))
    shares = {key: _share(scores, _groups(known[key])) for key in keys}
    return pd.Series(shares, dtype=np.float64).sort_values(ascending=False, kind="stable")


def _groups(values: "pd.Series[float]") -> "pd.Series[int]":
    """Equal values, or numbers of a quarter each where they are many."""
    if values.dtype.kind in "if" and values.nunique() > 2 * _BINS:
        return pd.qcut(values, _BINS, labels=False, duplicates="drop")
    return pd.Series(pd.factorize(values)[0], index=values.index)


def _share(scores: FloatArray, groups: "pd.Series[int]") -> float:
    total = np.sum((scores - scores.mean()) ** 2)
    counts = np.bincount(groups)
    means = np.bincount(groups, scores) / np.maximum(counts, 1)
    within = np.sum((scores - means[groups]) ** 2)
    left = len(scores) - np.count_nonzero(counts)
    if not total > 0 or left < 1:
        return 0.0
    return float(max(0.0, 1 - (within / left) / (total / (len(scores) - 1))))
