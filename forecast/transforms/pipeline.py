"""Transforms in a row: applied in order, inverted in the opposite order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Any, Protocol, Self

from forecast.config.schema import TransformOptions
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.transforms.affine import Affine
from forecast.transforms.boxcox import BoxCox
from forecast.transforms.deseasonalize import Deseasonalize
from forecast.transforms.difference import Difference
from forecast.transforms.log import Log


class Transform(Protocol):
    """A fitted transform."""

    @property
    def reach(self) -> int:
        """Rows at the start of each series that have no value after it."""

    def apply(self, panel: Panel) -> Panel:
        """The same rows in the units that the next transform, or the network, sees."""

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` back in the units of the panel that `apply` was given.

        The panel's rows up to each cutoff may be used (a difference needs them), later rows not.
        """

    def state(self) -> dict[str, Any]:
        """What was learned, as plain JSON."""

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The opposite of `state`."""


# What each kind of the config becomes once it is fitted.
FITTED: Mapping[str, type[Transform]] = {
    "boxcox": BoxCox,
    "deseasonalize": Deseasonalize,
    "difference": Difference,
    "log": Log,
    "log1p": Log,
    "minmax": Affine,
    "robust": Affine,
    "standard": Affine,
}


@dataclass(frozen=True)
class Pipeline:
    """Fitted transforms in the order of the config."""

    transforms: tuple[Transform, ...]

    @property
    def reach(self) -> int:
        """Rows at the start of each series that have no value after all of them."""
        return sum(transform.reach for transform in self.transforms)

    def apply(self, panel: Panel) -> Panel:
        """The panel in the units that the network sees."""
        return self._stages(panel)[-1]

    def invert(self, forecasts: FloatArray, cutoffs: IntArray, panel: Panel) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` in the units of `panel`, whose rows `cutoffs` names."""
        stages = self._stages(panel)
        for transform, before in zip(reversed(self.transforms), reversed(stages[:-1]), strict=True):
            forecasts = transform.invert(forecasts, cutoffs, before)
        return forecasts

    def _stages(self, panel: Panel) -> list[Panel]:
        """The panel before, between and after the transforms."""
        return list(accumulate(self.transforms, lambda p, t: t.apply(p), initial=panel))

    @property
    def pointwise(self) -> "Pipeline":
        """The first transforms, as far as each value has its own, whatever came before it."""
        return Pipeline(tuple(takewhile(lambda transform: not transform.reach, self.transforms)))

    @property
    def rest(self) -> "Pipeline":
        """The transforms after the pointwise ones."""
        return Pipeline(self.transforms[len(self.pointwise.transforms) :])

    def states(self) -> list[dict[str, Any]]:
        """What was learned, as plain JSON."""
        return [transform.state() for transform in self.transforms]

    @classmethod
    def from_states(
        cls, options: Sequence[TransformOptions], states: Sequence[dict[str, Any]]
    ) -> "Pipeline":
        """The pipeline again, from a valid config and what `states` gave."""
        pairs = zip(options, states, strict=True)
        return cls(tuple(FITTED[option.kind].from_state(state) for option, state in pairs))
