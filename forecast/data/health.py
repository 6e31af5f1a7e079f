"""What somebody should know of a panel before training on it: the findings of a doctor of data."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecast.data.calendar import iso
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.data.roles import suspicious_codes

_FAR = 8.0  # interquartile ranges from the quartiles: an outlier
_RARE = 0.05  # of the values; what is rarer may be a mistake
_MOST = 5  # series and dates that are named


@dataclass(frozen=True)
class Target:
    """The values that were observed, in numbers."""

    observed: int
    missing: int
    filled: int
    min: float
    mean: float
    max: float
    zeros: int

    def __str__(self) -> str:
        """One line for a person."""
        gaps = f", {self.missing} missing (filled)" if self.missing else ""
        zeros = f", {self.zeros} zeros" if self.zeros else ""
        span = f"{self.min:.6g} ... {self.max:.6g}, mean {self.mean:.6g}"
        return f"{self.observed} observed{gaps}, {span}{zeros}"


def target_of(panel: Panel, filled: int) -> Target:
    """Counts and range of the observed values."""
    observed = panel.values[panel.observed]
    return Target(
        len(observed),
        int((~panel.observed).sum()),
        filled,
        float(observed.min()),
        float(observed.mean()),
        float(observed.max()),
        int((observed == 0).sum()),
    )


@dataclass(frozen=True)
class SeriesHealth:
    """One series that has something, worst first."""

    unique_id: str
    rows: int
    missing: int
    zeros: int
    is_constant: bool

    @property
    def badness(self) -> float:
        """The share of values that say nothing."""
        return 1.0 if self.is_constant else (self.missing + 0.5 * self.zeros) / max(self.rows, 1)


def worst_series(panel: Panel) -> list[SeriesHealth]:
    """The series with most values missing or zero, or with one value alone."""
    found = []
    for name, begin, end in zip(panel.unique_ids, panel.starts, panel.ends, strict=True):
        seen = panel.observed[begin:end]
        known = panel.values[begin:end][seen]
        health = SeriesHealth(
            name,
            int(end - begin),
            int((~seen).sum()),
            int((known == 0).sum()),
            bool(len(known) == 0 or known.min() == known.max()),
        )
        if health.badness > 0:
            found.append(health)
    return sorted(found, key=lambda health: -health.badness)[:_MOST]


def warnings_of(panel: Panel, train_ends: IntArray) -> list[str]:
    """What may be wrong with the values, in sentences."""
    observed = panel.values[panel.observed]
    return [
        *_codes(observed),
        *_odd_zeros(observed),
        *_constants(panel),
        *_outliers(panel),
        *_shifts(panel, train_ends),
    ]


def _codes(observed: FloatArray) -> Iterator[str]:
    for code in suspicious_codes(observed):
        count = int((observed == code).sum())
        yield (
            f"{code:g} stands {count} times, far from all other values: does it stand for a "
            f"missing one? `data.na_values: [{code:g}]`"
        )


def _odd_zeros(observed: FloatArray) -> Iterator[str]:
    """Zeros in a column that is never near zero."""
    zeros = int((observed == 0).sum())
    others = observed[observed != 0]
    if not 0 < zeros < _RARE * len(observed) or (others < 0).any():
        return
    if others.min() > 0.3 * np.median(others):
        yield (
            f"0 stands {zeros} times, and all other values are {others.min():g} or more: does it "
            "stand for a missing one? `data.na_values: [0]`"
        )


def _constants(panel: Panel) -> Iterator[str]:
    same = _by_series(np.minimum, panel) == _by_series(np.maximum, panel)
    names = [panel.unique_ids[i] for i in np.flatnonzero(same)]
    if names:
        yield f"of one value alone: {_shown(names)}."


def _by_series(ufunc: np.ufunc, panel: Panel) -> FloatArray:
    reduced: FloatArray = ufunc.reduceat(panel.values, panel.starts)
    return reduced


def _outliers(panel: Panel) -> Iterator[str]:
    """Values far beyond the quartiles of their series."""
    rows: list[int] = []
    for begin, end in zip(panel.starts, panel.ends, strict=True):
        y = panel.values[begin:end]
        low, high = np.quantile(y, (0.25, 0.75))
        far = _FAR * (high - low)
        if far > 0:
            rows += list(begin + np.flatnonzero((y < low - far) | (y > high + far)))
    if not 0 < len(rows) < _RARE * len(panel.values):
        return
    shown = np.array(rows[:_MOST])
    moments = iso(panel.dates(shown))
    values = ", ".join(
        f"{value:g} on {moment}" for value, moment in zip(panel.values[shown], moments, strict=True)
    )
    more = f" and {len(rows) - _MOST} more" if len(rows) > _MOST else ""
    yield f"far from the rest: {values}{more}."


def _shifts(panel: Panel, train_ends: IntArray) -> Iterator[str]:
    """Series whose test part lies on another level than all of the training part."""
    names = []
    spans = zip(panel.unique_ids, panel.starts, train_ends, panel.ends, strict=True)
    for name, begin, middle, end in spans:
        train, test = panel.values[begin:middle], panel.values[middle:end]
        if not len(test) or len(train) < 2:
            continue
        spread, level = np.ptp(train), np.median(test)
        if level > train.max() + 0.5 * spread or level < train.min() - 0.5 * spread:
            names.append(name)
    if names:
        yield f"on another level in the test part than ever before: {_shown(names)}."


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
