"""Which numbers of a network's inputs are which feature's."""

from itertools import accumulate, pairwise

from forecast.config.schema import FeaturesOptions
from forecast.features.encoder import Encoder
from forecast.windows import Sizes

Place = tuple[str, slice]
"""A part of `Inputs`, and which of its features."""


def sizes_of(encoder: Encoder | None, options: FeaturesOptions) -> Sizes:
    """How many features there are beside the target: covariates, and what it was itself."""
    sizes = encoder.sizes if encoder else Sizes()
    return sizes._replace(rolling_means=len(options.rolling_means), lags=len(options.lags))


def places_of(encoder: Encoder | None, options: FeaturesOptions) -> dict[str, list[Place]]:
    """Where the numbers of each feature stand, in the order of `Sizes`.

    Columns are called by their name, and what `features` asks for `features.NAME`, of lags and
    rolling means with the steps.
    """
    numbers = encoder.numbers if encoder else {}
    past, known, static = (numbers.get(name, []) for name in ("past", "known", "static"))
    means = [(f"features.rolling_means {length}", 1) for length in options.rolling_means]
    lags = [(f"features.lags {lag}", 1) for lag in options.lags]
    found: dict[str, list[Place]] = {}
    target = 1
    for part, first, features in (
        ("past", target, [*means, *lags, *past, *known]),
        ("future", 0, [*lags, *known]),
        ("static", 0, static),
    ):
        bounds = accumulate((size for _, size in features), initial=first)
        for (name, _), (begin, end) in zip(features, pairwise(bounds), strict=True):
            found.setdefault(name, []).append((part, slice(begin, end)))
    return found


def part_of(places: list[Place]) -> str:
    """Which of past, known and static features one is that stands in these places."""
    return {"past": "past", "future": "known", "static": "static"}[places[-1][0]]
