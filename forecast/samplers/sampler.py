"""What every sampler answers to, and how one is found by its name: it is a module beside this."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple, Protocol

from forecast.config.search import Space

Values = Mapping[str, object]
"""The value of each key of a space."""


class Told(NamedTuple):
    """A trial that has been judged."""

    values: Values
    score: float | None
    """What is to be small; None of a trial that could not be judged."""


class Sampler(Protocol):
    """Draws trials, of which each follows from the seed and from what has been judged alone."""

    batch: int | None
    """How many trials are drawn before the sampler is told how these did; None for all."""

    def size(self, space: Space) -> int | None:
        """How many different trials there are; None where there is no end to them."""

    def draw(
        self, space: Space, seed: int, numbers: range, of: int, told: Sequence[Told]
    ) -> list[Values]:
        """The values of the trials of these numbers, of so many in all.

        `told` are those of lower numbers, where the sampler has batches.
        """


def named_sampler(name: str) -> Sampler:
    """The sampler of a name. Raises `MissingExtraError` where its extra is not installed."""
    sampler: Sampler = import_module(f"forecast.samplers.{name}").SAMPLER()
    return sampler
