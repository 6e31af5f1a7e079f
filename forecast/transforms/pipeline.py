"""Transforms in a row, and several such rows side by side.

They are applied in order and inverted in the opposite order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice, takewhile
from typing import Any

from forecast.config.schema import FitOn, TransformOptions, reach
from forecast.data.panel import FloatArray, IntArray, Panel, Past
from forecast.transforms.transform import Transform, kind_of


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
    reach: int = 0
    """Rows at the start of each series that have no value after all of them."""

    def apply(self, panel: Panel) -> Transformed:
        """The panel on the scale after all of them."""
        stages = accumulate(self.transforms, lambda stage, next_: next_.apply(stage), initial=panel)
        return Transformed(self.transforms, tuple(stages))

    def of(self, series: IntArray) -> "Pipeline":
        """The same for some of the series alone, in their order."""
        return replace(self, transforms=tuple(own.of(series) for own in self.transforms))

    def states(self) -> list[dict[str, Any]]:
        """What was fitted, as plain JSON."""
        return [transform.state() for transform in self.transforms]

    @classmethod
    def from_states(
        cls,
        options: Sequence[TransformOptions],
        states: Sequence[dict[str, Any]],
        season_length: int,
    ) -> "Pipeline":
        """The pipeline again, from a valid config and what `states` gave."""
        pairs = zip(options, states, strict=True)
        transforms = [kind_of(option).fitted.from_state(state) for option, state in pairs]
        return cls(tuple(transforms), reach(options, season_length))


@dataclass(frozen=True)
class Pipelines:
    """The same data on the scales of several pipelines, which begin alike.

    What they share takes each value alone, whatever came before it. On the scale after it forecasts
    are combined and their errors measured: there these are alike at every level of the series (a
    logarithm makes them shares), and a difference has not yet made them depend on what came before.
    """

    shared: Pipeline
    branches: tuple[Pipeline, ...]
    """What each pipeline goes on with."""

    def of(self, series: IntArray) -> "Pipelines":
        """The same for some of the series alone, in their order."""
        return Pipelines(self.shared.of(series), tuple(own.of(series) for own in self.branches))

    def states(self) -> list[dict[str, Any]]:
        """What was fitted, as plain JSON: of what is shared, then of each branch."""
        return [state for pipeline in (self.shared, *self.branches) for state in pipeline.states()]

    @classmethod
    def from_states(
        cls,
        options: Sequence[Sequence[TransformOptions]],
        states: Sequence[dict[str, Any]],
        season_length: int,
    ) -> "Pipelines":
        """The pipelines again, from a valid config and what `states` gave."""
        count, left = shared_count(options), iter(states)
        parts = [options[0][:count], *(pipeline[count:] for pipeline in options)]
        shared, *branches = (
            Pipeline.from_states(part, list(islice(left, len(part))), season_length)
            for part in parts
        )
        return cls(shared, tuple(branches))


@dataclass(frozen=True)
class EarlierFit:
    """What an earlier fit of the same options found, to be kept for the series that it knew."""

    pipelines: Pipelines
    places: IntArray
    """Of each series `(series,)` its place in that fit; -1 for a new one, which is fitted."""

    @property
    def parts(self) -> list[tuple[Pipeline, IntArray] | None]:
        """What all pipelines share, then each branch, with the places."""
        own = self.pipelines
        return [(pipeline, self.places) for pipeline in (own.shared, *own.branches)]


def shared_count(pipelines: Sequence[Sequence[TransformOptions]]) -> int:
    """How many transforms all pipelines begin with that take each value alone."""
    alike = takewhile(
        lambda options: not options[0].reach(1) and all(other == options[0] for other in options),
        zip(*pipelines, strict=False),
    )
    return len(list(alike))


def fit_pipeline(
    options: Sequence[TransformOptions],
    pasts: Mapping[FitOn, Past],
    season_length: int,
    known: tuple[Pipeline, IntArray] | None = None,
) -> Pipeline:
    """Fit each transform on what the ones before it made of the rows that it may see.

    `known` is an earlier fit that is kept, and the place of each series in it: see `EarlierFit`.
    """
    transforms: list[Transform] = []
    for i, option in enumerate(options):
        kind = kind_of(option)
        transform = kind.fit(option, pasts[option.fit_on], season_length)
        if known is not None:
            pipeline, places = known
            transform = kind.keep(option, transform, pipeline.transforms[i], places)
        pasts = _applied(transform.apply, pasts, options[i + 1 :])
        transforms.append(transform)
    return Pipeline(tuple(transforms), reach(options, season_length))


def fit_pipelines(
    options: Sequence[Sequence[TransformOptions]],
    pasts: Mapping[FitOn, Past],
    season_length: int,
    earlier: EarlierFit | None = None,
) -> Pipelines:
    """Fit several pipelines, and what they share once; what an earlier fit knows is kept."""
    count = shared_count(options)
    known = [None] * (1 + len(options)) if earlier is None else earlier.parts
    shared = fit_pipeline(options[0][:count], pasts, season_length, known[0])
    left = [option for pipeline in options for option in pipeline[count:]]
    pasts = _applied(lambda panel: shared.apply(panel).panel, pasts, left)
    branches = [
        fit_pipeline(pipeline[count:], pasts, season_length, own)
        for pipeline, own in zip(options, known[1:], strict=True)
    ]
    return Pipelines(shared, tuple(branches))


def _applied(
    apply: Callable[[Panel], Panel], pasts: Mapping[FitOn, Past], left: Sequence[TransformOptions]
) -> dict[FitOn, Past]:
    """The pasts that transforms which are left are fitted on, after what came before these."""
    seen = {option.fit_on for option in left}
    return {name: Past(apply(past.panel)) for name, past in pasts.items() if name in seen}


def refuse_unfit(options: Sequence[Sequence[TransformOptions]], panel: Panel) -> None:
    """Raise `DataError` for values that the first transform of a pipeline can not work for.

    What later ones see depends on what was fitted.
    """
    for first in (pipeline[0] for pipeline in options if pipeline):
        kind_of(first).refuse(first, panel)
