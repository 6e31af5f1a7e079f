"""What every transform answers to. A kind of transform is found in the module of its name.

Such a module has a `KIND`: the class of the fitted transform, and the function that fits it. A
library that only fitting needs is imported when something is fitted, since a forecast needs only
what came of it, and these libraries cost more to import than the forecast takes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from forecast.config.schema import TransformOptions
from forecast.data.panel import FloatArray, IntArray, Panel, Past


@dataclass(frozen=True)
class Terms:
    """What the code of a transform calls the things that it is about, for one series of a panel."""

    state: str
    """What `state` gave."""
    values: str
    """Rows of the series `(rows,)` up to the cutoff, its last row in the panel."""
    transformed: str
    """The same after the transform."""
    forecast_transformed: str
    """What is forecast of `transformed`, `(horizon, quantiles)`."""
    forecast: str
    """The same before the transform."""
    panel: Panel
    series: int


class Code(NamedTuple):
    """A fitted transform as Python for who has NumPy, as `np`, and not this program."""

    apply: str
    """From `Terms.values` to `Terms.transformed`."""
    invert: str
    """From `Terms.forecast_transformed` to `Terms.forecast`."""


class Transform(Protocol):
    """A fitted transform."""

    def apply(self, panel: Panel) -> Panel:
        """The same rows on the scale that the next transform, or the network, sees.

        The first rows of a series may be left without a value: as many as `reach` of the options.
        """

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` back on the scale of the panel that `apply` was given.

        The panel's rows up to each cutoff may be used (a difference needs them), later rows not.
        """

    def of(self, series: IntArray) -> Self:
        """The same for some of the series alone, in their order."""

    def code(self, terms: Terms) -> Code:
        """The same in NumPy alone, for one series."""

    def state(self) -> dict[str, Any]:
        """What was fitted, as plain JSON."""

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""


def _refuse_nothing(options: Any, panel: Panel) -> None:
    """Take any panel."""


def _keep_all(options: Any, fitted: Any, earlier: Any, places: IntArray) -> Any:
    """Take the earlier one, which knows nothing of series."""
    return earlier


@dataclass(frozen=True)
class Kind:
    """A kind of transform. What its functions take first is its own class of options."""

    fitted: type[Transform]
    fit: Callable[[Any, Past, int], Transform]
    """Fit to the rows of a past whose season has so many steps."""
    refuse: Callable[[Any, Panel], None] = _refuse_nothing
    """Raise `DataError` for values that no fit could make it work for."""
    keep: Callable[[Any, Any, Any, IntArray], Transform] = _keep_all
    """What an earlier fit found of the series that it knew, and a new one of the others.

    It takes options, the new fit, the earlier one and `places`: see `kept`.
    """


def kept(fitted: NDArray[Any], earlier: NDArray[Any], places: IntArray) -> NDArray[Any]:
    """Of each series `i` the row `places[i]` of an earlier fit; where that is -1, the own one.

    Raises `LookupError` where the earlier fit has no such row.
    """
    if earlier.shape[1:] != fitted.shape[1:] or places.max() >= len(earlier):
        raise LookupError("the series of an earlier fit are others")
    is_known = (places >= 0).reshape(-1, *(1,) * (fitted.ndim - 1))
    chosen: NDArray[Any] = np.where(is_known, earlier[places], fitted)
    return chosen


def numbers_of(numbers: NDArray[Any], series: IntArray) -> NDArray[Any]:
    """Of a number a series those of some; one for all series is that of each of them."""
    return numbers if len(numbers) == 1 else numbers[series]


def kind_of(options: TransformOptions) -> Kind:
    """The kind that these are options of."""
    kind: Kind = import_module(f"forecast.transforms.{options.kind}").KIND
    return kind
