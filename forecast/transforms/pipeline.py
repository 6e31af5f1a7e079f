"""Transforms in a row, and several such rows side by side.

They are applied in order and inverted in the opposite order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, takewhile
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
class Transformed:
    """A panel after some transforms, which knows the way back.

    `stages` are the panel before, between and after them.
    """

    transforms: tuple[Transform, ...]
    stages: tuple[Panel, ...]

    @property
    def panel(self) -> Panel:
        """The panel on the scale after all transforms."""
        return self.stages[-1]

    def invert(self, forecasts: FloatArray, cutoffs: IntArray) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` back on the scale of the first stage."""
        for transform, before in zip(reversed(self.transforms), self.stages[-2::-1], strict=True):
            forecasts = transform.invert(forecasts, cutoffs, before)
        return forecasts


@dataclass(frozen=True)
class Pipeline:
    """Fitted transforms in the order of the config."""

    transforms: tuple[Transform, ...]

    @property
    def reach(self) -> int:
        """Rows at the start of each series that have no value after all of them."""
        return sum(transform.reach for transform in self.transforms)

    def apply(self, panel: Panel) -> Transformed:
        """The panel on the scale after all of them."""
        stages = accumulate(self.transforms, lambda stage, next_: next_.apply(stage), initial=panel)
        return Transformed(self.transforms, tuple(stages))

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


@dataclass(frozen=True)
class Pipelines:
    """The same data in the units of several pipelines, which begin alike.

    What they share takes each value alone, whatever came before it. In the units after it forecasts
    are combined and their errors measured: there these are alike at every level of the series (a
    logarithm makes them shares), and a difference has not yet made them depend on what came before.
    """

    shared: Pipeline
    branches: tuple[Pipeline, ...]
    """What each pipeline goes on with."""

    def states(self) -> list[dict[str, Any]]:
        """What was learned, as plain JSON: of what is shared, then of each branch."""
        return [state for pipeline in (self.shared, *self.branches) for state in pipeline.states()]

    @classmethod
    def from_states(
        cls, options: Sequence[Sequence[TransformOptions]], states: Sequence[dict[str, Any]]
    ) -> "Pipelines":
        """The pipelines again, from a valid config and what `states` gave."""
        count, left = shared_count(options), iter(states)
        parts = [options[0][:count], *(pipeline[count:] for pipeline in options)]
        shared, *branches = (
            Pipeline.from_states(part, list(islice(left, len(part)))) for part in parts
        )
        return cls(shared, tuple(branches))


def shared_count(pipelines: Sequence[Sequence[TransformOptions]]) -> int:
    """How many transforms all pipelines begin with that take each value alone."""
    alike = takewhile(
        lambda options: not options[0].reach(1) and all(other == options[0] for other in options),
        zip(*pipelines, strict=False),
    )
    return len(list(alike))
