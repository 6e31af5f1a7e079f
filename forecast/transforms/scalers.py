"""What the three scalers share: the values of each series that they are fitted to."""

from dataclasses import dataclass

import numpy as np

from forecast.config.schema import Per
from forecast.data.panel import FloatArray, IntArray, Past
from forecast.errors import DataError, Problem

# A range below this share of the values is that of a constant series: rounding makes as much.
_CONSTANT = 10 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class Groups:
    """Values, one group after another: a series each, or all series as one."""

    values: FloatArray
    begins: IntArray
    counts: IntArray

    def mean(self, values: FloatArray) -> FloatArray:
        """The mean of a number for each value, by group."""
        means: FloatArray = np.add.reduceat(values, self.begins) / self.counts
        return means

    def quantiles(self, *levels: float) -> list[FloatArray]:
        """Quantiles of each group, linear between two values."""
        group = self.by_value(np.arange(len(self.counts)))
        ordered = self.values[np.lexsort((self.values, group))]
        found = []
        for level in levels:
            places = (self.counts - 1) * level
            below = np.floor(places).astype(np.int64)
            share = places - below
            low = ordered[self.begins + below]
            high = ordered[self.begins + np.minimum(below + 1, self.counts - 1)]
            found.append(low + (high - low) * share)
        return found

    def by_value(self, numbers: FloatArray | IntArray) -> FloatArray:
        """A number a group as a number a value."""
        repeated: FloatArray = np.repeat(numbers, self.counts)
        return repeated


def groups_of(past: Past, per: Per) -> Groups:
    """The values to fit to, without rows that an earlier difference left undefined.

    Raises `DataError` where a series has none.
    """
    panel = past.panel
    defined = np.isfinite(panel.values)
    ends = np.array([len(defined)]) if per == "global" else panel.ends
    begins = np.concatenate([[0], ends[:-1]])
    counts = ends - begins
    if not defined.all():
        up_to = np.concatenate([[0], np.cumsum(defined)])[np.concatenate([[0], ends])]
        begins, counts = up_to[:-1], np.diff(up_to)
    if not counts.all():
        name = panel.unique_ids[int(np.argmin(counts))]
        message = f"{name} has no row that a scale could be fitted to."
        raise DataError(Problem(message, "Leave the series out, or fit with `per: global`."))
    values = panel.values if defined.all() else panel.values[defined]
    return Groups(values, begins, counts)


def or_one(widths: FloatArray, sizes: FloatArray) -> FloatArray:
    """What to divide by: the widths, and 1 for a series of such sizes that never changed."""
    least = np.maximum(_CONSTANT * sizes, np.finfo(np.float64).tiny)
    return np.where(widths < least, 1.0, widths)
