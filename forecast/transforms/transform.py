"""What every transform answers to. A kind of transform is found in the module of its name.

Such a module has a `KIND`: the class of the fitted transform, and the function that fits it. A
library that only fitting needs is imported when something is fitted, since a forecast needs only
what came of it, and these libraries cost more to import than the forecast takes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, Self

from forecast.config.schema import TransformOptions
from forecast.data.panel import FloatArray, IntArray, Panel, Past


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

    def state(self) -> dict[str, Any]:
        """What was fitted, as plain JSON."""

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""


def _refuse_nothing(options: Any, panel: Panel) -> None:
    """Take any panel."""


@dataclass(frozen=True)
class Kind:
    """A kind of transform. What its functions take first is its own class of options."""

    fitted: type[Transform]
    fit: Callable[[Any, Past, int], Transform]
    """Fit to the rows of a past whose season has so many steps."""
    refuse: Callable[[Any, Panel], None] = _refuse_nothing
    """Raise `DataError` for values that no fit could make it work for."""


def kind_of(options: TransformOptions) -> Kind:
    """The kind that these are options of."""
    kind: Kind = import_module(f"forecast.transforms.{options.kind}").KIND
    return kind
