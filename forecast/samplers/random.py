"""Any values, each as likely as the others: Bergstra, Bengio 2012, JMLR 13, 281-305."""

import math
from collections.abc import Sequence

import numpy as np

from forecast.config.search import Choices, Range, Space
from forecast.samplers.sampler import Told, Values


class Random:
    """Draws each trial from the seed and its number."""

    batch: int | None = None

    def size(self, space: Space) -> int | None:
        """See `Sampler.size`."""
        if any(isinstance(own, Range) and own.step is None for own in space.values()):
            return None
        return math.prod(_count(own) for own in space.values())

    def draw(
        self, space: Space, seed: int, numbers: range, of: int, told: Sequence[Told]
    ) -> list[Values]:
        """See `Sampler.draw`."""
        return [_draw(space, np.random.default_rng([seed, number])) for number in numbers]


def _count(dimension: Choices | Range) -> int:
    if isinstance(dimension, Range):
        return steps_of(dimension)
    return len(dimension)


def steps_of(dimension: Range) -> int:
    """How many numbers a range with a step has."""
    return math.floor((dimension.high - dimension.low) / (dimension.step or 1) + 1e-9) + 1


def number_at(dimension: Range, step: int) -> int | float:
    """The number so many steps above the lowest."""
    number = dimension.low + step * (dimension.step or 1)
    return number if dimension.is_whole else float(f"{number:.12g}")


def _draw(space: Space, random: np.random.Generator) -> Values:
    return {key: _value(dimension, random.random()) for key, dimension in space.items()}


def _value(dimension: Choices | Range, share: float) -> object:
    """The value that lies at a share, from 0 to 1, of a dimension."""
    if not isinstance(dimension, Range):
        return dimension[int(share * len(dimension))]
    if dimension.step is not None:
        return number_at(dimension, int(share * steps_of(dimension)))
    low, high = dimension.low, dimension.high
    if dimension.is_whole:  # each whole number has the same room
        low, high = low - 0.5, high + 0.5
    number = low * (high / low) ** share if dimension.log else low + share * (high - low)
    if dimension.is_whole:
        return round(min(max(number, dimension.low), dimension.high))
    return rounded(number, dimension)


def rounded(number: float, dimension: Range) -> float:
    """A number of a range as a person would write it."""
    return min(max(float(f"{number:.4g}"), dimension.low), dimension.high)


SAMPLER = Random
