"""What every feature made from dates answers to. It is found in the module of its option's name.

Such a module has a `KIND`: the class of the fitted feature, the function that fits it, and the one
that says what no fit could mend.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from forecast.config.schema import DatedOptions
from forecast.data.calendar import Dates, dates
from forecast.data.panel import IntArray, Panel, Past

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Moments:
    """When the rows of series are: those of a panel, and some after the last of each."""

    unique_ids: tuple[str, ...]
    begins: Dates
    """The date of the first row of each series, `(series,)`."""
    series: IntArray
    """Of each row, `(rows,)`."""
    steps: IntArray
    """From the first row of its series to each row, `(rows,)`."""
    freq: str

    @classmethod
    def of(cls, panel: Panel, ahead: int = 0) -> "Moments":
        """The rows of a panel, and `ahead` more of each series."""
        lengths = np.diff(panel.offsets) + ahead
        series = np.repeat(np.arange(len(lengths)), lengths)
        steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return cls(panel.unique_ids, panel.begins, series, steps, panel.freq)

    @property
    def ds(self) -> Dates:
        """The date of each row, made anew at each call."""
        return dates(self.begins[self.series], self.steps, self.freq)


class Feature(Protocol):
    """A fitted feature: numbers that follow from dates."""

    @property
    def size(self) -> int:
        """How many numbers there are of each row."""

    def encode(self, moments: Moments) -> Matrix:
        """The numbers of each row, `(rows, size)`."""

    def state(self) -> dict[str, Any]:
        """What was fitted, as plain JSON."""

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""


Problem = tuple[str, str | None]
"""What is wrong, and the way out."""


def _suits(options: Any, panel: Panel) -> Problem | None:
    """Take any panel."""
    return None


@dataclass(frozen=True)
class Kind:
    """A kind of feature. What its functions take first is its option of `features`."""

    fitted: type[Feature]
    fit: Callable[[Any, Past], Feature]
    """Fit to the rows of a past. The size follows from options and frequency alone."""
    problem: Callable[[Any, Panel], Problem | None] = _suits
    """Why it can not be had of such a panel. Raises `MissingExtraError` where it takes an extra."""


def kind_of(name: str) -> Kind:
    """The kind of this name. Raises `LookupError` for one that the config does not have."""
    if name not in DatedOptions.model_fields:
        raise LookupError(name)
    kind: Kind = import_module(f"forecast.features.{name}").KIND
    return kind


def fit_features(options: DatedOptions, past: Past) -> dict[str, Feature]:
    """Each feature that the options ask for, fitted, by its name."""
    return {name: kind_of(name).fit(own, past) for name, own in options.dated.items()}


def encoded(features: Mapping[str, Feature], panel: Panel, ahead: int) -> list[Matrix]:
    """The numbers of each feature of all rows of a panel, and of `ahead` rows after each series."""
    if not features:
        return []
    moments = Moments.of(panel, ahead)
    return [feature.encode(moments) for feature in features.values()]


def unfit(options: DatedOptions, panel: Panel) -> Iterator[tuple[tuple[str, str], *Problem]]:
    """The features that such a panel can not have: the key, what is wrong, and the way out.

    Raises `MissingExtraError` where a feature needs an extra that is not installed.
    """
    for name, own in options.dated.items():
        problem = kind_of(name).problem(own, panel)
        if problem:
            yield ("features", name), *problem
