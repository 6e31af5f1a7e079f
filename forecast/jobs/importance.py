"""What matters to a network? How much more it errs once it can no longer tell what a column says.

Permutation importance: Breiman 2001, https://doi.org/10.1023/A:1010933404324; Fisher, Rudin,
Dominici 2019, https://arxiv.org/abs/1801.01489. The values of one covariate, or of one lag of the
target, are dealt out anew among the windows, which leaves all else as it is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.random import Generator

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.data.split import has_target
from forecast.errors import DataError, Problem
from forecast.features import Place, part_of, places_of
from forecast.methods.network import Predictor, TrainedNetwork
from forecast.windows import Batch, Inputs

# Lags that have a row of their own, nearest first; those in between share one.
_NEAREST = 3
# A covariate helps if what it saves is more than so many standard errors.
_CLEARLY = 2.0

LAG = "lag"
"""The part that lags of the target are."""

Alter = Callable[[Inputs, IntArray, int], Inputs]
"""Inputs with something dealt out anew: of the windows, in this order, along this axis."""


@dataclass(frozen=True)
class _Altered:
    """A network that sees its inputs changed."""

    network: Predictor
    alter: Alter
    random: Generator
    axis: int
    """That of the windows."""

    def predict(self, inputs: Inputs) -> Batch:
        """See `Predictor.predict`."""
        order = self.random.permutation(inputs.past.shape[self.axis])
        return self.network.predict(self.alter(inputs, order, self.axis))


def importance(
    network: TrainedNetwork,
    panel: Panel,
    cutoffs: IntArray,
    scales: Mapping[str, float],
    names: Sequence[str],
    repeats: int,
    seed: int,
) -> pd.DataFrame:
    """How the error of forecasts from these cutoffs grows without each covariate and lag.

    `names` are those of the targets, whose lags are told apart where they are forecast together.
    Columns `feature, part, error, increase, spread`. `error` is the mean absolute error over each
    series' scale (MASE) without a change; `increase` is what is added to it, the mean over
    `repeats` permutations; `spread` is the standard error of that, over windows whose targets do
    not overlap. The features that matter most come first. Raises `DataError` where there are too
    few windows.
    """
    horizon = network.branches[0].window.horizon
    cutoffs = cutoffs[has_target(panel, cutoffs, horizon)]
    if len(cutoffs) < 2:
        message = f"{len(cutoffs)} window is too few to deal out values among."
        raise DataError(Problem(message, "Give a table with more rows: --input FILE."))
    by_series = np.array([scales[name] for name in panel.unique_ids])
    by_series = np.where(by_series > 0, by_series, np.nan)  # a series that never changed has none
    divisors = by_series[panel.series_of(cutoffs)][:, None]
    truth = panel.truth_after(cutoffs, horizon)

    def errors(seen: TrainedNetwork) -> FloatArray:
        """Of each window, `(cutoffs,)`; NaN where its series has no scale."""
        y_hat = seen.forecast(panel, cutoffs, horizon).y_hat
        scaled: FloatArray = np.abs(truth - y_hat) / divisors
        known = np.isfinite(scaled)
        sums = np.where(known, scaled, 0.0).sum(axis=1)
        counts = known.sum(axis=1)
        means: FloatArray = np.divide(
            sums, counts, out=np.full(len(sums), np.nan), where=counts > 0
        )
        return means

    plain = errors(network)
    if not np.isfinite(plain).any():
        message = "no series has a scale to measure errors by (MASE): none changed while it was "
        advice = "Train again on rows in which the target changes."
        raise DataError(Problem(message + "fitted.", advice))
    # Windows whose targets overlap, or are forecast together, err alike: together they count once.
    rows_in_common = len(panel.values) // network.branches[0].sizes.targets
    blocks = np.unique(cutoffs % rows_in_common // horizon, return_inverse=True)[1]
    rows = []
    for feature, part, alter in _features(network, names):
        seen = (_altered(network, alter, [seed, repeat]) for repeat in range(repeats))
        own = np.mean([errors(altered) - plain for altered in seen], axis=0)
        rows.append(
            {
                "feature": feature,
                "part": part,
                "error": float(np.nanmean(plain)),
                "increase": float(np.nanmean(own)),
                "spread": _standard_error(own, blocks),
            }
        )
    return pd.DataFrame(rows).sort_values("increase", ascending=False, ignore_index=True)


def _altered(network: TrainedNetwork, alter: Alter, seed: list[int]) -> TrainedNetwork:
    """The network with its inputs changed: of all branches in the same way."""
    axis = 1 if network.model.scope == "local" else 0
    branches = [
        replace(own, network=_Altered(own.network, alter, np.random.default_rng(seed), axis))
        for own in network.branches
    ]
    return replace(network, branches=branches)


def helps(row: pd.Series) -> bool:
    """Whether a feature saves clearly more than windows differ by chance."""
    return bool(row["increase"] > _CLEARLY * row["spread"])


def _standard_error(values: FloatArray, blocks: IntArray) -> float:
    """Of the mean, from the means of blocks; NaN is passed over."""
    known = np.isfinite(values)
    means = pd.Series(values[known]).groupby(blocks[known]).mean()
    return float(means.std(ddof=0) / np.sqrt(max(1, len(means))))


def harms(row: pd.Series) -> bool:
    """Whether the error is clearly less without a feature."""
    return bool(-row["increase"] > _CLEARLY * row["spread"])


def _features(network: TrainedNetwork, names: Sequence[str]) -> Iterator[tuple[str, str, Alter]]:
    """Every covariate and every group of lags: its name, its part, and how it is changed.

    Lags are those of each of the targets that are forecast together, which have these names.
    """
    branch = network.branches[0]
    targets = branch.sizes.targets
    for name, places in places_of(network.encoder, branch.features, targets).items():
        part = part_of(places)
        first_part, own = places[0]
        is_on_scale = first_part == "past" and own.stop <= branch.sizes.on_scale
        yield name, part, _dealing_on_scale(places, targets) if is_on_scale else _dealing(places)
    for first, last in _lags(branch.window.context_length, branch.season_length):
        name = f"lag {first}" if first == last else f"lags {first} to {last}"
        for target in range(targets):
            of = f"{names[target]} " if targets > 1 else ""
            alter = _lagging(branch.window.context_length, first, last, target)
            yield f"{of}{name}", LAG, alter


def _dealing(places: list[Place]) -> Alter:
    """Deal out whole columns: each window gets those of another, past and future alike."""

    def alter(inputs: Inputs, order: IntArray, axis: int) -> Inputs:
        parts = inputs.named
        for part, own in places:
            values = parts[part].copy()
            values[..., own] = np.take(values, order, axis=axis)[..., own]
            parts[part] = values
        return Inputs(**parts)

    return alter


def _dealing_on_scale(places: list[Place], targets: int) -> Alter:
    """The same of what is on the scale of the targets, a number of each: see `_lent`."""

    def alter(inputs: Inputs, order: IntArray, axis: int) -> Inputs:
        parts = inputs.named
        for part, own in places:
            values = parts[part].copy()
            of = inputs.past[..., :targets]
            values[..., own] = _lent(values[..., own], of, order, axis)
            parts[part] = values
        return Inputs(**parts)

    return alter


def _lagging(length: int, first: int, last: int, target: int) -> Alter:
    """Deal out some steps of a target: see `_lent`."""
    steps, own = slice(length - last, length - first + 1), slice(target, target + 1)

    def alter(inputs: Inputs, order: IntArray, axis: int) -> Inputs:
        past = inputs.past.copy()
        past[..., steps, own] = _lent(past[..., own], past[..., own], order, axis)[..., steps, :]
        return inputs._replace(past=past)

    return alter


def _lent(values: Batch, target: Batch, order: IntArray, axis: int) -> Batch:
    """Values of other windows, each as far from its window's mean as it was in the other.

    Windows of any level and spread can so lend each other their steps `(..., steps, features)`.
    Mean and spread are those of the target of each feature in the context.
    """
    mean, deviation = (f(target, axis=-2, keepdims=True) for f in (np.mean, np.std))
    deviation = np.where(deviation > 0, deviation, 1.0)
    others = np.take((values - mean) / deviation, order, axis=axis)
    lent: Batch = mean + deviation * others
    return lent


def _lags(length: int, season_length: int) -> list[tuple[int, int]]:
    """The context in groups of lags: the nearest and whole seasons alone, the others in between."""
    alone = {lag for lag in range(1, _NEAREST + 1) if lag <= length}
    if season_length > 1:
        alone |= {lag for lag in (season_length, 2 * season_length) if lag <= length}
    groups, begin = [], 1
    for lag in sorted(alone):
        if begin < lag:
            groups.append((begin, lag - 1))
        groups.append((lag, lag))
        begin = lag + 1
    return groups + ([(begin, length)] if begin <= length else [])
