"""Which candidates of a tryout are taken, and how far ahead of others they are expected to be."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.data.panel import FloatArray
from forecast.jobs.selection import Candidates, Members, select
from forecast.jobs.tryout import Tryout
from forecast.scoring.significance import diebold_mariano, paired_bootstrap


@dataclass(frozen=True)
class Lead:
    """How much less one errs than another."""

    share: float
    """Of what the other errs; below 0 where it is more."""
    p_value: float
    """Of no difference; NaN where there are too few forecasts to tell."""


@dataclass(frozen=True)
class Choice:
    """Candidates that have been tried, and who is taken in any case unless others are better."""

    tryout: Tryout
    candidates: Candidates
    begin: Members

    def members(self, seen: NDArray[np.bool_] | None = None) -> Members:
        """Who errs least by all losses, or by some of them `(origins, units)`."""
        losses = self.tryout.losses
        if seen is None:
            seen = np.ones_like(losses(self.begin), bool)
        return select(losses, self.begin, self.candidates, self.tryout.rows, seen)

    def score(self, losses: FloatArray) -> float:
        """What losses `(origins, units)` come to in the metric of the tryout."""
        mean, _ = self.tryout.rows.mean_and_error(losses)
        return mean**0.5 if self.tryout.course.is_squared else mean

    def crosswise(self) -> FloatArray | None:
        """Losses of what is chosen by the other losses, fold by fold; None where all are one fold.

        None of them had a part in the choice that it judges.
        """
        losses = np.full_like(self.tryout.losses(self.begin), np.nan)
        for fold in self.tryout.folds:
            losses[fold] = self.tryout.losses(self.members(~fold))[fold]
        return losses if self.tryout.folds else None

    def lead(self, losses: FloatArray, name: str) -> Lead | None:
        """How much less losses are than those of a candidate; None where that makes no errors."""
        others = self.tryout.losses(frozenset({name}))
        both = np.isfinite(losses) & np.isfinite(others)
        one, other = np.where(both, losses, np.nan), np.where(both, others, np.nan)
        if not self.score(other) > 0:
            return None
        rows, course = self.tryout.rows.of(one - other), self.tryout.course
        rows = rows[np.isfinite(rows)]
        p_value = (
            paired_bootstrap(rows) if course.is_panel else diebold_mariano(rows, course.overlap)
        )
        return Lead(1 - self.score(one) / self.score(other), p_value)
