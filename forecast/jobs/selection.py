"""Whose mean forecast errs least? Members are put in and left out as long as that clearly helps.

Forward and backward selection with equal weights. What begins is kept unless another is better by
more than its noise, and after nearly every origin, so that of equals the first wins.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.data.panel import FloatArray
from forecast.scoring.significance import standard_error

Members = frozenset[str]
Losses = Callable[[Members], FloatArray]
"""What the mean of members errs, `(origins, units)`; NaN where that is not known."""

_LEAST = 0.005  # of the loss, by which a change has to help ...
_LEAST_OF_COSTLY = 0.03  # ... more, where a method comes in that takes long, ...
_AGREEING = 0.75  # ... after this part of the origins, ...
_CERTAINTY = 1.0  # ... and by so many standard errors; ...
_CERTAINTY_OF_ONE = 2.0  # ... by more after a single origin, which no other can confirm
_MOST_CHANGES = 10


@dataclass(frozen=True)
class Candidates:
    """Who may be a member."""

    networks: tuple[str, ...]
    methods: tuple[str, ...]
    most_networks: int = 2
    """Of one blend: each takes its time to train."""
    are_costly: bool = False
    """Whether methods take long to forecast, beside networks that do not."""

    def changes(self, members: Members) -> Iterator[Members]:
        """Members with one more, one less, or one network in the place of another.

        There is always a network among them, and not too many.
        """
        own = members.intersection(self.networks)
        for name in self.methods:
            yield members ^ {name}
        for name in self.networks:
            if name in members and len(own) > 1:
                yield members - {name}
            elif name not in members:
                if len(own) < self.most_networks:
                    yield members | {name}
                for other in sorted(own):
                    yield members - {other} | {name}

    def least(self, members: Members, other: Members) -> float:
        """By which part of the loss a change has to help."""
        is_costly = self.are_costly and not (other - members).isdisjoint(self.methods)
        return _LEAST_OF_COSTLY if is_costly else _LEAST


@dataclass(frozen=True)
class Rows:
    """How losses become one number a row, whose noise can be told."""

    is_panel: bool
    """Whether a row is a series, which a unit is, or else a time after an origin."""
    overlap: int = 1
    """Rows that share a step of time."""

    def of(self, losses: FloatArray) -> FloatArray:
        """The rows `(rows,)` of losses `(origins, units)`; NaN where nothing is known."""
        if not self.is_panel:
            return losses.ravel()
        known = np.isfinite(losses)
        sums, counts = np.where(known, losses, 0).sum(axis=0), known.sum(axis=0)
        means: FloatArray = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        return means

    def mean_and_error(self, losses: FloatArray) -> tuple[float, float]:
        """The mean of all rows and its standard error."""
        rows = self.of(losses)
        rows = rows[np.isfinite(rows)]
        if not len(rows):
            return 0.0, 0.0
        return float(rows.mean()), standard_error(rows, self.overlap)


def select(
    losses: Losses, begin: Members, candidates: Candidates, rows: Rows, seen: NDArray[np.bool_]
) -> Members:
    """The members that err least, from those that begin on.

    `seen` `(origins, units)` says by which losses.
    """

    def look(members: Members) -> FloatArray:
        return np.where(seen, losses(members), np.nan)

    members = begin
    for _ in range(_MOST_CHANGES):
        now = look(members)
        loss, _ = rows.mean_and_error(now)
        gains = {other: _gain(now - look(other), rows) for other in candidates.changes(members)}
        enough = {
            other: gain
            for other, gain in gains.items()
            if gain > candidates.least(members, other) * loss
        }
        if not enough:
            break
        members = max(enough, key=lambda other: enough[other])
    return members


def _gain(gains: FloatArray, rows: Rows) -> float:
    """By how much less is erred, where that is clear; else 0."""
    mean, error = rows.mean_and_error(gains)
    means = [own[np.isfinite(own)].mean() for own in gains if np.isfinite(own).any()]
    certainty = _CERTAINTY if len(means) > 1 else _CERTAINTY_OF_ONE
    agreeing = sum(own > 0 for own in means)
    is_clear = mean > certainty * error and agreeing >= _AGREEING * len(means)
    return mean if is_clear else 0.0
