"""Costs that are linear in sizes: models that are fitted to what was measured, and tables of it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls


class Model(NamedTuple):
    """A cost that is linear in some sizes."""

    begin: float
    each: tuple[float, ...]
    """Of one more of each size."""
    deviation: float
    """The largest of what was measured from it, relative."""

    @classmethod
    def fit(cls, sizes: Sequence[Sequence[float]], costs: Sequence[float]) -> "Model":
        """By least squares of relative deviations, with no cost below 0.

        Lawson, Hanson 1974, "Solving least squares problems", chapter 23.
        """
        costs_ = np.array(costs)
        columns = np.column_stack([np.ones(len(costs_)), np.array(sizes, float)])
        scales = columns.max(axis=0)
        found, _ = nnls(columns / scales / costs_[:, None], np.ones(len(costs_)))
        begin, *each = found / scales
        deviations = np.abs(columns @ (found / scales) / costs_ - 1)
        return cls(float(begin), tuple(map(float, each)), float(deviations.max()))

    def of(self, *sizes: float) -> float:
        """The cost of such sizes."""
        return self.begin + sum(each * size for each, size in zip(self.each, sizes, strict=True))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table in Markdown; all columns but the first stand to the right."""
    print("\n| " + " | ".join(head) + " |")
    print("| --- " + "| ---: " * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def duration(seconds: float) -> str:
    """Seconds in the unit that a person would tell them in."""
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
