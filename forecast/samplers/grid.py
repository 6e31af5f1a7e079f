"""All combinations in turn; where there are more than trials, some that are evenly spread."""

import math
from collections.abc import Sequence

from forecast.config.search import Choices, Range, Space
from forecast.errors import ConfigError, Problem
from forecast.samplers.random import number_at, steps_of
from forecast.samplers.sampler import Told, Values


class Grid:
    """Gives each trial the combination at its place."""

    batch: int | None = None

    def size(self, space: Space) -> int:
        """See `Sampler.size`. Raises `ConfigError` for a range of which all numbers count."""
        return math.prod(len(_values(key, own)) for key, own in space.items())

    def draw(
        self, space: Space, seed: int, numbers: range, of: int, told: Sequence[Told]
    ) -> list[Values]:
        """See `Sampler.draw`."""
        size = self.size(space)
        return [_combination(space, number * size // min(of, size)) for number in numbers]


def _combination(space: Space, place: int) -> Values:
    """The combination at a place, of which the last key changes first."""
    found: dict[str, object] = {}
    for key in reversed(list(space)):
        values = _values(key, space[key])
        place, own = divmod(place, len(values))
        found[key] = values[own]
    return {key: found[key] for key in space}


def _values(key: str, dimension: Choices | Range) -> Sequence[object]:
    if not isinstance(dimension, Range):
        return dimension
    if dimension.step is None and not (dimension.is_whole and not dimension.log):
        message = f"`search.space`: a grid has no end of numbers for {key}."
        advice = "Give its range a step, or a list of values; or choose another search.sampler."
        raise ConfigError(Problem(message, advice))
    return [number_at(dimension, step) for step in range(steps_of(dimension))]


SAMPLER = Grid
