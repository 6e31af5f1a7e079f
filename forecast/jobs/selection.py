"""Whose mean forecast errs least? Members are put in and left out as long as that clearly helps.

Forward and backward selection with equal weights. What begins is kept unless another is better by
more than its noise, so that of equals the first wins.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from forecast.data.panel import FloatArray, IntArray

Members = frozenset[str]
Losses = Callable[[Members], FloatArray]
"""What the mean of members errs: a number a series, or a cutoff; NaN where that is not known."""

_LEAST = 0.005  # of the loss, by which a change has to help ...
# ... and by so many standard errors: a mean of more forecasters is seldom worse than it looks, and
# one in the place of another often is.
_CERTAINTY, _CERTAINTY_OF_SWAPS = 1.0, 2.0
_MOST_CHANGES = 10


@dataclass(frozen=True)
class Candidates:
    """Who may be a member."""

    networks: tuple[str, ...]
    methods: tuple[str, ...]
    most_networks: int = 2
    """Of one blend: each takes its time to train."""

    def changes(self, members: Members) -> Iterator[tuple[Members, float]]:
        """Members with one more, one less, or one network in the place of another.

        Each with the certainty that it takes. A network is always among them.
        """
        for name in (*self.networks, *self.methods):
            yield members ^ {name}, _CERTAINTY
        absent = [name for name in self.networks if name not in members]
        for own in members.intersection(self.networks):
            for name in absent:
                yield members - {own} | {name}, _CERTAINTY_OF_SWAPS

    def are_allowed(self, members: Members) -> bool:
        """Whether there are networks among them, and not too many."""
        return 1 <= len(members.intersection(self.networks)) <= self.most_networks


def select(
    losses: Losses,
    begin: Members,
    candidates: Candidates,
    rows: IntArray,
    error_of: Callable[[FloatArray], float],
) -> Members:
    """The members that err least, from those that begin on, by some rows `(series or cutoffs,)`.

    `error_of` is the standard error of the mean of differences.
    """
    members = begin
    for _ in range(_MOST_CHANGES):
        best, most = members, 0.0
        now = losses(members)[rows]
        for other, certainty in candidates.changes(members):
            if not candidates.are_allowed(other):
                continue
            gains = now - losses(other)[rows]
            gains = gains[np.isfinite(gains)]
            if not len(gains):
                continue
            gain = float(gains.mean())
            least = max(_LEAST * float(np.nanmean(now)), certainty * error_of(gains))
            if gain > max(least, most):
                best, most = other, gain
        if best == members:
            break
        members = best
    return members
