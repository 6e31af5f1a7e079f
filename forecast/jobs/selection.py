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

_CERTAINTY = 1.0  # standard errors by which a change has to help
_LEAST = 0.005  # of the loss, by which it has to help
_MOST_CHANGES = 10


@dataclass(frozen=True)
class Candidates:
    """Who may be a member."""

    networks: tuple[str, ...]
    methods: tuple[str, ...]
    most_networks: int = 2
    """Of one blend: each takes its time to train."""

    def changes(self, members: Members) -> Iterator[Members]:
        """Members with one more, one less, or one in the place of another of its kind.

        A network is always among them.
        """
        for name in (*self.networks, *self.methods):
            if name in members:
                yield members - {name}
            else:
                yield members | {name}
        for name in self.networks:
            if name not in members:
                yield from (members - {own} | {name} for own in self.networks if own in members)

    def are_allowed(self, members: Members) -> bool:
        """Whether there are networks among them, and not too many."""
        return 1 <= sum(name in members for name in self.networks) <= self.most_networks


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
        best, best_gain = members, 0.0
        now = losses(members)[rows]
        for other in candidates.changes(members):
            if not candidates.are_allowed(other):
                continue
            gains = now - losses(other)[rows]
            gains = gains[np.isfinite(gains)]
            if not len(gains):
                continue
            least = max(_LEAST * float(np.nanmean(now)), _CERTAINTY * error_of(gains))
            gain = float(gains.mean())
            if gain > least and gain > best_gain:
                best, best_gain = other, gain
        if best == members:
            break
        members = best
    return members
